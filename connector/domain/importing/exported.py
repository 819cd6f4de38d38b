"""Rows of an exported file as tickets, with what the rows tell of their past."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

from msgspec.structs import replace

from connector.domain.errors import BadRecord, Problem
from connector.domain.importing.exported_history import Entry, Imported, Told, continued, imported
from connector.domain.importing.local_time import in_utc, parser
from connector.domain.importing.rows import FIRST, TIME, Rows
from connector.domain.mapping import Mapping as FieldMapping
from connector.domain.mappings.transforms import text
from connector.domain.problems import did_you_mean
from connector.domain.syncing.changes import diff
from connector.domain.ticket import Ticket
from connector.domain.vocabulary import DATES

_NO_TIME: Final = datetime(1970, 1, 1, tzinfo=UTC)
EXACT: Final = 1e15
"""Whole floats below it are exact, also where a spreadsheet wrote them."""
LONGEST_ID: Final = 255
_WHOLE: Final = re.compile(r"-?[0-9]{1,18}")


@dataclass(frozen=True, slots=True)
class Row:
    """A row as a reader gives it; `number` is what a person would look for in the file."""

    number: int
    values: Mapping[str, Any]
    error: str = ""


@dataclass(frozen=True, slots=True)
class Rejected:
    """A row that could not be understood, and why."""

    row: int
    ticket: str
    reasons: tuple[str, ...]
    values: Mapping[str, Any]


Reject = Callable[[Rejected], None]


class Export:
    """The rules of one mapping for the rows of one file."""

    def __init__(self, mapping: FieldMapping, tool: str, reject: Reject) -> None:
        self.mapping = mapping
        self.tool = tool
        self.rows = mapping.rows or Rows()
        self._reject = reject
        self._when = parser(self.rows)
        self._words = sorted(self.rows.reads() - self.rows.case - {self.rows.time})
        self._case = {rule.name for rule in mapping.rules() if rule.sources and set(rule.sources) <= self.rows.case}
        self.derived = [name for name in ("resolved_at", "closed_at") if mapping.rule(name) is None]
        self.firsts = [rule.name for rule in mapping.rules() if set(rule.sources) == {FIRST} and rule.name in DATES]

    def missing(self, seen: Iterable[str], file: str) -> list[Problem]:
        """Columns the mapping needs and no row has."""
        have = set(seen)
        wanted = {self.mapping.id_field: "id", **dict.fromkeys(self.rows.reads(), "rows")}
        for rule in self.mapping.rules():
            wanted.update(dict.fromkeys(rule.sources, f"fields.{rule.name}"))
        return [Problem(f"has no column `{name}`{did_you_mean(name, have)}", file, path=wanted[name])
                for name in sorted(wanted.keys() - have - self.rows.makes())]

    def entries(self, rows: Iterable[Row]) -> Iterator[Entry]:
        """What can be told apart by ticket and, in an audit export, placed in time. The order is the caller's business.
        """
        for row in rows:
            reasons = [row.error] if row.error else []
            entry = None if reasons else self._entry(row, reasons)
            if entry is None:
                ticket = row.values.get(self.mapping.id_field)
                self._reject(Rejected(row.number, "" if ticket is None else str(ticket), tuple(reasons), row.values))
            else:
                yield entry

    def _entry(self, row: Row, reasons: list[str]) -> Entry | None:
        """Columns with the file's markers for "not known" made empty."""
        record = {name: "" if self._unknown(value) else value for name, value in row.values.items()}
        ticket = self._said(self.mapping.id_field, record, ident, reasons)
        at = self._said(self.rows.time, record, self._time, reasons) if self.rows.audit else _NO_TIME
        for column in self._words:
            try:
                text(record.get(column, ""))
            except ValueError as error:
                reasons.append(f"`{column}`: {error}")
        if ticket is None or at is None or reasons:
            return None
        record[self.mapping.id_field] = ticket
        return Entry(ticket, at, _tie(record.get(self.rows.tie, "")) if self.rows.tie else row.number, row.number,
                     record)

    def _unknown(self, value: Any) -> bool:
        if isinstance(value, str):
            return value in self.rows.null
        return value is None or (isinstance(value, (int, float)) and text(value) in self.rows.null)

    @staticmethod
    def _said(column: str, record: Mapping[str, Any], read: Callable[[Any], Any], reasons: list[str]) -> Any:
        value = record.get(column, "")
        if value == "":
            reasons.append(f"`{column}` is empty")
            return None
        try:
            return read(value)
        except ValueError as error:
            reasons.append(f"`{column}`: {error}")
            return None

    def _time(self, value: Any) -> datetime:
        if isinstance(value, datetime) and value.tzinfo is not None:
            return in_utc(value)
        return self._when(text(value))

    def ticket(self, entries: Sequence[Entry]) -> Imported | None:
        """The ticket of an export with one row per ticket."""
        if len(entries) > 1:
            listed = ", ".join(str(entry.row) for entry in entries[:10])
            for entry in entries:
                self._bad(entry, f"the ticket has {len(entries)} rows ({listed}): is this `each: audit`?")
            return None
        ticket = self._read(entries[0], entries[0].values)
        return None if ticket is None else Imported(ticket, [imported(event) for event in diff(None, ticket)])

    def history(self, entries: Sequence[Entry]) -> Imported | None:
        """The ticket of an audit export, from all its rows in order. A row that cannot be read is left out."""
        carried: dict[str, Any] = {}
        told = Told(self.rows, self.at_the_time)
        for place, entry in enumerate(entries):
            made = carried.copy()
            for name, carry in self.rows.carry.items():
                value = entry.values.get(carry.source, "")
                if name not in made or text(value) not in carry.skip:
                    made[name] = value
            ticket = self._read(entry, {**entry.values, FIRST: entries[0].at, TIME: entry.at, **made})
            if ticket is not None:
                carried = made
                told.row(entry, ticket, place)
        if told.last is None:
            return None
        stamps = {name: told.entered(name, told.last.state) for name in self.derived}
        return Imported(replace(told.last, **stamps), told.events, since=entries[0].at, until=entries[-1].at,
                        first=told.first, opening=told.opening, place=told.place)

    def _read(self, entry: Entry, record: Mapping[str, Any]) -> Ticket | None:
        try:
            return self.mapping.read(self.tool, record, self._when)
        except BadRecord as error:
            self._bad(entry, *(str(problem) for problem in error.problems))
            return None

    def _bad(self, entry: Entry, *reasons: str) -> None:
        self._reject(Rejected(entry.row, entry.ticket, reasons, entry.values))

    def continued(self, one: Imported, stored: Ticket) -> Imported:
        """What the file tells, where we have the ticket from another one."""
        return continued(one, stored, self.at_the_time(stored), self.firsts, self.derived)

    def at_the_time(self, ticket: Ticket) -> Ticket:
        """The ticket of a row without what is filled back onto every row of it."""
        plain = {name: _UNKNOWN[name] for name in self._case if name in _UNKNOWN}
        custom = {name: value for name, value in ticket.custom.items() if f"custom.{name}" not in self._case}
        return replace(ticket, custom=custom, **plain)


