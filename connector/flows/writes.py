"""How each kind of delivery is carried out in a tool: look first, write what is missing, take in what came of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from msgspec.structs import replace

from connector import recorder
from connector.domain.attempt import Outcome
from connector.domain.delivery import Delivery
from connector.domain.errors import NotFound, Refused
from connector.domain.history import Event, EventKind, Role
from connector.domain.syncing.memory import superseded
from connector.domain.syncing.wishes import Wish, wishes_of
from connector.domain.ticket import Attachment, Comment, Draft, Kind, Ticket
from connector.domain.values import agrees, fields, unit, unit_of
from connector.flows import files, vanished
from connector.flows.editing import own_time, place, said_event
from connector.flows.reading import (
    PLACEHOLDER,
    UNREAD,
    Prepared,
    again_orders,
    change_of,
    is_older,
    log,
    prepare,
    reading_of,
    retried,
    shown,
    tool_now,
)
from connector.ports import Capability, Change, Deps, Stored, Tool, Tx

InTime = Callable[[], None]
"""Raises TryLater when it is too late to begin a write."""


class Lost(Exception):
    """Another worker took the delivery over; nothing of this one counts."""


def update(deps: Deps, tool: Tool, delivery: Delivery, in_time: InTime) -> None:
    """Bring the tool's ticket to the wished values. Raises TryLater, Refused, Unsupported or Lost."""
    before = _stored(deps, tool, delivery)
    id = before.ticket.id
    reading = _read(deps, tool, id)
    # Mostly nobody else touched it meanwhile, and then nothing is to be asked.
    prepared = None if reading == shown(before) else prepare(deps, tool, [reading], alone=True)
    missing = retried(partial(_look, deps, tool, delivery, reading, prepared))
    if missing is None:
        reading = _read(deps, tool, id)
        missing = retried(partial(_look, deps, tool, delivery, reading, prepare(deps, tool, [reading], alone=True)))
    if not missing:
        return
    in_time()
    after = tool.vendor.update(id, missing, again=delivery.attempts > 0)
    after = _read(deps, tool, id) if after is None else after
    # What the tool remembers of the write is no news: the backlog reads it, many tickets at once.
    late = {id} if Capability.HISTORY in tool.vendor.capabilities() else set[str]()
    prepared = Prepared(late=late, me=tool.vendor.me() if late else frozenset())
    retried(partial(_settle, deps, tool, delivery, after, prepared, {"written": sorted(missing)}))


def _read(deps: Deps, tool: Tool, id: str) -> Ticket:
    page = tool.vendor.get([id])
    if page.tickets:
        return page.tickets[0]
    if page.rejected:
        raise Refused(f"the ticket cannot be understood, so nothing is written to it: {page.rejected[0]}")
    with deps.store.begin() as tx:
        vanished.note(tx, deps, tool, [id])
    raise NotFound(f"{tool.name}/{id} is gone, or hidden from our account")


def _look(deps: Deps, tool: Tool, delivery: Delivery, reading: Ticket, prepared: Prepared | None) -> dict[
        str, Any] | None:
    """Take in the reading, then say what is still to be written. With nothing left the delivery is done.

    `prepared` None: the reading told nothing new. None comes back when that has changed meanwhile.
    """
    with deps.store.begin() as tx:
        stored, known = locked(tx, tool, delivery)
        if prepared is None and reading != shown(stored):
            return None
        prepared = prepared or Prepared([reading])
        if _was_refused(known, delivery):
            _renew(tx, deps, tool, stored, delivery)
            return {}
        waiting = tx.pending(stored.key)
        if reading != shown(stored) and not is_older(reading, stored):
            done = reading_of(tool, stored, reading, known, wishes_of(waiting, known), prepared, tool_now(deps, tool))
            tx.save([change_of(stored, done, late=reading.id in prepared.late)])
            again = again_orders(tool, stored, done)
            if again:
                tx.enqueue(again, deps.now())
                waiting = tx.pending(stored.key)
            known = [*known, *done.events]
        mine = _mine(waiting, delivery, known)
        missing = fields({wish.name: wish.value for wish in mine if not agrees(unit(reading, wish.name), wish.value)})
        if not missing:
            _finish(tx, deps, tool, delivery, reading, prepared, {"written": []})
        return missing


