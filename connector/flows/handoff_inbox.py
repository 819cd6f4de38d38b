"""What suppliers tell us by message. The caller has proven whose message it is; here it takes effect, once."""

from __future__ import annotations

import hashlib
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace

from connector.domain.delivery import Order
from connector.domain.errors import NotFound, Refused
from connector.domain.handoffs.chain import EntryKind
from connector.domain.handoffs.handoff import DisputeEffect, IllegalMove, Moved, move, note
from connector.domain.handoffs.moves import HandoffState, Move, Side
from connector.domain.handoffs.receiver import STATUSES, Receiver
from connector.domain.handoffs.supplier_message import Command, MessageType, SentFile
from connector.flows import files
from connector.flows.handoff_fields import take
from connector.flows.handoff_hand import Hand, opened, second
from connector.flows.reading import retried
from connector.ports import Deps, Tx

FETCH: Final = "fetch"
"""Verb of a delivery that gets a file from where the supplier says it is, into our own folder of files."""
_REACHED: Final = {
    Move.ACKNOWLEDGE: HandoffState.ACKNOWLEDGED, Move.DECLINE: HandoffState.DECLINED,
    Move.START: HandoffState.IN_PROGRESS, Move.WAIT: HandoffState.WAITING_CUSTOMER,
    Move.PROPOSE: HandoffState.RESOLVED_PROPOSED, Move.HAND_BACK: HandoffState.HANDED_BACK,
}


class Answer(Struct, frozen=True, kw_only=True):
    """`outcome`: done, repeat (the same message again: nothing happened), or recorded (a type we do not know)."""

    outcome: str
    handoff: str
    message: str


def answer(deps: Deps, receiver: Receiver | str, message_id: str, body_digest: str, command: Command) -> Answer:
    """Let a supplier's message take effect, in one transaction: handoff, history, ticket event, next look.

    The same id with the same body again has no effect and the same answer. Raises Refused 409 for the same id with
    another body; NotFound (404) for a handoff that is not there or not theirs; IllegalMove (409) for a move the state
    does not allow; Refused 422 for a status nobody knows, a missing reason, or a file we cannot get.
    """
    name = receiver if isinstance(receiver, str) else receiver.name
    for file in command.files:
        if file.content is not None:
            files.keep(deps, [file.content])

    def work() -> Answer:
        with deps.store.begin() as tx:
            seen = tx.first_time(f"supplier/{name}", message_id, body_digest, deps.now())
            if seen == "clash":
                raise Refused("this message id was used for another message", 409)
            if seen == "new":
                _take(tx, deps, name, message_id, command)
            outcome = "repeat" if seen == "repeat" else "done" if command.known else "recorded"
            return Answer(outcome=outcome, handoff=command.handoff, message=message_id)

    return retried(work)


def _take(tx: Tx, deps: Deps, receiver: str, message: str, command: Command) -> None:
    if not command.known:
        _record(tx, deps, receiver, message, command)
        return
    hand = opened(tx, deps, command.handoff, receiver, _marks(message, command))
    if hand.handoff.state is HandoffState.DRAFT:
        raise NotFound(f"no handoff {command.handoff[:80]}", 404)
    hand.keep(_applied(hand, message, command), command.author or receiver)


def _marks(message: str, command: Command) -> list[str]:
    files = [_file_mark(file) for file in command.files]
    return [_comment_mark(message, command), *_echo_marks(command), *files] if command.comment.strip() else files


def _comment_mark(message: str, command: Command) -> str:
    return f"comment/theirs/{command.comment_id or message}"


def _echo_marks(command: Command) -> list[str]:
    """Under which a comment of ours stands whose id they send back."""
    return [f"comment/ours/{command.comment_id}", command.comment_id] if command.comment_id else []


def _file_mark(file: SentFile) -> str:
    return f"file/{file.sha256}"


def _record(tx: Tx, deps: Deps, receiver: str, message: str, command: Command) -> None:
    """A type we do not know is kept in the handoff it names, if that is theirs, else in the audit trail."""
    try:
        hand = opened(tx, deps, command.handoff, receiver)
    except NotFound:
        tx.audit(deps.now(), receiver, "unknown message", message, {"type": command.type})
        return
    hand.keep(note(hand.handoff, Side.THEIRS, EntryKind.RECEIVED, second(deps), actor=receiver,
                   mark=f"message/{message}", body={"type": command.type, "message": message}))


