"""Reading tickets through GLPI's search: names come with the row, so a ticket costs no request of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from connector.domain.errors import TryLater
from connector.ports import Cursor
from connector.vendors.glpi.answers import PastEnd
from connector.vendors.glpi.client import Client, Params
from connector.vendors.glpi.names import AT_ONCE, Names, criterion, equals, rows_of
from connector.vendors.glpi.options import numbers, record, user_ids, verify
from connector.vendors.glpi.walk import OVERLAP, After, Found, end, walk
from connector.vendors.glpi.zone import FORM, Zone

Record = dict[str, Any]
PAGE: Final = 500
IDS_PAGE: Final = 5000
_ID, _CHANGED = "2", "19"
_OLDEST_FIRST: Final = [("sort[0]", _CHANGED), ("sort[1]", _ID), ("order[0]", "ASC"), ("order[1]", "ASC")]
_BY_ID: Final = [("sort[0]", _ID), ("order[0]", "ASC")]


class Reader:
    """Gives records of tickets, as many requests as pages."""

    def __init__(self, client: Client, names: Names, zone: Zone, fields: frozenset[str], now: Callable[[], datetime],
                 size: int = PAGE, overlap: timedelta = OVERLAP) -> None:
        self._client = client
        self._names = names
        self._zone = zone
        self._now = now
        self._size = size
        self._overlap = max(overlap, timedelta(seconds=1))
        self._asked = numbers(fields)
        self._verified = False

    def asked(self) -> Mapping[str, int]:
        """The search options asked for, verified against the tool once. Raises Refused when they differ."""
        if not self._verified:
            verify(self._asked, self._client.get("listSearchOptions/Ticket"))
            self._verified = True
        return self._asked

    # what changed

    def changed(self, since: Cursor) -> Iterator[tuple[list[Record], Cursor, int | None]]:
        """Pages of records, each with the cursor that continues after it and the size of the whole reading."""
        for step in walk(since, self._page, _stamp, self._zone, self._tool_time(), self._size, self._overlap):
            yield self.records(step.rows), step.cursor, step.total

    def _page(self, after: After, size: int) -> Found:
        """A page of rows. In a long reading GLPI would join the actors of all tickets left to sort them, for each page
        anew; so their ids and times are asked for first, which is cheap, and then only the rows up to the last."""
        if after.low:
            rows, count = self._search(self._criteria(after), size, _OLDEST_FIRST)
            return Found(rows, count, rows[-1] if len(rows) == size else None)
        peek, count = self._search(self._criteria(after), size, _OLDEST_FIRST, only_ids=True)
        if not peek:
            return Found(peek, count, None)
        until = _stamp(peek[-1])
        bounded = until and not self._zone.repeated(until)
        rows, _ = self._search(self._criteria(after, self._zone.shifted(until, 1) if bounded else ""), size,
                               _OLDEST_FIRST)
        return Found(rows, count, (rows or peek)[-1] if len(peek) == size else None)

    def _criteria(self, after: After, until: str = "") -> Params:
        last = criterion(0 if not after.mark else 1, _CHANGED, "lessthan", until, "AND") if until else []
        if after.low:
            return criterion(0, _CHANGED, "morethan", after.low, "AND")
        if not after.mark:
            return last
        # Of the same second, those with a higher id: `equals` on a time would also find its whole minute at :00.
        group = "[criteria][1][criteria]"
        return [("criteria[0][link]", "AND"),
                *_nested("[criteria][0]", "AND", _CHANGED, "morethan", after.mark),
                ("criteria[0][criteria][1][link]", "OR"),
                *_nested(f"{group}[0]", "AND", _CHANGED, "morethan", self._zone.shifted(after.mark, -1)),
                *_nested(f"{group}[1]", "AND", _CHANGED, "lessthan", self._zone.shifted(after.mark, 1)),
                *_nested(f"{group}[2]", "AND", _ID, "contains", f">{after.id}"), *last]

    def _tool_time(self) -> str:
        """Now, by the tool's clock and in its zone."""
        self.asked()  # its answer tells how far that clock is from ours
        return self._zone.local(self._now() + (self._client.http.skew or timedelta(0)))

    # tickets by id

    def by_id(self, ids: Sequence[str]) -> list[Record]:
        """Records of these tickets, those in the trash with `is_deleted` 1; the others are gone or hidden."""
        found: list[Record] = []
        for start in range(0, len(ids), AT_ONCE):
            some = [id for id in ids[start:start + AT_ONCE] if id.isdigit()]
            rows = self._of(some)
            have = {str(row.get(_ID)) for row in rows}
            found.extend(self.records(rows))
            left = [id for id in some if id not in have]
            if left:
                found.extend({**one, "is_deleted": "1"} for one in self.records(self._of(left, trash=True)))
        return found

    def _of(self, ids: Sequence[str], trash: bool = False) -> list[Mapping[str, Any]]:
        if not ids:
            return []
        criteria = [one for at, id in enumerate(ids) for one in equals(at, _ID, id)]
        return self._search(criteria, len(ids), _BY_ID, trash)[0]

    def records(self, rows: Sequence[Mapping[str, Any]]) -> list[Record]:
        people = self._names.people(user_ids(rows, self._asked))
        return [{"is_deleted": "0", **record(row, self._asked, people, self._client.escapes())} for row in rows]

    def ids(self) -> Iterator[list[str]]:
        """The ids of all tickets outside the trash, in ascending order."""
        last = 0
        while True:
            rows, _ = self._search(criterion(0, _ID, "contains", f">{last}", "AND"), IDS_PAGE, _BY_ID, only_ids=True)
            if rows:
                yield [str(row[_ID]) for row in rows if _ID in row]
            if len(rows) < IDS_PAGE:
                return
            last = int(rows[-1][_ID])

    def trashed(self, since: Cursor) -> tuple[list[str], Cursor]:
        """Tickets put into the trash since; purged ones leave nothing and are found by comparing all ids."""
        mark = str(since.get("at", ""))
        size, start = self._size, self._tool_time()
        while True:
            criteria = criterion(0, _CHANGED, "morethan", self._zone.before(mark, self._overlap), "AND") if mark else []
            rows, _ = self._search(criteria, size, _OLDEST_FIRST, trash=True, only_ids=True)
            if len(rows) < size:
                break
            size *= 4
        found = [str(row[_ID]) for row in rows if _ID in row]
        return found, ({"at": end(mark, rows, _stamp, start)} if rows else dict(since))

    def find(self, field: str, text: str) -> list[str]:
        """Ids, ascending, of tickets whose field contains the text, those in the trash last."""
        criteria = criterion(0, field, "contains", text, "AND")
        for trash in (False, True):
            rows, _ = self._search(criteria, 10, _BY_ID, trash, only_ids=True)
            if rows:
                return [str(row[_ID]) for row in rows if _ID in row]
        return []

    def _search(self, criteria: Params, size: int, order: Params, trash: bool = False,
                only_ids: bool = False) -> tuple[list[Mapping[str, Any]], int | None]:
        shown = [int(_ID), int(_CHANGED)] if only_ids else sorted(self.asked().values())
        params = [*criteria, *order, *((f"forcedisplay[{at}]", str(number)) for at, number in enumerate(shown)),
                  ("range", f"0-{size - 1}"), *([("is_deleted", "1")] if trash else [])]
        try:
            body = self._client.get("search/Ticket", params)
        except PastEnd:
            return [], 0
        if not isinstance(body, dict) or "totalcount" not in body:
            raise TryLater("GLPI: the answer to a search has no count")
        return rows_of(body), int(body["totalcount"])


def _stamp(row: Mapping[str, Any]) -> str:
    """The last change of a row; "" when it is not a time."""
    text = str(row.get(_CHANGED) or "")
    try:
        return datetime.fromisoformat(text).strftime(FORM)
    except ValueError:
        return ""


def _nested(path: str, link: str, field: str, how: str, value: str) -> Params:
    head = f"criteria[0]{path}"
    return [(f"{head}[link]", link), (f"{head}[field]", field), (f"{head}[searchtype]", how), (f"{head}[value]", value)]
