"""Which tickets may be about the same as a major incident."""

from __future__ import annotations

from collections.abc import Iterable

from connector.domain.major.procedure import Process
from connector.domain.major.record import Record
from connector.domain.ticket import ENDED, Kind, Ticket, value_of


def suggested(ticket: Ticket, record: Record, process: Process, others: Iterable[Ticket]) -> list[Ticket]:
    """Open incidents of its window that are equal in what the process names, nearest in time first.

    Something not known on the incident is equal to nothing, so that it never takes the whole desk along.
    """
    wanted = [(field, value_of(ticket, field)) for field in process.alike]
    if any(value in (None, "") for _, value in wanted):
        return []
    linked = {*record.children, str(ticket.ref)}
    found = [other for other in others
             if other.kind is Kind.INCIDENT and other.state not in ENDED and not other.deleted
             and str(other.ref) not in linked and abs(other.opened_at - ticket.opened_at) <= process.window
             and all(value_of(other, field) == value for field, value in wanted)]
    return sorted(found, key=lambda other: (abs(other.opened_at - ticket.opened_at), str(other.ref)))
