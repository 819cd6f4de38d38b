"""Hints: a tool's webhook says which tickets to read again. They are collected in a table, so that many become one."""

from __future__ import annotations

from datetime import datetime

from connector.domain.errors import TryLater
from connector.flows import vanished
from connector.flows.breaker import Gate
from connector.flows.intake import refresh
from connector.flows.reading import Report
from connector.ports import Deps

STREAM = "hints"


def run(deps: Deps, tool: str, limit: int = 100) -> Report:
    """Read the tickets that were hinted at, and look again at those that vanished. Raises Refused or Unsupported.

    While the tool cannot answer, the hints wait (with growing pauses) and nothing is raised.
    """
    now = deps.now()
    with deps.store.read() as tx:
        taken = tx.hints(tool, limit)
        second = vanished.due(tx, tool, now)[:limit]
        gate = Gate.load(tx.cursor(tool, STREAM))
    if not (taken or second) or not gate.ready(now):
        return Report(tool)
    try:
        report = refresh(deps, tool, [*(id for id, _ in taken), *second])
    except TryLater as error:
        gate.failed(now, error.reason, error.wait, open_after=1)
        _keep(deps, tool, gate, now)
        return Report(tool)
    with deps.store.begin() as tx:
        tx.clear_hints(tool, taken)
    changed = gate.worked()
    if report.postponed:
        gate.wait(now)
    if changed or report.postponed:
        _keep(deps, tool, gate, now)
    return report


def _keep(deps: Deps, tool: str, gate: Gate, now: datetime) -> None:
    with deps.store.begin() as tx:
        tx.move_cursor(tool, STREAM, gate.dump(), now)
