"""Every make behind one fixture: an adapter on its stand-in, over real HTTP on loopback."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from connector import sandbox, vendors
from connector.domain.mapping import Mapping as FieldMapping
from connector.domain.text import bmp_only
from connector.domain.ticket import Draft, Kind, Ticket
from connector.ports import Cursor, Page, Vendor
from connector.sandbox.clock import Clock

MORNING = datetime(2026, 3, 3, 9, tzinfo=UTC)
"""A Tuesday: this seed then leaves several tickets open in every make, as it does not at every hour."""
MAPPINGS = Path(__file__).parents[2] / "mappings"


def bound(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = YAML(typ="safe").load(path.read_text("utf-8"))
    return found


@dataclass
class Make:
    """What differs between makes for somebody who tests them: the requests behind the verbs, and what text survives.

    A fourth make adds an entry here only where it differs from the defaults.
    """

    create: tuple[str, str] = ("POST", "")
    comment: tuple[str, str] = ("POST", "")
    attach: tuple[str, str] = ("POST", "")
    update: tuple[str, str] = ("P", "")
    missing: str = "999999"
    keeps: Callable[[str], str] = str


MAKES: Mapping[str, Make] = {
    "servicenow": Make(create=("POST", "/table/"), comment=("PATCH", "/table/"), attach=("POST", "/attachment"),
                       update=("PATCH", "/table/"), missing="f" * 32),
    "glpi": Make(create=("POST", "/Ticket"), comment=("POST", "Followup"), attach=("POST", "/Document"),
                 update=("PUT", "/Ticket")),
    "osticket": Make(create=("POST", "/v1/tickets"), comment=("POST", "/(reply|note)"), attach=("POST", "/attachments"),
                     update=("POST", "/update"), keeps=bmp_only),
}


@dataclass
class Bench:
    """A running stand-in and the adapter on it."""

    make: str
    tool: sandbox.Handle
    vendor: Vendor
    mapping: FieldMapping
    about: Make
    made: list[Vendor] = field(default_factory=list)

    def again(self, change: Callable[[dict[str, Any]], None] = lambda data: None,
              now: Callable[[], datetime] | None = None, **more: Any) -> Vendor:
        """Another adapter on the same stand-in: as after a restart, or with another mapping or clock."""
        data = bound(MAPPINGS / f"{self.make}.yaml")
        change(data)
        settings = self.tool.settings("desk", MAPPINGS / f"{self.make}.yaml", **{"page": 10, **more})
        mapping = FieldMapping.from_dict(data, f"{self.make}.yaml")
        vendor = vendors.build(settings, mapping, now or self.tool.desk.clock.now)
        self.made.append(vendor)
        return vendor

    def draft(self, **fields: Any) -> Draft:
        """A ticket of the plainest kind, for a requester the tool knows."""
        known = self.some()
        values = {"title": "Printer is offline", "description": "Since this morning.", "requester": known.requester,
                  "requester_email": known.requester_email, **fields}
        return Draft(kind=Kind.INCIDENT, fields={name: value for name, value in values.items()
                                                 if self.mapping.writable(name) or name in fields})

    def some(self, place: int = 0) -> Ticket:
        """A ticket that was there from the start, is still being worked on and is an incident."""
        tickets = [t for t in self.everything() if t.kind is Kind.INCIDENT and t.state == "in_progress"]
        return tickets[place]

    def everything(self) -> list[Ticket]:
        return [ticket for page in self.vendor.changed({}) for ticket in page.tickets]

    def one(self, id: str) -> Ticket:
        page = self.vendor.get([id])
        assert not page.rejected, page.rejected
        return page.tickets[0]

    def since(self, cursor: Cursor) -> tuple[list[Page], Cursor]:
        pages = list(self.vendor.changed(cursor))
        return pages, (pages[-1].cursor if pages else cursor)

    def settle(self) -> None:
        """Let time pass, beyond what any tool's clock leaves open."""
        self.tool.step(10)

    def fault(self, kind: str, verb: str, **more: Any) -> None:
        method, path = getattr(self.about, verb)
        self.tool.faults.add(kind, method=method, path=path, **more)


@pytest.fixture(params=vendors.makes())
def bench(request: pytest.FixtureRequest) -> Iterator[Bench]:
    make = request.param
    path = MAPPINGS / f"{make}.yaml"
    with sandbox.start(make, seed=7, tickets=25, days=3, clock=Clock(0, MORNING)) as tool:
        bench = Bench(make, tool, None, FieldMapping.from_dict(bound(path)), MAKES.get(make, Make()))  # type: ignore[arg-type]
        bench.vendor = bench.again()
        yield bench
        for vendor in bench.made:
            vendor.close()
