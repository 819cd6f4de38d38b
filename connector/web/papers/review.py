"""The monthly review of a receiver on paper."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from babel.dates import format_skeleton
from babel.numbers import format_decimal

from connector.domain.handoffs.penalties import Owed
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


def cost(one: Owed) -> str:
    """The amount as the contract writes it, or its words where it has no figure for one handoff."""
    return one.text if one.amount is None else _money(one.amount, one.currency)


def total(costs: Sequence[Owed]) -> str:
    """Sums by currency of what can be computed."""
    sums: dict[str, Decimal] = {}
    for one in costs:
        if one.amount is not None:
            sums[one.currency] = sums.get(one.currency, Decimal()) + one.amount
    return ", ".join(_money(amount, currency) for currency, amount in sorted(sums.items()))


def _money(amount: Decimal, currency: str) -> str:
    """The code of the currency behind the figure, as invoices have it in both languages."""
    return f"{format_decimal(amount, format='#,##0.00', locale=i18n.locale())}\N{NO-BREAK SPACE}{currency}".rstrip()


def document(found: Review, receiver: Receiver, made_by: str, now: datetime, language: str, zone: str,
             costs: Sequence[tuple[str, Owed]] = ()) -> Document:
    """`costs`: broken promises with the number of their handoff."""
    with speaking(language, zone):
        as_of = _("as of %(time)s") % {"time": moment(now)}
        return Document(
            title=_("Review of %(name)s") % {"name": receiver.title}, language=i18n.locale().language, author=made_by,
            subtitle=f"{month(found.period.start)} \N{MIDDLE DOT} {as_of}",
            blocks=tuple(_blocks(found, receiver, costs)), foot=f"{made_by} \N{MIDDLE DOT} {receiver.name}",
            page_words=_("Page {page} of {pages}"),
        )


def _blocks(found: Review, receiver: Receiver, costs: Sequence[tuple[str, Owed]]) -> Iterator[Block]:
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
    if costs:
        yield Heading(_("Penalties for promises broken in this month"))
        yield Grid([_("Handoff"), _("Target"), _("Late by"), _("Penalty"), ""],
                   [[number, word("targets", one.target), span(one.late), cost(one),
                     "" if one.final else _("can still grow")] for number, one in costs],
                   [2.2, 2, 1.6, 2, 1.6], right=[2, 3])
        if total([one for _number, one in costs]):
            yield Text(_("Sum: %(sum)s") % {"sum": total([one for _number, one in costs])})
    yield Text(_("Open: not decided yet. Not counted: the promise no longer applied. A target counts in the month in "
                 "which it was met or first breached; the time from offer to answer is real time."), "quiet")
