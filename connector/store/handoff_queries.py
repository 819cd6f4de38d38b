"""What pages ask about handoffs: the board with its counts, a receiver's own, and the feed of what came and went."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from msgspec import Struct
from sqlalchemy import ColumnElement, Select, and_, func, or_, select

from connector.domain.attempt import Attempt
from connector.domain.handoffs.chain import Entry
from connector.domain.handoffs.handoff import Handoff
from connector.store.handoff_tables import handoff_entries, handoff_files, handoffs
from connector.store.handoffs import read_entry, read_handoff
from connector.store.paging import bounded, page, seal, unseal
from connector.store.sql import SqlStore, SqlTx
from connector.store.tables import deliveries, tickets
from connector.store.traffic import Traffic, taken, traffic
from connector.store.views import Paged

_h: Final = handoffs.c
_OPEN: Final = _h.state != "closed"
VIEWS: Final[Mapping[str, ColumnElement[bool]]] = {
    "open": _OPEN,
    "offered": _h.state == "offered",
    "late": and_(_OPEN, or_(_h.late, _h.silent)),
    "ours": _h.turn == "ours",
    "theirs": and_(_h.turn == "theirs", _h.state != "offered"),
    "customer": _h.turn == "customer",
    "disputed": _h.state == "disputed",
    "closed": _h.state == "closed",
}
"""What a board shows, by name; a handoff can be in several."""
_SORTS: Final[dict[str, tuple[ColumnElement[Any], type]]] = {
    "changed": (_h.changed_at, datetime), "created": (_h.created_at, datetime), "receiver": (_h.receiver, str)}
SORTS: Final = tuple(_SORTS)
MOST_FED: Final = 100
_SIDE: Final = 60
"""Handoffs looked into when a feed is not searched for one of them."""


class HandoffRow(Struct, frozen=True, kw_only=True):
    """A handoff with what its ticket is called."""

    handoff: Handoff
    number: str
    title: str
    tool: str
    priority: str


class FileRow(Struct, frozen=True, kw_only=True):
    digest: str
    name: str
    media_type: str
    size: int
    side: str
    seq: int


class Sent(Struct, frozen=True, kw_only=True):
    """A delivery that an entry led to."""

    id: int
    target: str
    verb: str
    state: str
    attempts: int
    reason: str
    created_at: datetime
    finished_at: datetime | None
    latest: Attempt | None = None
    """The latest try that is kept."""


class Fed(Struct, frozen=True, kw_only=True):
    """One line of the feed: what happened to a handoff, and what went out for it."""

    handoff: Handoff
    entry: Entry
    sent: tuple[Sent, ...] = ()


class HandoffQueries:
    """Reads only. A page's `cursor` is the `next` of the one before; a foreign one raises BadCursor."""

    def __init__(self, store: SqlStore) -> None:
        self._store = store

    def board(
        self, view: str = "open", *, only: Sequence[str] | None = None, text: str = "", sort: str = "changed",
        descending: bool = True, limit: int = 50, cursor: str | None = None, offered: bool = False,
    ) -> Paged[HandoffRow]:  # fmt: skip
        """`only` are receivers (None: all), `text` is the beginning of either side's number, or of our id.

        `offered` leaves out what never was: a receiver does not know of it.
        """
        column, kind = _SORTS[sort]
        columns, name = (column, _h.id), f"handoffs/{sort}/{descending}"
        with self._store.read() as tx:
            found = _rows().add_columns(column.label("sorted")).where(
                VIEWS[view], *_own(tx, only), *_text(text), *_told(offered))
            rows = tx.run(page(found, columns, descending, limit, unseal(name, cursor, (kind, str)))).all()
        shown = rows[:bounded(limit)]
        more = len(rows) > len(shown)
        return Paged(items=[_row(row) for row in shown],
                     next=seal(name, [shown[-1].sorted, shown[-1].id]) if more else None)

    def counts(self, only: Sequence[str] | None = None, text: str = "", *, offered: bool = False) -> dict[str, int]:
        """How many each view of the board holds."""
        with self._store.read() as tx:
            found: Any = select(*(func.count().filter(one).label(name) for name, one in VIEWS.items()))
            found = _joined(found) if text.strip() else found
            row = tx.run(found.where(*_own(tx, only), *_text(text), *_told(offered))).one()
        return dict(row._mapping)

    def one(self, id: str, receivers: Sequence[str] | None = None) -> HandoffRow | None:
        """For a receiver there is none before it was offered."""
        with self._store.read() as tx:
            row = tx.run(_rows().where(_h.id == id, *_own(tx, receivers))).first()
        found = None if row is None else _row(row)
        return None if found is not None and receivers is not None and found.handoff.offered_at is None else found

    def exchanging(self, only: Sequence[str] | None = None) -> list[Handoff]:
        """Open ones with fields that both sides hold, oldest first."""
        with self._store.read() as tx:
            found = select(_h.document).where(_OPEN, *_own(tx, only), _has("mirrored")).order_by(_h.created_at, _h.id)
            return [read_handoff(row.document) for row in tx.run(found)]

    def files(self, id: str) -> list[FileRow]:
        """Those of one handoff, oldest first."""
        c = handoff_files.c
        with self._store.read() as tx:
            rows = tx.run(select(c.digest, c.name, c.media_type, c.size, c.side, c.seq).where(c.handoff == id)
                          .order_by(c.seq)).all()
        return [FileRow(**row._mapping) for row in rows]

    def of_receiver(self, receiver: str, before: datetime, since: datetime) -> list[Handoff]:
        """Handoffs made before a moment that were open at `since` or later, oldest first: for reviews."""
        made = select(_h.document).where(_h.receiver == receiver, _h.created_at < before,
                                         or_(_OPEN, _h.changed_at >= since)).order_by(_h.created_at, _h.id)
        with self._store.read() as tx:
            return [read_handoff(row.document) for row in tx.run(made)]

    def last_heard(self) -> dict[str, datetime]:
        """Receiver -> when one of its handoffs last changed."""
        with self._store.read() as tx:
            return dict(tx.run(select(_h.receiver, func.max(_h.changed_at)).group_by(_h.receiver)).all())

    def by_receiver(self) -> dict[str, dict[str, int]]:
        """Receiver -> how many of its handoffs each view holds."""
        wanted = [func.count().filter(condition).label(name) for name, condition in VIEWS.items()]
        with self._store.read() as tx:
            rows = tx.run(select(_h.receiver, *wanted).group_by(_h.receiver)).all()
        return {row.receiver: {name: row._mapping[name] for name in VIEWS} for row in rows}

    def traffic(self, since: datetime) -> dict[str, Traffic]:
        """Target -> what was sent to it, of all receivers."""
        return traffic(self._store, "supplier:", since)

    def taken(self, receiver: str, most: int) -> list[tuple[str, datetime]]:
        """Messages of a receiver that were taken: id and time, newest first."""
        return taken(self._store, receiver, most)

    def sendings(self, target: str, most: int) -> list[tuple[str, Attempt]]:
        """The latest tries to send something to a target, newest first, with the keys of what was sent."""
        with self._store.read() as tx:
            return tx.attempts_to(target, most)

    def feed(self, text: str = "", id: str = "") -> list[Fed]:
        """Newest first: all of one handoff, of those that `text` finds, or of the latest."""
        with self._store.read() as tx:
            chosen = _joined(select(_h.id, _h.document)).order_by(_h.changed_at.desc()).limit(_SIDE)
            chosen = chosen.where(_h.id == id) if id else chosen.where(*_text(text))
            records = {row.id: read_handoff(row.document) for row in tx.run(chosen)}
            c = handoff_entries.c
            found = select(c.handoff, c.document).where(tx.bulk.among(c.handoff, list(records)))
            latest = found.order_by(c.at.desc(), c.handoff, c.seq.desc()).limit(MOST_FED)
            entries = [(row.handoff, read_entry(row.document)) for row in tx.run(latest)] if records else []
            sent = _sent(tx, sorted({records[id].ticket for id, _ in entries}))
        return [Fed(handoff=records[id], entry=entry, sent=tuple(sent.get(f"handoff/{id}/{entry.seq}", ())))
                for id, entry in entries]


