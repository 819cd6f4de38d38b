"""The walk along (last change, id) by which tickets are read, whichever API gives them.

It never uses offsets, because rows move while it reads. It ends with the newest last change seen, but not after its
own beginning; the next walk begins a little before that: GLPI stamps a change with the time at which its request
began, so a slow request can appear behind what was already read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any, Final, NamedTuple

from connector.domain.errors import TryLater
from connector.ports import Cursor
from connector.vendors.glpi.zone import Zone

Row = Mapping[str, Any]
OVERLAP: Final = timedelta(seconds=60)


class After(NamedTuple):
    """Where to go on: after the local time `low`, or, with an `id`, after that ticket of the second `mark`.

    All empty is the very beginning.
    """

    low: str = ""
    mark: str = ""
    id: str = ""


class Step(NamedTuple):
    rows: Sequence[Row]
    cursor: Cursor
    total: int | None


class Found(NamedTuple):
    """Rows after a place, oldest change first and then by id. `last` is the row to go on from, None at the end."""

    rows: Sequence[Row]
    total: int | None
    last: Row | None


Fetch = Callable[[After, int], Found]
"""So many rows after a place."""


def walk(since: Cursor, fetch: Fetch, stamp: Callable[[Row], str], zone: Zone, start: str, size: int,
         overlap: timedelta) -> Iterator[Step]:
    """Steps of a walk. `start` is now, by the tool's clock and in its zone; `stamp` gives a row's last change.

    Raises TryLater when it cannot go on.
    """
    mark, id = str(since.get("at", "")), str(since.get("id", ""))
    start, total, asked = str(since.get("from", "")) or start, since.get("total"), size
    while True:
        rows, count, last = fetch(_after(mark, id, zone, overlap), asked)
        total = total if total is not None else count
        if last is None:
            if rows or id:
                yield Step(rows, {"at": end(mark, rows, stamp, start)}, total)
            return
        newest = next((row for row in (last, *reversed(rows)) if stamp(row)), None)
        if newest is None:
            raise TryLater("GLPI: no ticket of a page has a last change, so reading cannot go on after it")
        if zone.repeated(stamp(newest)):
            # In the repeated hour the order of local times says nothing: read on from before it, in a page that grows
            # until it reaches beyond.
            asked *= 2
        else:
            mark, id, asked = stamp(newest), str(newest.get("2", newest.get("id", ""))), size
        yield Step(rows, {"at": mark, "id": id, "from": start, "total": total}, total)


def _after(mark: str, id: str, zone: Zone, overlap: timedelta) -> After:
    return After(mark=mark, id=id) if id else After(low=zone.before(mark, overlap)) if mark else After()


def end(mark: str, rows: Sequence[Row], stamp: Callable[[Row], str], start: str) -> str:
    """Where the next walk begins. Not after this one's beginning: what was stamped since may have appeared behind the
    place already passed, and an imported stamp of next year must not hide this one's."""
    return min(max((stamp(row) for row in rows), default=mark), start)
