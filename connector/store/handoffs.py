"""Room of the handoffs: read, save, and which kept files they still need."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec
import psycopg
from sqlalchemy import ARRAY, ColumnElement, Select, Text, and_, any_, bindparam, func, select, text

from connector.domain.errors import Conflict
from connector.domain.handoffs.chain import Entry, EntryKind
from connector.domain.handoffs.handoff import Handoff, Moved
from connector.domain.history import Event
from connector.ports import Handed
from connector.store.bulk import Step, inserting, updating
from connector.store.codec import clean, json_text
from connector.store.handoff_tables import MARKED, handoff_entries, handoff_files, handoffs
from connector.store.history import HistoryRoom
from connector.store.ready import Ready
from connector.store.tables import tickets
from connector.store.tickets import STORED, stored

_h: Final = handoffs.c
_e: Final = handoff_entries.c
_COLUMNS: Final = ("ticket", "receiver", "state", "turn", "ours", "theirs", "late", "silent", "decision_due",
                   "created_at", "changed_at", "revision", "document")
_ENTRY: Final = ("handoff", "seq", "at", "kind", "mark", "hash", "document")
_FILE: Final = ("handoff", "digest", "name", "media_type", "size", "side", "seq")
_SHOWS: Final = (EntryKind.FILE, EntryKind.REPORT)
_ONE: Final = Ready(select(_h.id, _h.document).where(_h.id == bindparam("id")))
_ITS_TICKET: Final = Ready(STORED.where(
    tickets.c.key == select(_h.ticket).where(_h.id == bindparam("id")).scalar_subquery()).with_for_update(of=tickets))


def _with_marks(asked: ColumnElement[bool]) -> Select[Any]:
    """All handoffs of a ticket; those of the marks asked for that the one has, each in a row of its own."""
    # The condition of the partial index is repeated, or neither database would use it.
    marks = and_(_e.handoff == _h.id, _h.id == bindparam("id"), text(MARKED), asked)
    return (select(_h.id, _h.document, _e.mark).join_from(handoffs, handoff_entries, marks, isouter=True)
            .where(_h.ticket == bindparam("ticket")).order_by(_h.created_at, _h.id))


_ITS_HANDOFFS: Final = Ready(
    _with_marks(_e.mark.in_(select(func.json_each(bindparam("marks")).table_valued("value").c.value))),
    postgresql=_with_marks(_e.mark == any_(bindparam("marks", type_=ARRAY(Text)))))
read_handoff: Final = msgspec.json.Decoder(Handoff).decode
read_entry: Final = msgspec.json.Decoder(Entry).decode


class HandoffRoom(HistoryRoom):
    def handoffs(self, ids: Sequence[str], *, lock: bool = False) -> dict[str, Handoff]:
        if not ids:
            return {}
        if len(ids) == 1 and not lock:
            return {id: read_handoff(document) for id, document in _ONE.run(self.conn, id=ids[0])}
        found = select(_h.id, _h.document).where(self.bulk.among(_h.id, ids)).order_by(_h.id)
        if lock and self.writing:
            found = found.with_for_update()
        return {row.id: read_handoff(row.document) for row in self.run(found)}

    def handoffs_of(self, tickets: Sequence[int]) -> dict[int, list[Handoff]]:
        if not tickets:
            return {}
        found: dict[int, list[Handoff]] = {}
        every = select(_h.ticket, _h.document).where(self.bulk.among(_h.ticket, tickets))
        for row in self.run(every.order_by(_h.created_at, _h.id)):
            found.setdefault(row.ticket, []).append(read_handoff(row.document))
        return found

    def handed(self, id: str, marks: Sequence[str] = ()) -> Handed | None:
        wanted = [clean(mark) for mark in marks]
        asked: Any = wanted if self.postgres else json_text(wanted)
        for row in _ITS_TICKET.run(self.conn, id=id):
            ticket = stored(row)
            # Only now that the ticket is held: nobody changes its handoffs from here on.
            rows = _ITS_HANDOFFS.run(self.conn, id=id, ticket=ticket.key, marks=asked)
            every = {one: read_handoff(document) for one, document, _ in rows}
            return Handed(ticket=ticket, handoff=every.pop(id), others=tuple(every.values()),
                          marks=frozenset(mark for *_, mark in rows if mark))
        return None

    def entries(self, ids: Sequence[str]) -> dict[str, list[Entry]]:
        if not ids:
            return {}
        found: dict[str, list[Entry]] = {id: [] for id in ids}
        c = handoff_entries.c
        every = select(c.handoff, c.document).where(self.bulk.among(c.handoff, ids)).order_by(c.handoff, c.seq)
        for row in self.run(every):
            found[row.handoff].append(read_entry(row.document))
        return found

    def marked(self, id: str, marks: Sequence[str]) -> set[str]:
        found = select(_e.mark).where(_e.handoff == id, text(MARKED), self.bulk.among(_e.mark, list(marks)))
        return {row.mark for row in self.run(found)}

    def save_handoffs(self, moved: Sequence[Moved], events: Sequence[tuple[int, Event]] = (),
                      look_at: datetime | None = None) -> None:
        """As the port says. After a Conflict the transaction is over: begin a new one."""
        steps = [self._kept(one.handoff) for one in moved]
        steps += [step for one in moved for step in self._added(one)]
        if events:
            steps.append(self.event_step(list(events)))
        if look_at is not None:
            steps += [updating(self.bulk, tickets, ("next_check_at",), ("key",), (self.bulk.at(look_at), key))
                      for key in sorted({one.handoff.ticket for one in moved})]
        try:
            counts = self.bulk.together(self.conn, steps)
        except (sqlite3.IntegrityError, psycopg.errors.UniqueViolation):
            raise Conflict("the handoff was changed by somebody else meanwhile") from None
        for one, count in zip(moved, counts, strict=False):
            if count != 1:
                raise Conflict(f"handoff {one.handoff.id} was changed by somebody else meanwhile")

    def needed_files(self, digests: Sequence[str]) -> set[str]:
        if not digests:
            return set()
        found = select(handoff_files.c.digest).where(self.bulk.among(handoff_files.c.digest, digests)).distinct()
        return {row.digest for row in self.run(found)}

    def _kept(self, handoff: Handoff) -> Step:
        row = self._row(handoff)
        if handoff.revision == 0:
            return inserting(self.bulk, handoffs, ("id", *_COLUMNS), [(clean(handoff.id), *row)])
        return updating(self.bulk, handoffs, _COLUMNS, ("id", "revision"), (*row, handoff.id, handoff.revision))

    def _row(self, handoff: Handoff) -> tuple[Any, ...]:
        kept = msgspec.structs.replace(handoff, revision=handoff.revision + 1)
        at = self.bulk.at
        return (kept.ticket, clean(kept.receiver), str(kept.state), kept.turn, clean(kept.ours), clean(kept.theirs),
                bool(kept.late), kept.silent, kept.decision_due, at(kept.created_at),
                at(kept.changed_at or kept.created_at), kept.revision, json_text(kept))

    def _added(self, moved: Moved) -> Iterator[Step]:
        id, at = moved.handoff.id, self.bulk.at
        if moved.entries:
            yield inserting(self.bulk, handoff_entries, _ENTRY, [
                (id, entry.seq, at(entry.at), str(entry.kind), clean(entry.mark), entry.hash, json_text(entry))
                for entry in moved.entries])
        files = [entry for entry in moved.entries if entry.kind in _SHOWS and "sha256" in entry.body]
        if files:
            yield inserting(self.bulk, handoff_files, _FILE, [
                (id, entry.body["sha256"], clean(entry.body["name"]), clean(entry.body["media_type"]),
                 entry.body["size"], str(entry.side), entry.seq) for entry in files], new=True)
