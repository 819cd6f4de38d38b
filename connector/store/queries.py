"""The read side for pages and the REST API: keyset pages, each method one consistent view of the store."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Final, TypeVar

from sqlalchemy import ColumnElement, Select, select

from connector.domain.history import EventKind
from connector.store.codec import read_ticket
from connector.store.conditions import ticket_conditions
from connector.store.overview import Overview
from connector.store.paging import bounded, page, seal, unseal
from connector.store.sql import SqlTx
from connector.store.tables import agreements, audit, deliveries, documents, quarantine, tickets
from connector.store.views import (
    AgreementVersion,
    AuditRow,
    DeliveryRow,
    Paged,
    QuarantineRow,
    TicketDetail,
    TicketFilter,
    TicketRow,
    TicketSort,
)

T = TypeVar("T")

_SORTS: Final[dict[str, tuple[ColumnElement[Any], type]]] = {
    "updated": (tickets.c.updated_at, datetime),
    "opened": (tickets.c.opened_at, datetime),
    "priority": (tickets.c.rank, int),
    "number": (tickets.c.number_order, str),
}
_ROW: Final = tuple(tickets.c[name] for name in TicketRow.__struct_fields__ if name != "id")
_DELIVERY: Final = tuple(
    deliveries.c[name] for name in DeliveryRow.__struct_fields__ if name not in ("payload", "result")
)
_CHOICES: Final = ("tool", "group", "assignee", "customer", "service", "supplier")


class Queries(Overview):
    """Reads only. `cursor` is the `next` of the page before; a foreign one raises BadCursor (a ValueError)."""

    def tickets(
        self,
        where: TicketFilter | None = None,
        *,
        sort: TicketSort = "updated",
        descending: bool = True,
        limit: int = 50,
        cursor: str | None = None,
    ) -> Paged[TicketRow]:
        """For priority, ascending means the most urgent first; unknown priorities come after all others."""
        found = select(*_ROW, tickets.c.tool_id)
        return self._tickets(found, where, sort, descending, limit, cursor, _ticket_row)

    def documents(
        self,
        where: TicketFilter | None = None,
        *,
        sort: TicketSort = "updated",
        descending: bool = True,
        limit: int = 50,
        cursor: str | None = None,
    ) -> Paged[TicketDetail]:
        """As `tickets`, but with whole tickets (`events`, `conflicts` and `deliveries` empty): for the API."""
        return self._tickets(_details(), where, sort, descending, limit, cursor, _detail)

    def _tickets(
        self, found: Select[Any], where: TicketFilter | None, sort: str, descending: bool, limit: int,
        cursor: str | None, make: Callable[[Any], T],
    ) -> Paged[T]:  # fmt: skip
        column, kind = _SORTS[sort]
        found = found.add_columns(column.label("sorted"))
        with self._store.read() as tx:
            found = found.where(*ticket_conditions(where or TicketFilter(), tx.bulk))
            return _paged(tx, found, f"tickets/{sort}/{'down' if descending else 'up'}", (column, tickets.c.key),
                          (kind, int), ("sorted", "key"), descending, limit, cursor, make)

    def choices(self, field: str, limit: int = 200) -> list[str]:
        """Values of `tool`, `group`, `assignee`, `customer`, `service` or `supplier` in use, for filter menus."""
        if field not in _CHOICES:
            raise ValueError(f"{field!r} is not one of {', '.join(_CHOICES)}")
        column = tickets.c[field]
        used = select(column).where(column != "").distinct().order_by(column).limit(limit)
        with self._store.read() as tx:
            return list(tx.run(used).scalars())

    def find(self, tool: str, id: str) -> int | None:
        """Our key of a tool's ticket."""
        with self._store.read() as tx:
            found = select(tickets.c.key).where(tickets.c.tool == tool, tickets.c.tool_id == id)
            key: int | None = tx.run(found).scalar()
            return key

    def ticket(self, key: int) -> TicketDetail | None:
        with self._store.read() as tx:
            row = tx.run(_details().where(tickets.c.key == key)).first()
            if row is None:
                return None
            events = tx.history([key])[key]
            open_ = select(*_DELIVERY).where(deliveries.c.ticket == key,
                                             deliveries.c.state.in_(["waiting", "leased", "dead"]))
            rows = [_delivery_row(found) for found in tx.run(open_.order_by(deliveries.c.id))]
            conflicts = [event for event in events if event.kind is EventKind.CONFLICT]
            return _detail(row, events=events, conflicts=conflicts, deliveries=rows)

    def deliveries(
        self,
        *,
        state: Sequence[str] = (),
        target: str | None = None,
        ticket: int | None = None,
        limit: int = 50,
        cursor: str | None = None,
    ) -> Paged[DeliveryRow]:
        """Newest first."""
        found = select(*_DELIVERY)
        if state:
            found = found.where(deliveries.c.state.in_(list(state)))
        if target is not None:
            found = found.where(deliveries.c.target == target)
        if ticket is not None:
            found = found.where(deliveries.c.ticket == ticket)
        with self._store.read() as tx:
            return _paged(tx, found, "deliveries", (deliveries.c.id,), (int,), ("id",), True, limit, cursor,
                          _delivery_row)

    def delivery_of(self, key: str) -> int | None:
        """Id of the delivery with this key."""
        with self._store.read() as tx:
            return tx.run(select(deliveries.c.id).where(deliveries.c.key == key)).scalar()

    def delivery(self, id: int) -> DeliveryRow | None:
        """With payload and result."""
        with self._store.read() as tx:
            row = tx.run(select(*_DELIVERY, deliveries.c.payload, deliveries.c.result)
                         .where(deliveries.c.id == id)).first()
        return None if row is None else _delivery_row(row)

    def quarantine(
        self, *, tool: str | None = None, limit: int = 50, cursor: str | None = None
    ) -> Paged[QuarantineRow]:
        """By tool and ticket id."""
        found = select(quarantine)
        if tool is not None:
            found = found.where(quarantine.c.tool == tool)
        with self._store.read() as tx:
            return _paged(tx, found, "quarantine", (quarantine.c.tool, quarantine.c.ticket), (str, str),
                          ("tool", "ticket"), False, limit, cursor, _quarantine_row)

    def audit(
        self,
        *,
        actor: str | None = None,
        action: str | None = None,
        subject: str | None = None,
        since: datetime | None = None,
        before: datetime | None = None,
        limit: int = 50,
        cursor: str | None = None,
    ) -> Paged[AuditRow]:
        """Newest first. `subject` matches exactly or, when it ends with "/", by its beginning."""
        found = select(audit)
        if actor is not None:
            found = found.where(audit.c.actor == actor)
        if action is not None:
            found = found.where(audit.c.action == action)
        if subject is not None:
            found = found.where(audit.c.subject.startswith(subject, autoescape=True) if subject.endswith("/")
                                else audit.c.subject == subject)
        if since is not None:
            found = found.where(audit.c.at >= since)
        if before is not None:
            found = found.where(audit.c.at < before)
        with self._store.read() as tx:
            return _paged(tx, found, "audit", (audit.c.id,), (int,), ("id",), True, limit, cursor,
                          lambda row: AuditRow(**row._mapping))


    def agreement_versions(self, profile: str) -> list[AgreementVersion]:
        """Every version of a profile that was in force, the newest first."""
        found = select(*(agreements.c[name] for name in AgreementVersion.__struct_fields__)).where(
            agreements.c.profile == profile).order_by(agreements.c.kept_at.desc(), agreements.c.version)
        with self._store.read() as tx:
            return [AgreementVersion(**row._mapping) for row in tx.run(found)]


