"""The one way a handoff is written down: record, entries, ticket event, messages, the ticket's state, the next look.

All in the caller's transaction. The ticket's row is locked first, always, so that two workers wait for each other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from msgspec.structs import replace

from connector.domain.agreements.registry import Registry
from connector.domain.delivery import Delivery, Order, Verb
from connector.domain.errors import NotFound, Refused
from connector.domain.handoffs.chain import Entry, EntryKind
from connector.domain.handoffs.handoff import RETURNS, Handoff, IllegalMove, Moved, bounced, note
from connector.domain.handoffs.message import order_of
from connector.domain.handoffs.mirror import holding, wanted
from connector.domain.handoffs.moves import Side
from connector.domain.handoffs.receiver import BOUNCE_LIMIT, Receiver
from connector.domain.history import Event, EventKind, Origin, Role
from connector.domain.mapping import Mapping as FieldMapping
from connector.domain.mapping import Owner
from connector.domain.ticket import PendingOn, Value
from connector.domain.values import checked
from connector.flows.editing import own_time, place, said_event
from connector.flows.reading import PLACEHOLDER, lane, log, retried
from connector.ports import Deps, Stored, Tx

ROLES: Final = {Side.OURS: Role.AGENT, Side.THEIRS: Role.SUPPLIER, Side.SYSTEM: Role.CONNECTOR}
_UNTOLD: Final = frozenset({EntryKind.ACCESS})
"""Entries that are no event of the ticket."""


def registry_of(deps: Deps) -> Registry:
    if deps.registry is None:
        raise Refused("there are no agreements, so nobody to hand work to")
    return deps.registry()


def second(deps: Deps) -> datetime:
    """Now in whole seconds, as tools tell times: the ticket's clocks and the handoff's then agree to the second."""
    return deps.now().replace(microsecond=0)


@dataclass(slots=True)
class Hand:
    """A handoff opened for writing, with its ticket and the other handoffs of that ticket."""

    deps: Deps
    tx: Tx
    registry: Registry
    stored: Stored
    handoff: Handoff
    others: list[Handoff] = field(default_factory=list)
    patch: dict[str, Value] = field(default_factory=dict)
    """What else is to be written to the ticket."""
    marks: Mapping[str, bool] = field(default_factory=dict)
    """Marks that were asked for at once, and whether an entry has them."""

    @property
    def receiver(self) -> Receiver | None:
        return self.registry.receivers.get(self.handoff.receiver)

    def keep(self, moved: Moved, actor: str = "", role: Role | None = None) -> Handoff:
        """Write down what happened. The bounce rule is part of it. `role` is who acted, seen from the ticket."""
        if not moved.entries and moved.handoff == self.handoff:
            return self.handoff
        receiver = self.receiver
        moved = self._bounced(moved, receiver)
        before = holding([self.handoff, *self.others], self.registry.receivers)
        at = self._time()
        self.tx.save_handoffs([moved], [(self.stored.key, event_of(moved.handoff, entry, receiver, at, role))
                                        for entry in moved.entries if entry.kind not in _UNTOLD], self.deps.now())
        self._tell(moved, receiver)
        self._mirror(moved, before, actor)
        self._write(moved, actor)
        self.handoff = replace(moved.handoff, revision=moved.handoff.revision + 1)
        return self.handoff

    def _bounced(self, moved: Moved, receiver: Receiver | None) -> Moved:
        back = any(entry.body.get("move") in RETURNS for entry in moved.entries)
        limit = BOUNCE_LIMIT if receiver is None else receiver.bounce_limit
        rule = bounced(moved.handoff, limit, second(self.deps)) if back else None
        return moved if rule is None else moved.then(rule)

    def marked(self, mark: str) -> bool:
        """Whether an entry with this mark is there already."""
        return self.marks[mark] if mark in self.marks else bool(self.tx.marked(self.handoff.id, [mark]))

    def say(self, verb: Verb, what: Mapping[str, Any], actor: str, text: str) -> None:
        """Publish words or a file of the thread in the ticket, where the customer sees it."""
        tool = self.deps.tools.get(self.stored.ticket.tool)
        if tool is None:
            raise Refused(f"{self.stored.ticket.ref}: the tool is not connected", 409)
        key = str(what["key"])
        order = Order(key=f"{verb}/{self.stored.key}/{key}", target=tool.name, verb=verb, payload=dict(what),
                      ticket=self.stored.key, lane=lane(tool.name, self.stored.key))
        if self.tx.enqueue([order], self.deps.now()):
            kind = EventKind.COMMENTED if verb is Verb.COMMENT else EventKind.ATTACHED
            self.tx.append([(self.stored.key, said_event(kind, key, self._time(), self.stored, actor, text,
                                                         Role.AGENT))])

    def _time(self) -> datetime:
        tool = self.deps.tools.get(self.stored.ticket.tool)
        return second(self.deps) if tool is None else own_time(self.deps, tool, self.stored)

    def _tell(self, moved: Moved, receiver: Receiver | None) -> None:
        if receiver is None:
            return
        orders = [order_of(moved.handoff, entry, self.stored.ticket, receiver) for entry in moved.entries]
        self.tx.enqueue([order for order in orders if order is not None], self.deps.now())

    def _mirror(self, moved: Moved, before: PendingOn | None, actor: str) -> None:
        """Set the ticket's state in its tool. A pause for a supplier is the supplier's doing, whoever noticed it: what
        the connector does by itself would pause no clock."""
        after = holding([moved.handoff, *self.others], self.registry.receivers)
        patch = self._writable(wanted(self.stored.ticket, before, after, self.receiver))
        tool = self.deps.tools.get(self.stored.ticket.tool)
        if not patch or tool is None or not moved.entries:
            return
        last = moved.entries[-1]
        role = Role.SUPPLIER if after is not None else ROLES[last.side]
        place(self.tx, self.deps, tool, self.stored, patch, actor or last.actor,
              f"handoff/{moved.handoff.id}/{last.seq}/ticket", role)
        self.stored = self.tx.by_key([self.stored.key])[self.stored.key]

    def _write(self, moved: Moved, actor: str) -> None:
        """Values of the receiver go to the ticket as the receiver's doing."""
        tool = self.deps.tools.get(self.stored.ticket.tool)
        try:
            found = checked(self.stored.ticket, self.patch)
        except Refused as error:
            log.warning("handoff_not_shown", ticket=str(self.stored.ticket.ref), handoff=self.handoff.id,
                        reason=error.reason)
            return
        if found and tool is not None:
            place(self.tx, self.deps, tool, self.stored, found, actor or moved.handoff.receiver,
                  f"handoff/{moved.handoff.id}/{moved.handoff.seq}/fields", Role.SUPPLIER)
            self.stored = self.tx.by_key([self.stored.key])[self.stored.key]

    def _writable(self, patch: Mapping[str, Value]) -> dict[str, Value]:
        """What the tool's mapping takes of it: the name of the supplier may be left out, the state may not."""
        tool = self.deps.tools.get(self.stored.ticket.tool)
        if not patch or tool is None:
            return {}
        names = [name for name in patch if name != "supplier" or _ours_to_write(tool.mapping, name)]
        try:
            if "state" in names and tool.mapping.owner("state") is Owner.TOOL:
                raise Refused("the state belongs to the tool")
            found = checked(self.stored.ticket, {name: patch[name] for name in names})
            tool.mapping.write(found, self.stored.ticket.kind)
        except Refused as error:
            log.warning("handoff_not_shown", ticket=str(self.stored.ticket.ref), handoff=self.handoff.id,
                        reason=error.reason)
            return {}
        return found


