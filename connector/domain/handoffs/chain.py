"""The history of a handoff: numbered entries, each sealed with a hash over itself and the one before.

The hash is SHA-256 over the JSON object of all other members and the handoff's id, keys sorted, no white space, UTF-8,
times in ISO 8601 with offset. Anybody can compute it again (docs/handoffs.md); members are text, whole numbers, true,
false, null, lists and objects only, so that every language writes them alike.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final

from msgspec import Struct

from connector.domain.handoffs.moves import Side

GENESIS: Final = "0" * 64
"""What the first entry names as the one before."""


class EntryKind(StrEnum):
    MOVED = "moved"
    """A move: `body` holds move, from, to, reason and what else was said."""
    COMMENT = "comment"
    FILE = "file"
    """`body` holds name, size, media_type and sha256."""
    PUBLISHED = "published"
    """A comment or file of this thread was shown to the customer; `body` names it."""
    EDITED = "edited"
    """Fields of the handoff changed: `body` holds field -> [old, new]."""
    CLOCK = "clock"
    """A clock of the contract breached, or the receiver has been silent for too long."""
    BOUNCED = "bounced"
    """The work came back too often; a person has to decide."""
    DECIDED = "decided"
    REPORT = "report"
    """Intervention report of a field service."""
    ACCESS = "access"
    """Somebody looked at a handoff of a security team."""
    CONFLICT = "conflict"
    """Both sides changed a field, or a change was not passed on: `body` holds field, ours, theirs, and kept or why."""
    RECEIVED = "received"
    """A message of a kind we do not know, kept as it came."""
    UNDELIVERED = "undelivered"
    """A message to the receiver that could not be delivered."""


class Entry(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """One thing that happened. `at` is our clock, UTC; what the other side says of the time is in `body`.

    `mark` makes an entry unique within its handoff: a comment's id, a file's hash.
    """

    seq: int
    at: datetime
    side: Side
    actor: str
    kind: EntryKind
    body: dict[str, Any] = {}
    mark: str = ""
    prev: str = GENESIS
    hash: str = ""


def sealed(handoff: str, entry: Entry) -> str:
    """The hash of an entry."""
    told = {"handoff": handoff, "seq": entry.seq, "at": entry.at.astimezone(UTC).isoformat(), "side": str(entry.side),
            "actor": entry.actor, "kind": str(entry.kind), "body": plain(entry.body), "mark": entry.mark,
            "prev": entry.prev}
    return hashlib.sha256(canonical(told)).hexdigest()


def canonical(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def plain(value: Any) -> Any:
    """A value as JSON knows it. Raises TypeError for a number with a fraction: languages write those differently."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode().replace("\0", "\N{REPLACEMENT CHARACTER}")
    if value is None or isinstance(value, (bool, int)):
        return value
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, Mapping):
        return {plain(str(key)): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    raise TypeError(f"an entry of a handoff cannot hold {type(value).__name__}")


def broken(handoff: str, entries: Iterable[Entry], head: str) -> str:
    """What is wrong with a chain of entries in order, "" when it is whole. `head` is the hash it should end with."""
    prev = GENESIS
    for seq, entry in enumerate(entries, 1):
        if entry.seq != seq:
            return f"entry {seq} is missing"
        if entry.prev != prev:
            return f"entry {seq} does not follow the one before"
        if sealed(handoff, entry) != entry.hash:
            return f"entry {seq} was changed"
        prev = entry.hash
    return "" if prev == head else "the last entries are missing"
