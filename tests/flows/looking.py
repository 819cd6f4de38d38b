"""Short ways for tests to look into the store."""

from __future__ import annotations

from connector.domain.history import Event, EventKind, effective
from connector.ports import Deps, Stored


def stored(deps: Deps, id: str, tool: str = "desk") -> Stored:
    with deps.store.read() as tx:
        return tx.tickets(tool, [id])[id]


def history(deps: Deps, id: str, tool: str = "desk") -> list[Event]:
    with deps.store.read() as tx:
        key = tx.tickets(tool, [id])[id].key
        return tx.history([key])[key]


def told(deps: Deps, id: str, field: str) -> list[object]:
    """The values a field took, by the effective history."""
    return [event.new for event in effective(history(deps, id))
            if event.kind is EventKind.CHANGED and event.field == field]


def conflicts(deps: Deps, id: str) -> list[tuple[str, object, object, object]]:
    return [(event.field, event.old, event.new, event.data["rule"]) for event in history(deps, id)
            if event.kind is EventKind.CONFLICT]
