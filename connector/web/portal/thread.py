"""What a receiver reads of a history: its own entries, and of ours exactly what it is sent as messages too."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from msgspec.structs import replace

from connector.domain.handoffs.chain import Entry, EntryKind
from connector.domain.handoffs.message import outgoing
from connector.domain.handoffs.moves import Side
from connector.store.handoff_queries import FileRow
from connector.web.handoffs.view import Seen

_MOVE: Final = ("move", "from", "to")


def shown(seen: Seen) -> list[Entry]:
    return list(_shown(seen))


def _shown(seen: Seen) -> Iterator[Entry]:
    for entry in seen.entries:
        if entry.side is Side.THEIRS:
            yield replace(entry, body={**entry.body, "sha256": ""}) if only_named(entry) else entry
        elif seen.receiver is not None:
            told = outgoing(seen.handoff, entry, seen.ticket, seen.receiver)
            if told is not None:
                yield _as_told(entry, told["data"])


def only_named(entry: Entry) -> bool:
    """A file they told address and hash of, but never sent: who names the hash of a file we keep for others must not
    get that file."""
    return entry.side is Side.THEIRS and entry.body.get("from") == "url"


def _as_told(entry: Entry, data: dict[str, Any]) -> Entry:
    """No name of ours but the author of words, no field that is not on the receiver's list."""
    body = entry.body
    if entry.kind is EntryKind.COMMENT:
        return replace(entry, actor=str(data["author"]), body={"text": data["comment"]})
    if entry.kind is EntryKind.EDITED:
        return replace(entry, actor="", body={name: _told(body[name], new) for name, new in data["changed"].items()})
    if entry.kind is EntryKind.MOVED:
        kept = {name: body[name] for name in _MOVE} | {name: data[name] for name in ("reason", "effect")
                                                       if name in data and body.get(name)}
        return replace(entry, actor="", body=kept)
    return replace(entry, actor="")


def _told(change: list[Any], new: Any) -> list[Any]:
    """Old and new value; where they are told another value than was written, only that one."""
    return change if change[1] == new else [new, new]


def files(seen: Seen) -> list[FileRow]:
    """Those that an entry they read tells of."""
    known = {entry.body.get("sha256") for entry in shown(seen)}
    return [file for file in seen.files if file.digest in known]
