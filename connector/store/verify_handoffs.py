"""Looks for damage in handoffs: records that cannot be read, and histories whose chain of hashes is broken."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

import msgspec
from sqlalchemy import select

from connector.domain.handoffs.chain import Entry, broken
from connector.domain.handoffs.handoff import Handoff
from connector.store.handoff_tables import handoff_entries, handoffs
from connector.store.handoffs import read_entry, read_handoff
from connector.store.room import Room


def handoff_problems(room: Room) -> Iterator[str]:
    heads: dict[str, str] = {}
    columns = (handoffs.c.id, handoffs.c.state, handoffs.c.ticket, handoffs.c.document)
    for row in room.run(select(*columns)):
        handoff = _handoff(row.document)
        if handoff is None:
            yield f"handoff {row.id} cannot be read"
            continue
        heads[row.id] = handoff.head
        if (handoff.id, str(handoff.state), handoff.ticket) != (row.id, row.state, row.ticket):
            yield f"handoff {row.id}: its columns differ from its document"
    every = select(handoff_entries.c.handoff, handoff_entries.c.document).order_by(
        handoff_entries.c.handoff, handoff_entries.c.seq)
    seen = set()
    for id, rows in groupby(room.run(every), key=lambda row: str(row.handoff)):
        seen.add(id)
        entries = [_entry(row.document) for row in rows]
        if None in entries:
            yield f"an entry of handoff {id} cannot be read"
        elif id in heads and (problem := broken(id, [one for one in entries if one is not None], heads[id])):
            yield f"handoff {id}: {problem}"
    for id in sorted(heads.keys() - seen):
        if problem := broken(id, [], heads[id]):
            yield f"handoff {id}: {problem}"


def _handoff(document: str) -> Handoff | None:
    try:
        return read_handoff(document)
    except (msgspec.MsgspecError, ValueError):
        return None


def _entry(document: str) -> Entry | None:
    try:
        return read_entry(document)
    except (msgspec.MsgspecError, ValueError):
        return None
