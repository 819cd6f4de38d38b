"""A ticket as the row that pages filter and sort by."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final

from connector.domain.ticket import PRIORITIES
from connector.ports import Change
from connector.store.bulk import Row
from connector.store.codec import clean
from connector.store.tables import WIDEST

COLUMNS: Final = (
    "revision", "number", "number_order", "title", "search", "kind", "state", "pending_on", "priority", "rank", "group",
    "assignee", "customer", "service", "supplier", "opened_at", "updated_at", "deleted", "on_its_way", "history_due",
    "missing_since", "next_check_at",
)  # fmt: skip
"""Order of the values of `ticket_row`."""

AT_ONCE: Final = datetime(1970, 1, 1, tzinfo=UTC)
"""Earlier than any clock: a ticket that changed is looked at with the next tick."""

UNRANKED: Final = 9
"""Sorts tickets of unknown priority after those of known ones."""

_RANK: Final = {name: place for place, name in enumerate(PRIORITIES, 1)}
_DIGITS: Final = re.compile(r"\d+")


def ticket_row(change: Change, revision: int, at: Callable[[datetime], Any]) -> Row:
    ticket = change.ticket
    title = short(ticket.title)
    number = short(ticket.number)
    missing, check = change.missing_since, change.next_check_at or AT_ONCE
    return (
        revision,
        number,
        number_order(number),
        title,
        folded(f"{number} {title}"),
        ticket.kind.value,
        ticket.state.value,
        ticket.pending_on.value if ticket.pending_on is not None else "",
        short(ticket.priority or ""),
        _RANK.get(ticket.priority or "", UNRANKED),
        short(ticket.group),
        short(ticket.assignee),
        short(ticket.customer),
        short(ticket.service),
        short(ticket.supplier),
        at(ticket.opened_at),
        at(ticket.updated_at),
        ticket.deleted,
        change.base is not None,
        change.history_due,
        at(missing) if missing is not None else None,
        at(check),
    )


def short(text: str) -> str:
    """Text for a filter column."""
    if len(text) > WIDEST:
        text = text[:WIDEST]
    return text if text.isascii() and "\0" not in text else clean(text)


def folded(text: str) -> str:
    """Text without case and accents, as it is searched."""
    if text.isascii():
        return text.lower()
    plain = unicodedata.normalize("NFKD", text.casefold())
    return "".join(letter for letter in plain if not unicodedata.combining(letter))


def number_order(number: str) -> str:
    """Sorts INC9 before INC10."""
    letters = number.rstrip("0123456789")
    if letters.isalpha():  # as nearly all tools number
        return letters + number[len(letters):].rjust(18, "0") if len(letters) < len(number) else number
    return _DIGITS.sub(_padded, number)


def _padded(match: re.Match[str]) -> str:
    return match.group().rjust(18, "0")
