"""`connector sla`: what it says of tickets and agreements, and of everything that cannot be."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from click.testing import CliRunner

from connector.cli import main
from connector.domain.history import Event, EventKind, Role
from connector.domain.ticket import Kind, PendingOn, State, Ticket
from connector.ports import Change
from connector.store import admin
from connector.store import open as open_store

ROOT = Path(__file__).parents[2]
OPENED = datetime(2026, 3, 2, 8, tzinfo=UTC)
NOW = datetime(2026, 3, 2, 13, tzinfo=UTC)
PROFILE = """\
profile: gold
agreement: sla
applies_to: {customer: ACME}
calendar: weekdays
targets:
  resolution: {P1: 2h, P2: 8h}
conditions:
  pause: {state: pending, pending_on: [customer]}
"""
CALENDAR = """\
calendar: weekdays
timezone: Europe/Zurich
hours:
  mon-fri: [["08:00", "12:00"], ["13:00", "17:30"]]
holidays: ["2026-03-03"]
"""


class Desk:
    """A deployment with two tickets: INC1 waited an hour for the customer, INC2 belongs to nobody."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.agreements = folder / "sla_profiles"
        for part, text in (("customers/gold", PROFILE), ("calendars/weekdays", CALENDAR)):
            file = self.agreements / f"{part}.yaml"
            file.parent.mkdir(parents=True)
            file.write_text(text)
        (folder / "connector.yaml").write_text(f"name: desk\nstore: {{url: 'sqlite:///{folder}/connector.db'}}\n")
        admin.upgrade(f"sqlite:///{folder}/connector.db")
        self.save("1", number="INC1", customer="ACME", priority="P2", state=State.IN_PROGRESS)
        self.save("2", number="INC2", customer="Nobody", priority="P2", state=State.NEW)

    def save(self, id: str, **fields: Any) -> None:
        ticket = Ticket(tool="glpi", id=id, kind=Kind.INCIDENT, opened_at=OPENED, updated_at=OPENED, title="Mail",
                        **fields)
        moves = [("state", State.NEW, State.PENDING), ("pending_on", None, PendingOn.CUSTOMER),
                 ("state", State.PENDING, State.IN_PROGRESS), ("pending_on", PendingOn.CUSTOMER, None)]
        events = [Event(key=f"e{i}", seq=i, at=OPENED + timedelta(hours=1 + i // 2), kind=EventKind.CHANGED,
                        field=field, old=old, new=new, role=Role.AGENT) for i, (field, old, new) in enumerate(moves)]
        store = open_store(f"sqlite:///{self.folder}/connector.db")
        with store.begin() as tx:
            key = tx.save([Change(ticket=ticket)])[0]
            tx.append((key, event) for event in events)
        store.close()

    def edited(self, old: str, new: str, part: str = "customers/gold") -> Path:
        """A copy of the agreements with a change."""
        copy = self.folder / "edited"
        shutil.copytree(self.agreements, copy, dirs_exist_ok=True)
        file = copy / f"{part}.yaml"
        assert old in file.read_text()
        file.write_text(file.read_text().replace(old, new))
        return copy

    def run(self, *arguments: str | Path, code: int = 0, stdin: str | bytes | None = None) -> str:
        done = CliRunner().invoke(main, ["--config", str(self.folder / "connector.yaml"), "sla",
                                         *map(str, arguments)], input=stdin)
        assert done.exit_code == code, done.output
        assert done.exception is None or isinstance(done.exception, SystemExit)
        return done.output.replace(str(self.folder), "")


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with time_machine.travel(NOW, tick=False):
        yield Desk(tmp_path)


# explain


def test_explain_prints_the_ledger_in_the_zone_of_the_calendar(desk: Desk) -> None:
    said = desk.run("explain", "INC1")
    assert said.startswith("INC1  Mail\nas of 2026-03-02 13:00:00 UTC\n")
    for line in (
        "gold version", "resolution RUNNING",
        "due        2026-03-04 09:30:00 CET",
        "target     8h = 8 h 00 min 00 s, priority P2",
        "used       3 h 00 min 00 s, paused 1 h 00 min 00 s, remaining 5 h 00 min 00 s",
        "calendar   weekdays (from profile), zone Europe/Zurich (from calendar)",
        "applies    customer = ACME",
        "thresholds 50 % 2026-03-02 15:00:00 CET, 75 % 2026-03-02 17:00:00 CET, 100 % 2026-03-04 09:30:00 CET",
        "2026-03-02 10:00:00 CET .. 2026-03-02 11:00:00 CET  paused",
        "Mon 2026-03-02 13:00:00 .. 14:00:00 CET  1 h 00 min 00 s",
        "2026-03-03 closed: holiday",
    ):
        assert line in said, said
    assert "UTC" not in said.split("\n", 2)[2]


def test_explain_for_machines_and_as_of_another_moment(desk: Desk) -> None:
    told = json.loads(desk.run("explain", "glpi/1", "--json", "--at", "2026-03-02T10:30:00+01:00"))
    clock = told["clocks"][0]
    assert (told["ticket"], told["now"], clock["state"], clock["remaining"]) == (
        "glpi/1", "2026-03-02T09:30:00+00:00", "paused", 7 * 3600)
    assert json.loads(desk.run("explain", "1", "--json"))["clocks"][0]["due"] == "2026-03-04T09:30:00+01:00"


def test_explain_says_why_a_ticket_has_no_clock(desk: Desk) -> None:
    assert "! no profile applies to this ticket" in desk.run("explain", "INC2")


def test_a_due_beyond_the_known_holidays_is_explained_with_a_warning(desk: Desk) -> None:
    desk.edited("P2: 8h", "P2: 2000h")
    shutil.copytree(desk.folder / "edited", desk.agreements, dirs_exist_ok=True)
    assert "! holidays are known until 2026-12-31 only, and 2027-01-" in desk.run("explain", "INC1")


@pytest.mark.parametrize(("arguments", "said"), [
    (("INC9",), "there is no ticket INC9 (give a number, TOOL/ID or our key)"),
    (("glpi/9",), "there is no ticket glpi/9"), (("99",), "there is no ticket 99"),
    (("INC1", "--at", "noon"), "--at: 'noon' is not a time with its zone, like 2026-03-02T08:00:00+01:00"),
    (("INC1", "--at", "2026-03-02T12:00:00"), "is not a time with its zone"),
])
def test_explain_tells_what_it_was_not_given(desk: Desk, arguments: tuple[str, ...], said: str) -> None:
    assert said in desk.run("explain", *arguments, code=1)


def test_wrong_agreements_in_force_are_told_all_at_once(desk: Desk) -> None:
    wrong = desk.edited("agreement: sla", "agreement: slo")
    (wrong / "calendars/weekdays.yaml").write_text(CALENDAR.replace("Europe/Zurich", "Europe/Zurch"))
    shutil.copytree(wrong, desk.agreements, dirs_exist_ok=True)
    said = desk.run("explain", "INC1", code=1).splitlines()
    assert [line.partition(": ")[0] for line in said] == [
        "/sla_profiles/calendars/weekdays.yaml:2:1", "/sla_profiles/customers/gold.yaml:2:1"]


@pytest.mark.parametrize("command", [("explain", "INC1"), ("diff", "--profiles", "."), ("apply",), ("backtest",)])
def test_without_agreements_every_command_says_so(desk: Desk, command: tuple[str, ...]) -> None:
    shutil.rmtree(desk.agreements)
    (desk.folder / "empty").mkdir()
    arguments = [str(desk.folder / "empty") if part == "." else part for part in command]
    assert "/sla_profiles does not exist" in desk.run(*arguments, code=1)


# diff and apply


def test_diff_tells_what_edited_agreements_would_do_and_changes_nothing(desk: Desk) -> None:
    assert "no open clock would change" in desk.run("diff", "--profiles", desk.agreements)
    edited = desk.edited("P2: 8h", "P2: 2h")
    assert desk.run("diff", "--profiles", edited) == (
        "INC1\tgold/resolution/1\tbreached\t2026-03-04 09:30:00+01:00 -> 2026-03-02 12:00:00+01:00\n1 breached\n")
    told = json.loads(desk.run("diff", "--profiles", edited, "--json"))
    assert told["counts"] == {"breached": 1}
    assert (told["tickets"][0]["number"], told["tickets"][0]["clocks"][0]["old_state"]) == ("INC1", "running")
    assert "2026-03-04 09:30:00" in desk.run("explain", "INC1")


def test_diff_of_a_calendar_names_moved_dues(desk: Desk) -> None:
    edited = desk.edited('holidays: ["2026-03-03"]', "holidays: []", "calendars/weekdays")
    assert "moved\t2026-03-04 09:30:00+01:00 -> 2026-03-03 09:30:00+01:00" in desk.run("diff", "--profiles", edited)


def test_diff_refuses_wrong_files_with_every_place(desk: Desk) -> None:
    edited = desk.edited("{P1: 2h, P2: 8h}", "{P1: 2 hours, P6: 8h}")
    (edited / "directory.yaml").write_text("customers: {ACME: {calendar: weekday}}\n")
    said = desk.run("diff", "--profiles", edited, code=1).splitlines()
    assert [line.partition(": ")[0] for line in said] == [
        "/edited/customers/gold.yaml:6:16", "/edited/customers/gold.yaml:6:29", "/edited/directory.yaml:1:20"]


def test_apply_binds_open_clocks_once_and_on_record(desk: Desk) -> None:
    store = open_store(f"sqlite:///{desk.folder}/connector.db")
    desk.run("explain", "INC1")
    assert desk.run("apply") == "0 tickets bound to new versions\n", "nothing holds a version yet"
    from connector.domain.agreements.assess import agreed

    with store.begin() as tx:
        tx.append([(1, agreed("gold", "old", OPENED))])
    assert desk.run("apply", "--profile", "gold", "--by", "ana") == "1 tickets bound to new versions\n"
    assert desk.run("apply") == "0 tickets bound to new versions\n"
    told = json.loads(desk.run("apply", "--profile", "gold", "--json"))
    assert (told["tickets"], list(told["versions"])) == (0, ["gold"])
    from connector.store.queries import Queries

    kept = Queries(store).audit().items
    store.close()
    assert [(entry.actor, entry.action, entry.subject) for entry in kept] == [("ana", "agreement.apply", "glpi/1")]


def test_apply_refuses_profiles_that_are_not_there(desk: Desk) -> None:
    said = desk.run("apply", "--profile", "golt", "--profile", "gold", "--profile", "silver", code=1)
    assert said == ("--profile: there is no profile `golt`, did you mean `gold`?\n"
                    "--profile: there is no profile `silver` (expected one of gold)\n")


# backtest


def test_backtest_counts_and_compares_with_what_is_in_force(desk: Desk) -> None:
    file = desk.edited("P2: 8h", "P2: 2h") / "customers/gold.yaml"
    told = json.loads(desk.run("backtest", "--profile", file, "--as-of", "2026-03-05", "--workers", "1", "--json"))
    assert (told["tickets"], told["unmatched"]) == (2, 1)
    assert told["targets"]["resolution"]["all"]["all"]["breached"] == 1
    assert told["targets"]["resolution"]["priority"]["P2"]["met_share"] == 0.0
    assert told["compared"][0]["tickets"] == 1
    said = desk.run("backtest", "--profile", file, "--as-of", "2026-03-03", "--workers", "1")
    assert "2 tickets, 1 without a clock" in said
    assert "against the profiles in force" in said


def test_backtest_takes_only_what_was_asked_for(desk: Desk) -> None:
    def tickets(*arguments: str) -> int:
        return int(json.loads(desk.run("backtest", "--workers", "1", "--json", *arguments))["tickets"])

    assert tickets("--where", "{customer: ACME}") == 1
    assert tickets("--from", "2026-03-03") == 0
    assert tickets("--from", "2026-03-02", "--to", "2026-03-03") == 2


def test_backtest_goes_on_where_it_stopped_and_refuses_the_progress_of_another_question(desk: Desk) -> None:
    state = desk.folder / "state.json"
    asked = ("backtest", "--workers", "1", "--json", "--as-of", "2026-03-05", "--state", state)
    first = desk.run(*asked)
    kept = json.loads(state.read_bytes())
    assert kept["left"] == []
    assert desk.run(*asked) == first, "all of it from the file"
    assert "is the progress of another question" in desk.run(*asked, "--where", "{customer: ACME}", code=1)
    assert "is the progress of another question" in desk.run(*asked[:-3], "2026-03-04", *asked[-2:], code=1)
    open_ended = ("backtest", "--workers", "1", "--json", "--state", desk.folder / "now.json")
    begun = desk.run(*open_ended)
    with time_machine.travel(NOW + timedelta(days=9), tick=False):
        assert desk.run(*open_ended) == begun, "read at the moment it was begun"
    state.write_text("{")
    assert "is not the progress of a backtest" in desk.run(*asked, code=1)


@pytest.mark.parametrize(("arguments", "said"), [
    (("--where", "{custmer: ACME}"), "--where:1:2: custmer: unknown field `custmer`, did you mean `customer`?"),
    (("--where", "[1"), "--where:1:"), (("--where", "{state: sleeping}"), "'sleeping'"),
    (("--against", "made_sla"), "--against: there is no field `made_sla`"),
    (("--from", "2026-03-03", "--to", "2026-03-03"), "--to: 2026-03-03 is not after --from 2026-03-03"),
    (("--profile", "FILE", "--profiles", "FOLDER"), "--profiles: goes without --profile"),
])
def test_backtest_refuses_a_question_that_cannot_be(desk: Desk, arguments: tuple[str, ...], said: str) -> None:
    named = {"FILE": str(desk.agreements / "customers/gold.yaml"), "FOLDER": str(desk.agreements)}
    assert said in desk.run("backtest", *(named.get(part, part) for part in arguments), code=1)


def test_backtest_refuses_a_wrong_profile_with_every_place(desk: Desk) -> None:
    file = desk.edited("P2: 8h", "P2: 8 h") / "customers/gold.yaml"
    file.write_text(file.read_text().replace("calendar: weekdays", "calendar: weekday"))
    said = desk.run("backtest", "--profile", file, code=1).splitlines()
    assert [line.partition(": ")[0] for line in said] == [
        "/edited/customers/gold.yaml:4:1", "/edited/customers/gold.yaml:6:24"]


# replay


CASE = {"calendar": {"timezone": "UTC", "hours": "24x7"}, "target_s": 60,
        "events": [{"at": "2026-03-02T09:00:00Z", "state": "new"}]}


@pytest.mark.parametrize("raw", [json.dumps([CASE]), "\ufeff" + json.dumps([CASE])])
def test_replay_reads_files_and_standard_input(desk: Desk, raw: str) -> None:
    reading = [{"state": "running", "due": "2026-03-02T09:01:00+00:00", "active_s": 0, "remaining_s": 60,
                "paused_s": 0}]
    file = desk.folder / "cases.json"
    file.write_text(raw, encoding="utf-8")
    assert json.loads(desk.run("replay", file)) == reading
    assert json.loads(desk.run("replay", "-", stdin=raw)) == reading


@pytest.mark.parametrize(("raw", "said"), [
    (b"", "/cases.json:1:1: is not JSON:"), (b'[{"a": 1},\n x]', "/cases.json:2:2: is not JSON:"),
    (b"\xff\xfe[\x00", "is not JSON"), (b"{}", "/cases.json: {} is not a list of cases"),
    (b'[{"calendar": NaN}]', "/cases.json:1:15: is not JSON"), (b"[" * 100_000, "nested deeper than 32"),
    (b'[{"target_s": 1, "target_s": 2}]', "/cases.json:1:18: is not JSON: the key 'target_s' is given twice"),
    (json.dumps([CASE, {**CASE, "target_s": -1}, {**CASE, "calendar": {}}]).encode(),
     "/cases.json: [1].target_s: -1 is not a number of seconds from 0 to 1,000,000,000\n"
     "/cases.json: [2].calendar.timezone: is required: an IANA time zone such as Europe/Zurich\n"
     "/cases.json: [2].calendar.hours: this calendar is never open; give at least one window\n"),
])
def test_replay_refuses_what_it_cannot_read_and_prints_nothing_else(desk: Desk, raw: bytes, said: str) -> None:
    file = desk.folder / "cases.json"
    file.write_bytes(raw)
    assert said in desk.run("replay", file, code=1)
    assert '"state"' not in desk.run("replay", file, code=1)


def test_replay_of_a_file_that_is_not_there_is_a_wrong_call(desk: Desk) -> None:
    assert "does not exist" in desk.run("replay", desk.folder / "nothing.json", code=2)
