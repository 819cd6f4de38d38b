"""Room of the events: append-only, each once."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Final

from sqlalchemy import bindparam, func, select

from connector.domain.history import Event, EventKind, order
from connector.store.bulk import Row, Step, batches, inserting
from connector.store.codec import clean, event_text, read_events
from connector.store.room import Room
from connector.store.tables import events as table

_ONE: Final = select(table.c.document).where(table.c.ticket == bindparam("ticket"))
COLUMNS: Final = ("ticket", "key", "at", "kind", "field", "document")


class HistoryRoom(Room):
    def history(self, keys: Sequence[int], kinds: Collection[EventKind] | None = None) -> dict[int, list[Event]]:
        histories: dict[int, list[Event]] = {key: [] for key in keys}
        if histories:
            # All events of a ticket as one text: a row for each would cost more than what is in it.
            found = select(table.c.ticket, func.aggregate_strings(table.c.document, ",")).where(
                self.bulk.among(table.c.ticket, list(histories))).group_by(table.c.ticket)
            if kinds is not None:
                found = found.where(table.c.kind.in_(sorted(kinds)))
            for ticket, documents in self.run(found).all():
                histories[ticket] = read_events(documents)
        for history in histories.values():
            history.sort(key=order)
        return histories

    def append(self, events: Iterable[tuple[int, Event]]) -> list[tuple[int, str]]:
        added: list[Row] = []
        for some in batches(events, 2000):
            added += self.bulk.insert_new(self.conn, table, COLUMNS, self._event_rows(some), ("ticket", "key"))
        return [(ticket, key) for ticket, key in added]

    def event_step(self, events: list[tuple[int, Event]]) -> Step:
        """As `append` of a few, to be carried out with what made them."""
        return inserting(self.bulk, table, COLUMNS, self._event_rows(events), new=True)

    def insert_events(self, events: list[tuple[int, Event]]) -> None:
        """Events of tickets that have none yet."""
        if events:
            self.bulk.insert(self.conn, table, COLUMNS, self._event_rows(events))

    def _event_rows(self, pairs: list[tuple[int, Event]]) -> list[Row]:
        at = self.bulk.at
        return [(ticket, clean(event.key), at(event.at), event.kind.value, clean(event.field), event_text(event))
                for ticket, event in pairs]
