"""Room of the reading: where it stopped, what to read again, what could not be understood."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Integer, case, delete, literal_column, select
from sqlalchemy.dialects.postgresql import INTERVAL

from connector.domain.errors import BadRecord
from connector.ports import Cursor
from connector.store.room import Room
from connector.store.tables import cursors, hints, quarantine

FIRST_RETRY: Final = timedelta(minutes=5)
LONGEST_RETRY: Final = timedelta(days=1)

_TICK_POSTGRES: Final = literal_column("interval '1 microsecond'", INTERVAL)
_TICK_SQLITE: Final = literal_column("1", Integer)


class ReadingRoom(Room):
    def cursor(self, tool: str, stream: str) -> Cursor:
        place = select(cursors.c.cursor).where(cursors.c.tool == tool, cursors.c.stream == stream)
        cursor: Cursor | None = self.run(place).scalar()
        return {} if cursor is None else cursor

    def cursors(self, stream: str) -> dict[str, Cursor]:
        return dict(self.run(select(cursors.c.tool, cursors.c.cursor).where(cursors.c.stream == stream)).all())

    def move_cursor(self, tool: str, stream: str, cursor: Cursor, now: datetime) -> None:
        place = self.bulk.upsert(cursors).values(tool=tool, stream=stream, cursor=cursor, moved_at=now)
        self.run(place.on_conflict_do_update(
            index_elements=["tool", "stream"],
            set_={"cursor": place.excluded.cursor, "moved_at": place.excluded.moved_at},
        ))

    def hint(self, tool: str, ids: Sequence[str], now: datetime) -> None:
        given = self.bulk.upsert(hints)
        # Strictly later each time: clear_hints tells by the moment whether a hint was given again.
        tick: Any = _TICK_POSTGRES if self.postgres else _TICK_SQLITE
        later = case((given.excluded.at > hints.c.at, given.excluded.at), else_=hints.c.at + tick)
        self.many(given.on_conflict_do_update(index_elements=["tool", "id"], set_={"at": later}),
                  [{"tool": tool, "id": id, "at": now} for id in sorted(set(ids))])

    def hints(self, tool: str, limit: int) -> list[tuple[str, datetime]]:
        waiting = select(hints.c.id, hints.c.at).where(hints.c.tool == tool)
        return [(row.id, row.at) for row in self.run(waiting.order_by(hints.c.at, hints.c.id).limit(limit))]

    def clear_hints(self, tool: str, taken: Sequence[tuple[str, datetime]]) -> None:
        if not taken:
            return
        known = select(hints.c.id, hints.c.at).where(hints.c.tool == tool,
                                                     self.bulk.among(hints.c.id, [id for id, _ in taken]))
        if self.writing:
            known = known.with_for_update()
        until = dict(taken)
        over = [row.id for row in self.run(known) if row.at <= until[row.id]]
        self.run(delete(hints).where(hints.c.tool == tool, self.bulk.among(hints.c.id, over)))

    def set_aside(self, records: Sequence[BadRecord], now: datetime) -> None:
        """The next try comes after five minutes, then twice as long each time, at most a day."""
        if not records:
            return
        wanted = {(record.tool, record.ticket): record for record in records}
        tries = self._tries(wanted)
        bad = self.bulk.upsert(quarantine)
        changed = {name: bad.excluded[name] for name in ("problems", "tries", "last_at", "next_at")}
        self.many(
            bad.on_conflict_do_update(index_elements=["tool", "ticket"], set_=changed),
            [{"tool": tool, "ticket": ticket, "problems": [str(problem) for problem in record.problems],
              "tries": tries.get((tool, ticket), 0) + 1, "first_at": now, "last_at": now,
              "next_at": now + _wait(tries.get((tool, ticket), 0))}
             for (tool, ticket), record in sorted(wanted.items())],
        )

    def _tries(self, wanted: dict[tuple[str, str], BadRecord]) -> dict[tuple[str, str], int]:
        known = select(quarantine.c.tool, quarantine.c.ticket, quarantine.c.tries).where(
            self.bulk.among(quarantine.c.ticket, [ticket for _, ticket in wanted]))
        return {(row.tool, row.ticket): row.tries for row in self.run(known)}

    def aside(self, tool: str, now: datetime, limit: int) -> list[str]:
        due = (select(quarantine.c.ticket).where(quarantine.c.tool == tool, quarantine.c.next_at <= now)
               .order_by(quarantine.c.next_at, quarantine.c.ticket).limit(limit))
        return list(self.run(due).scalars())

    def readmit(self, tool: str, ids: Sequence[str]) -> None:
        if ids:
            self.run(delete(quarantine).where(quarantine.c.tool == tool, self.bulk.among(quarantine.c.ticket, ids)))


def _wait(tries: int) -> timedelta:
    wait: timedelta = min(LONGEST_RETRY, FIRST_RETRY * 2 ** min(tries, 10))
    return wait


