"""Query strings of pages: read leniently, because people edit addresses and keep old bookmarks."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeVar, get_args

from flask import redirect, request
from flask.typing import ResponseReturnValue

from connector.domain.ticket import PRIORITIES, Kind, State
from connector.store.views import BadCursor, Paged, TicketFilter, TicketSort
from connector.web.filters import here
from connector.web.i18n import zone

Item = TypeVar("Item")
SORTS: Final[tuple[TicketSort, ...]] = get_args(TicketSort)
SIZES: Final = (25, 50, 100)
MANY: Final = ("tool", "kind", "state", "priority", "group", "assignee", "customer", "service", "supplier")
_KNOWN: Final[dict[str, tuple[str, ...]]] = {
    "kind": tuple(kind.value for kind in Kind),
    "state": tuple(state.value for state in State),
    "priority": PRIORITIES,
}
OPEN: Final = ("new", "in_progress", "pending")


def ticket_filter() -> TicketFilter:
    chosen: dict[str, Any] = {}
    for name in MANY:
        given = tuple(dict.fromkeys(value for value in request.args.getlist(name) if value))
        if name == "state" and "open" in given:
            given = tuple(dict.fromkeys((*OPEN, *given)))
        known = _KNOWN.get(name)
        kept = tuple(v for v in given if known is None or v in known)
        chosen[name] = tuple("" if value == "-" else value for value in kept)
    return TicketFilter(
        **chosen,
        text=request.args.get("q", "").strip()[:200],
        updated_from=day("updated_from"),
        updated_before=day("updated_to", 1),
        opened_from=day("opened_from"),
        opened_before=day("opened_to", 1),
        deleted={"yes": True, "all": None}.get(request.args.get("deleted", ""), False),
        on_its_way=True if request.args.get("on_its_way") else None,
    )


def day(name: str, plus: int = 0) -> datetime | None:
    """Midnight of a date, in the reader's zone; None when it is no date."""
    try:
        date = datetime.strptime(request.args.get(name, ""), "%Y-%m-%d") + timedelta(days=plus)  # noqa: DTZ007
        return date.replace(tzinfo=zone()).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def sort() -> tuple[TicketSort, bool]:
    asked = request.args.get("sort", "-updated")
    name = asked.removeprefix("-")
    for known in SORTS:
        if name == known:
            return known, asked.startswith("-")
    return "updated", True


def limit() -> int:
    given = request.args.get("per_page", "50")
    return int(given) if given.isdigit() and int(given) in SIZES else 50


def paged(read: Callable[[str | None], Paged[Item]]) -> Paged[Item] | ResponseReturnValue:
    """A page of results; a cursor that no longer fits leads back to the first page."""
    try:
        return read(request.args.get("cursor") or None)
    except BadCursor:
        return redirect(here(cursor=None))
