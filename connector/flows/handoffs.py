"""What people do with handoffs: each in one transaction with its history, messages and the ticket's next look.

`side` is Side.THEIRS for a supplier that works in our portal; `receiver` then binds it to its own handoffs. Suppliers'
messages come in through `answer`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import uuid4

from msgspec.structs import replace

from connector.domain.delivery import Verb
from connector.domain.errors import NotFound, Refused
from connector.domain.handoff import Choice, DisputeEffect, Handoff, IllegalMove, Moved, move, note
from connector.domain.handoff import decide as decided
from connector.domain.handoff_chain import Entry, EntryKind
from connector.domain.handoff_message import VISIT
from connector.domain.handoff_moves import HandoffState, Move, Side, allowed
from connector.domain.history import EventKind, effective
from connector.domain.receiver import Comments, Files, Receiver, ReceiverKind
from connector.domain.ticket import PRIORITIES
from connector.flows import files
from connector.flows.handoff_hand import Hand, opened, second
from connector.flows.handoff_inbox import Answer, answer
from connector.flows.handoff_offer import LONGEST, Offer, again_in, offer_in
from connector.flows.reading import retried
from connector.ports import Deps

__all__ = ["Answer", "Offer", "act", "answer", "attach", "comment", "decide", "edit", "looked", "offer", "offer_in",
           "publish", "report", "share"]
LONGEST_TEXT: Final = 20_000
EDITABLE: Final = (*LONGEST, "priority", "reply_by", "theirs", *VISIT)


def offer(deps: Deps, ticket: int, what: Offer, actor: str, once: str = "") -> Handoff:
    """Hand a ticket (our key) over. See `handoff_offer.offer_in`."""
    def work() -> Handoff:
        with deps.store.begin() as tx:
            return offer_in(tx, deps, ticket, what, actor, once)

    return retried(work)


def act(deps: Deps, id: str, what: Move, actor: str, *, side: Side = Side.OURS, reason: str = "", effect: str = "",
        receiver: str | None = None, only_at: int | None = None) -> Handoff:
    """Make a move. `effect` is what a dispute does to the clock: ours to say, when it is opened or settled.

    Raises NotFound, IllegalMove (409), Refused (422: words lack; 412: not at that revision any more).
    """
    def work(hand: Hand) -> Moved:
        if only_at is not None and hand.handoff.revision != only_at:
            raise Refused("the handoff has changed since it was read", 412)
        body = _effect(hand, what, side, effect)
        if what is Move.OFFER and side is Side.OURS:
            return again_in(hand, actor, reason=reason, body=body)
        return move(hand.handoff, side, what, second(deps), actor=actor, reason=reason, body=body)

    return _change(deps, id, work, actor, receiver)


def decide(deps: Deps, id: str, choice: Choice, actor: str, reason: str) -> Handoff:
    """The integrator's decision about work that came back too often."""
    def work(hand: Hand) -> Moved:
        moved = decided(hand.handoff, choice, second(deps), actor=actor, reason=reason)
        if choice is not Choice.OFFER_AGAIN:
            return moved
        return moved.then(again_in(replace_hand(hand, moved.handoff), actor))

    return _change(deps, id, work, actor)


def comment(deps: Deps, id: str, text: str, actor: str, *, side: Side = Side.OURS, once: str = "",
            receiver: str | None = None) -> Handoff:
    """Say something in the private thread. The same `once` twice is one comment."""
    mark = f"comment/{side}/{once or uuid4().hex}"

    def work(hand: Hand) -> Moved:
        _may_write(hand, side)
        return _once(hand, mark, lambda: note(
            hand.handoff, side, EntryKind.COMMENT, second(deps), actor=actor, mark=mark,
            body={"text": _words(text), "id": mark.rsplit("/", 1)[1]}))

    return _change(deps, id, work, actor, receiver)


def attach(deps: Deps, id: str, name: str, media_type: str, chunks: Iterable[bytes], actor: str, *,
           side: Side = Side.OURS, receiver: str | None = None) -> Handoff:
    """Add a file to the thread. The same content again is the same file."""
    name = file_name(name)
    with deps.store.read() as tx:
        found = tx.handoffs([id]).get(id)
        if found is None or (receiver is not None and found.receiver != receiver):
            raise NotFound(f"no handoff {id[:80]}", 404)
    digest, size = files.keep(deps, chunks)

    def work(hand: Hand) -> Moved:
        _may_send(hand, side)
        mark = f"file/{digest}"
        return _once(hand, mark, lambda: note(
            hand.handoff, side, EntryKind.FILE, second(deps), actor=actor, mark=mark,
            body={"name": name, "media_type": media_type[:100], "size": size, "sha256": digest}))

    return _change(deps, id, work, actor, receiver)