_UNKNOWN: Final[dict[str, Any]] = {
    name: None if name in ("resolved_at", "closed_at", "due_at", "level", "impact", "urgency", "priority") else ""
    for name in Ticket.__struct_fields__
    if name not in {"tool", "id", "kind", "state", "opened_at", "updated_at", "number", "pending_on", "tags", "custom",
                    "deleted", "version"}
}
"""What a field holds that was filled back onto every row, so that its history is not known."""


def ident(value: Any) -> str:
    """A ticket's id as text, without the blanks around it. Raises ValueError for one that is not exactly what it was:
    spreadsheets and floats keep 1.10 as 1.1, and 15 digits of any number."""
    if isinstance(value, bool) or (isinstance(value, float) and not (value.is_integer() and abs(value) < EXACT)):
        raise ValueError(f"{value!r} is no exact id: keep ids as text in the export")
    if isinstance(value, Decimal) and value.is_finite() and value == value.to_integral_value():
        return str(int(value))
    word = text(value).strip()
    if not word:
        raise ValueError("is blank")
    if len(word) > LONGEST_ID:
        raise ValueError(f"has {len(word):,} characters, more than an id has ({LONGEST_ID})")
    return word


def _tie(value: Any) -> int | float | str:
    """Numbers written as text (CSV) are ordered as numbers."""
    if isinstance(value, (int, float)):
        return value
    word = text(value).strip()
    return int(word) if _WHOLE.fullmatch(word) else word