def _paged(
    tx: SqlTx, found: Select[Any], name: str, columns: Sequence[ColumnElement[Any]], types: Sequence[type],
    keys: Sequence[str], descending: bool, limit: int, cursor: str | None, make: Callable[[Any], T],
) -> Paged[T]:  # fmt: skip
    values = unseal(name, cursor, types)
    rows = tx.run(page(found, columns, descending, limit, values)).fetchall()
    shown = rows[: bounded(limit)]
    more = len(rows) > len(shown)
    last = [getattr(shown[-1], key) for key in keys] if more else []
    return Paged(items=[make(row) for row in shown], next=seal(name, last) if more else None)


def _ticket_row(row: Any) -> TicketRow:
    values = {name: row._mapping[name] for name in TicketRow.__struct_fields__ if name != "id"}
    return TicketRow(id=row.tool_id, **values)


def _details() -> Select[Any]:
    names = ("key", "revision", "history_due", "missing_since", "next_check_at")
    return select(*(tickets.c[name] for name in names), documents.c.document, documents.c.base).join_from(
        tickets, documents, documents.c.ticket == tickets.c.key)


def _detail(row: Any, events: Any = (), conflicts: Any = (), deliveries: Any = ()) -> TicketDetail:
    return TicketDetail(
        key=row.key, ticket=read_ticket(row.document), base=None if row.base is None else read_ticket(row.base),
        revision=row.revision, history_due=row.history_due, missing_since=row.missing_since,
        next_check_at=row.next_check_at, events=list(events), conflicts=list(conflicts), deliveries=list(deliveries),
    )


def _delivery_row(row: Any) -> DeliveryRow:
    values = dict(row._mapping)
    values["owner"] = values["owner"] or ""
    return DeliveryRow(**values)


def _quarantine_row(row: Any) -> QuarantineRow:
    values = dict(row._mapping)
    values["problems"] = tuple(values["problems"])
    return QuarantineRow(**values)
