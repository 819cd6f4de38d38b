"""Finding what was deleted, and what was missed, by comparing all ids of a tool with ours."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Final

from connector.domain.errors import ConnectorError
from connector.flows import vanished
from connector.flows.reading import PLACEHOLDER, Stop, aside, chunks, log, never, retried
from connector.ports import Capability, Deps, Stored, Tool

GUARD: Final = 0.05
"""A sweep that misses more than this part of the living tickets concludes nothing."""
FEW: Final = 10
"""Up to so many missing tickets are believed, whatever their part."""
DELETIONS: Final = "deletions"


@dataclass(slots=True)
class Swept:
    """`missing` were not seen this time, `deleted` for the second time; `unknown` ids are new to us and will be read.
    `stopped` says why nothing was concluded, "" if something was."""

    tool: str
    seen: int = 0
    unknown: int = 0
    missing: int = 0
    deleted: int = 0
    stopped: str = ""


class _Implausible(ConnectorError):
    """So many missing tickets look like lost rights, not like deletions."""


def listed(deps: Deps, tool: str) -> Swept:
    """Take in what the tool lists as deleted since the last time. Raises TryLater, Refused or Unsupported."""
    connected = deps.tools[tool]
    swept = Swept(tool)
    if Capability.DELETIONS not in connected.vendor.capabilities():
        return swept
    with deps.store.read() as tx:
        since = tx.cursor(tool, DELETIONS)
    ids, cursor = connected.vendor.deletions(since)
    swept.seen = len(ids)
    for some in chunks(ids, 100):
        # A list tells of the past: what lives (again) is read like any other ticket.
        page = connected.vendor.get(some)
        here = {ticket.id for ticket in page.tickets} | {record.ticket for record in page.rejected}
        swept.deleted += retried(partial(_gone, deps, connected, [id for id in some if id not in here]))
        with deps.store.begin() as tx:
            tx.hint(tool, [ticket.id for ticket in page.tickets], deps.now())
    if cursor != since:
        with deps.store.begin() as tx:
            tx.move_cursor(tool, DELETIONS, cursor, deps.now())
    return swept


def _gone(deps: Deps, tool: Tool, ids: list[str]) -> int:
    with deps.store.begin() as tx:
        known = tx.tickets(tool.name, ids, lock=True).values()
        return vanished.delete(tx, deps, tool, [stored for stored in known if not stored.ticket.deleted])


def run(deps: Deps, tool: str, stop: Stop = never) -> Swept:
    """Compare all ids with ours. Raises TryLater, Refused or Unsupported; a sweep cut short concludes nothing.

    A ticket missed by two sweeps (or readings) at least ten minutes apart, and not given when asked for by its id, is
    deleted. When implausibly many are missing, nothing is marked and `stopped` says so.
    """
    connected = deps.tools[tool]
    swept = Swept(tool)
    if Capability.IDS not in connected.vendor.capabilities():
        swept.stopped = "the tool cannot list its ids"
        return swept
    seen: set[str] = set()
    with deps.store.read() as tx:
        bad = aside(tx, tool)
    for ids in connected.vendor.ids():
        if stop():
            swept.stopped = "stopped before the end"
            return swept
        seen.update(ids)
        swept.unknown += _hint_unknown(deps, connected, [id for id in ids if id not in bad])
    swept.seen = len(seen)
    try:
        gone = retried(partial(_missing, deps, connected, seen))
    except _Implausible as error:
        swept.stopped = str(error)
        log.warning("sweep_stopped", tool=tool, reason=swept.stopped)
        return swept
    swept.missing = len(gone)
    swept.deleted = _confirm(deps, connected, gone, deps.now())
    return swept


def _hint_unknown(deps: Deps, tool: Tool, ids: list[str]) -> int:
    with deps.store.read() as tx:
        known = tx.tickets(tool.name, ids)
    # One that we hold for deleted was restored without a stamp: GLPI's trash gives back like that.
    unknown = [id for id in ids if id not in known or known[id].ticket.deleted]
    if unknown:
        with deps.store.begin() as tx:
            tx.hint(tool.name, unknown, deps.now())
    return len(unknown)


def _missing(deps: Deps, tool: Tool, seen: set[str]) -> list[Stored]:
    now = deps.now()
    with deps.store.begin() as tx:
        gone = [stored for stored in tx.missing(tool.name, seen, now) if stored.ticket.id[:1] != PLACEHOLDER]
        part = float(deps.options.get("sweep_guard", GUARD))
        if len(gone) > FEW and len(gone) > part * (len(seen) + len(gone)):
            raise _Implausible(f"{len(gone)} of {len(seen) + len(gone)} tickets are missing, more than {part:.0%}: "
                               "this looks like lost rights, not like deletions")
    return gone


def _confirm(deps: Deps, tool: Tool, gone: list[Stored], now: datetime) -> int:
    twice = [stored.ticket.id for stored in gone
             if stored.missing_since is not None and now - stored.missing_since >= vanished.APART]
    deleted = 0
    for some in chunks(twice, 100):
        page = tool.vendor.get(some)
        here = {ticket.id for ticket in page.tickets} | {record.ticket for record in page.rejected}
        deleted += retried(partial(_gone, deps, tool, [id for id in some if id not in here]))
        if here:
            with deps.store.begin() as tx:
                tx.hint(tool.name, sorted(here), now)
    return deleted
