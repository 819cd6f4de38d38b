"""What the engine says, in the reader's language: conditions, amounts of time, warnings, names of public holidays."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any, Final

from connector.domain.agreements.conditions import Condition
from connector.domain.agreements.durations import Amount
from connector.domain.agreements.profile import Profile
from connector.domain.calendar import ServiceCalendar
from connector.domain.calendars.holidays import translated
from connector.domain.saying import Saying
from connector.web import i18n, words
from connector.web.i18n import _, mark, ngettext

Shape = tuple[Any, ...]
FACTS: Final = {
    "acknowledged": mark("acknowledged"),
    "responded": mark("answered"),
    "awaiting_reply": mark("the requester waits for an answer"),
    "reassignments": mark("reassignments"),
    "reopenings": mark("reopenings"),
    "major_incident": mark("major incident"),
}
"""Facts that follow from the history."""
SAYINGS: Final = (
    mark("`%(amount)s`: a day is 24 hours of `%(calendar)s`, which is not open around the clock; "
         "for working days write `%(days)s working days`"),
    mark("closes %(days)s days on end; is the year right?"),
    mark("is also listed as a holiday, and stays closed"),
    mark("overlaps a window of the date before or after; the time counts once"),
    mark("holidays are known until %(until)s only, and %(due)s lies beyond: add the next year's"),
    mark("%(target)s %(priority)s of `%(inner)s` (%(needed)s) ends after that of `%(outer)s` (%(promised)s) "
         "for %(late)s of %(count)s starts of %(year)s: a start at %(start)s is due %(due)s, the outer promise "
         "%(limit)s"),
    mark("%(name)s is missing"),
    mark("the type %(type)s is not known: it would be recorded and change nothing"),
    mark("it fits the body with the line ends as \\n"),
    mark("it fits the body with a line end after the last line"),
)
"""Templates of the domain's sayings (tests hold them against the code)."""


def said(text: str) -> str:
    """A sentence of the domain; one that is not known stays as it is."""
    if not isinstance(text, Saying):
        return _(text) if text else ""
    return _(text.template) % {name: said(value) if isinstance(value, Saying) else value
                               for name, value in text.values.items()}


def rule(asked: Condition) -> str:
    return shaped(asked.shape)


def applies(profile: Profile) -> str:
    """When an agreement applies; that with a receiver of handoffs does by the handover itself."""
    if profile.receiver is not None and profile.applies_to.shape == ("never",):
        return _("when work is handed over to it")
    return rule(profile.applies_to)


def shaped(shape: Shape) -> str:
    kind, *parts = shape
    if kind in ("all", "any"):
        glue = _("and") if kind == "all" else _("or")
        said = [f"({shaped(one)})" if one[0] in ("all", "any") else shaped(one) for one in parts]
        return f" {glue} ".join(said)
    if kind == "not":
        return _("not (%(what)s)") % {"what": shaped(parts[0])}
    if kind in ("always", "never"):
        return _("always") if kind == "always" else _("never")
    if kind == "has":
        return f"{words.field_name('tags')} = {parts[0]}"
    field = parts[0]
    name = _fact(field)
    if kind == "unknown":
        return _("%(field)s is not known") % {"field": name}
    if kind == "in":
        values = ", ".join(_value(field, one) for one in parts[1])
        return _("%(field)s is one of %(values)s") % {"field": name, "values": values}
    if kind == "like":
        return _("%(field)s is like %(pattern)s") % {"field": name, "pattern": parts[1]}
    value = i18n.number(parts[1]) if isinstance(parts[1], float) else _value(field, parts[1])
    return f"{name} {kind} {value}"


def _fact(field: str) -> str:
    return _(FACTS[field]) if field in FACTS else words.field_name(field)


def _value(field: str, value: object) -> str:
    if value is None:
        return _("not known")
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    return words.value_name(field, value)


def reasons(profile: Profile) -> dict[str, Shape]:
    """The pauses of a profile that have no reason of their own, by the text the engine gives as reason."""
    return {str(pause.when): pause.when.shape for target in profile.targets for pause in target.conditions.pause or ()
            if pause.reason == str(pause.when)}


def amount(given: Amount | None) -> str:
    """`3 working days, end of day`; `4 h of 24x7`; business time in hours, since a day of it has 24."""
    if given is None:
        return ""
    if given.working_days is not None:
        text = ngettext("%(num)s working day", "%(num)s working days", given.working_days) % {
            "num": i18n.number(given.working_days)}
    else:
        text = i18n.span(given.time)
    if given.calendar:
        text = _("%(amount)s of %(calendar)s") % {"amount": text, "calendar": given.calendar}
    return _("%(amount)s, end of day") % {"amount": text} if given.end_of_day else text


def holiday(name: str, day: date, calendars: Iterable[ServiceCalendar]) -> str:
    """A closed date as the reader calls it, where a calendar has its name from the public holidays of a country."""
    language = i18n.locale().language
    if language == "en" or not name:
        return name
    for calendar in calendars:
        for spec in _countries(calendar.data):
            found = translated(spec, day, name, language)
            if found:
                return found
    return name


def _countries(data: Mapping[str, Any] | None) -> Iterator[Mapping[str, Any]]:
    """The public holidays a calendar's written form names, in all its versions."""
    parts: Sequence[Any] = [data, *(data.get("versions") or ())] if data else []
    for part in parts:
        for item in (part.get("holidays") or ()) if isinstance(part, Mapping) else ():
            if isinstance(item, Mapping) and "country" in item:
                yield item
