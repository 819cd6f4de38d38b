from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from connector.domain.delivery import Order
from connector.domain.history import Event, EventKind
from connector.domain.ticket import Kind, State, Ticket

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def ticket(id: str = "1", tool: str = "glpi", **fields: Any) -> Ticket:
    given: dict[str, Any] = {"kind": Kind.INCIDENT, "state": State.NEW, "opened_at": NOW, "updated_at": NOW,
                             "number": f"INC{id}", "title": f"Printer {id} is out of paper"} | fields
    return Ticket(tool=tool, id=id, **given)


def event(key: str = "created", **fields: Any) -> Event:
    return Event(key=key, **({"at": NOW, "kind": EventKind.CREATED} | fields))


def order(key: str, lane: str = "glpi/1", target: str = "glpi", **fields: Any) -> Order:
    given: dict[str, Any] = {"verb": "update", "payload": {"state": "resolved"}} | fields
    return Order(key=key, lane=lane, target=target, **given)
