"""What tools are told of clocks: checked when the mapping is read, and written only when it changed."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from connector import yaml12
from connector.domain.agreements import write_back
from connector.domain.agreements.engine import clocks
from connector.domain.agreements.profile import Agreement, TargetName
from connector.domain.agreements.write_back import Part, Told
from connector.domain.errors import ConfigError
from connector.domain.history import Event, EventKind, Origin, Role, effective
from connector.domain.mapping import Mapping
from connector.domain.ticket import State, Ticket
from tests.domain.agreements.test_engine import MON, profile, registry, ticket
from tests.domain.calendars.test_calendar import local
from tests.domain.mappings.trial_mapping import GLPI, load

FIELD = {"from": "plugin_due", "owner": "connector", "write": True}
RESOLUTION = {f"custom.{part}": Told(Agreement.SLA, TargetName.RESOLUTION, part) for part in Part}


def mapped(clocks: Any, field: Any = FIELD, vendor: str = "glpi") -> Any:
    data = yaml12.parse(GLPI.encode()).data
    data["fields"]["custom.sla"] = field
    return Mapping.from_dict({**data, "vendor": vendor, "clocks": clocks})


def complaints(clocks: Any, field: Any = FIELD, vendor: str = "glpi") -> list[str]:
    with pytest.raises(ConfigError) as caught:
        mapped(clocks, field, vendor)
    return [f"{problem.path}: {problem.message}" for problem in caught.value.problems]


def test_a_field_of_ones_own_is_told_a_part_of_a_clock() -> None:
    assert mapped({"custom.sla": "resolution.due"}).clocks == {"custom.sla": RESOLUTION["custom.due"]}
    assert mapped({"custom.sla": "ola.first_response.state"}).clocks["custom.sla"].agreement == "ola"
    assert load(GLPI).clocks == {}


@pytest.mark.parametrize(("clocks", "field", "said"), [
    ({"custom.none": "resolution.due"}, FIELD, "`custom.none` is not among the `fields`"),
    ({"due_at": "resolution.due"}, FIELD, "only fields of one's own"),
    ({"custom.sla": "resolution.dux"}, FIELD, "unknown `dux`, did you mean `due`?"),
    ({"custom.sla": "slo.resolution.due"}, FIELD, "unknown `slo`"),
    ({"custom.sla": "due"}, FIELD, "expected a part of a clock"),
    ({"custom.sla": ["resolution.due"]}, FIELD, "expected a part of a clock"),
    ("custom.sla", FIELD, "expected a table"),
    ({"custom.sla": "resolution.due"}, {"from": "plugin_due"}, "cannot be written: give it `write`"),
    ({"custom.sla": "resolution.due"}, {"from": "plugin_due", "write": True}, "must have `owner: connector`"),
    ({"custom.sla": "resolution.due"}, {**FIELD, "from": "time_to_resolve"}, "service level of glpi itself"),
])  # fmt: skip
def test_what_cannot_be_is_told_when_the_mapping_is_read(clocks: Any, field: Any, said: str) -> None:
    assert any(said in text for text in complaints(clocks, field))


def test_no_native_field_of_a_service_level_is_ever_written() -> None:
    """Trap 36: a tool that computes its own would overwrite ours, and we its, for ever."""
    for name in write_back.NATIVE:
        said = complaints({"custom.sla": "resolution.due"}, {**FIELD, "from": name})
        assert any(f"`{name}` belongs to the service level of" in text for text in said)


def told(one: Ticket, at: Any, events: list[Event] | None = None) -> dict[str, Any]:
    line = events or []
    return write_back.wanted(RESOLUTION, clocks(one, effective(line), registry(), at), one, line)


def test_due_is_utc_text_to_the_second() -> None:
    assert told(ticket(), MON)["custom.due"] == "2026-03-03 07:30:00"
    assert write_back.written_time(local(2026, 7, 1, 9, 0) + timedelta(microseconds=999_999)) == "2026-07-01 07:00:00"


def test_while_a_clock_runs_nothing_new_is_written() -> None:
    first = told(ticket(), MON)
    assert first == {"custom.due": "2026-03-03 07:30:00", "custom.state": "running", "custom.remaining": "8:00:00"}
    kept = replace(ticket(), custom={name[7:]: value for name, value in first.items()})
    for minutes in (1, 17, 299):
        assert told(kept, MON + timedelta(minutes=minutes)) == {}, "remaining is told at a change, not at every tick"


def test_a_breach_changes_the_state_and_leaves_nothing() -> None:
    found = told(ticket(), MON + timedelta(days=3))
    assert found["custom.state"] == "breached"
    assert found["custom.remaining"] == "0:00:00"


def test_a_ticket_without_clock_has_its_fields_emptied() -> None:
    one = replace(ticket(customer="Nobody"), custom={"due": "2026-03-03 07:30:00"})
    assert told(one, MON) == {"custom.due": None}


def ours(field: str, value: Any) -> Event:
    return Event(key=f"own/1/{field}", at=MON, kind=EventKind.CHANGED, field=field, old=None, new=value,
                 role=Role.CONNECTOR, origin=Origin.CONNECTOR)


def test_a_value_the_tool_did_not_keep_is_not_written_again() -> None:
    events = [ours("custom.due", "2026-03-03 07:30:00"), ours("custom.state", "running")]
    refused = told(ticket(), MON, events)
    assert set(refused) == {"custom.remaining"}
    assert told(ticket(), MON + timedelta(days=3), events)["custom.state"] == "breached", "another value is"


def test_a_ticket_that_ended_before_is_left_alone() -> None:
    ended = ticket(state=State.RESOLVED)
    assert told(ended, MON + timedelta(days=3)) == {}
    assert told(ended, MON + timedelta(days=3), [ours("custom.state", "running")]) != {}
    assert told(replace(ticket(), deleted=True), MON) == {}


@pytest.mark.parametrize(("seconds", "text"), [(0, "0:00:00"), (59, "0:00:59"), (-3661, "-1:01:01"),
                                               (360_000, "100:00:00")])
def test_remaining_is_hours_minutes_seconds(seconds: int, text: str) -> None:
    assert write_back.written_span(timedelta(seconds=seconds)) == text


def test_a_party_beside_the_group_is_not_what_the_tool_is_told() -> None:
    given = "agreement: ola, calendar: weekdays, targets: {resolution: %s}"
    net, watch = (profile(f"{{profile: {name}, {given % within}, {more}}}")
                  for name, within, more in (("net", "8h", ""), ("watch", "1h", "party: watch")))
    one = ticket(group="N")
    result = clocks(one, [], registry(net, watch), MON)
    assert {named.profile.name for named in result.clocks} == {"net", "watch"}
    said = {"custom.due": Told(Agreement.OLA, TargetName.RESOLUTION, Part.DUE)}
    assert write_back.wanted(said, result, one, []) == {"custom.due": "2026-03-03 07:30:00"}
