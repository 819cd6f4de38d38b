"""Room of the tickets: read, save, and when to look at them again."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Final

import psycopg
from sqlalchemy import Column, MetaData, Select, Table, Text, bindparam, exists, func, select, text, update
from sqlalchemy.schema import CreateTable

from connector.domain.errors import Conflict
from connector.domain.history import Event
from connector.ports import Change, Stored
from connector.store.bulk import FEW, batches, updating
from connector.store.codec import json_text, read_ticket
from connector.store.history import HistoryRoom
from connector.store.ready import Ready
from connector.store.rows import COLUMNS, ticket_row
from connector.store.tables import WIDEST, documents, tickets

STORED: Final = select(
    tickets.c.key, tickets.c.revision, tickets.c.history_due, tickets.c.missing_since,
    documents.c.document, documents.c.base, tickets.c.tool_id,
).join_from(tickets, documents, documents.c.ticket == tickets.c.key)  # fmt: skip
_KEY: Final = STORED.where(tickets.c.key == bindparam("key"))
_ONE: Final = Ready(_KEY)
_ONE_LOCKED: Final = Ready(_KEY.with_for_update(of=tickets))
_HISTORY_DUE: Final = text("tickets.history_due")  # as the partial index says it
_seen: Final = Table("seen", MetaData(), Column("id", Text, primary_key=True), prefixes=["TEMPORARY"])


def stored(row: Any) -> Stored:
    key, revision, history_due, missing_since, document, base, _ = row
    return Stored(
        key=key, ticket=read_ticket(document), revision=revision, history_due=history_due, missing_since=missing_since,
        base=None if base is None else read_ticket(base),
    )


class TicketRoom(HistoryRoom):
    def tickets(self, tool: str, ids: Sequence[str], *, lock: bool = False) -> dict[str, Stored]:
        if not ids:
            return {}
        found = STORED.where(tickets.c.tool == tool, self.bulk.among(tickets.c.tool_id, ids))
        return {row.tool_id: stored(row) for row in self.run(self._locked(found, lock))}

    def by_key(self, keys: Sequence[int], *, lock: bool = False) -> dict[int, Stored]:
        if not keys:
            return {}
        if len(keys) == 1:
            one = _ONE_LOCKED if lock and self.writing else _ONE
            return {row[0]: stored(row) for row in one.run(self.conn, key=keys[0])}
        found = STORED.where(self.bulk.among(tickets.c.key, keys))
        return {row.key: stored(row) for row in self.run(self._locked(found, lock))}

    def keys(self) -> tuple[int, int] | None:
        least, greatest = self.run(select(func.min(tickets.c.key), func.max(tickets.c.key))).one()
        return None if least is None else (least, greatest)

    def walk(self, first: int, last: int) -> list[Stored]:
        found = STORED.where(tickets.c.key.between(first, last)).order_by(tickets.c.key)
        return [stored(row) for row in self.run(found)]

    def _locked(self, found: Select[Any], lock: bool) -> Select[Any]:
        """Rows are locked in the order of their keys, so that two transactions cannot wait for each other."""
        return found.order_by(tickets.c.key).with_for_update(of=tickets) if lock and self.writing else found

    def save(self, changes: Sequence[Change]) -> list[int]:
        """As the port says. After a Conflict the transaction is over: begin a new one."""
        new = [change for change in changes if change.before is None]
        known = [(change, change.before) for change in changes if change.before is not None]
        with _conflict():
            fresh = iter(self._insert(new))
            self._update(known)
        return [next(fresh) if change.before is None else change.before.key for change in changes]

    def _insert(self, changes: list[Change]) -> Sequence[int]:
        if not changes:
            return []
        at, keys = self.bulk.at, self.bulk.reserve(self.conn, tickets, len(changes))
        pairs = list(zip(keys, changes, strict=True))
        self.bulk.insert(
            self.conn, tickets, ("key", "tool", "tool_id", *COLUMNS),
            [(key, change.ticket.tool, change.ticket.id, *ticket_row(change, 1, at)) for key, change in pairs],
        )
        self.bulk.insert(self.conn, documents, ("ticket", "document", "base"),
                         [(key, *_texts(change)) for key, change in pairs])
        self.insert_events([(key, event) for key, change in pairs for event in _once(change.events)])
        return keys

    def _update(self, changes: list[tuple[Change, Stored]]) -> None:
        if not changes:
            return
        if len(changes) == 1:
            self._update_one(*changes[0])
            return
        at = self.bulk.at
        rows = [(*ticket_row(change, before.revision + 1, at), before.key, before.revision)
                for change, before in changes]
        if self.bulk.update(self.conn, tickets, COLUMNS, ("key", "revision"), rows) != len(rows):
            raise Conflict("a ticket changed in the store since it was read")
        self.bulk.update(self.conn, documents, ("document", "base"), ("ticket",),
                         [(*_texts(change), before.key) for change, before in changes])
        renamed = [(change.ticket.id, before.key) for change, before in changes if change.ticket.id != before.ticket.id]
        if renamed:
            self.bulk.update(self.conn, tickets, ("tool_id",), ("key",), renamed)
        self.append((before.key, event) for change, before in changes for event in change.events)

    def _update_one(self, change: Change, before: Stored) -> None:
        """What an edit, a comment or a message changes: all in one statement, where that is a trip less."""
        row = (*ticket_row(change, before.revision + 1, self.bulk.at), change.ticket.id, before.key, before.revision)
        steps = [updating(self.bulk, tickets, (*COLUMNS, "tool_id"), ("key", "revision"), row),
                 updating(self.bulk, documents, ("document", "base"), ("ticket",), (*_texts(change), before.key))]
        if 0 < len(change.events) <= FEW:
            steps.append(self.event_step([(before.key, event) for event in change.events]))
        if self.bulk.together(self.conn, steps)[0] != 1:
            raise Conflict("a ticket changed in the store since it was read")
        if len(change.events) > FEW:
            self.append((before.key, event) for event in change.events)

    def history_backlog(self, tool: str, limit: int) -> list[Stored]:
        due = STORED.where(tickets.c.tool == tool, _HISTORY_DUE).order_by(tickets.c.key).limit(limit)
        return [stored(row) for row in self.run(due)]

    def missing(self, tool: str, seen: Iterable[str], now: datetime) -> list[Stored]:
        self.run(CreateTable(_seen, if_not_exists=True))
        self.run(_seen.delete())
        for ids in batches(seen, 5000):
            self.bulk.insert_new(self.conn, _seen, ("id",), [(id,) for id in ids], ())
        here = exists().where(_seen.c.id == tickets.c.tool_id)
        living = (tickets.c.tool == tool, ~tickets.c.deleted)
        first = update(tickets).where(*living, tickets.c.missing_since.is_(None), ~here).values(missing_since=now)
        again = update(tickets).where(*living, tickets.c.missing_since.is_not(None), here).values(missing_since=None)
        self.run(first)
        self.run(again)
        gone = STORED.where(*living, tickets.c.missing_since.is_not(None)).order_by(tickets.c.key)
        result = [stored(row) for row in self.run(gone)]
        self.run(_seen.delete())
        return result

    def schedule(self, at: Mapping[int, datetime | None]) -> None:
        moments = [(None if moment is None else self.bulk.at(moment), key) for key, moment in at.items()]
        if moments:
            self.bulk.update(self.conn, tickets, ("next_check_at",), ("key",), moments)

    def due(self, now: datetime, limit: int) -> list[Stored]:
        """Longest due first. In a writing transaction those another worker holds are left out."""
        due = STORED.where(tickets.c.next_check_at <= now).order_by(tickets.c.next_check_at).limit(limit)
        if self.writing:
            due = due.with_for_update(of=tickets, skip_locked=True)
        return [stored(row) for row in self.run(due)]

    def opened_alike(self, kind: str, like: Mapping[str, str], since: datetime, until: datetime) -> list[datetime]:
        alike = [tickets.c[name] == value[:WIDEST] for name, value in sorted(like.items())]
        found = select(tickets.c.opened_at).where(
            tickets.c.opened_at.between(since, until), tickets.c.kind == kind, ~tickets.c.deleted, *alike)
        return list(self.run(found.order_by(tickets.c.opened_at).limit(10_000)).scalars())


def _texts(change: Change) -> tuple[str, str | None]:
    return json_text(change.ticket), None if change.base is None else json_text(change.base)


def _once(events: Sequence[Event]) -> Iterable[Event]:
    return {event.key: event for event in reversed(events)}.values() if len(events) > 1 else events


@contextmanager
def _conflict() -> Iterator[None]:
    """A ticket that somebody else inserted meanwhile."""
    try:
        yield
    except (sqlite3.IntegrityError, psycopg.errors.UniqueViolation):
        raise Conflict("a ticket was added to the store by somebody else meanwhile") from None