def report(deps: Deps, id: str, name: str, chunks: Iterable[bytes], actor: str, *, signed_by: str,
           parts: Sequence[Mapping[str, str]] = (), arrived: datetime | None = None, left: datetime | None = None,
           receiver: str | None = None) -> Handoff:
    """The signed intervention report of a field service, with the spare parts used (each name, number, quantity)."""
    if not signed_by.strip():
        raise Refused("signed_by: a report is signed by somebody", 422)
    if arrived is not None and left is not None and left < arrived:
        raise Refused("left: is before arrived", 422)
    digest, size = files.keep(deps, chunks)

    def work(hand: Hand) -> Moved:
        known = hand.receiver
        if known is None or known.kind is not ReceiverKind.FIELD_SERVICE:
            raise Refused("only a field service reports a visit", 409)
        _living(hand)
        mark = f"file/{digest}"
        return _once(hand, mark, lambda: note(
            hand.handoff, Side.THEIRS, EntryKind.REPORT, second(deps), actor=actor, mark=mark,
            body={"name": file_name(name), "media_type": "application/pdf", "size": size, "sha256": digest,
                  "signed_by": signed_by.strip()[:200], "arrived": arrived, "left": left,
                  "parts": [{key: str(part.get(key, ""))[:200] for key in ("name", "number", "quantity")}
                            for part in parts]}))

    return _change(deps, id, work, actor, receiver)


def publish(deps: Deps, id: str, seq: int, actor: str) -> Handoff:
    """Show a comment or a file of the private thread to the customer, in the ticket."""
    def work(hand: Hand) -> Moved:
        entry = next((one for one in hand.tx.entries([id])[id] if one.seq == seq), None)
        if entry is None or entry.kind not in (EntryKind.COMMENT, EntryKind.FILE, EntryKind.REPORT):
            raise Refused(f"entry {seq} is no comment and no file", 422)
        known = hand.receiver
        if known is None or known.one_way:
            raise Refused(f"what {hand.handoff.receiver} writes stays in the handoff", 409)

        def shown() -> Moved:
            _publish(hand, entry, actor)
            return note(hand.handoff, Side.OURS, EntryKind.PUBLISHED, second(deps), actor=actor,
                        mark=f"published/{seq}", body={"seq": seq})

        return _once(hand, f"published/{seq}", shown)

    return _change(deps, id, work, actor)


def share(deps: Deps, id: str, event: str, actor: str) -> Handoff:
    """Send one comment of the ticket (by the key of its event) to the receiver, where its list allows choosing."""
    def work(hand: Hand) -> Moved:
        known = hand.receiver
        if known is None or known.shares.comments is Comments.NONE:
            raise Refused(f"comments of tickets are not shared with {hand.handoff.receiver}", 409)
        history = effective(hand.tx.history([hand.stored.key]).get(hand.stored.key, ()))
        kinds = (EventKind.COMMENTED, EventKind.NOTED) if known.shares.comments is Comments.CHOSEN else (
            EventKind.COMMENTED,)
        told = next((one for one in history if one.key == event and one.kind in kinds), None)
        if told is None:
            raise NotFound("no such comment that may be shared", 404)
        mark = f"ticket/{event}"
        _living(hand)
        return _once(hand, mark, lambda: note(
            hand.handoff, Side.OURS, EntryKind.COMMENT, second(deps), actor=actor, mark=mark,
            body={"text": told.text[:LONGEST_TEXT], "id": mark, "author": told.actor, "from": "ticket"}))

    return _change(deps, id, work, actor)


def edit(deps: Deps, id: str, values: Mapping[str, Any], actor: str) -> Handoff:
    """Change what a handoff says: see EDITABLE. A new priority brings the receiver's word for it, and a new plan for
    its clocks. Raises Refused with every mistake."""
    def work(hand: Hand) -> Moved:
        _living(hand)
        new = _checked(values)
        if "priority" in new and "severity" not in new and hand.receiver is not None:
            new["severity"] = hand.receiver.severity(new["priority"])
        visit: dict[str, Any] = {name: new.pop(name) for name in VISIT if name in new}
        old: dict[str, Any] = {name: getattr(hand.handoff, name) for name in new}
        old |= {name: hand.handoff.details.get(name, "") for name in visit}
        changed = {name: [old[name], value] for name, value in {**new, **visit}.items() if old[name] != value}
        if not changed:
            return Moved(handoff=hand.handoff, entries=())
        after = replace(hand.handoff, **new, details={**hand.handoff.details, **visit})
        return note(after, Side.OURS, EntryKind.EDITED, second(deps), actor=actor, body=changed)

    return _change(deps, id, work, actor)


