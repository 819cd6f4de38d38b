"""The private thread of a handoff: words, files and reports, and what of it the customer gets to see."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import PurePath
from typing import Final
from uuid import uuid4

from connector.domain.delivery import Verb
from connector.domain.errors import NotFound, Refused
from connector.domain.handoffs.chain import Entry, EntryKind
from connector.domain.handoffs.handoff import Handoff, IllegalMove, Moved, note
from connector.domain.handoffs.moves import HandoffState, Side, allowed
from connector.domain.handoffs.receiver import Comments, Files, Receiver, ReceiverKind
from connector.domain.history import EventKind, effective
from connector.flows import files
from connector.flows.handoff_hand import Hand, change, require_open, second
from connector.ports import Deps

LONGEST_TEXT: Final = 20_000
_ENDINGS: Final = frozenset(
    (".csv", ".eml", ".evtx", ".gz", ".jpg", ".json", ".log", ".msg", ".pcap", ".pdf", ".png", ".txt", ".xml", ".zip"))


def comment(deps: Deps, id: str, text: str, actor: str, *, side: Side = Side.OURS, once: str = "",
            receiver: str | None = None) -> Handoff:
    """Say something in the private thread. The same `once` twice is one comment."""
    mark = f"comment/{side}/{once or uuid4().hex}"

    def work(hand: Hand) -> Moved:
        _may_write(hand, side)
        return _once(hand, mark, lambda: note(
            hand.handoff, side, EntryKind.COMMENT, second(deps), actor=actor, mark=mark,
            body={"text": _words(text), "id": mark.rsplit("/", 1)[1]}))

    return change(deps, id, work, actor, receiver)


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
            body={"name": _name_for(hand, side, name, digest), "media_type": media_type[:100], "size": size,
                  "sha256": digest}))

    return change(deps, id, work, actor, receiver)


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
        require_open(hand)
        mark = f"file/{digest}"
        return _once(hand, mark, lambda: note(
            hand.handoff, Side.THEIRS, EntryKind.REPORT, second(deps), actor=actor, mark=mark,
            body={"name": file_name(name), "media_type": "application/pdf", "size": size, "sha256": digest,
                  "signed_by": signed_by.strip()[:200], "arrived": arrived, "left": left,
                  "parts": [{key: str(part.get(key, ""))[:200] for key in ("name", "number", "quantity")}
                            for part in parts]}))

    return change(deps, id, work, actor, receiver)


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

    return change(deps, id, work, actor)


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
        require_open(hand)
        return _once(hand, mark, lambda: note(
            hand.handoff, Side.OURS, EntryKind.COMMENT, second(deps), actor=actor, mark=mark,
            body={"text": told.text[:LONGEST_TEXT], "id": mark, "author": told.actor, "from": "ticket"}))

    return change(deps, id, work, actor)


def file_name(name: str) -> str:
    """The last part of a name, as a file may be called. Raises Refused."""
    name = name.replace("\\", "/").rsplit("/", 1)[-1].strip()
    if not name or name in (".", "..") or not name.isprintable() or len(name) > 255:
        raise Refused("name: a file needs a name of at most 255 characters", 422)
    return name


def _once(hand: Hand, mark: str, make: Callable[[], Moved]) -> Moved:
    """Nothing when it is there already."""
    if hand.marked(mark):
        return Moved(handoff=hand.handoff, entries=())
    return make()


def _may_write(hand: Hand, side: Side) -> None:
    require_open(hand)
    if side is Side.THEIRS and hand.handoff.state is HandoffState.DRAFT:
        raise IllegalMove("the handoff is not offered yet", allowed(hand.handoff.state, side))
    if side is Side.OURS and hand.receiver is not None and not hand.receiver.free_text:
        raise Refused(f"{hand.handoff.receiver} is sent no free text", 409)


def _may_send(hand: Hand, side: Side) -> None:
    require_open(hand)
    known: Receiver | None = hand.receiver
    if side is Side.OURS and (known is None or known.shares.attachments is Files.NONE):
        raise Refused(f"files are not shared with {hand.handoff.receiver}", 409)


def _name_for(hand: Hand, side: Side, name: str, digest: str) -> str:
    """A name is words too: a file for a security team is called by its content."""
    if side is Side.THEIRS or hand.receiver is None or hand.receiver.free_text:
        return name
    ending = PurePath(name).suffix.lower()
    return f"file-{digest[:12]}{ending if ending in _ENDINGS else ''}"


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
