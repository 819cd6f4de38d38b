"""Exports of tools into the store: tickets and their history, a batch per transaction.

The same file twice adds nothing. A file that tells the same time anew (a longer export, a mended one) replaces what was
imported of that time before.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from collections.abc import Mapping as Table
from dataclasses import dataclass, field
from dataclasses import replace as change
from datetime import datetime
from itertools import islice
from typing import Any, Final

from msgspec.structs import replace

from connector.domain.errors import Conflict
from connector.domain.history import Event, EventKind, Origin, order
from connector.domain.importing.exported import Export, Rejected, Row
from connector.domain.importing.exported_history import Entry, Imported, imported
from connector.domain.mapping import Mapping as FieldMapping
from connector.domain.syncing.changes import diff, digest, older
from connector.ports import Change, Deps, Stored, Tx

BATCH: Final = 500
"""Tickets of one transaction."""
TRIES: Final = 5
"""Of one batch."""
TELL_EVERY: Final = 2_000
"""Rows between two moves of the progress bar."""


class Stopped(Exception):
    """Somebody asked to stop before anything was kept."""


@dataclass(slots=True)
class Report:
    rows: int = 0
    tickets: int = 0
    new: int = 0
    changed: int = 0
    unchanged: int = 0
    events: int = 0
    rejected: int = 0


@dataclass
class Import:
    """One file on its way into the store. `reject` is told every row set aside; `stop` is asked now and then."""

    mapping: FieldMapping
    tool: str
    reject: Callable[[Rejected], None]
    stop: Callable[[], bool] = lambda: False
    progress: Callable[[Report], None] = lambda report: None
    report: Report = field(default_factory=Report)
    columns: set[str] = field(default_factory=set)
    """Every column seen."""

    def __post_init__(self) -> None:
        self.export = Export(self.mapping, self.tool, self._set_aside)
        self.rows = self.export.rows

    def _set_aside(self, rejected: Rejected) -> None:
        self.report.rejected += 1
        self.reject(rejected)

    def entries(self, rows: Iterable[Row]) -> Iterator[Entry]:
        """Rows to be grouped by ticket. Raises Stopped."""
        return self.export.entries(self._counted(rows))

    def _counted(self, rows: Iterable[Row]) -> Iterator[Row]:
        for row in rows:
            self.report.rows += 1
            self.columns.update(row.values)
            if self.report.rows % TELL_EVERY == 0:
                self.progress(self.report)
                if self.stop():
                    raise Stopped
            yield row

    def tickets(self, groups: Iterable[Sequence[Entry]]) -> Iterator[Imported]:
        """One ticket from each group: all its rows, in order."""
        make = self.export.history if self.rows.audit else self.export.ticket
        return (found for entries in groups if (found := make(entries)) is not None)

    def keep(self, deps: Deps, tickets: Iterable[Imported], resume: str) -> bool:
        """Put tickets, which come in the order of their ids, into the store. Says whether the end was reached.

        `resume` names a stream whose cursor remembers the last ticket kept: tickets up to it are passed over.
        """
        with deps.store.read() as tx:
            reached = str(tx.cursor(self.tool, resume).get("ticket", ""))
        waiting = (one for one in tickets if one.ticket.id > reached)
        while not self.stop():
            batch = list(islice(waiting, BATCH))
            self._commit(deps, batch, resume)
            if not batch:
                return True
            self.progress(self.report)
        return False

    def _commit(self, deps: Deps, batch: Sequence[Imported], resume: str) -> None:
        """Tickets that somebody else adds meanwhile (a second import) are read again."""
        for more in reversed(range(TRIES)):
            before = change(self.report)
            try:
                with deps.store.begin() as tx:
                    self._batch(tx, batch)
                    tx.move_cursor(self.tool, resume, {"ticket": batch[-1].ticket.id} if batch else {}, deps.now())
                    if not batch:
                        tx.audit(deps.now(), "command line", "import", self.tool, self._counts())
                return
            except Conflict:
                self.report = before
                if not more:
                    raise

    def _counts(self) -> dict[str, Any]:
        return {name: getattr(self.report, name) for name in Report.__slots__}

    def _batch(self, tx: Tx, batch: Sequence[Imported]) -> None:
        known = tx.tickets(self.tool, [one.ticket.id for one in batch], lock=True)
        histories = tx.history([stored.key for stored in known.values()]) if known else {}
        changes: list[Change] = []
        for one in batch:
            stored = known.get(one.ticket.id)
            if stored is None:
                wanted = Change(ticket=one.ticket, events=one.events)
            else:
                wanted = self._again(one, stored, histories.get(stored.key, []))
            same = stored is not None and wanted.ticket == stored.ticket and not wanted.events
            if not same:
                changes.append(wanted)
            report = self.report
            report.tickets += 1
            report.events += len(wanted.events)
            report.new += stored is None
            report.unchanged += same
            report.changed += stored is not None and not same
        tx.save(changes)

    def _again(self, one: Imported, stored: Stored, history: Sequence[Event]) -> Change:
        """What a file adds to a ticket already there."""
        late = older(one.ticket, stored.ticket)
        if not self.rows.audit:
            ticket = stored.ticket if late else one.ticket
            events = [imported(event) for event in diff(stored.ticket, ticket, revision=stored.revision)]
        else:
            one = self.export.continued(one, stored.ticket)
            earliest = {name: getattr(one.ticket, name) for name in self.export.firsts}
            ticket = replace(stored.ticket, **earliest) if late else one.ticket
            events = _told_anew(one, history, late)
        return Change(ticket=ticket, before=stored, base=stored.base, events=events)


def _told_anew(one: Imported, history: Sequence[Event], late: bool) -> list[Event]:
    """The events that are new, and which earlier imported ones they replace: those of the same time.

    A file older than what we have only adds what lies before it.
    """
    have = {event.key for event in history}
    gone: set[str] = set()
    for event in history:
        if event.kind is EventKind.SUPERSEDED:
            keys = event.data.get("keys")
            gone.update(keys if isinstance(keys, (list, tuple)) else ())
    ours = [event for event in history if event.origin is Origin.IMPORT and event.key not in gone
            and event.kind is not EventKind.SUPERSEDED]
    told = {_standing(event.key, gone): event for event in one.events}
    if not late and (moved := _moved(told, ours)):
        told = {_standing(event.key, gone | moved): event for event in one.events}
    events = [replace(event, key=key) for key, event in told.items() if key not in have]
    assert one.since is not None
    assert one.until is not None
    if late:
        first = min((event.at for event in ours), default=one.until)
        events = [event for event in events if event.at < first]
    creates = any(event.kind is EventKind.CREATED for event in (events if late else told.values()))
    stale = [event.key for event in ours if event.key not in told and (
        creates if event.kind is EventKind.CREATED else not late and one.since <= event.at <= one.until)]
    if stale:
        events.append(Event(key=f"superseded/{digest(*sorted(stale))}", at=one.until, kind=EventKind.SUPERSEDED,
                            origin=Origin.IMPORT, data={"keys": tuple(sorted(stale))}))
    return events


def _moved(told: Table[str, Event], ours: Sequence[Event]) -> set[str]:
    """Events that we have at an instant of which the file now tells another order.

    Where no tie breaker says it, the order is that of the file, and a longer file has more rows between.
    """
    have = {event.key: event for event in ours}
    instants: defaultdict[datetime, list[tuple[Event, Event]]] = defaultdict(list)
    for key, event in told.items():
        if event.kind is not EventKind.CREATED:
            instants[event.at].append((replace(event, key=key), have.get(key, event)))
    moved: set[str] = set()
    for found in instants.values():
        wanted = [new.key for new, _ in sorted(found, key=lambda pair: order(pair[0]))]
        if wanted != [new.key for new, _ in sorted(found, key=lambda pair: order(pair[1]))]:
            moved.update(key for key in wanted if key in have)
    return moved


def _standing(key: str, gone: set[str]) -> str:
    """The name under which an event stands that had been replaced and is told again."""
    name, times = key, 1
    while name in gone:
        times += 1
        name = f"{key}+{times}"
    return name
