"""How a person names a ticket on the command line."""

from __future__ import annotations

from connector.domain.errors import NotFound
from connector.store.queries import Queries
from connector.store.views import TicketDetail, TicketFilter


def find(queries: Queries, name: str) -> TicketDetail:
    """By our key ("42"), by tool and id ("glpi/17") or by number ("INC0010002"). Raises NotFound, also when several
    tickets have that number."""
    tool, slash, id = name.partition("/")
    key: int | None = None
    if slash:
        key = queries.find(tool, id)
    else:
        rows = queries.tickets(TicketFilter(number=name, deleted=None), limit=2).items
        if len(rows) > 1:
            raise NotFound(f"{name} is the number of several tickets: give TOOL/ID")
        key = rows[0].key if rows else int(name) if name.isdigit() else None
    detail = queries.ticket(key) if key is not None else None
    if detail is None:
        raise NotFound(f"there is no ticket {name} (give a number, TOOL/ID or our key)")
    return detail
