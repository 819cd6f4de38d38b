"""`connector major` and `connector requests`: a whole incident and a whole request from the command line."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import time_machine
from click.testing import CliRunner

from connector.cli import main
from connector.domain.history import Event
from connector.domain.requests import moves
from connector.domain.requests.catalogue import Plan, Task
from connector.domain.requests.record import Record, record
from connector.domain.ticket import Kind, State, Ticket
from connector.ports import Change
from connector.store import admin
from connector.store import open as open_store
from tests.domain.requests.test_requests import group

ROOT = Path(__file__).parents[2]
NOW = datetime(2026, 3, 2, 8, tzinfo=UTC)


class Desk:
    """A deployment with the shipped agreements, an incident and a service request."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        url = f"sqlite:///{folder}/connector.db"
        shutil.copytree(ROOT / "sla_profiles", folder / "sla_profiles")
        (folder / "connector.yaml").write_text(f"name: desk\nstore: {{url: '{url}'}}\n")
        admin.upgrade(url)
        store = open_store(url)
        plan = Plan("laptop", "A laptop", tasks=(Task("order", "Order it", group("Workplace")),))
        begun = moves.start(plan, NOW)
        begins = moves.coming(moves_record(begun), NOW, lambda who, up: (), lambda amount, at: at)[0]
        with store.begin() as tx:
            tx.save([Change(ticket=Ticket(tool="desk", id=str(n), number=f"T{n}", kind=kind, state=State.NEW, title="x",
                                          service="E-mail", opened_at=NOW, updated_at=NOW), events=events)
                     for n, kind, events in ((1, Kind.INCIDENT, []), (2, Kind.SERVICE_REQUEST, [begun, *begins]),
                                             (3, Kind.INCIDENT, []))])
        store.close()

    def run(self, *arguments: str, fails: bool = False) -> str:
        done = CliRunner().invoke(main, ["--config", str(self.folder / "connector.yaml"), *arguments])
        assert (done.exit_code != 0) is fails, done.output
        return done.output


def moves_record(begun: Event) -> Record:
    found = record([begun])
    assert found is not None
    return found


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with time_machine.travel(NOW, tick=False):
        yield Desk(tmp_path)


def test_an_incident_is_led_from_its_declaration_to_its_report(desk: Desk) -> None:
    told = desk.run("major", "declare", "T1", "--why", "nobody has mail", "--by", "ana")
    assert "incident_manager: lead-infrastructure" in told
    assert "next     email/announce" in told
    assert "already" in desk.run("major", "declare", "T1", "--why", "again", fails=True)
    assert "done     email/announce" in desk.run("major", "step", "T1", "email/announce")
    assert "there is no step" in desk.run("major", "step", "T1", "email/anounce", fails=True)
    assert "children desk/3" in desk.run("major", "link", "T1", "T3")
    assert "servicedesk1" in desk.run("major", "role", "T1", "servicedesk1")
    assert "there is no person" in desk.run("major", "role", "T1", "servicedsk1", fails=True)
    assert "a disk is full" in desk.run("major", "update", "T1", "a disk is full")
    desk.run("major", "follow-up", "T1", "watch the disk", "--owner", "ana", "--due", "2026-04-01")
    desk.run("major", "move", "T1", "recovering")
    for step in ("storage", "queue", "ask"):
        desk.run("major", "step", "T1", f"email/{step}")
    desk.run("major", "step", "T1", "email/withdraw", "skip", "--note", "nobody saw it")
    assert "only what is recovered" in desk.run("major", "close", "T1", "--impact", "x", "--cause", "y", fails=True)
    desk.run("major", "move", "T1", "recovered")
    assert "T1\trecovered" in desk.run("major", "list")
    assert "CLOSED" in desk.run("major", "close", "T1", "--impact", "no mail", "--cause", "a full disk")
    assert desk.run("major", "list") == ""
    assert "T1\tclosed" in desk.run("major", "list", "--all")
    file = desk.folder / "report.pdf"
    desk.run("major", "report", "T1", str(file), "--zone", "Europe/Zurich")
    assert file.read_bytes().startswith(b"%PDF")


def test_a_request_is_followed_and_settled(desk: Desk) -> None:
    assert desk.run("requests", "list") == "T2\tlaptop\tfulfilling\torder\n"
    assert "task order: started" in desk.run("requests", "show", "T2")
    assert "words are required" in desk.run("requests", "task", "T2", "order", "failed", fails=True)
    assert "task order: failed" in desk.run("requests", "task", "T2", "order", "failed", "--text", "sold out")
    assert "CANCELLED" in desk.run("requests", "cancel", "T2", "--why", "not needed")
    assert desk.run("requests", "list") == ""
    assert "no item of the catalogue" in desk.run("requests", "show", "T1", fails=True)