def _mine(waiting: Sequence[Delivery], delivery: Delivery, known: Sequence[Event]) -> list[Wish]:
    """The wishes of a delivery that still stand. A value that a later delivery replaces is left out, except states:
    a workflow passes through them one by one."""
    later = {wish.name for order in waiting if order.id > delivery.id
             for wish in wishes_of([order], known) if not wish.void}
    return [wish for wish in wishes_of([delivery], known, written=True)
            if not wish.void and (wish.name == "state" or wish.name not in later)]


def _settle(deps: Deps, tool: Tool, delivery: Delivery, after: Ticket, prepared: Prepared,
            result: Mapping[str, Any]) -> None:
    with deps.store.begin() as tx:
        _finish(tx, deps, tool, delivery, after, prepared, result)


def _finish(tx: Tx, deps: Deps, tool: Tool, delivery: Delivery, after: Ticket, prepared: Prepared,
            result: Mapping[str, Any]) -> None:
    """The delivery is done, and `after` is what came of it."""
    stored, known = locked(tx, tool, delivery)
    waiting = tx.pending(stored.key)
    mine = {wish.name for wish in _mine(waiting, delivery, known)}
    told = {unit_of(name) for name in result["written"]}
    written = [wish for wish in wishes_of([delivery], known, written=True)
               if wish.name in (told if wish.void else mine)]
    if not tx.done(delivery, deps.now(), result, recorder.ended(Outcome.DONE)):
        raise Lost
    wishes = [*written, *wishes_of([other for other in waiting if other.id != delivery.id], known)]
    reading = shown(stored) if is_older(after, stored) else after
    done = reading_of(tool, stored, reading, known, wishes, prepared, tool_now(deps, tool))
    tx.save([change_of(stored, done, late=reading.id in prepared.late)])
    if again := again_orders(tool, stored, done):
        tx.enqueue(again, deps.now())


def _was_refused(known: Sequence[Event], delivery: Delivery) -> bool:
    return any(event.kind is EventKind.CONFLICT and event.data.get("delivery") == delivery.id for event in known)


def _renew(tx: Tx, deps: Deps, tool: Tool, stored: Stored, delivery: Delivery) -> None:
    """A person revived a delivery whose wishes were taken back: they are wished anew, as an edit of now."""
    wanted = fields({wish.name: wish.value for wish in wishes_of([delivery])
                     if not agrees(unit(stored.ticket, wish.name), wish.value)})
    key = f"renewed/{delivery.id}/{delivery.attempts}"
    if not tx.done(delivery, deps.now(), {"renewed": key if wanted else ""}, recorder.ended(Outcome.DONE)):
        raise Lost
    if wanted:
        place(tx, deps, tool, stored, wanted, "", key)


def create(deps: Deps, tool: Tool, delivery: Delivery, in_time: InTime) -> None:
    """Create the ticket, then give our row the tool's id. Raises TryLater, Refused, Unsupported or Lost."""
    what = delivery.payload
    in_time()
    ref = tool.vendor.create(Draft(kind=Kind(what["kind"]), fields=what["fields"]), what["key"],
                             again=delivery.attempts > 0)
    retried(partial(_created, deps, tool, delivery, ref.id))


def _created(deps: Deps, tool: Tool, delivery: Delivery, id: str) -> None:
    now = deps.now()
    readable = Capability.READ in tool.vendor.capabilities()
    key = str(delivery.payload["key"])
    with deps.store.begin() as tx:
        ours = tx.by_key([delivery.ticket or 0], lock=True)[delivery.ticket or 0]
        other = tx.tickets(tool.name, [id], lock=True).get(id)
        # The link holds even if the lease was lost: a ticket exists, and its id must not be forgotten.
        tx.link(tool.name, {key: id})
        if readable:
            tx.hint(tool.name, [id], now)
        if other is None and ours.ticket.id[:1] == PLACEHOLDER:
            base = None if ours.base is None else replace(ours.base, id=id, version=UNREAD)
            tx.save([Change(ticket=replace(ours.ticket, id=id, version=UNREAD), before=ours, base=base)])
        elif other is not None and other.key != ours.key and not ours.ticket.deleted:
            _yield_to(tx, deps, tool, ours, id)
        kept = tx.done(delivery, now, {"id": id}, recorder.ended(Outcome.DONE))
    if not kept:
        raise Lost


