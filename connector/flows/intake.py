"""Reading what changed in a tool: the poll, and the reading of single tickets for hints and retries."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Final

from connector.flows import vanished
from connector.flows.reading import Prepared, Report, Stop, aside, chunks, log, never, prepare, retried, take_in
from connector.ports import Cursor, Deps, Page, Tool

CHANGES = "changes"
"""Stream whose cursor says where the poll stopped."""

LARGE: Final = 500
"""Tickets in a page from which on it is worth a thread to fetch the next one meanwhile."""

Progress = Callable[[Report], None]


def poll(deps: Deps, tool: str, stop: Stop = never, progress: Progress | None = None, *, full: bool = False) -> Report:
    """Read all that changed since the last poll, a page per transaction. Raises TryLater, Refused or Unsupported.

    What was read stays read: the cursor moves with each page, so that a poll cut short goes on where it stopped.
    `full` reads everything again without moving the cursor (after a mapping changed, or for tools whose scripts change
    tickets without a stamp). Two polls of one tool at once do no harm, only double work.
    """
    connected = deps.tools[tool]
    report = Report(tool)
    with deps.store.read() as tx:
        cursor: Cursor = {} if full else tx.cursor(tool, CHANGES)
        bad = aside(tx, tool)
    for page in read_ahead(connected.vendor.changed(cursor)):
        prepared = prepare(deps, connected, page.tickets)
        moves = not full and page.cursor != cursor
        report.add(retried(partial(_page, deps, connected, page, prepared, bad, moves)))
        cursor = cursor if full else page.cursor
        report.total = page.total if page.total is not None else report.total
        if progress is not None:
            progress(report)
        if stop():
            break
    return report


def read_ahead(pages: Iterator[Page]) -> Iterator[Page]:
    """The same pages; while a large one is stored, the next is fetched: a first load waits for the tool and the disk
    at once. A poll that finds little stays on its thread and connection."""
    first = next(pages, None)
    if first is None:
        return
    yield first
    if len(first.tickets) < LARGE:
        yield from pages
        return
    with ThreadPoolExecutor(1, "read-ahead") as thread:
        coming = thread.submit(next, pages, None)
        while (page := coming.result()) is not None:
            coming = thread.submit(next, pages, None)
            yield page


def _page(deps: Deps, tool: Tool, page: Page, prepared: Prepared, bad: set[str], moves: bool) -> Report:
    """One page in one transaction; none at all when it holds nothing new."""
    part = Report(tool.name, pages=1, rejected=len(page.rejected))
    new_bad = [record for record in page.rejected if record.ticket not in bad]
    healed = [ticket.id for ticket in page.tickets if ticket.id in bad]
    # An empty page moves nothing: to start again from an older cursor is always right, and a poll that finds
    # nothing then costs no write.
    moves = moves and bool(page.tickets or new_bad)
    if not (prepared.differing or new_bad or healed or moves):
        part.seen = part.unchanged = len(page.tickets)
        return part
    now = deps.now()
    with deps.store.begin() as tx:
        take_in(tx, deps, tool, prepared.tickets, prepared, part)
        if new_bad:
            tx.set_aside(new_bad, now)
        if healed:
            tx.readmit(tool.name, healed)
        if moves:
            tx.move_cursor(tool.name, CHANGES, page.cursor, now)
    for record in new_bad:
        bad.add(record.ticket)
        log.warning("ticket_set_aside", tool=tool.name, ticket=record.ticket, problems=len(record.problems))
    return part


def refresh(deps: Deps, tool: str, ids: Sequence[str]) -> Report:
    """Read single tickets, now. Raises TryLater, Refused or Unsupported.

    Tickets that are gone or hidden are marked missing; those that a later reading misses too are deleted.
    """
    connected = deps.tools[tool]
    report = Report(tool)
    for some in chunks(ids, 100):
        page = connected.vendor.get(some)
        prepared = prepare(deps, connected, page.tickets)
        report.add(retried(partial(_single, deps, connected, page, prepared, some)))
    return report


def _single(deps: Deps, tool: Tool, page: Page, prepared: Prepared, asked: Sequence[str]) -> Report:
    part = Report(tool.name, pages=1, rejected=len(page.rejected))
    now = deps.now()
    came = {ticket.id for ticket in page.tickets}
    absent = [id for id in asked if id not in came and id not in {record.ticket for record in page.rejected}]
    with deps.store.begin() as tx:
        bad = aside(tx, tool.name)
        take_in(tx, deps, tool, prepared.tickets, prepared, part)
        tx.set_aside(page.rejected, now)
        tx.readmit(tool.name, [id for id in asked if id in bad and (id in came or id in absent)])
        part.gone += vanished.note(tx, deps, tool, absent)
        vanished.forget(tx, tool.name, came, now)
    return part


def quarantine(deps: Deps, tool: str, limit: int = 100) -> Report:
    """Try tickets again that could not be understood, those whose time has come."""
    with deps.store.read() as tx:
        due = tx.aside(tool, deps.now(), limit)
    return refresh(deps, tool, due) if due else Report(tool)