def _ours_to_write(mapping: FieldMapping, name: str) -> bool:
    return mapping.owner(name) is not Owner.TOOL and mapping.writable(name)


def opened(tx: Tx, deps: Deps, id: str, receiver: str | None = None, marks: Sequence[str] = ()) -> Hand:
    """A handoff for writing. Raises NotFound: what is not there, and what is another receiver's, look the same.

    `marks` will be asked for; all are looked up in one go.
    """
    found = tx.handed(id, marks)
    if found is None or (receiver is not None and found.handoff.receiver != receiver):
        raise NotFound(f"no handoff {id[:80]}", 404)
    return Hand(deps, tx, registry_of(deps), found.ticket, found.handoff, list(found.others),
                marks={mark: mark in found.marks for mark in marks})


def change(deps: Deps, id: str, work: Callable[[Hand], Moved], actor: str, receiver: str | None = None) -> Handoff:
    """Open a handoff, let `work` say what happens to it, write that down: one transaction, tried again on a conflict.
    """
    def once() -> Handoff:
        with deps.store.begin() as tx:
            hand = opened(tx, deps, id, receiver)
            return hand.keep(work(hand), actor)

    return retried(once)


def require_open(hand: Hand) -> None:
    if hand.handoff.ended:
        raise IllegalMove("the handoff is closed", ())


def living(tx: Tx, key: int) -> Stored:
    """The ticket, locked. Raises NotFound, or Refused when no work can be handed over for it."""
    stored = tx.by_key([key], lock=True).get(key)
    if stored is None:
        raise NotFound(f"no ticket {key}", 404)
    if stored.ticket.deleted:
        raise Refused(f"{stored.ticket.ref} is deleted", 409)
    if stored.ticket.id[:1] == PLACEHOLDER:
        raise Refused(f"{stored.ticket.ref} is not yet in its tool: hand it over when it is", 409)
    return stored


def undelivered(tx: Tx, deps: Deps, delivery: Delivery, reason: str) -> None:
    """A message to a receiver could not be delivered: the handoff tells it, and the ticket's history too."""
    id = str(delivery.payload.get("handoff", ""))
    if not id or id not in tx.handoffs([id]):
        return
    hand = opened(tx, deps, id)
    mark = f"undelivered/{delivery.id}/{delivery.attempts}"
    if not hand.marked(mark):
        hand.keep(note(hand.handoff, Side.SYSTEM, EntryKind.UNDELIVERED, second(deps), mark=mark,
                       body={"delivery": delivery.id, "type": str(delivery.payload.get("type", "")), "why": reason}))


def event_of(handoff: Handoff, entry: Entry, receiver: Receiver | None, at: datetime,
             role: Role | None = None) -> Event:
    """What the ticket's history tells of an entry. Words stay in the handoff's own thread, but for reasons, where the
    receiver is one that shares words at all."""
    body = entry.body
    data: dict[str, Value] = {"handoff": handoff.id, "receiver": handoff.receiver, "state": str(handoff.state),
                              "side": str(entry.side), "what": str(body.get("move") or body.get("what") or entry.kind)}
    data |= {name: body[name] for name in ("target", "cycle", "bounces", "choice") if name in body}
    open_words = receiver is not None and receiver.free_text and not receiver.one_way
    text = str(body.get("reason", "")) if open_words else ""
    return Event(key=f"handoff/{handoff.id}/{entry.seq}", at=at, kind=EventKind.HANDOFF, seq=entry.seq,
                 actor=entry.actor, role=role or ROLES[entry.side], origin=Origin.CONNECTOR, text=text, data=data)
