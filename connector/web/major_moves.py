"""A move of a major incident from what a form or a program gave."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Final

from connector.domain.errors import Refused
from connector.domain.history import Event
from connector.domain.major import moves
from connector.domain.major.record import Record, What
from connector.domain.ticket import Ticket
from connector.ports import Stored
from connector.store.views import TicketFilter
from connector.web import scope
from connector.web.auth.identity import who
from connector.web.services import services

Make = Callable[[Record, Stored, datetime], Event]
MARKS: Final = (What.DONE, What.SKIPPED, What.UNDONE)


def make(given: Mapping[str, str], by: str) -> Make:
    """`what` and what goes with it: text, once, step, role, person, child, owner, due, item, or parts of the report.

    Raises Refused for one that is none, and when it is made for one that may not be.
    """
    def text(name: str) -> str:
        return str(given.get(name) or "").strip()

    if text("what") not in tuple(What):
        raise Refused(f"what: {text('what')!r} is unknown; expected one of {', '.join(What)}")
    what = What(text("what"))
    if what in MARKS:
        return lambda record, stored, now: moves.mark(record, what, text("step"), now, by, text("text"))
    if what is What.ROLE:
        person = _known(text("person"))
        return lambda record, stored, now: moves.name(record, text("role"), person, now, by)
    if what is What.LINKED:
        child = str(found(text("child")).ref)
        return lambda record, stored, now: moves.link(record, child, now, by, str(stored.ticket.ref))
    if what is What.UNLINKED:
        return lambda record, stored, now: moves.unlink(record, text("child"), now, by)
    if what is What.FOLLOW_UP:
        due = _day(text("due"))
        return lambda record, stored, now: moves.follow_up(record, text("text"), text("owner"), due, now, by,
                                                           text("once"))
    if what is What.FOLLOWED_UP:
        return lambda record, stored, now: moves.followed_up(record, text("item"), now, by, text("text"))
    if what is What.CLOSED:
        words = {part: text(part) for part in moves.SECTIONS if text(part)}
        return lambda record, stored, now: moves.close(record, words, now, by)
    return lambda record, stored, now: moves.move(record, what, now, by, text("text"), text("once"))


def found(name: str) -> Ticket:
    """A ticket by TOOL/ID or number; only one that whoever asks may see. Raises Refused."""
    queries, (tool, slash, id) = services().queries, name.partition("/")
    key = queries.find(tool, id) if slash else None
    rows = [] if slash or not name else queries.tickets(TicketFilter(number=name), limit=2).items
    if len(rows) == 1:
        key = rows[0].key
    detail = scope.visible(queries.ticket(key), who()) if key is not None else None
    if detail is None:
        raise Refused(f"child: more than one ticket has {name!r}: expected TOOL/ID" if rows[1:] else
                      f"child: there is no ticket {name!r}: expected a number, or TOOL/ID")
    return detail.ticket


def _known(person: str) -> str:
    registry = services().deps.registry
    people = registry().people.people if registry is not None else {}
    if person and people and person not in people:
        raise Refused(f"person: there is no {person!r}")
    return person


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise Refused(f"due: {text!r} is not a date") from None
