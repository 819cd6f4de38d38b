"""What filters and sorting of GLPI 11's high-level API can name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from connector.sandbox.model import Ticket

DATES: Final = frozenset({"date", "date_mod", "date_creation"})
_TICKET: Final[dict[str, Callable[[Ticket], Any]]] = {
    "id": lambda t: t.id, "name": lambda t: t.title, "status": lambda t: int(t.status),
    "status.id": lambda t: int(t.status),
    "is_deleted": lambda t: int(t.trashed), "external_id": lambda t: t.extra.get("external_id"),
    "date": lambda t: t.opened_at.replace(microsecond=0), "date_mod": lambda t: t.updated_at.replace(microsecond=0),
    "date_creation": lambda t: t.created_at.replace(microsecond=0), "priority": lambda t: t.priority,
    "entity.id": lambda t: t.company, "type": lambda t: 2 if t.kind == "service_request" else 1,
}


def of_ticket(name: str) -> Callable[[Any], Any] | None:
    return _TICKET.get(name)


def of_list(name: str) -> Callable[[Any], Any] | None:
    if name == "emails.email":
        return lambda row: row["emails"][0]["email"] if row.get("emails") else None
    return lambda row: row.get(name)


def plain(name: str, value: str) -> Any:
    """Numbers as numbers; texts that look like numbers only where the property holds them."""
    return int(value) if value.lstrip("-").isdigit() and name not in ("name", "external_id", "username") else value
