"""The whole way, with a real mail server: a clock runs, people are told by their ladder, one clicks, it is silent."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path

import pytest

from connector import settings as files
from connector import vendors, wiring
from connector.domain.history import EventKind
from connector.domain.ticket import State
from connector.flows import assess, deliver, digests, intake
from connector.ports import Tool
from connector.store import admin
from connector.web import create_app
from connector.web.services import Services
from connector.wiring import Deployment
from tests.channels.smtp_server import Box, smtp
from tests.flows.fake_tool import MAPPING, Clock, FakeTool
from tests.flows.looking import history, stored

ROOT = Path(__file__).parents[2]
MONDAY = datetime(2026, 3, 2, 8, tzinfo=UTC)
PROFILE = """
profile: gold
agreement: sla
calendar: 24x7
targets: {resolution: {P1: 4h, else: 8h}}
escalate: incident-ladder
"""


class Here:
    """A deployment as `connector run` puts it together, with a tool in memory."""

    def __init__(self, folder: Path, box: Box) -> None:
        self.clock = Clock(MONDAY)
        self.tool = FakeTool(self.clock)
        profiles = folder / "sla_profiles"
        for part in ("calendars", "teams", "escalations", "informing"):
            shutil.copytree(ROOT / "sla_profiles" / part, profiles / part)
        (profiles / "customers").mkdir()
        (profiles / "customers" / "gold.yaml").write_text(PROFILE)
        (folder / "connector.yaml").write_text(
            "name: Helpdesk Lausanne\nweb: {public_url: http://desk.example}\nchannels:\n  mail: "
            f"{{host: 127.0.0.1, port: {box.port}, security: none, from: Desk <desk@example.org>}}\n")
        read = files.load(folder / "connector.yaml", {}, vendors.schemas)
        admin.upgrade(read.store_url)
        made = wiring.deploy(read, self.clock)
        deps = replace(made.deps, tools={"desk": Tool("desk", self.tool, MAPPING)})
        self.deployment = Deployment(read, made.store, deps, made.agreements)
        self.deps = deps

    def pass_by(self, hours: float, *, every: float = 0.25) -> None:
        end = self.clock() + timedelta(hours=hours)
        while self.clock() < end:
            self.clock.forward(every * 3600)
            self.look()

    def look(self) -> None:
        intake.poll(self.deps, "desk")
        for _ in range(3):
            assess.tick(self.deps)
            digests.tick(self.deps)
            deliver.tick(self.deps)

    def click(self, message: EmailMessage) -> int:
        body = message.get_body(("plain",))
        assert body is not None
        link = re.search(r"http://desk\.example(/ack/\S+)", str(body.get_content()))
        assert link is not None
        app = create_app(Services.of(self.deployment.store, self.deps, self.deployment.settings))
        with app.test_client() as phone:
            assert phone.get(link[1]).status_code == 200, "a program looks first"
            return phone.post(link[1]).status_code


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Here]:
    (tmp_path / "var").mkdir()
    with smtp(Box()) as box:
        made = Here(tmp_path, box)
        made.box = box  # type: ignore[attr-defined]
        yield made
        made.deployment.close()


def inbox(here: Here, who: str = "") -> list[str]:
    messages: list[EmailMessage] = here.box.messages  # type: ignore[attr-defined]
    return [str(one["Subject"]) for one in messages if who in str(one["To"])]


def begin(here: Here) -> None:
    here.tool.opened("0", title="old", state=State.CLOSED)
    here.look()
    here.clock.forward(60)
    here.tool.opened("1", title="ERP is down", requester="Paul", requester_email="paul@acme.example", priority="P1",
                     group="Network", assignee="network1")
    here.look()


def test_a_ticket_climbs_its_ladder_by_mail_until_somebody_acknowledges(here: Here) -> None:
    begin(here)
    assert inbox(here, "paul@acme.example") == ["[1] received: ERP is down"]
    here.pass_by(2.25)
    assert len(inbox(here)) == 2, "half of the time is over"
    here.pass_by(1)
    warned = inbox(here, "desk.example")
    assert len(warned) >= 2
    assert all("ERP is down" in subject for subject in warned)
    here.pass_by(1)
    assert len(inbox(here)) > len(warned) + 1, "breached: the manager"
    assert here.click(here.box.messages[-1]) == 200  # type: ignore[attr-defined]
    before = inbox(here)
    here.pass_by(13)
    assert inbox(here) == before, "acknowledged and silent"
    events = [event.kind for event in history(here.deps, "1")]
    assert events.count(EventKind.ACKNOWLEDGED) == 1
    assert stored(here.deps, "1").ticket.assignee == "network1", "clicking touched nothing"


def test_a_breach_nobody_acknowledges_is_told_again_and_higher_up(here: Here) -> None:
    begin(here)
    here.pass_by(24)
    managers = [who for who in ("lead-infrastructure", "head-of-it", "director") if inbox(here, who)]
    assert managers == ["lead-infrastructure", "head-of-it", "director"]


def test_a_mail_server_that_is_down_delays_and_doubles_nothing(here: Here) -> None:
    box: Box = here.box  # type: ignore[attr-defined]
    box.mail = lambda: "421 try later"
    begin(here)
    here.pass_by(2.5)
    assert box.messages == []
    box.mail = lambda: ""
    here.pass_by(0.5)
    ids = [str(one["Message-ID"]) for one in box.messages]
    assert len(ids) == len(set(ids)) >= 2
    assert "[1] received: ERP is down" in inbox(here)


def test_a_mailbox_that_does_not_exist_is_seen_on_the_ticket(here: Here) -> None:
    box: Box = here.box  # type: ignore[attr-defined]
    box.rcpt = lambda address: "550 unknown" if "desk.example" in address else ""
    begin(here)
    here.pass_by(2.25)
    refused = [event for event in history(here.deps, "1")
               if event.kind is EventKind.ESCALATED and event.data["what"] == "refused"]
    assert refused
    assert "550" in refused[0].text
