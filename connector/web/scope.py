"""What a supplier may see: tickets that name it, without what agents say among themselves."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from connector.domain.history import Event, EventKind
from connector.domain.ticket import Ticket
from connector.store.views import TicketDetail, TicketFilter
from connector.web.auth.identity import Who

_SHOWN_TO_SUPPLIERS = frozenset({EventKind.CREATED, EventKind.CHANGED, EventKind.COMMENTED, EventKind.ATTACHED})


def narrowed(where: TicketFilter, asking: Who) -> TicketFilter:
    """The filter with the limit of the one who asks, whatever it said before."""
    return where if asking.supplier is None else msgspec.structs.replace(where, supplier=(asking.supplier,))


def may_see(ticket: Ticket, asking: Who) -> bool:
    return asking.supplier is None or ticket.supplier == asking.supplier


def visible(detail: TicketDetail | None, asking: Who) -> TicketDetail | None:
    """The ticket as far as they may see it; None hides that it exists."""
    if detail is None or not may_see(detail.ticket, asking):
        return None
    if asking.supplier is None:
        return detail
    return msgspec.structs.replace(detail, events=list(_open(detail.events)), conflicts=[], deliveries=[])


def _open(events: Iterable[Event]) -> Iterable[Event]:
    return (event for event in events if event.kind in _SHOWN_TO_SUPPLIERS)