def _yield_to(tx: Tx, deps: Deps, tool: Tool, ours: Stored, id: str) -> None:
    """A reading had already brought the ticket we created, unrecognised: its row stays, ours points to it."""
    log.warning("created_ticket_read_twice", tool=tool.name, ticket=id)
    event = Event(key=f"merged/{id}", at=tool_now(deps, tool), kind=EventKind.MERGED, data={"into": id})
    tx.save([Change(ticket=replace(ours.ticket, deleted=True), before=ours, events=[event])])


def comment(deps: Deps, tool: Tool, delivery: Delivery, in_time: InTime) -> None:
    """Add a comment. Raises TryLater, Refused, Unsupported or Lost."""
    what = delivery.payload
    id = _target(deps, tool, delivery)
    in_time()
    said = tool.vendor.comment(id, Comment(text=what["text"], public=what["public"], author=what["author"]),
                               what["key"], again=delivery.attempts > 0)
    kind = EventKind.COMMENTED if what["public"] else EventKind.NOTED
    _said(deps, tool, delivery, id, said, kind, what["text"])


def attach(deps: Deps, tool: Tool, delivery: Delivery, in_time: InTime) -> None:
    """Add a file. Raises TryLater, Refused, Unsupported or Lost."""
    what = delivery.payload
    if not files.there(deps, what["digest"]):
        raise Refused("the file is no longer kept: attach it again")
    id = _target(deps, tool, delivery)
    in_time()
    file = Attachment(name=what["name"], media_type=what["media_type"], size=what["size"],
                      open=lambda: files.read(deps, what["digest"]))
    said = tool.vendor.attach(id, file, what["key"], again=delivery.attempts > 0)
    _said(deps, tool, delivery, id, said, EventKind.ATTACHED, what["name"])


def _said(deps: Deps, tool: Tool, delivery: Delivery, id: str, said: str, kind: EventKind, text: str) -> None:
    key = str(delivery.payload["key"])
    readable = Capability.READ in tool.vendor.capabilities()
    with deps.store.begin() as tx:
        if not tx.done(delivery, deps.now(), {"id": said}, recorder.ended(Outcome.DONE)):
            raise Lost
        stored, known = locked(tx, tool, delivery)
        if key in superseded(known):
            first = next((event for event in known if event.key == key), None)
            actor, role = (first.actor, first.role) if first is not None else ("", Role.CONNECTOR)
            again = said_event(kind, f"{key}#{delivery.attempts}", own_time(deps, tool, stored), stored, actor, text,
                               role)
            tx.append([(stored.key, again)])
        if readable:
            tx.hint(tool.name, [id], deps.now())


def locked(tx: Tx, tool: Tool, delivery: Delivery) -> tuple[Stored, list[Event]]:
    """The ticket of a delivery and its history."""
    stored = _found(tx, tool, delivery)
    return stored, tx.history([stored.key])[stored.key]


def _found(tx: Tx, tool: Tool, delivery: Delivery) -> Stored:
    key = delivery.ticket or 0
    stored = tx.by_key([key], lock=True)[key]
    if stored.ticket.id[:1] == PLACEHOLDER:
        id = tx.links(tool.name, [stored.ticket.id[1:]]).get(stored.ticket.id[1:])
        stored = tx.tickets(tool.name, [id], lock=True).get(id, stored) if id else stored
    return stored


def _target(deps: Deps, tool: Tool, delivery: Delivery) -> str:
    """The tool's id of the ticket. Raises Refused when the tool never got it."""
    return _stored(deps, tool, delivery).ticket.id


def _stored(deps: Deps, tool: Tool, delivery: Delivery) -> Stored:
    """The ticket of a delivery. Raises Refused when the tool never got it."""
    with deps.store.read() as tx:
        stored = _found(tx, tool, delivery)
    if stored.ticket.id[:1] == PLACEHOLDER:
        raise Refused("the ticket was never created in the tool")
    return stored
