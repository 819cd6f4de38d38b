"""What leaves the house: a receiver is told what its list allows, and nothing else. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from connector.domain.delivery import Order
from connector.domain.handoffs.chain import Entry, EntryKind
from connector.domain.handoffs.handoff import Handoff
from connector.domain.handoffs.moves import HandoffState, Move, Side
from connector.domain.handoffs.receiver import Receiver, ReceiverKind, is_free_text
from connector.domain.ticket import Ticket, value_of

VERB: Final = "handoff"
VISIT: Final = ("site", "access", "visit_from", "visit_to")
"""Of `Handoff.details`: what a field service has to know."""
_ALWAYS: Final = ("severity", "tlp")
_WORDS: Final = ("data_class", "reason", "tried", "contact")
"""Fields of a handoff that hold words of ours."""


def outgoing(handoff: Handoff, entry: Entry, ticket: Ticket, receiver: Receiver) -> dict[str, Any] | None:
    """The message for an entry: type, time, handoff and data. None when the receiver is not told of it.

    A security team gets the state and its listed fields, never words.
    """
    kind = _type(entry)
    if kind is None:
        return None
    data: dict[str, Any] = {"handoff_id": handoff.id, "ticket": handoff.ours,
                            "supplier_ticket": handoff.theirs if receiver.free_text else "",
                            "status": str(handoff.state), "sequence": entry.seq, "hash": entry.hash}
    if entry.kind is EntryKind.MOVED:
        data["move"] = entry.body["move"]
        data |= _said(entry, receiver, ("reason", "effect"))
    if kind == "handoff.offered":
        data |= offered(handoff, ticket, receiver)
    elif entry.kind is EntryKind.COMMENT:
        if not receiver.free_text:
            return None
        data |= {"comment_id": entry.body.get("id", entry.mark), "comment": entry.body["text"],
                 "author": entry.body.get("author") or entry.actor}
    elif entry.kind is EntryKind.FILE:
        data["attachments"] = [{name: entry.body[name] for name in ("name", "size", "media_type", "sha256")}]
    elif entry.kind is EntryKind.EDITED:
        changed = _edited(entry, handoff, receiver)
        if not changed:
            return None
        data["changed"] = changed
    return {"type": kind, "time": entry.at.astimezone(UTC).isoformat(), "handoff": handoff.id, "data": data}


def offered(handoff: Handoff, ticket: Ticket, receiver: Receiver) -> dict[str, Any]:
    """What a receiver learns of the work itself; the portal and mails show the same."""
    always = {"severity": severity(handoff, receiver), "tlp": handoff.tlp}
    found: dict[str, Any] = {name: value for name, value in always.items() if value}
    if receiver.free_text:
        found |= {name: getattr(handoff, name) for name in _WORDS if getattr(handoff, name)}
    if handoff.reply_by is not None:
        found["reply_by"] = _plain(handoff.reply_by)
    if receiver.kind is ReceiverKind.FIELD_SERVICE:
        found["visit"] = {name: handoff.details[name] for name in VISIT if handoff.details.get(name)}
    found["fields"] = {name: _plain(value) for name, value in fields(ticket, receiver).items()}
    return found


def fields(ticket: Ticket, receiver: Receiver) -> dict[str, Any]:
    """The ticket's fields on the receiver's list that say something. Words never go to a security team, whatever its
    list says."""
    listed = (name for name in receiver.shares.fields
              if name != "custom" and (receiver.free_text or not is_free_text(name)))
    return {name: value for name in listed if (value := value_of(ticket, name)) not in (None, "", ())}


def order_of(handoff: Handoff, entry: Entry, ticket: Ticket, receiver: Receiver) -> Order | None:
    """The delivery of an entry; None for what is not told, and for a receiver that comes and looks."""
    payload = outgoing(handoff, entry, ticket, receiver) if receiver.reach.pushes else None
    if payload is None:
        return None
    return Order(key=f"handoff/{handoff.id}/{entry.seq}", target=receiver.target, verb=VERB, lane=handoff.lane,
                 payload=payload, ticket=handoff.ticket)


def _type(entry: Entry) -> str | None:
    if entry.side is Side.THEIRS:
        return None
    if entry.kind is EntryKind.MOVED:
        move = Move(entry.body["move"])
        if move is Move.OFFER:
            return "handoff.offered"
        if entry.body["from"] == HandoffState.DRAFT:
            return None
        return "handoff.dispute_opened" if move is Move.DISPUTE else "handoff.status_changed"
    return {EntryKind.COMMENT: "handoff.comment_added", EntryKind.FILE: "handoff.attachment_added",
            EntryKind.EDITED: "handoff.status_changed"}.get(entry.kind)


def _said(entry: Entry, receiver: Receiver, names: tuple[str, ...]) -> dict[str, Any]:
    words = () if receiver.free_text else ("reason",)
    return {name: entry.body[name] for name in names if entry.body.get(name) and name not in words}


def _edited(entry: Entry, handoff: Handoff, receiver: Receiver) -> dict[str, Any]:
    """New values of the handoff's own fields, and of ticket fields on the list."""
    known: Mapping[str, Any] = entry.body
    own = {*_ALWAYS, "reply_by", *(_WORDS if receiver.free_text else ())}
    if receiver.kind is ReceiverKind.FIELD_SERVICE:
        own.update(VISIT)
    own.update(name for name in receiver.shares.fields if receiver.free_text or not is_free_text(name))
    changed = {name: known[name][1] for name in sorted(own) if name in known}
    return {**changed, "severity": severity(handoff, receiver)} if "severity" in changed else changed


def severity(handoff: Handoff, receiver: Receiver) -> str:
    """A person may write it in words of their own; a security team is told the contract's word for the priority."""
    return handoff.severity if receiver.free_text else receiver.severity(handoff.priority)


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    return list(value) if isinstance(value, tuple) else value
