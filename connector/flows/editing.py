"""Changes by us: the ticket, its history and the delivery are written in one transaction, the tool is told later.

`role` tells a person's work on our pages or through our API (AGENT: it counts as an answer, it acknowledges) from
what the connector does by itself (CONNECTOR: no clock starts, stops or pauses because of it).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from uuid import uuid4

from connector.domain.delivery import Order, Verb
from connector.domain.errors import NotFound, Refused
from connector.domain.history import Event, EventKind, Origin, Role
from connector.domain.mapping import Owner
from connector.domain.syncing.changes import LATE, PER_REVISION
from connector.domain.syncing.wishes import own_events, payload
from connector.domain.ticket import Comment, Draft, State, Ticket, Value
from connector.domain.values import checked, put
from connector.flows import files
from connector.flows.reading import PLACEHOLDER, UNREAD, lane, retried, shown, tool_now
from connector.ports import Change, Deps, Stored, Tool, Tx


def edit(deps: Deps, key: int, patch: Mapping[str, Any], actor: str, only_at: int | None = None,
         role: Role = Role.AGENT) -> Stored:
    """Change fields of a ticket. Raises NotFound, or Refused with every problem.

    Fields that already have the value are left out; if nothing is left, nothing happens. `only_at` is the revision the
    change was made on: on another one it is refused (status 412).
    """
    def work() -> Stored:
        with deps.store.begin() as tx:
            stored = _living(tx, key)
            if only_at is not None and stored.revision != only_at:
                raise Refused(f"{stored.ticket.ref} has changed since it was read", 412)
            tool = _tool(deps, stored)
            wanted = checked(stored.ticket, patch)
            allowed(tool, stored.ticket, wanted)
            if wanted:
                place(tx, deps, tool, stored, wanted, actor, f"edit/{stored.key}/{stored.revision}", role)
                tx.audit(deps.now(), actor, "edit", str(stored.ticket.ref), {"fields": sorted(wanted)})
            return tx.by_key([key])[key]

    return retried(work)


def place(tx: Tx, deps: Deps, tool: Tool, stored: Stored, wanted: Mapping[str, Value], actor: str, key: str,
          role: Role = Role.CONNECTOR) -> None:
    """Write a wish down: the ticket as wanted, its events, and the delivery."""
    change, order = placed(deps, tool, stored, wanted, actor, key, role)
    tx.save([change])
    tx.enqueue([order], deps.now())


def placed(deps: Deps, tool: Tool, stored: Stored, wanted: Mapping[str, Value], actor: str, key: str,
           role: Role = Role.CONNECTOR) -> tuple[Change, Order]:
    """What `place` writes down, for who places many at once."""
    at = own_time(deps, tool, stored)
    events, keys = own_events(stored.ticket, wanted, at, stored.revision, actor, role=role)
    change = Change(ticket=put(stored.ticket, wanted), before=stored, base=shown(stored), events=events,
                    history_due=stored.history_due, missing_since=stored.missing_since)
    return change, Order(key=key, target=tool.name, verb=Verb.UPDATE, lane=lane(tool.name, stored.key),
                         payload=payload(wanted, keys, at), ticket=stored.key)


def own_time(deps: Deps, tool: Tool, stored: Stored) -> datetime:
    """When we act, by the tool's clock and in its whole seconds, never before what we have seen of the ticket."""
    now = tool_now(deps, tool).replace(microsecond=0)
    seen = shown(stored)
    return now if seen.version == UNREAD else max(now, seen.updated_at)


def comment(deps: Deps, key: int, said: Comment, actor: str, once: str = "", role: Role = Role.AGENT) -> str:
    """Add a comment or note. Gives its key; the same `once` twice is one comment. Raises NotFound or Refused."""
    if not said.text.strip():
        raise Refused("text: an empty comment says nothing")
    once = once or uuid4().hex
    kind = EventKind.COMMENTED if said.public else EventKind.NOTED
    what = {"key": once, "text": said.text, "public": said.public, "author": said.author}
    return _say(deps, key, kind, Verb.COMMENT, what, actor, said.text, role)


def attach(deps: Deps, key: int, name: str, media_type: str, chunks: Iterable[bytes], actor: str,
           once: str = "", role: Role = Role.AGENT) -> str:
    """Add a file. Gives its key; the same `once` twice is one file. Raises NotFound or Refused."""
    name = name.replace("\\", "/").rsplit("/", 1)[-1].strip()
    if not name or any(ord(letter) < 32 for letter in name):
        raise Refused("name: a file needs a name without control characters")
    with deps.store.read() as tx:
        _living(tx, key, lock=False)
    digest, size = files.keep(deps, chunks)
    if not size:
        raise Refused(f"{name}: the file is empty")
    what = {"key": once or uuid4().hex, "name": name, "media_type": media_type, "size": size, "digest": digest}
    return _say(deps, key, EventKind.ATTACHED, Verb.ATTACH, what, actor, name, role)


