"""The report of a major incident: what happened, when, for how long, and what follows from it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Final

from connector.domain.history import Event, EventKind
from connector.domain.major.checklist import Line
from connector.domain.major.closing import Closing, stamp
from connector.domain.major.record import FollowUp, State, What
from connector.domain.ticket import Ticket
from connector.paper.document import Block, Document, Grid, Heading, Pairs, Said, Text
from connector.web import i18n
from connector.web.i18n import _, mark, span, speaking
from connector.web.words import field_name, value_name, word

DASH: Final = "\N{EN DASH}"
MOST: Final = 400
"""Letters of one entry of the timeline."""
HAPPENED: Final = {
    EventKind.CREATED: mark("opened"), EventKind.COMMENTED: mark("comment"), EventKind.NOTED: mark("note"),
    EventKind.ATTACHED: mark("file"), EventKind.ESCALATED: mark("escalation"), EventKind.CLOCK: mark("clock"),
    EventKind.ACKNOWLEDGED: mark("acknowledged"), EventKind.INFORMED: mark("requester told"),
    EventKind.CONFLICT: mark("two changed the same"), EventKind.HANDOFF: mark("handoff"),
    EventKind.DELETED: mark("deleted"), EventKind.RESTORED: mark("restored"), EventKind.MERGED: mark("merged"),
}
Names = Mapping[str, str]
"""What people are called, by id."""


def document(ticket: Ticket, found: Closing, author: str, language: str, zone: str, names: Names) -> Document:
    """Of a running incident it tells what is so far."""
    with speaking(language, zone):
        number = ticket.number or ticket.id
        return Document(
            title=_("Report of a major incident"), language=i18n.locale().language, author=author,
            subtitle=f"{number} \N{MIDDLE DOT} {ticket.title}", blocks=tuple(_blocks(ticket, found, zone, names)),
            foot=f"{author} \N{MIDDLE DOT} {number}", page_words=_("Page {page} of {pages}"), keywords=(str(number),))


def _blocks(ticket: Ticket, found: Closing, zone: str, names: Names) -> Iterator[Block]:
    record = found.record
    if record.state is State.STOOD_DOWN:
        yield Text(f"{_('It was no major incident after all.')} {record.ending}", "bad")
    elif record.state is not State.CLOSED:
        yield Text(_("This incident is not closed: the report tells what is so far."), "bad")
    yield Pairs([pair for pair in (
        (_("Service"), ticket.service), (_("Declared by"), _who(record.declared_by)), (_("Why"), record.why),
        (_("Declared"), stamp(record.declared_at, zone)),
        (_("Recovering since"), stamp(record.recovering_at, zone) if record.recovering_at else ""),
        (_("Recovered"), stamp(record.recovered_at, zone) if record.recovered_at else DASH),
        (_("Closed"), stamp(record.ended_at, zone) if record.ended_at else DASH),
        *((word("major_roles", role), names.get(person, person)) for role, person in sorted(record.roles.items())),
    ) if pair[1]])
    sections = {"impact": _("Impact"), "cause": _("Cause"), "resolution": _("Resolution"), "lessons": _("Lessons")}
    for part, title in sections.items():
        if record.report.get(part):
            yield Heading(title)
            yield Text(record.report[part])
    yield Heading(_("Durations"))
    told = found.durations
    yield Pairs([(name, _span(value)) for name, value in (
        (_("From the opening to the declaration"), told.to_declare),
        (_("From the declaration to the first update"), told.to_first_update),
        (_("From the declaration to the recovery"), told.to_recover),
        (_("From the declaration to the end"), told.to_close),
        (_("Longest time without an update"), told.longest_silence))])
    yield from _steps(found, zone)
    yield from _words(found, zone, names)
    if record.children:
        yield Heading(_("Tickets about the same"))
        yield Text(", ".join(record.children))
    yield Heading(_("Timeline"))
    yield Grid((_("Time"), _("Who"), _("What")), [
        (stamp(event.at, zone), _who(event.actor), _what(event, names)) for event in found.timeline],
        widths=(0.3, 0.2, 0.5))


def _span(value: timedelta | None) -> str:
    return DASH if value is None else span(value)


def _steps(found: Closing, zone: str) -> Iterator[Block]:
    if not found.steps:
        return
    yield Heading(_("Continuity procedure"))
    yield Grid((_("Step"), _("Done"), _("By"), _("Took"), _("Target")), [
        (line.step.text, _mark(line, zone), _who(line.mark.by) if line.mark else DASH, _span(line.took),
         f"{_span(line.step.within)}{' - ' + _('late') if line.late else ''}") for line in found.steps],
        widths=(0.36, 0.26, 0.14, 0.12, 0.12))


def _mark(line: Line, zone: str) -> str:
    if line.mark is None:
        return _("open")
    if line.mark.what is What.SKIPPED:
        return f"{_('skipped')}{_(':')} {line.mark.note}"
    return stamp(line.mark.at, zone)


def _words(found: Closing, zone: str, names: Names) -> Iterator[Block]:
    record = found.record
    for title, said in ((_("Updates"), record.updates), (_("Decisions"), record.decisions),
                        (_("Relapses"), record.relapses)):
        if said:
            yield Heading(title)
            yield from (Said(f"{stamp(one.at, zone)}, {_who(one.by)}", one.text) for one in said)
    if record.follow_ups:
        yield Heading(_("To be done"))
        yield Grid((_("What"), _("Who"), _("Until"), _("Done")), [
            (one.said.text, names.get(one.owner, one.owner) or DASH, one.due.isoformat() if one.due else DASH,
             _done(one, zone)) for one in record.follow_ups], widths=(0.42, 0.16, 0.14, 0.28))


def _done(one: FollowUp, zone: str) -> str:
    if one.done is None:
        return _("open")
    return stamp(one.done.at, zone) + (f"{_(':')} {one.done.text}" if one.done.text else "")


def _who(actor: str) -> str:
    """Our own actors carry what they are in front (`user:aline`)."""
    return actor.removeprefix("user:") or DASH


def _what(event: Event, names: Names) -> str:
    data = event.data
    if event.kind is EventKind.CHANGED:
        old, new = (str(value_name(event.field, one)) if one not in (None, "", ()) else DASH
                    for one in (event.old, event.new))
        said = f"{field_name(event.field)}{_(':')} {old} > {new}"
    elif event.kind is EventKind.MAJOR:
        more = [word("major_roles", data["role"])] if data.get("role") else []
        more += [names.get(str(data[name]), str(data[name])) for name in ("person", "step", "child") if data.get(name)]
        said = " ".join([word("major_moves", data["what"]), *more])
    else:
        more = [str(data[name]) for name in ("rule", "step", "target", "receiver", "state") if data.get(name)]
        table = "informed" if event.kind is EventKind.INFORMED else "outcomes"
        more += [word(table, data["what"])] if data.get("what") else []
        said = " ".join([_(HAPPENED.get(event.kind, str(event.kind))), *more])
    if event.kind is not EventKind.CHANGED and event.text:
        said += f"{_(':')} {event.text}"
    return said if len(said) <= MOST else said[: MOST - 3] + "..."
