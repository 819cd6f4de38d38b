"""The read side for pages and the REST API: keyset pages, each method one consistent view of the store."""

from __future__ import annotations

from datetime import datetime

from connector.store.sql import SqlStore
from connector.store.views import (
    AuditRow,
    ConnectionRow,
    Counts,
    DeliveryRow,
    Paged,
    QuarantineRow,
    TicketDetail,
    TicketFilter,
    TicketRow,
    TicketSort,
)


class Queries:
    """Reads only. `cursor` is the `next` of the page before; a foreign one raises BadCursor (a ValueError)."""

    def __init__(self, store: SqlStore) -> None:
        self._store = store

    def tickets(
        self,
        where: TicketFilter | None = None,
        *,
        sort: TicketSort = "updated",
        descending: bool = True,
        limit: int = 50,
        cursor: str | None = None,
    ) -> Paged[TicketRow]:
        raise NotImplementedError

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
        raise NotImplementedError

    def choices(self, field: str, limit: int = 200) -> list[str]:
        """Values of `tool`, `group`, `assignee`, `customer`, `service` or `supplier` in use, for filter menus."""
        raise NotImplementedError

    def find(self, tool: str, id: str) -> int | None:
        """Our key of a tool's ticket."""
        raise NotImplementedError

    def ticket(self, key: int) -> TicketDetail | None:
        raise NotImplementedError

    def deliveries(
        self,
        *,
        state: tuple[str, ...] = (),
        target: str | None = None,
        ticket: int | None = None,
        limit: int = 50,
        cursor: str | None = None,
    ) -> Paged[DeliveryRow]:
        """Newest first."""
        raise NotImplementedError

    def delivery(self, id: int) -> DeliveryRow | None:
        """With payload and result."""
        raise NotImplementedError

    def quarantine(
        self, *, tool: str | None = None, limit: int = 50, cursor: str | None = None
    ) -> Paged[QuarantineRow]:
        """By tool and ticket id."""
        raise NotImplementedError

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
        raise NotImplementedError

    def connections(self, now: datetime, tools: tuple[str, ...] = ()) -> list[ConnectionRow]:
        """One row per tool in `tools` (those configured) and per tool the store has heard of."""
        raise NotImplementedError

    def counts(self) -> Counts:
        raise NotImplementedError
