"""Figures for the connections page, the dashboard and Prometheus."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Select, func, select, text

from connector.store.sql import SqlStore, SqlTx
from connector.store.tables import connections, cursors, deliveries, events, exchanges, hints, quarantine, tickets
from connector.store.views import ConnectionRow, Counts, StreamAge

_SHOWN: Final = ("waiting", "leased", "dead")
_OF_TARGETS: Final = ("outbox", "switch", "refused")
"""Streams that channels have too; they alone make no tool."""
_HISTORY_DUE: Final = text("tickets.history_due")
_CLAMPED: Final = text("events.kind = 'clamped'")


class Overview:
    """Reads only; each method is one consistent view of the store."""

    def __init__(self, store: SqlStore) -> None:
        self._store = store

    def counts(self) -> Counts:
        """Index-only work, except for PostgreSQL pages not yet vacuumed; meant to be asked every few seconds."""
        with self._store.read() as tx:
            return _counts(tx)

    def connections(self, now: datetime, tools: Sequence[str] = ()) -> list[ConnectionRow]:
        """One row per tool in `tools` (those configured) and per tool the store has heard of."""
        with self._store.read() as tx:
            counts = _counts(tx)
            known = {row.tool: _health(row) for row in tx.run(select(connections))}
            recent = select(exchanges.c.tool, func.sum(exchanges.c.worked), func.sum(exchanges.c.failed)).where(
                exchanges.c.hour > now - timedelta(hours=24)).group_by(exchanges.c.tool)
            rates = {tool: (int(worked), int(failed)) for tool, worked, failed in tx.run(recent)}
        read = (tool for tool, stream in counts.moved_at if stream not in _OF_TARGETS)
        names = {*tools, *known, *read, *(tool for tool, _ in counts.tickets)}
        return [_row(name, known.get(name, {}), rates.get(name, (0, 0)), counts) for name in sorted(names)]


def _counts(tx: SqlTx) -> Counts:
    by_state = select(tickets.c.tool, tickets.c.state, func.count()).where(~tickets.c.deleted).group_by(
        tickets.c.state, tickets.c.tool)
    outbox = select(deliveries.c.target, deliveries.c.state, func.count(), func.min(deliveries.c.created_at)).where(
        deliveries.c.state.in_(_SHOWN)).group_by(deliveries.c.state, deliveries.c.target)
    depth = tx.run(outbox).all()
    moved = tx.run(select(cursors.c.tool, cursors.c.stream, cursors.c.moved_at).where(cursors.c.tool != ""))
    clamped = tx.run(select(func.count()).select_from(events).where(_CLAMPED)).scalar_one()
    return Counts(
        tickets={(tool, state): count for tool, state, count in tx.run(by_state)},
        deliveries={(target, state): count for target, state, count, _ in depth},
        oldest_waiting={target: oldest for target, state, _, oldest in depth if state == "waiting"},
        hints=_per(tx, select(hints.c.tool, func.count()).group_by(hints.c.tool)),
        quarantined=_per(tx, select(quarantine.c.tool, func.count()).group_by(quarantine.c.tool)),
        history_due=_per(tx, select(tickets.c.tool, func.count()).where(_HISTORY_DUE).group_by(tickets.c.tool)),
        moved_at={(tool, stream): at for tool, stream, at in moved},
        clamped=clamped,
    )


def _per(tx: SqlTx, counted: Select[Any]) -> dict[str, int]:
    return dict(tx.run(counted).all())


def _health(row: Any) -> dict[str, Any]:
    return {
        "reachable": row.reachable, "version": row.version, "account": row.account, "plugin": row.plugin,
        "capabilities": tuple(row.capabilities), "remarks": tuple(row.remarks), "ok_at": row.ok_at,
        "failed_at": row.failed_at, "reason": row.reason,
        "skew": None if row.skew is None else timedelta(microseconds=row.skew),
    }  # fmt: skip


def _row(tool: str, health: dict[str, Any], rate: tuple[int, int], counts: Counts) -> ConnectionRow:
    return ConnectionRow(
        tool=tool, **health, worked=rate[0], failed=rate[1],
        streams=tuple(StreamAge(stream=stream, moved_at=at)
                      for (name, stream), at in sorted(counts.moved_at.items()) if name == tool),
        waiting=counts.deliveries.get((tool, "waiting"), 0),
        leased=counts.deliveries.get((tool, "leased"), 0),
        dead=counts.deliveries.get((tool, "dead"), 0),
        oldest_waiting=counts.oldest_waiting.get(tool),
        hints=counts.hints.get(tool, 0),
        quarantined=counts.quarantined.get(tool, 0),
        history_due=counts.history_due.get(tool, 0),
        tickets=sum(count for (name, _), count in counts.tickets.items() if name == tool),
    )