def looked(deps: Deps, id: str, actor: str) -> Handoff:
    """Note that somebody looked at a handoff of a security team: its access log. Others keep none."""
    def work(hand: Hand) -> Moved:
        if hand.receiver is None or hand.receiver.kind is not ReceiverKind.SECURITY:
            return Moved(handoff=hand.handoff, entries=())
        return note(hand.handoff, Side.OURS, EntryKind.ACCESS, second(deps), actor=actor)

    return _change(deps, id, work, actor)


def file_name(name: str) -> str:
    """The last part of a name, as a file may be called. Raises Refused."""
    name = name.replace("\\", "/").rsplit("/", 1)[-1].strip()
    if not name or name in (".", "..") or not name.isprintable() or len(name) > 255:
        raise Refused("name: a file needs a name of at most 255 characters", 422)
    return name


def replace_hand(hand: Hand, handoff: Handoff) -> Hand:
    return Hand(hand.deps, hand.tx, hand.registry, hand.stored, handoff, hand.others)


def _change(deps: Deps, id: str, work: Callable[[Hand], Moved], actor: str, receiver: str | None = None) -> Handoff:
    def once() -> Handoff:
        with deps.store.begin() as tx:
            hand = opened(tx, deps, id, receiver)
            return hand.keep(work(hand), actor)

    return retried(once)


def _once(hand: Hand, mark: str, make: Callable[[], Moved]) -> Moved:
    """Nothing when it is there already."""
    if hand.marked(mark):
        return Moved(handoff=hand.handoff, entries=())
    return make()


def _effect(hand: Hand, what: Move, side: Side, effect: str) -> dict[str, str]:
    if what not in (Move.DISPUTE, Move.SETTLE):
        return {}
    if effect and side is Side.THEIRS:
        raise Refused("effect: what a dispute does to the clock is not yours to say", 422)
    if effect and effect not in list(DisputeEffect):
        raise Refused(f"effect: expected one of {', '.join(DisputeEffect)}", 422)
    if not effect and what is Move.DISPUTE and hand.receiver is not None:
        effect = str(hand.receiver.dispute_clock)
    return {"effect": effect} if effect else {}


def _living(hand: Hand) -> None:
    if hand.handoff.ended:
        raise IllegalMove("the handoff is closed", ())


def _may_write(hand: Hand, side: Side) -> None:
    _living(hand)
    if side is Side.THEIRS and hand.handoff.state is HandoffState.DRAFT:
        raise IllegalMove("the handoff is not offered yet", allowed(hand.handoff.state, side))
    if side is Side.OURS and hand.receiver is not None and not hand.receiver.free_text:
        raise Refused(f"{hand.handoff.receiver} is sent no free text", 409)


def _may_send(hand: Hand, side: Side) -> None:
    _living(hand)
    known: Receiver | None = hand.receiver
    if side is Side.OURS and (known is None or known.shares.attachments is Files.NONE):
        raise Refused(f"files are not shared with {hand.handoff.receiver}", 409)


def _publish(hand: Hand, entry: Entry, actor: str) -> None:
    key = f"handoff/{hand.handoff.id}/published/{entry.seq}"
    if entry.kind is EntryKind.COMMENT:
        text = str(entry.body["text"])
        hand.say(Verb.COMMENT, {"key": key, "text": text, "public": True, "author": actor}, actor, text)
    else:
        body = entry.body
        hand.say(Verb.ATTACH, {"key": key, "name": body["name"], "media_type": body["media_type"],
                               "size": body["size"], "digest": body["sha256"]}, actor, str(body["name"]))


def _words(text: str) -> str:
    if not text.strip():
        raise Refused("text: an empty comment says nothing", 422)
    if len(text) > LONGEST_TEXT:
        raise Refused(f"text: longer than {LONGEST_TEXT} characters", 422)
    return text


def _checked(values: Mapping[str, Any]) -> dict[str, Any]:
    problems: list[str] = []
    for name, value in values.items():
        if name not in EDITABLE:
            problems.append(f"{name} cannot be edited")
        elif name == "reply_by":
            if value is not None and not (isinstance(value, datetime) and value.tzinfo is not None):
                problems.append("reply_by: expected a time with its zone")
        elif not isinstance(value, str) or len(value) > LONGEST.get(name, 500):
            problems.append(f"{name}: expected a text of at most {LONGEST.get(name, 500)} characters")
        elif name == "priority" and value not in PRIORITIES:
            problems.append(f"priority: expected one of {', '.join(PRIORITIES)}")
    if problems:
        raise Refused("; ".join(problems), 422)
    return {name: value.strip() if isinstance(value, str) else value for name, value in values.items()}
