"""Tickets that a tool no longer shows. Missed once is no proof: a rights change or a fault looks the same.

A ticket is deleted when it is missed twice, some time apart. What was missed once by a single reading waits in a small
list for the second look; a sweep keeps its own account (`missing_since` of all tickets).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final

from msgspec.structs import replace

from connector.domain.history import Event, EventKind
from connector.domain.syncing.changes import LATE, PER_REVISION
from connector.flows.reading import log, tool_now
from connector.ports import Change, Deps, Stored, Tool, Tx

APART: Final = timedelta(minutes=10)
"""Least time between the two misses."""
STREAM: Final = "vanished"
MOST: Final = 1000


def note(tx: Tx, deps: Deps, tool: Tool, ids: Sequence[str]) -> int:
    """Take note that a reading did not give these tickets; says how many are deleted now."""
    if not ids:
        return 0
    now = deps.now()
    waiting = tx.cursor(tool.name, STREAM)
    known = tx.tickets(tool.name, list(ids), lock=True)
    living = [stored for stored in known.values() if not stored.ticket.deleted]
    over = [stored for stored in living if stored.missing_since is not None and now - stored.missing_since >= APART]
    first = [stored for stored in living if stored.missing_since is None]
    tx.save([Change(ticket=stored.ticket, before=stored, base=stored.base, history_due=stored.history_due,
                    missing_since=now) for stored in first])
    left = {id: since for id, since in waiting.items() if id not in {stored.ticket.id for stored in over}}
    left = {id: since for id, since in left.items() if id not in ids or id in known}
    left.update({stored.ticket.id: now.isoformat() for stored in first[: max(0, MOST - len(left))]})
    if left != waiting:
        tx.move_cursor(tool.name, STREAM, left, now)
    return delete(tx, deps, tool, over)


def forget(tx: Tx, tool: str, ids: Collection[str], now: datetime) -> None:
    """These were seen again."""
    waiting = tx.cursor(tool, STREAM)
    left = {id: since for id, since in waiting.items() if id not in ids}
    if len(left) != len(waiting):
        tx.move_cursor(tool, STREAM, left, now)


def due(tx: Tx, tool: str, now: datetime) -> list[str]:
    """Tickets whose second look has come."""
    return [id for id, since in tx.cursor(tool, STREAM).items() if now - datetime.fromisoformat(since) >= APART]


def delete(tx: Tx, deps: Deps, tool: Tool, gone: Iterable[Stored]) -> int:
    """Mark tickets deleted. What still waits to be written to them will be refused and shown."""
    at = tool_now(deps, tool)
    changes = []
    for stored in gone:
        event = Event(key=f"~deleted/{stored.revision}", at=max(at, stored.ticket.updated_at), kind=EventKind.DELETED,
                      seq=LATE + stored.revision * PER_REVISION, inferred=True)
        base = None if stored.base is None else replace(stored.base, deleted=True)
        changes.append(Change(ticket=replace(stored.ticket, deleted=True), before=stored, base=base, events=[event],
                              missing_since=stored.missing_since))
        log.info("ticket_deleted", tool=tool.name, ticket=stored.ticket.id)
    tx.save(changes)
    return len(changes)
