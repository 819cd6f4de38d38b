"""A small service desk in a store, and a tool that answers from memory: what the web's tests look at."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from connector.domain.delivery import Order
from connector.domain.errors import BadRecord, BadSignature, NotFound, Problem, Refused
from connector.domain.history import Event, EventKind, Origin, Role
from connector.domain.ticket import AttachmentInfo, Kind, PendingOn, Scale, State, Ticket
from connector.flows.breaker import Gate
from connector.ports import Capability, Change, Deps, Diagnosis, Hint, Tool
from connector.settings import Secret, Settings, ToolSettings, load_mapping
from connector.store import SqlStore
from connector.web import Services
from connector.web.auth.passwords import hash_password

ROOT = Path(__file__).parents[2]
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
PASSWORD = "correct horse battery"
HASH = hash_password(PASSWORD)
MAPPING = load_mapping(ROOT / "mappings" / "glpi.yaml")


class Clock:
    """Stands still until it is moved."""

    def __init__(self, at: datetime = NOW) -> None:
        self.at = at

    def __call__(self) -> datetime:
        return self.at

    def move(self, **by: float) -> None:
        self.at += timedelta(**by)


class FakeVendor:
    """The other side of the port, as far as the web asks it: webhooks and attachments."""

    name = "glpi"
    files: Mapping[str, tuple[AttachmentInfo, bytes]] = {}
    parsed: int = 0
    takes_files: bool = True

    def verify_webhook(self, headers: Mapping[str, str], body: bytes, now: datetime) -> Hint:
        if headers.get("X-Signature") != "good":
            raise BadSignature("no signature that fits")
        self.parsed += 1
        return Hint(message=headers["X-Message"], ids=("7", "8"))

    def attachments(self, id: str) -> list[AttachmentInfo]:
        return [info for info, _body in self.files.values()]

    def download(self, id: str, attachment: str) -> Iterator[bytes]:
        if attachment == "refused":
            raise Refused("the file was removed")
        if attachment not in self.files:
            raise NotFound("no such file")
        yield from (self.files[attachment][1][i : i + 4] for i in range(0, len(self.files[attachment][1]), 4))

    def capabilities(self) -> frozenset[Capability]:
        return frozenset(Capability) if self.takes_files else frozenset({Capability.READ})

    def skew(self) -> timedelta | None:
        return None

    def close(self) -> None: ...


@dataclass
class World:
    services: Services
    store: SqlStore
    clock: Clock
    vendor: FakeVendor
    keys: dict[str, int] = field(default_factory=dict)

    def user(self, role: str = "agent", login: str = "", supplier: str = "", language: str = "") -> str:
        login = login or role
        self.services.accounts.create_user(
            login, HASH, role, self.clock(), name=f"{login.title()} Example", supplier=supplier, language=language
        )
        return login

    def token(self, *scopes: str, user: str = "", days: int | None = None) -> dict[str, str]:
        """Headers of a request with a new token."""
        secret = f"sdc_test-{len(self.services.accounts.tokens())}-{'x' * 20}"
        owner = self.services.accounts.by_login(user)
        expires = self.clock() + timedelta(days=days) if days else None
        self.services.accounts.create_token(
            secret, "a program", scopes, self.clock(), user=owner.id if owner else None, expires_at=expires
        )
        return {"Authorization": f"Bearer {secret}"}


def settings(folder: Path, **more: Any) -> Settings:
    tool = ToolSettings(name="glpi", vendor="glpi", url="https://glpi.example", mapping=ROOT / "mappings" / "glpi.yaml")
    given: dict[str, Any] = {
        "file": folder / "connector.yaml",
        "name": "Helpdesk Lausanne",
        "timezone": "Europe/Zurich",
        "session_secret": Secret("only for tests"),
        "tools": {"glpi": tool, "servicenow": ToolSettings(**{**_as_dict(tool), "name": "servicenow"})},
    }
    return Settings(**{**given, **more})


def _as_dict(tool: ToolSettings) -> dict[str, Any]:
    return {name: getattr(tool, name) for name in tool.__slots__}


def world(store: SqlStore, folder: Path, clock: Clock | None = None, **more: Any) -> World:
    clock, vendor = clock or Clock(), FakeVendor()
    tools = {name: Tool(name=name, vendor=vendor, mapping=MAPPING) for name in ("glpi", "servicenow")}  # type: ignore[arg-type]
    deps = Deps(store=store, tools=tools, now=clock, owner="tests", options={"files": folder / "files"})
    return World(Services.of(store, deps, settings(folder, **more)), store, clock, vendor)


def ticket(id: str, **fields: Any) -> Ticket:
    given: dict[str, Any] = {
        "tool": "glpi",
        "kind": Kind.INCIDENT,
        "state": State.NEW,
        "number": f"INC{int(id):07}",
        "title": f"Ticket {id}",
        "opened_at": NOW - timedelta(hours=5),
        "updated_at": NOW - timedelta(hours=1),
    }
    return Ticket(**{"id": id, **given, **fields})


def event(key: str, minutes: float, kind: EventKind = EventKind.CHANGED, **fields: Any) -> Event:
    return Event(key=key, at=NOW - timedelta(minutes=minutes), kind=kind, **fields)


def save(there: World, one: Ticket, events: Sequence[Event] = (), base: Ticket | None = None) -> int:
    with there.store.begin() as tx:
        (key,) = tx.save([Change(ticket=one, events=events, base=base)])
    there.keys[one.id] = key
    return key


def fill(there: World) -> None:
    """The tickets, deliveries and connections the tests speak of."""
    _first(there)
    people = ("Aline Rochat", "Marc Dubois", "Jo Keller", "")
    groups = ("Service Desk", "Network", "Workplace", "Applications")
    titles = (
        "VPN drops every hour",
        "New laptop for the trainee",
        "Printer on floor 3 out of toner",
        "Cannot open the shared calendar",
        "ERP answers slowly after the update",
        "Badge reader at the north door is dead",
        "Password reset for the payroll account",
        "Request access to the archive",
        "Monitor flickers since this morning",
        "Certificate of the intranet expires on Friday",
    )
    states = (State.NEW, State.IN_PROGRESS, State.PENDING, State.RESOLVED, State.CLOSED, State.IN_PROGRESS)
    for n in range(2, 42):
        state = states[n % 6]
        one = ticket(
            str(n),
            title=titles[n % 10],
            state=state,
            priority=f"P{n % 5 + 1}",
            group=groups[n % 4],
            assignee=people[n % 4],
            customer=("ACME SA", "Ville de Lausanne", "Clinique du Lac")[n % 3],
            kind=Kind.SERVICE_REQUEST if n % 10 in (1, 7) else Kind.INCIDENT,
            service="Workplace" if n % 2 else "Network",
            tool="glpi" if n % 3 else "servicenow",
            pending_on=PendingOn.CUSTOMER if state is State.PENDING else None,
            opened_at=NOW - timedelta(hours=n * 7),
            updated_at=NOW - timedelta(minutes=n * 37),
        )
        save(there, one, [event("created", n * 420, EventKind.CREATED, actor="Portal", role=Role.REQUESTER)])
    _operations(there)


def _first(there: World) -> None:
    base = ticket(
        "1",
        title="Mail server does not answer in Geneva",
        state=State.IN_PROGRESS,
        priority="P1",
        impact=Scale.HIGH,
        urgency=Scale.VERY_HIGH,
        group="Network",
        level=2,
        assignee="Aline Rochat",
        requester="Luc Favre",
        requester_email="luc.favre@example.com",
        customer="ACME SA",
        site="Geneva",
        service="E-mail",
        supplier="Hosting AG",
        category="Mail / Server",
        due_at=NOW + timedelta(hours=3),
        updated_at=NOW - timedelta(minutes=12),
        description="Since 08:10 nobody in Geneva can send or receive mail.\n\nOutlook says: connection refused.",
        custom={"cost_centre": "4711"},
    )
    wanted = ticket("1", **{**_fields(base), "state": State.PENDING, "pending_on": PendingOn.SUPPLIER})
    agent = {"actor": "Aline Rochat", "role": Role.AGENT}
    events = [
        event("c", 300, EventKind.CREATED, actor="Luc Favre", role=Role.REQUESTER),
        event("a1", 290, field="group", old="Service Desk", new="Network", **agent),
        event("a2", 290, field="assignee", old="", new="Aline Rochat", **agent),
        event("a3", 280, field="state", old="new", new="in_progress", **agent),
        event("t1", 200, EventKind.COMMENTED, text="We found the cause: a disk of the mail store is full.", **agent),
        event("t2", 190, EventKind.NOTED, text="Customer is nervous, call back before noon.", **agent),
        event("r1", 150, field="state", old="in_progress", new="resolved", **agent),
        event("r2", 100, field="state", old="resolved", new="in_progress", actor="Luc Favre", role=Role.REQUESTER),
        event("i1", 60, field="priority", old="P2", new="P1", inferred=True),
        event("x1", 30, EventKind.CONFLICT, field="category", new="Mail / Server", old="Mail", data={"rule": "newest"}),
        event(
            "o1",
            5,
            field="state",
            old="in_progress",
            new="pending",
            actor="agent",
            role=Role.CONNECTOR,
            origin=Origin.CONNECTOR,
        ),
    ]
    key = save(there, wanted, events, base)
    payload = {"fields": {"state": "pending", "pending_on": "supplier"}, "events": {"state": ["o1"]}, "at": NOW}
    with there.store.begin() as tx:
        tx.enqueue(
            [Order(key="edit/1/1", target="glpi", verb="update", lane=f"glpi/{key}", payload=payload, ticket=key)],
            NOW - timedelta(minutes=5),
        )


def _fields(one: Ticket) -> dict[str, Any]:
    return {name: getattr(one, name) for name in one.__struct_fields__ if name not in ("tool", "id")}


def _operations(there: World) -> None:
    now = there.clock()
    with there.store.begin() as tx:
        key = there.keys["4"]
        said = {"key": "k", "text": "Please call us back.", "public": True, "author": "Agent Example"}
        tx.enqueue(
            [Order(key="comment/4/k", target="servicenow", verb="comment", lane="x", payload=said, ticket=key)],
            now - timedelta(hours=2),
        )
        (dead,) = tx.claim("tests", now, timedelta(minutes=1), {"servicenow": 1})
        tx.bury(
            dead, now - timedelta(hours=1), "403: the account may not write comments (sn_incident_write is missing)"
        )
        problem = Problem("unknown value '9' in `status`, expected one of 1, 2, 3, 4, 5, 6", path="state")
        tx.set_aside(
            [BadRecord("glpi", "812", [problem]), BadRecord("glpi", "813", [problem])], now - timedelta(minutes=40)
        )
        tx.move_cursor("glpi", "changes", {"at": "x"}, now - timedelta(seconds=20))
        tx.move_cursor("servicenow", "changes", {"at": "x"}, now - timedelta(minutes=50))
        about = Diagnosis(
            version="10.0.12",
            account="connector",
            skew=timedelta(seconds=0.4),
            capabilities=frozenset({Capability.READ, Capability.UPDATE, Capability.COMMENT, Capability.HISTORY}),
        )
        gate = Gate()
        for _ in range(6):
            gate.failed(now, "503: the instance is hibernating", timedelta(seconds=90))
        tx.move_cursor("servicenow", "outbox", gate.dump(), now)
        tx.health("glpi", now - timedelta(seconds=20), worked=480, diagnosis=about)
        tx.health("servicenow", now - timedelta(minutes=50), worked=300, skew=timedelta(seconds=-95))
        tx.health("servicenow", now - timedelta(minutes=2), failed=24, reason="503: the instance is hibernating")
        tx.lease("worker", "tests", now, now + timedelta(seconds=45))
        tx.audit(now - timedelta(minutes=90), "user:admin", "user created", "user/agent", {"role": "agent"})
        tx.audit(now - timedelta(minutes=5), "user:agent", "edit", f"glpi/{there.keys['1']}", {"fields": ["state"]})
