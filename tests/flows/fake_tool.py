"""A tool in memory that behaves like a real one: last writer wins, stamps of whole seconds, an audit log, ids of its
own, no idempotency but what its callers look up. Faults can be put at every boundary.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from msgspec.structs import replace

from connector.domain.errors import BadRecord, NotFound, Problem, Refused
from connector.domain.history import Event, EventKind, Role
from connector.domain.mapping import Mapping as FieldMapping
from connector.domain.ticket import Attachment, AttachmentInfo, Comment, Draft, Kind, Ref, State, Ticket, value_of
from connector.domain.values import put
from connector.ports import Capability, Cursor, Deps, Diagnosis, FieldInfo, Hint, Page, Store, Tool

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
ME = "svc_connector"

WRITTEN: dict[str, Any] = {
    "mapping": "fake", "vendor": "fake", "id": "id",
    "fields": {
        "kind": {"value": "incident"},
        "title": {"from": "title", "owner": "newest", "write": True},
        "description": {"from": "description", "owner": "newest", "write": True},
        "group": {"from": "group", "owner": "connector", "write": True},
        "assignee": {"from": "assignee", "owner": "manual", "write": True},
        "tags": {"from": "tags", "owner": "set", "write": True},
        "priority": "priority",
        "impact": {"from": "impact", "owner": "newest", "write": True,
                   "values": {"1": "high", "2": "medium", "3": "low"}},
        "state": {"from": "state", "owner": "newest", "write": True,
                  "values": {"new": "new", "in_progress": "in_progress", "resolved": "resolved", "closed": "closed",
                             "customer": {"state": "pending", "pending_on": "customer"},
                             "supplier": {"state": "pending", "pending_on": "supplier"}}},
        "opened_at": "opened_at", "updated_at": "updated_at",
    },
}
MAPPING = FieldMapping.from_dict(WRITTEN)


class Clock:
    def __init__(self, now: datetime = NOON) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def forward(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


class Killed(BaseException):
    """The process ends here."""


class FakeTool:
    """`at(verb, moment)` is called before and after each exchange and may raise."""

    def __init__(self, clock: Clock, *, remembers: bool = True, page: int = 100) -> None:
        self.name = "desk"
        self.clock = clock
        self.remembers = remembers
        self.page = page
        self.tickets: dict[str, Ticket] = {}
        self.log: dict[str, list[Event]] = {}
        self.deleted: list[str] = []
        self.keys: dict[str, list[str]] = {}
        self.files: dict[str, list[tuple[str, bytes]]] = {}
        self.bad: set[str] = set()
        self.hidden: set[str] = set()
        self.calls: list[str] = []
        self.at: Callable[[str, str], None] = lambda verb, moment: None
        self.keeps: Callable[[dict[str, Any]], dict[str, Any]] = lambda patch: patch
        self.lag = False
        """The memory is written late: it does not yet hold anything new."""
        self._count = 0

    # what people do in the tool

    @property
    def second(self) -> datetime:
        return self.clock().replace(microsecond=0)

    def opened(self, id: str = "", *, actor: str = "agent", **fields: Any) -> str:
        id = id or str(len(self.tickets) + len(self.deleted) + 1)
        values = {"kind": Kind.INCIDENT, "state": State.NEW, "title": f"ticket {id}", **fields}
        ticket = Ticket(tool=self.name, id=id, opened_at=self.second, updated_at=self.second, **values)
        self.tickets[id] = ticket
        self.log[id] = [self._event(EventKind.CREATED, actor)]
        return id

    def edited(self, id: str, actor: str = "agent", **fields: Any) -> bool:
        before = self.tickets[id]
        moved = {name: value for name, value in fields.items() if value_of(before, name) != value}
        if not moved:
            return False
        for name, value in moved.items():
            event = self._event(EventKind.CHANGED, actor, field=name, old=value_of(before, name), new=value)
            self.log[id].append(event)
        self.tickets[id] = replace(put(before, moved), updated_at=self.second)
        return True

    def said(self, id: str, text: str, *, public: bool = False, actor: str = "agent", key: str = "") -> str:
        kind = EventKind.COMMENTED if public else EventKind.NOTED
        event = self._event(kind, actor, text=text, data={"key": key} if key else {})
        self.log[id].append(event)
        self.tickets[id] = replace(self.tickets[id], updated_at=self.second)
        return event.key

    def purged(self, id: str) -> None:
        del self.tickets[id]
        self.deleted.append(id)

    def _event(self, kind: EventKind, actor: str, **more: Any) -> Event:
        self._count += 1
        return Event(key=f"log/{self._count}", at=self.second, kind=kind, seq=self._count, actor=actor,
                     role=Role.AGENT, **more)

    def notes(self, id: str) -> list[str]:
        return [event.text for event in self.log[id] if event.kind in (EventKind.COMMENTED, EventKind.NOTED)]

    # the port

    def capabilities(self) -> frozenset[Capability]:
        every = {Capability.READ, Capability.CREATE, Capability.UPDATE, Capability.COMMENT, Capability.ATTACH,
                 Capability.IDS, Capability.FIND}
        return frozenset(every | ({Capability.HISTORY} if self.remembers else set()))

    def diagnose(self) -> Diagnosis:
        return Diagnosis(version="1", account=ME, capabilities=self.capabilities())

    def fields(self) -> list[FieldInfo]:
        return []

    def skew(self) -> timedelta | None:
        return None

    def me(self) -> frozenset[str]:
        return frozenset({ME})

    def _call(self, verb: str) -> None:
        self.calls.append(verb)
        self.at(verb, "before")

    def changed(self, since: Cursor) -> Iterator[Page]:
        self._call("changed")
        mark = datetime.fromisoformat(since["at"]) - timedelta(seconds=1) if since else datetime.min.replace(tzinfo=UTC)
        rows = sorted((t for t in self.tickets.values() if t.updated_at >= mark and t.id not in self.hidden),
                      key=lambda ticket: (ticket.updated_at, ticket.id))
        cursor = dict(since)
        for start in range(0, max(len(rows), 1), self.page):
            some = rows[start : start + self.page]
            if some:
                cursor = {"at": some[-1].updated_at.isoformat()}
            yield Page(tickets=[t for t in some if t.id not in self.bad], cursor=cursor,
                       rejected=[self._rejected(t.id) for t in some if t.id in self.bad], total=len(rows))

    def _rejected(self, id: str) -> BadRecord:
        return BadRecord(self.name, id, [Problem("unknown state 99", path="state")])

    def get(self, ids: Sequence[str]) -> Page:
        self._call("get")
        found = [self.tickets[id] for id in ids if id in self.tickets and id not in self.hidden]
        return Page(tickets=[t for t in found if t.id not in self.bad], cursor={},
                    rejected=[self._rejected(t.id) for t in found if t.id in self.bad])

    def ids(self) -> Iterator[list[str]]:
        self._call("ids")
        yield [id for id in self.tickets if id not in self.hidden]

    def deletions(self, since: Cursor) -> tuple[list[str], Cursor]:
        done = since.get("n", 0)
        return self.deleted[done:], {"n": len(self.deleted)}

    def history(self, ids: Sequence[str]) -> dict[str, list[Event]]:
        self._call("history")
        return {id: [e for e in self.log[id] if not self.lag or e.at < self.second] for id in ids if id in self.log}

    def attachments(self, id: str) -> list[AttachmentInfo]:
        return []

    def download(self, id: str, attachment: str) -> Iterator[bytes]:
        yield b""

    def find(self, key: str) -> Ref | None:
        self._call("find")
        return next((Ref(self.name, id) for id in self.keys.get(key, [])), None)

    def create(self, draft: Draft, key: str, again: bool = False) -> Ref:
        self._call("create")
        if again and (ref := self.find(key)) is not None:
            return ref
        id = self.opened(actor=ME, **{**draft.fields, "kind": draft.kind, "number": f"INC{len(self.tickets):04}"})
        self.keys.setdefault(key, []).append(id)
        self.at("create", "after")
        return Ref(self.name, id)

    def _living(self, id: str) -> None:
        if id not in self.tickets or id in self.hidden:
            raise NotFound(f"no ticket {id}")

    def update(self, id: str, patch: Mapping[str, Any], again: bool = False) -> Ticket | None:
        self._call("update")
        self._living(id)
        if any(value == "forbidden" for value in patch.values()):
            raise Refused("the tool does not like that value")
        self.edited(id, ME, **self.keeps(dict(patch)))
        self.at("update", "after")
        return self.tickets[id]

    def comment(self, id: str, comment: Comment, key: str, again: bool = False) -> str:
        self._call("comment")
        self._living(id)
        if comment.text == "forbidden":
            raise Refused("the tool does not like that text")
        if again:
            for event in self.log[id]:
                if event.data.get("key") == key:
                    return event.key
        found = self.said(id, comment.text, public=comment.public, actor=ME, key=key)
        self.at("comment", "after")
        return found

    def attach(self, id: str, file: Attachment, key: str, again: bool = False) -> str:
        self._call("attach")
        self._living(id)
        kept = self.files.setdefault(id, [])
        if not (again and any(name == file.name for name, _ in kept)):
            kept.append((file.name, b"".join(file.open())))
        self.at("attach", "after")
        return f"file/{len(kept)}"

    def verify_webhook(self, headers: Mapping[str, str], body: bytes, now: datetime) -> Hint:
        raise NotImplementedError

    def close(self) -> None: ...


def connect(store: Store, tool: FakeTool, owner: str = "one", **options: Any) -> Deps:
    return Deps(store=store, tools={tool.name: Tool(tool.name, tool, MAPPING)}, now=tool.clock, owner=owner,
                options=options)
