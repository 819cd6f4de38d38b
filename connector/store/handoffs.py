"""Room of the handoffs: read, save, and which kept files they still need."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any, Final

import msgspec
import psycopg
from sqlalchemy import bindparam, select, text

from connector.domain.errors import Conflict
from connector.domain.handoffs.chain import Entry, EntryKind
from connector.domain.handoffs.handoff import Handoff, Moved
from connector.store.codec import clean, json_text
from connector.store.handoff_tables import MARKED, handoff_entries, handoff_files, handoffs
from connector.store.room import Room

_h: Final = handoffs.c
_COLUMNS: Final = ("ticket", "receiver", "state", "turn", "ours", "theirs", "late", "silent", "decision_due",
                   "created_at", "changed_at", "revision", "document")
_ENTRY: Final = ("handoff", "seq", "at", "kind", "mark", "hash", "document")
_FILE: Final = ("handoff", "digest", "name", "media_type", "size", "side", "seq")
_SHOWS: Final = (EntryKind.FILE, EntryKind.REPORT)
# A supplier's message asks for one of each: statements made beforehand cost half of those made every time.
_ONE: Final = select(_h.id, _h.document).where(_h.id == bindparam("id"))
_OF_ONE: Final = select(_h.ticket, _h.document).where(_h.ticket == bindparam("ticket")).order_by(_h.created_at, _h.id)
read_handoff: Final = msgspec.json.Decoder(Handoff).decode
read_entry: Final = msgspec.json.Decoder(Entry).decode


class HandoffRoom(Room):
    def handoffs(self, ids: Sequence[str], *, lock: bool = False) -> dict[str, Handoff]:
        if not ids:
            return {}
        if len(ids) == 1 and not lock:
            return {row.id: read_handoff(row.document) for row in self.conn.execute(_ONE, {"id": ids[0]})}
        found = select(_h.id, _h.document).where(self.bulk.among(_h.id, ids)).order_by(_h.id)
        if lock and self.writing:
            found = found.with_for_update()
        return {row.id: read_handoff(row.document) for row in self.run(found)}

    def handoffs_of(self, tickets: Sequence[int]) -> dict[int, list[Handoff]]:
        if not tickets:
            return {}
        found: dict[int, list[Handoff]] = {}
        if len(tickets) == 1:
            rows = self.conn.execute(_OF_ONE, {"ticket": tickets[0]})
        else:
            every = select(_h.ticket, _h.document).where(self.bulk.among(_h.ticket, tickets))
            rows = self.run(every.order_by(_h.created_at, _h.id))
        for row in rows:
            found.setdefault(row.ticket, []).append(read_handoff(row.document))
        return found

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
        c = handoff_entries.c
        # The condition of the partial index is repeated, or neither database would use it.
        found = select(c.mark).where(c.handoff == id, text(MARKED), self.bulk.among(c.mark, list(marks)))
        return {row.mark for row in self.run(found)}

    def save_handoffs(self, moved: Sequence[Moved]) -> None:
        """As the port says. After a Conflict the transaction is over: begin a new one."""
        try:
            for one in moved:
                self._keep(one.handoff)
                self._add(one)
        except (sqlite3.IntegrityError, psycopg.errors.UniqueViolation):
            raise Conflict("the handoff was changed by somebody else meanwhile") from None

    def needed_files(self, digests: Sequence[str]) -> set[str]:
        if not digests:
            return set()
        found = select(handoff_files.c.digest).where(self.bulk.among(handoff_files.c.digest, digests)).distinct()
        return {row.digest for row in self.run(found)}

    def _keep(self, handoff: Handoff) -> None:
        row = self._row(handoff)
        if handoff.revision == 0:
            self.bulk.insert(self.conn, handoffs, ("id", *_COLUMNS), [(clean(handoff.id), *row)])
        elif self.bulk.update(self.conn, handoffs, _COLUMNS, ("id", "revision"),
                              [(*row, handoff.id, handoff.revision)]) != 1:
            raise Conflict(f"handoff {handoff.id} was changed by somebody else meanwhile")

    def _row(self, handoff: Handoff) -> tuple[Any, ...]:
        kept = msgspec.structs.replace(handoff, revision=handoff.revision + 1)
        at = self.bulk.at
        return (kept.ticket, clean(kept.receiver), str(kept.state), kept.turn, clean(kept.ours), clean(kept.theirs),
                bool(kept.late), kept.silent, kept.decision_due, at(kept.created_at),
                at(kept.changed_at or kept.created_at), kept.revision, json_text(kept))

    def _add(self, moved: Moved) -> None:
        id, at = moved.handoff.id, self.bulk.at
        if moved.entries:
            self.bulk.insert(self.conn, handoff_entries, _ENTRY, [
                (id, entry.seq, at(entry.at), str(entry.kind), clean(entry.mark), entry.hash, json_text(entry))
                for entry in moved.entries])
        files = [entry for entry in moved.entries if entry.kind in _SHOWS and "sha256" in entry.body]
        if files:
            self.bulk.insert_new(self.conn, handoff_files, _FILE, [
                (id, entry.body["sha256"], clean(entry.body["name"]), clean(entry.body["media_type"]),
                 entry.body["size"], str(entry.side), entry.seq) for entry in files], ("handoff", "digest"))
