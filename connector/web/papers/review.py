"""The monthly review of a receiver on paper."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from babel.dates import format_skeleton

from connector.domain.handoffs.receiver import Receiver
from connector.domain.handoffs.review import Measure, Review, Unit
from connector.paper.document import Block, Document, Grid, Heading, Pairs, Text
from connector.web import i18n
from connector.web.i18n import _, span, speaking
from connector.web.papers.telling import moment
from connector.web.words import word

DASH: Final = "\N{EN DASH}"


def value(one: Measure) -> str:
    """The figure itself; a dash where there was nothing to measure."""
    if not one.known:
        return DASH
    if one.unit is Unit.DURATION:
        return span(one.typical or timedelta())
    return i18n.number(one.numerator) if one.unit is Unit.MINUTES else i18n.percent(one.share or 0.0)


def made_of(one: Measure) -> str:
    """Numerator and denominator, where the figure is a share."""
    if one.unit is Unit.SHARE and one.known:
        return _("%(some)s of %(all)s") % {"some": i18n.number(one.numerator), "all": i18n.number(one.denominator)}
    return ""


def month(start: datetime) -> str:
    return format_skeleton("yMMMM", start, tzinfo=start.tzinfo, locale=i18n.locale())


def document(found: Review, receiver: Receiver, made_by: str, now: datetime, language: str, zone: str) -> Document:
    with speaking(language, zone):
        as_of = _("as of %(time)s") % {"time": moment(now)}
        return Document(
            title=_("Review of %(name)s") % {"name": receiver.title}, language=i18n.locale().language, author=made_by,
            subtitle=f"{month(found.period.start)} \N{MIDDLE DOT} {as_of}",
            blocks=tuple(_blocks(found, receiver)), foot=f"{made_by} \N{MIDDLE DOT} {receiver.name}",
            page_words=_("Page {page} of {pages}"),
        )


def _blocks(found: Review, receiver: Receiver) -> Iterator[Block]:
    yield Pairs([(_("Contract"), receiver.profile), (_("From"), moment(found.period.start)),
                 (_("To"), moment(found.period.end)), (_("Handoffs"), i18n.number(found.handoffs))])
    yield Grid([_("Figure"), _("Value"), _("Made of"), "n", _("Open"), _("Not counted")],
               [[word("measures", one.name), value(one), made_of(one), i18n.number(one.n),
                 i18n.number(one.censored) if one.censored else "", i18n.number(one.excluded) if one.excluded else ""]
                for one in found.measures], [4, 1.8, 1.8, 0.8, 1, 1.4], right=[1, 2, 3, 4, 5])
    for one in found.measures:
        if one.by:
            yield Heading(_("%(figure)s: reasons") % {"figure": word("measures", one.name)}, 2)
            rows = [[text or DASH, i18n.number(n)] for text, n in one.by.items()]
            yield Grid([_("Reason"), _("Times")], rows, [6, 1], right=[1])
    if receiver.penalties:
        yield Heading(_("What the contract says of penalties"))
        yield Pairs([(word("targets", one.target), " ".join(part for part in (
            one.amount, one.currency, f"/ {one.per}" if one.per else "", one.text) if part))
            for one in receiver.penalties])
    yield Text(_("Open: not decided yet. Not counted: the promise no longer applied. A target counts in the month in "
                 "which it was met or first breached; the time from offer to answer is real time."), "quiet")
