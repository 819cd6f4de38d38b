"""Reading a table that changes while it is read, without losing a row (docs/decisions/0021).

Pages go by key (a stamp and the sys_id), not by offset. A reading answers for every row up to its *horizon*: the moment
it began, by the instance's clock, less the overlap. Rows beyond are given if seen, but the next reading, which begins
at this horizon, answers for them; so late commits, clocks of several nodes and rows changed on the way do no harm.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import pairwise
from typing import Any, Final

from connector.domain.errors import Refused, TryLater
from connector.vendors.servicenow.answers import TooMuch
from connector.vendors.servicenow.client import Client, Rows
from connector.vendors.servicenow.query import ascending, both, stamp, where

BEGINNING: Final = "1970-01-01 00:00:00"
SMALLEST: Final = 10
MOST_STARTS: Final = 50
SMALL_TAIL: Final = 10
"""A tied last second of at most one row in this many is read again rather than drained by a request of its own."""
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a reading is. `start` is where it began and `horizon` where the next one will ("" before the first page).
    `at` and `after`: rows up to that stamp are done, and those of the stamp itself up to that sys_id ("" all)."""

    start: str = BEGINNING
    horizon: str = ""
    at: str = ""
    after: str = ""


@dataclass(frozen=True, slots=True)
class Slice:
    rows: list[Row]
    place: Place
    done: bool
    total: int | None


class Pager:
    """Reads one table in pages that shrink when the instance cannot keep up, and grow again."""

    def __init__(self, client: Client, table: str, fields: Sequence[str], *, key: str = "sys_updated_on",
                 size: int = 1000, overlap: timedelta = timedelta(0), display: bool | str = False,
                 only: str = "") -> None:
        self.client = client
        self.table = table
        self.key = key
        self.fields = tuple(dict.fromkeys(("sys_id", key, *fields)))
        self.full = size
        self.size = size
        self.overlap = overlap
        self.display = display
        self.only = only

    def read(self, place: Place = Place()) -> Iterator[Slice]:
        """Slices from `place` to the end; the last one is `done` and its place begins the next reading."""
        total: int | None = None
        while True:
            page, place = self._next(place)
            total = page.total if total is None else total
            if page.end and not place.after:
                # A clock set back must not make the next reading begin before this one.
                yield Slice(page.rows, Place(start=max(place.horizon, place.start)), True, total)
                return
            rows, place = self._advance(page, place)
            if rows:
                yield Slice(rows, place, False, total)

    def _next(self, place: Place) -> tuple[Rows, Place]:
        if place.after:
            return self._tied(place), place
        least = place.at or place.start
        condition = where(self.key, ">" if place.at else ">=", least)
        page = self.ask(condition, self._order)
        horizon = place.horizon or stamp(page.at - self.overlap)
        if not page.end and not any(self._at(row) <= horizon for row in page.rows):
            # What there is up to the horizon is hidden from us, or has just changed and so tells nothing of its place.
            if least < horizon:
                page = self._up_to(horizon, condition)
            elif not page.rows:
                page = replace(page, total=0)  # beyond, the next reading answers
        self._check(page, least)
        return page, replace(place, horizon=horizon)

    def _up_to(self, horizon: str, condition: str) -> Rows:
        """The first page up to the horizon that shows anything. A row that changes leaves this query for the time
        beyond, which the total shows; the page is never the end."""
        page = self.step(both(condition, where(self.key, "<=", horizon)), self._order, horizon)
        return replace(page, total=None, linked=True)

    def _at(self, row: Row) -> str:
        """Raises Refused."""
        at = row.get(self.key)
        if not at or not row.get("sys_id"):
            raise Refused(f"ServiceNow: {self.table}.{self.key} cannot be read by our account")
        return str(at)

    def _tied(self, place: Place) -> Rows:
        page = self.step(both(where(self.key, "=", place.at), where("sys_id", ">", place.after)), ascending("sys_id"))
        self._check(page, place.at)
        if page.rows and not page.end and page.rows[-1]["sys_id"] == place.after:
            raise Refused(f"ServiceNow: {self.table} ignores the condition on sys_id and would be read for ever")
        return page

    @property
    def _order(self) -> str:
        return ascending(self.key, "sys_id")

    def _advance(self, page: Rows, place: Place) -> tuple[list[Row], Place]:
        """The rows to give and the place after them, when more may follow."""
        if place.after:
            return page.rows, replace(place, after="" if page.end else page.rows[-1]["sys_id"])
        if not page.rows:
            return [], replace(place, at=place.horizon)
        # A row beyond the horizon may have changed after the page was sorted: its stamp says nothing of its place.
        sure = [row for row in page.rows if row[self.key] <= place.horizon]
        if any(a[self.key] > b[self.key] for a, b in pairwise(sure)):
            raise TryLater(f"ServiceNow: {self.table} was not answered in order of {self.key}")
        # Where all are beyond, so is what precedes them (`_next`), and this reading does not answer for any of it.
        sure = sure or page.rows
        last = sure[-1][self.key]
        tail = sum(1 for row in sure if row[self.key] == last)
        if tail < len(sure) and tail * SMALL_TAIL <= len(sure):
            sure = sure[:-tail]
            return sure, replace(place, at=sure[-1][self.key])
        return sure, replace(place, at=last, after=sure[-1]["sys_id"])

    def _check(self, page: Rows, least: str) -> None:
        """The instance drops conditions it does not understand and answers with the rest."""
        for row in page.rows:
            at = self._at(row)
            if at < least:
                raise Refused(f"ServiceNow: {self.table} was asked for rows from {least} and gave one of {at}: the "
                              "instance ignores the condition (is the field readable in queries?)")

    def sweep(self) -> Iterator[list[Row]]:
        """Every row once, in order of sys_id."""
        after = ""
        order = ascending("sys_id")
        while True:
            page = self.step(where("sys_id", ">", after) if after else "", order)
            if any(not row.get("sys_id") or row["sys_id"] == after for row in page.rows):
                raise Refused(f"ServiceNow: {self.table} ignores the condition on sys_id")
            if page.rows:
                yield page.rows
            if page.end:
                return
            after = page.rows[-1]["sys_id"]

    # single pages

    def step(self, query: str, order: str, horizon: str = "") -> Rows:
        """The first page of a query that shows anything (up to `horizon`, if given). Stretches hidden from us are
        stepped over by offset, from the start again whenever the total shows that rows have moved."""
        page = self._shown(query, order, 0, horizon)
        starts = 1
        while not page.rows and not page.end:
            following = self._shown(query, order, page.offset + page.limit, horizon)
            if following.total == page.total:
                page = following
                continue
            starts += 1
            if starts > MOST_STARTS:
                raise TryLater(f"ServiceNow: {self.table} changes too fast to be read past rows hidden from us")
            page = self._shown(query, order, 0, horizon)
        return page

    def _shown(self, query: str, order: str, offset: int, horizon: str) -> Rows:
        page = self.ask(query, order, offset)
        return replace(page, rows=[row for row in page.rows if self._at(row) <= horizon]) if horizon else page

    def ask(self, query: str, order: str, offset: int = 0) -> Rows:
        """One page, smaller when the instance says that it takes too long."""
        while True:
            size = self.size
            try:
                page = self.client.rows(self.table, both(query, self.only, order), self.fields, size, offset,
                                        self.display)
            except TooMuch as error:
                if size <= SMALLEST:
                    raise TryLater(error.reason) from None
                self.size = max(SMALLEST, size // 4)
            else:
                self.size = min(self.full, size + size // 4 + 1)
                return page
