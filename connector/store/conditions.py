"""A ticket filter as conditions on columns."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import ColumnElement, text, true

from connector.store.bulk import Bulk
from connector.store.rows import folded, number_order, short
from connector.store.tables import tickets
from connector.store.views import TicketFilter

_ANY_OF: Final = ("tool", "kind", "state", "priority", "group", "assignee", "customer", "service", "supplier")


def ticket_conditions(where: TicketFilter, bulk: Bulk) -> list[ColumnElement[bool]]:
    conditions = [_any_of(tickets.c[name], getattr(where, name), bulk) for name in _ANY_OF if getattr(where, name)]
    if where.number:
        number = short(where.number)
        conditions += [tickets.c.number_order == number_order(number), tickets.c.number == number]
    conditions += [tickets.c.search.contains(word, autoescape=True) for word in folded(where.text).split()]
    for column, first, end in (
        (tickets.c.opened_at, where.opened_from, where.opened_before),
        (tickets.c.updated_at, where.updated_from, where.updated_before),
    ):
        if first is not None:
            conditions.append(column >= first)
        if end is not None:
            conditions.append(column < end)
    if where.deleted is not None:
        conditions.append(tickets.c.deleted if where.deleted else ~tickets.c.deleted)
    if where.on_its_way is not None:
        # As the partial index says it.
        conditions.append(true() & text("tickets.on_its_way" if where.on_its_way else "NOT tickets.on_its_way"))
    return conditions


def _any_of(column: ColumnElement[Any], values: tuple[str, ...], bulk: Bulk) -> ColumnElement[bool]:
    wanted = [short(value) for value in values]
    return column == wanted[0] if len(wanted) == 1 else bulk.among(column, wanted)
