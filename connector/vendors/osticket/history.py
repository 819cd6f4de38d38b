"""From osTicket's thread events and entries to events in our vocabulary.

osTicket writes the new value of a change and seldom the old one, in shapes that differ by code path. The values at
creation, kept by the plugin, and a fold over the events give the old ones; where neither does, they are not known.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from connector.domain.history import Event, EventKind, Role
from connector.domain.mapping import Mapping as FieldMapping
from connector.domain.ticket import Value
from connector.domain.vocabulary import When
from connector.vendors.osticket.records import own_key, text_of

_ROLES: Final = {"agent": Role.AGENT, "user": Role.REQUESTER, "system": Role.SYSTEM}
_WHOLE: Final = {"created": EventKind.CREATED, "deleted": EventKind.DELETED, "merged": EventKind.MERGED}
_ENTRIES: Final = {"M": EventKind.COMMENTED, "R": EventKind.COMMENTED, "N": EventKind.NOTED}
_COLUMNS: Final = {"sla_id": "sla", "topic_id": "topic", "duedate": "due", "priority": "priority", "source": "source"}
_TEXT_LIMIT: Final = 20_000
_UNKNOWN: Final = object()


class Historian:
    """Turns what the plugin tells of one ticket into events.

    `reopened_to` is the status a reopening gives, "" when the catalog does not say. `me` are our names as an author.
    """

    def __init__(self, mapping: FieldMapping, when: When, reopened_to: str, me: Collection[str]) -> None:
        self._mapping = mapping
        self._when = when
        self._reopened_to = reopened_to
        self._me = me
        self._fed: dict[str, list[str]] = {}
        for rule in mapping.rules():
            if rule.sources:
                fed = self._fed.setdefault(rule.sources[0], [])
                fed.extend(name for name in ((rule.name, "pending_on") if rule.name == "state" else (rule.name,))
                           if name not in fed)

    def events(self, ticket: str, told: Mapping[str, Any], names: Mapping[str, Any]) -> list[Event]:
        """Events in no special order; a line that makes no sense is left out, since one must not hide the rest."""
        first = told.get("first")
        have: dict[str, Any] = dict(first) if isinstance(first, Mapping) else {}
        made: list[Event] = []
        for row in _rows(told, "events"):
            made.extend(self._event(row, have, names))
        rows = _rows(told, "entries")
        original = next((row.get("id") for row in rows if row.get("type") == "M"), None)
        for row in rows:
            made.extend(self._entry(ticket, row, row.get("id") == original))
        return made

    def _event(self, row: Mapping[str, Any], have: dict[str, Any], names: Mapping[str, Any]) -> Iterator[Event]:
        at, id, kind = self._at(row.get("at")), _number(row.get("id")), str(row.get("event") or "")
        if at is None or id is None:
            return
        actor, role = self._who(row)
        if kind in _WHOLE:
            yield Event(key=f"event/{id}", at=at, seq=id, kind=_WHOLE[kind], actor=actor, role=role)
            return
        for field, old, new in self._changes(kind, row, names, actor):
            before = have.get(field, _UNKNOWN) if old is _UNKNOWN else old
            have[field] = new
            for name in self._fed.get(field, ()):
                was = None if before is _UNKNOWN else self._value(name, before)
                now = self._value(name, new)
                if before is _UNKNOWN or was != now:
                    yield Event(key=f"event/{id}/{name}", at=at, seq=id, kind=EventKind.CHANGED, field=name, old=was,
                                new=now, actor=actor, role=role)

    def _changes(self, kind: str, row: Mapping[str, Any], names: Mapping[str, Any],
                 actor: str) -> Iterator[tuple[str, Any, Any]]:
        """Tool field, old value (or unknown) and new value of each change an event tells."""
        data = row.get("data") if isinstance(row.get("data"), Mapping) else {}
        assert isinstance(data, Mapping)
        if kind == "reopened":
            if self._reopened_to:
                yield "status", _UNKNOWN, self._reopened_to
        elif kind == "assigned":
            if data.get("claim"):
                yield "staff", _UNKNOWN, actor
            for field in ("staff", "team"):
                if field in data:
                    yield field, _UNKNOWN, _named(names, field, data[field])
        elif kind == "released":
            for field in ("staff", "team"):
                if field in data or not data:
                    yield field, _UNKNOWN, ""
        elif kind == "transferred":
            if data.get("dept"):
                yield "dept", _UNKNOWN, _named(names, "dept", data["dept"])
        elif kind in ("closed", "edited"):
            if data.get("status"):
                yield "status", _UNKNOWN, _named(names, "status", data["status"])
            if kind == "edited":
                yield from _edited(data, names)

    def _value(self, name: str, raw: Any) -> Value:
        """A value of the past that the mapping does not know any more is not known, rather than a lost history."""
        try:
            return self._mapping.value(name, raw, self._when)
        except ValueError:
            return None

    def _entry(self, ticket: str, row: Mapping[str, Any], original: bool) -> Iterator[Event]:
        at, id = self._at(row.get("at")), _number(row.get("id"))
        kind = _ENTRIES.get(str(row.get("type") or ""))
        if at is None or id is None or kind is None:
            return
        actor, role = self._who(row)
        if row.get("type") == "M" and role is Role.SYSTEM:
            role = Role.REQUESTER
        if not original:
            data: dict[str, Value] = {"id": str(id)}
            if isinstance(row.get("key"), str):
                data["key"] = own_key(row["key"], f"comment/{ticket}")
            yield Event(key=f"entry/{id}", at=at, seq=id, kind=kind, actor=actor, role=role,
                        text=text_of(row)[:_TEXT_LIMIT], data=data)
        for file in _rows(row, "attachments"):
            if (number := _number(file.get("id"))) is not None:
                yield Event(key=f"attachment/{number}", at=at, seq=number, kind=EventKind.ATTACHED, actor=actor,
                            role=role, text=str(file.get("name") or ""), data={"id": str(number)})

    def _at(self, value: Any) -> datetime | None:
        try:
            return self._when(value) if isinstance(value, str) else None
        except (ValueError, OverflowError):
            return None

    def _who(self, row: Mapping[str, Any]) -> tuple[str, Role]:
        by = row.get("by")
        if not isinstance(by, Mapping):
            return "", Role.UNKNOWN
        actor = str(by.get("username") or by.get("name") or "")
        if actor and actor in self._me:
            return actor, Role.CONNECTOR
        return actor, _ROLES.get(str(by.get("type")), Role.UNKNOWN)


def _edited(data: Mapping[str, Any], names: Mapping[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    fields = data.get("fields")
    both = {**{key: value for key, value in data.items() if key in _COLUMNS},
            **(fields if isinstance(fields, Mapping) else {})}
    for key, value in both.items():
        if not (isinstance(value, (list, tuple)) and len(value) == 2):
            continue
        field = _COLUMNS.get(str(key)) or _field(names, str(key))
        if field:
            yield field, _named(names, field, value[0]), _named(names, field, value[1])


def _field(names: Mapping[str, Any], id: str) -> str:
    """The record's name of a form field: `subject` and `priority` are form fields too."""
    table = names.get("field")
    name = str(table.get(id, "") if isinstance(table, Mapping) else "")
    return name if name in ("", "subject", "priority") else f"field.{name}"


def _named(names: Mapping[str, Any], field: str, value: Any) -> Any:
    """The name behind an id, `[id, name]`, `{key: label}` or a name."""
    table = names.get(field)
    if isinstance(value, (list, tuple)):
        if field not in ("status", "staff", "team", "dept", "priority", "topic", "sla") or not value:
            return list(value)
        known = table.get(str(value[0])) if isinstance(table, Mapping) else None
        return known or (value[1] if len(value) > 1 else value[0])
    if isinstance(value, Mapping):
        return next(iter(value), "")
    if value is None or (value in (0, "0") and field in ("staff", "team", "topic", "sla")):
        return ""
    return table.get(str(value), value) if isinstance(table, Mapping) else value


def _rows(told: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    rows = told.get(name)
    return [row for row in rows if isinstance(row, Mapping)] if isinstance(rows, list) else []


def _number(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