def _applied(hand: Hand, message: str, command: Command) -> Moved:
    """In this order: their number, files, words, and then the move, which may need them."""
    if hand.handoff.ended:
        raise IllegalMove("the handoff is closed", ())
    so_far = _numbered(hand, message, command)
    actor = command.author or hand.handoff.receiver
    at = second(hand.deps)
    sent = {"message": message}
    if command.sent_at is not None:
        sent["said_at"] = command.sent_at.isoformat()
    for file in command.files:
        mark = _file_mark(file)
        if not hand.marked(mark) and not any(entry.mark == mark for entry in so_far.entries):
            _fetch(hand, message, file)
            body = {"name": file.name, "media_type": file.media_type, "size": file.size, "sha256": file.sha256, **sent,
                    **({"from": "url"} if file.content is None else {})}
            so_far = so_far.then(note(so_far.handoff, Side.THEIRS, EntryKind.FILE, at, actor=actor, mark=mark,
                                      body=body))
    so_far = so_far.then(_said(hand, so_far, message, command, sent))
    so_far = so_far.then(take(hand, so_far, command.fields))
    what = _move(hand, command)
    if what is not None:
        body = {**sent, **({"status": command.status} if command.status else {})}
        if what is Move.DISPUTE:
            body["effect"] = str(hand.receiver.dispute_clock if hand.receiver else DisputeEffect.RUNS)
        so_far = so_far.then(move(so_far.handoff, Side.THEIRS, what, at, actor=actor, body=body,
                                  reason=command.reason or command.comment))
    return so_far


def _said(hand: Hand, so_far: Moved, message: str, command: Command, sent: dict[str, str]) -> Moved:
    """A comment is known by its id; with other words it was edited, and both are kept. One of ours that comes back
    unchanged is an echo."""
    if not command.comment.strip() or _is_echo(hand, command):
        return Moved(handoff=so_far.handoff, entries=())
    body: dict[str, Any] = {"text": command.comment, "id": command.comment_id or message, **sent}
    mark = _comment_mark(message, command)
    if hand.marked(mark):
        first = next(entry for entry in hand.tx.entries([hand.handoff.id])[hand.handoff.id] if entry.mark == mark)
        this = f"{mark}/{hashlib.sha256(command.comment.encode('utf-8', 'replace')).hexdigest()}"
        if hand.marked(this) or first.body["text"] == command.comment:
            return Moved(handoff=so_far.handoff, entries=())
        mark, body = this, {**body, "edited": True}
    return note(so_far.handoff, Side.THEIRS, EntryKind.COMMENT, second(hand.deps), mark=mark, body=body,
                actor=command.author or hand.handoff.receiver)


def _is_echo(hand: Hand, command: Command) -> bool:
    ours = [mark for mark in _echo_marks(command) if hand.marked(mark)]
    return bool(ours) and any(entry.mark in ours and entry.body.get("text") == command.comment
                              for entry in hand.tx.entries([hand.handoff.id])[hand.handoff.id])


def _numbered(hand: Hand, message: str, command: Command) -> Moved:
    so_far = Moved(handoff=hand.handoff, entries=())
    if not command.theirs or command.theirs == hand.handoff.theirs:
        return so_far
    return note(replace(hand.handoff, theirs=command.theirs), Side.THEIRS, EntryKind.EDITED, second(hand.deps),
                actor=command.author or hand.handoff.receiver,
                body={"theirs": [hand.handoff.theirs, command.theirs], "message": message})


def _move(hand: Hand, command: Command) -> Move | None:
    """The move a message means. A status the handoff already has moves nothing: suppliers repeat themselves."""
    if command.type == MessageType.DISPUTE:
        return Move.DISPUTE
    if command.type != MessageType.STATUS:
        return None
    known = hand.receiver
    state = hand.handoff.state
    what = known.move(command.status, state) if known is not None else STATUSES.get(command.status.casefold())
    if what is None:
        words = sorted({*STATUSES, *(known.statuses if known is not None else ())})
        raise Refused(f"status: `{command.status[:80]}` is unknown; expected one of {', '.join(words)}", 422)
    return None if _REACHED.get(what) is state else what


def _fetch(hand: Hand, message: str, file: SentFile) -> None:
    if file.content is not None or files.there(hand.deps, file.sha256):
        return
    receiver = hand.receiver
    if receiver is None or receiver.target not in hand.deps.channels:
        raise Refused(f"attachments: {file.name} cannot be fetched: send its content", 422)
    hand.tx.enqueue([Order(
        key=f"handoff/{hand.handoff.id}/file/{file.sha256}", target=receiver.target, verb=FETCH,
        lane=f"{hand.handoff.lane}/files", ticket=hand.handoff.ticket,
        payload={"handoff": hand.handoff.id, "url": file.url, "sha256": file.sha256, "size": file.size,
                 "name": file.name, "media_type": file.media_type, "message": message})], hand.deps.now())