def _say(deps: Deps, key: int, kind: EventKind, verb: Verb, what: dict[str, Any], actor: str, text: str,
         role: Role) -> str:
    once = str(what["key"])
    with deps.store.begin() as tx:
        stored = _living(tx, key)
        tool = _tool(deps, stored)
        order = said_order(verb, tool, stored, what)
        if tx.enqueue([order], deps.now()):
            tx.append([(stored.key, said_event(kind, once, own_time(deps, tool, stored), stored, actor, text, role))])
            tx.schedule({stored.key: deps.now()})
            tx.audit(deps.now(), actor, str(verb), str(stored.ticket.ref), {"key": once})
    return once


def said_order(verb: Verb, tool: Tool, stored: Stored, what: Mapping[str, Any]) -> Order:
    return Order(key=f"{verb}/{stored.key}/{what['key']}", target=tool.name, verb=verb, payload=dict(what),
                 ticket=stored.key, lane=lane(tool.name, stored.key))


def said_event(kind: EventKind, key: str, at: datetime, stored: Stored, actor: str, text: str,
               role: Role) -> Event:
    return Event(key=key, at=at, kind=kind, seq=LATE + stored.revision * PER_REVISION, actor=actor, text=text,
                 role=role, origin=Origin.CONNECTOR)


def create(deps: Deps, tool: str, draft: Draft, key: str, actor: str, role: Role = Role.AGENT) -> Stored:
    """Create a ticket in a tool. The same `key` twice is one ticket. Raises Refused with every problem.

    Until the tool has it, the ticket's id is `~key`.
    """
    with deps.store.begin() as tx:
        return create_in(tx, deps, deps.tools[tool], draft, key, actor, role)


def create_in(tx: Tx, deps: Deps, tool: Tool, draft: Draft, key: str, actor: str, role: Role) -> Stored:
    """As `create`, in a transaction that is open already."""
    if not key:
        raise Refused("key: a new ticket needs a key of its own")
    at = tool_now(deps, tool).replace(microsecond=0)
    blank = Ticket(tool=tool.name, id=f"{PLACEHOLDER}{key}", kind=draft.kind, state=State.NEW, opened_at=at,
                   updated_at=at, version=UNREAD)
    wanted = {name: value for name, value in checked(blank, draft.fields).items() if name != "kind"}
    if not str(wanted.get("title") or "").strip():
        raise Refused("title: a new ticket needs one")
    tool.mapping.write({**wanted, "kind": draft.kind} if tool.mapping.writable("kind") else wanted, draft.kind)
    event = Event(key=f"create/{key}", at=at, kind=EventKind.CREATED, actor=actor, role=role,
                  origin=Origin.CONNECTOR)
    old = _created(tx, tool.name, blank.id, key)
    if old is not None:
        return old
    (own,) = tx.save([Change(ticket=put(blank, wanted), events=[event])])
    tx.enqueue([Order(key=f"create/{tool.name}/{key}", target=tool.name, verb=Verb.CREATE, lane=lane(tool.name, own),
                      ticket=own, payload={"key": key, "kind": draft.kind.value, "fields": wanted})], deps.now())
    tx.audit(deps.now(), actor, "create", f"{tool.name}/{blank.id}", {"fields": sorted(wanted)})
    return tx.by_key([own])[own]


def _created(tx: Tx, tool: str, placeholder: str, key: str) -> Stored | None:
    ids = [placeholder, *tx.links(tool, [key]).values()]
    known = tx.tickets(tool, ids, lock=True)
    return next((known[id] for id in reversed(ids) if id in known), None)


def _living(tx: Tx, key: int, *, lock: bool = True) -> Stored:
    stored = tx.by_key([key], lock=lock).get(key)
    if stored is None:
        raise NotFound(f"no ticket {key}")
    if stored.ticket.deleted:
        raise Refused(f"{stored.ticket.ref} is deleted")
    return stored


def _tool(deps: Deps, stored: Stored) -> Tool:
    tool = deps.tools.get(stored.ticket.tool)
    if tool is None:
        raise Refused(f"{stored.ticket.ref}: the tool is not connected")
    return tool


def allowed(tool: Tool, ticket: Ticket, wanted: Mapping[str, Value]) -> None:
    """Every field is ours to write and the tool knows the value. Raises Refused."""
    mapping = tool.mapping
    problems = [f"{name} belongs to {tool.name}: change it there" for name in wanted
                if mapping.owner(name) is Owner.TOOL]
    problems += [f"{name} cannot be written to {tool.name}" for name in wanted
                 if mapping.owner(name) is not Owner.TOOL and not mapping.writable(name)]
    if problems:
        raise Refused("; ".join(problems))
    mapping.write(wanted, ticket.kind)
