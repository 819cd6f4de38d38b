"""The schemas of agreements and calendars: they take what the program takes, and are printed for editors."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema_rs import Draft202012Validator

from connector import yaml12
from connector.cli import main
from connector.domain.agreements.profile_format import parse
from connector.domain.calendar import ServiceCalendar
from connector.domain.errors import ConfigError
from connector.domain.problems import Problems
from connector.schemas.published import SCHEMAS
from connector.web.pages.agreement_texts import STARTERS

ROOT = Path(__file__).parents[2]
VALID = {name: Draft202012Validator(SCHEMAS[name]()) for name in ("profile", "calendar")}


def errors(name: str, data: Any) -> list[str]:
    return [error.message for error in VALID[name].iter_errors(data)]


def written() -> dict[str, tuple[str, str]]:
    """Every agreement and calendar in this repository: where it is -> which schema, and its text."""
    found: dict[str, tuple[str, str]] = {}
    for folder in ("sla_profiles", "docs/examples"):
        for part in ("customers", "operations", "suppliers", "calendars"):
            schema = "calendar" if part == "calendars" else "profile"
            for path in (ROOT / folder).glob(f"**/{part}/*.yaml"):
                found[str(path.relative_to(ROOT))] = (schema, path.read_text(encoding="utf-8"))
    for page in (ROOT / "docs").glob("*.md"):
        for i, block in enumerate(re.findall(r"```yaml\n(.*?)```", page.read_text(encoding="utf-8"), re.S)):
            first = next(line for line in block.splitlines() if not line.startswith("#")).partition(":")[0]
            if first in VALID:
                found[f"docs/{page.name} {i}"] = (first, block)
    for part, text in STARTERS.items():
        if part in ("customers", "operations", "suppliers", "calendars"):
            found[f"a new file of {part}"] = ("calendar" if part == "calendars" else "profile", text)
    return found


WRITTEN = written()


def test_there_are_examples_everywhere() -> None:
    assert {name.partition("/")[0].partition(" ")[0] for name in WRITTEN} == {"sla_profiles", "docs", "a"}
    assert {"docs/calendars.md 0", "docs/sla-profiles.md 0"} <= WRITTEN.keys()


@pytest.mark.parametrize("name", sorted(WRITTEN))
def test_what_is_written_in_this_repository_is_valid(name: str) -> None:
    schema, text = WRITTEN[name]
    assert errors(schema, yaml12.parse(text.encode(), name).data) == []


CONDITIONS = st.recursive(
    st.sampled_from([{}, {"state": "pending"}, {"state": ["new", "closed"]}, {"customer": "A"}, {"supplier": None},
                     {"custom.users": ">= 100"}, {"category": {"like": "N*"}}, {"tags": "vip"}, {"acknowledged": True},
                     {"reassignments": ">= 2"}, {"reopenings": 2}, {"level": 2}, {"priority": ["P1", "P2"]}]),
    lambda inner: st.lists(inner, min_size=1, max_size=2).flatmap(
        lambda parts: st.sampled_from([{"any": parts}, {"all": parts}, {"not": parts[0]}])), max_leaves=4)
DURATIONS = st.sampled_from(["15m", "1h 30m", "2d", "1w", "90s", "3 working days", "1 business day"])
AMOUNTS = DURATIONS | st.fixed_dictionaries({"within": DURATIONS}, optional={
    "calendar": st.just("24x7"), "at": st.just("end of day")})
REOPEN = st.fixed_dictionaries({}, optional={"within": st.just("5d"), "then": st.sampled_from(["resume", "new cycle"]),
                                             "else": st.sampled_from(["resume", "new cycle"])})
PAUSES = CONDITIONS | st.lists(st.fixed_dictionaries({"when": CONDITIONS}, optional={
    "reason": st.just("x"), "at_most": st.just("10d"), "times": st.integers(0, 3)}), max_size=2)
KINDS = {**dict.fromkeys(("start", "resume", "stop", "reset", "cancel"), CONDITIONS), "pause": PAUSES}
CHAINS = st.sampled_from(["weekdays", {"from": ["contract", "site"], "else": "x"}, {"from": "site", "else": "x"},
                          {"else": "x"}])
TARGETS = st.dictionaries(
    st.sampled_from(["acknowledge", "first_response", "next_response", "update", "resolution"]),
    AMOUNTS | st.dictionaries(st.sampled_from(["P1", "P5", "else"]), AMOUNTS, min_size=1)
    | st.fixed_dictionaries({"within": DURATIONS, "conditions": st.fixed_dictionaries({}, optional=KINDS)}),
    min_size=1, max_size=2)
PROFILES = st.fixed_dictionaries(
    {"profile": st.just("p"), "agreement": st.sampled_from(["sla", "ola", "uc"]), "calendar": CHAINS,
     "targets": TARGETS},
    optional={
        "timezone": CHAINS, "applies_to": CONDITIONS, "description": st.just("d"), "escalate": st.just("ladder"),
        "conditions": st.fixed_dictionaries({}, optional={**KINDS, "reopen": REOPEN}), "reopen": REOPEN,
        "classification": st.fixed_dictionaries({}, optional={
            "matrix": st.just({"high": {"low": "P3"}}),
            "major_incident": st.fixed_dictionaries({"when": CONDITIONS})}),
        "retroactive": st.fixed_dictionaries({}, optional={
            "start": st.sampled_from(["opened", "assigned", "attached", "created", True, False]),
            "set_start_to": st.just("opened"), "pauses": st.sampled_from(["kept", "dropped"])}),
        "responder": st.fixed_dictionaries({}, optional={
            "roles": st.just(["agent", "supplier"]), "internal_notes": st.booleans(), "automatic": st.booleans()}),
        "on_change": st.just({"floor": "15m"}), "manual_due": st.sampled_from(["wins", "ignored"]),
        "children": st.sampled_from(["own clock", "no clock"]), "nests": st.just(["x"]),
        "coverage": st.just({"included": "all"})})


@settings(max_examples=300, deadline=None, derandomize=True)
@given(PROFILES)
def test_a_profile_the_program_takes_is_valid(data: dict[str, Any]) -> None:
    if parse(data, Problems()) is not None:
        assert errors("profile", data) == []


WINDOWS = st.lists(st.sampled_from([["08:00", "12:00"], ["13:00", "24:00"], ["22:00", "06:00:30"]]), max_size=2)
PLAN = {
    "hours": st.sampled_from(["24x7", "always"]) | st.dictionaries(st.sampled_from(["mon", "tue-thu", "sun"]), WINDOWS),
    "holidays": st.lists(st.sampled_from([
        "2026-01-01", {"date": "2026-01-02", "name": "x"}, {"from": "2026-05-01", "to": "2026-05-03"},
        {"every": "12-24", "until": "12-26", "name": "x"}, {"every": "02-29"},
        {"country": "CH", "subdivision": "ZH", "language": "de", "categories": ["public"]}]), max_size=3),
    "breaks": st.just([{"date": "2026-06-04", "from": "09:00", "to": "11:00", "name": "x"}]),
    "shifts": st.dictionaries(st.sampled_from(["2026-12-31", "2026-12-24"]), WINDOWS),
    "holiday_rule": st.sampled_from(["date", "shift"]),
}
CALENDARS = st.fixed_dictionaries({"calendar": st.just("c"), "timezone": st.just("Europe/Zurich")}, optional={
    **PLAN, "description": st.just("d"), "effective_from": st.just("2020-01-01"),
    "versions": st.lists(st.fixed_dictionaries({"effective_from": st.just("2027-01-01")}, optional=PLAN), max_size=1)})


@settings(max_examples=200, deadline=None, derandomize=True)
@given(CALENDARS)
def test_a_calendar_the_program_takes_is_valid(data: dict[str, Any]) -> None:
    try:
        ServiceCalendar.from_dict(data)
    except ConfigError:
        return
    assert errors("calendar", data) == []


@pytest.mark.parametrize("name", sorted(SCHEMAS))
def test_schemas_are_printed_for_editors(name: str) -> None:
    done = CliRunner().invoke(main, ["schema", name])
    assert done.exit_code == 0, done.output
    assert json.loads(done.output)["$schema"].startswith("https://json-schema.org/")
    assert CliRunner().invoke(main, ["schema", "nonsense"]).exit_code == 2
