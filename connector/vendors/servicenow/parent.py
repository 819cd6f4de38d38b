"""One question to `task` instead of one to each table, when nothing has changed (docs/decisions/0022).

The tables of tickets extend `task`. Its rows tell which of them changed; those are then read by themselves. The answer
is only believed after `task` was seen to show as many rows as the tables do, and only when it hides none from us.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from connector.domain.errors import ConnectorError
from connector.vendors.servicenow.desk import Desk
from connector.vendors.servicenow.paging import Place
from connector.vendors.servicenow.query import ascending, both, either, stamp, where
from connector.vendors.servicenow.records import change_stamp

PARENT: Final = "task"
PROVEN_FOR: Final = timedelta(hours=24)
Seen = dict[str, str]
"""sys_id -> change stamp of rows already given."""


@dataclass(frozen=True, slots=True)
class Look:
    """Tables to read now, and those known to hold nothing new up to `place` (whose cursors may move there)."""

    due: Sequence[str]
    quiet: Sequence[str] = ()
    place: Place = field(default_factory=Place)
    seen: Mapping[str, Seen] = field(default_factory=dict)


class Parent:
    """Asks `task`, if that has proved itself."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.tables = desk.options.tables
        self.wanted = desk.options.parent_probe and len(self.tables) > 1
        self._proven: datetime | None = None
        self._tried: datetime | None = None

    def look(self, state: Mapping[str, tuple[Place, Seen]]) -> Look:
        """For tables that were all read to the end before."""
        everything = Look(self.tables)
        if not self.wanted or not self._recent(self._proven):
            return everything
        least = min(place.start for place, _ in state.values())
        fields = ("sys_id", "sys_class_name", "sys_updated_on", "sys_mod_count")
        try:
            page = self.desk.client.rows(PARENT, both(self._classes(), where("sys_updated_on", ">=", least),
                                                      self.desk.options.filter, ascending("sys_updated_on", "sys_id")),
                                         fields, self.desk.options.page)
        except ConnectorError:
            return everything
        if page.total is None or page.total != len(page.rows):
            return everything
        due: set[str] = set()
        horizon = stamp(page.at - self.desk.options.overlap)
        kept: dict[str, Seen] = {table: {} for table in self.tables}
        for row in page.rows:
            table, at = str(row.get("sys_class_name", "")), str(row.get("sys_updated_on", ""))
            if table not in kept:
                return everything
            place, seen = state[table]
            mark = change_stamp(row)
            if at >= place.start and seen.get(row["sys_id"]) != mark:
                due.add(table)
            if at > horizon:
                kept[table][row["sys_id"]] = mark
        quiet = [table for table in self.tables if table not in due]
        if any(horizon < state[table][0].start for table in quiet):
            quiet = []
        return Look([table for table in self.tables if table in due], quiet, Place(start=horizon), kept)

    def prove(self) -> None:
        """Whether `task` shows what the tables show, asked at most once a day."""
        if not self.wanted or self._recent(self._tried):
            return
        self._tried = self.desk.now()
        self._proven = None
        try:
            whole = self._total(PARENT, self._classes())
            parts = [self._total(table, "") for table in self.tables]
        except ConnectorError:
            return
        if None not in (whole, *parts) and whole == sum(part or 0 for part in parts):
            self._proven = self._tried

    def _total(self, table: str, query: str) -> int | None:
        return self.desk.client.rows(table, both(query, self.desk.options.filter), ("sys_id",), 1).total

    def _classes(self) -> str:
        return either([where("sys_class_name", "INSTANCEOF", table) for table in self.tables])

    def _recent(self, at: datetime | None) -> bool:
        return at is not None and self.desk.now() - at < PROVEN_FOR