def _joined(found: Select[Any]) -> Select[Any]:
    return found.select_from(handoffs.join(tickets, tickets.c.key == _h.ticket))


def _rows() -> Select[Any]:
    return _joined(select(_h.id, _h.document, tickets.c.number, tickets.c.title, tickets.c.tool, tickets.c.priority))


def _row(row: Any) -> HandoffRow:
    return HandoffRow(handoff=read_handoff(row.document), number=row.number, title=row.title, tool=row.tool,
                      priority=row.priority)


def _own(tx: SqlTx, receivers: Sequence[str] | None) -> tuple[ColumnElement[bool], ...]:
    """None of no receiver: nobody's handoffs."""
    return () if receivers is None else (tx.bulk.among(_h.receiver, list(receivers)),)


def _told(offered: bool) -> tuple[ColumnElement[bool], ...]:
    return (_has("offered_at"),) if offered else ()


def _has(member: str) -> ColumnElement[bool]:
    """The name of the member stands in the document only where it has a value; in a text its quotes are escaped."""
    return _h.document.contains(f'"{member}":', autoescape=True)


def _text(text: str) -> tuple[ColumnElement[bool], ...]:
    word = text.strip()
    if not word:
        return ()
    columns = (_h.id, _h.ours, _h.theirs, tickets.c.number)
    return (or_(*(column.istartswith(word, autoescape=True) for column in columns)),)


def _sent(tx: SqlTx, keys: Sequence[int]) -> dict[str, list[Sent]]:
    """Deliveries of these tickets that an entry led to, by `handoff/<id>/<seq>`."""
    if not keys:
        return {}
    c = deliveries.c
    made = select(c.id, c.key, c.target, c.verb, c.state, c.attempts, c.reason, c.created_at, c.finished_at).where(
        tx.bulk.among(c.ticket, list(keys)), c.key.contains("handoff/")).order_by(c.id)
    found: dict[str, list[Sent]] = {}
    rows = tx.run(made).all()
    latest = tx.latest_attempts([row.id for row in rows])
    for row in rows:
        parts = row.key[row.key.index("handoff/"):].split("/")
        values = {name: value for name, value in row._mapping.items() if name != "key"}
        found.setdefault("/".join(parts[:3]), []).append(Sent(**values, latest=latest.get(row.id)))
    return found

