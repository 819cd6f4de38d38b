"""Where peers decided otherwise than docs/calendars.md: their answer, the reason for ours, and ours asserted."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from connector.domain.calendar import ServiceCalendar
from connector.domain.errors import ConfigError
from tests.domain.calendars.peer_calendars import (
    BIZ,
    FULL,
    GLPI,
    NINE_TO_FIVE,
    ZAMMAD_HOLIDAY,
    Plan,
    at,
    plan,
    span,
    znuny,
)

# where peers decided otherwise: (peer, its answer, why ours differs, calendar, question, our answer)


def swapped(calendar: ServiceCalendar) -> timedelta:
    return calendar.elapsed(at("2019-01-08", "UTC"), at("2019-01-01", "UTC"))


DIFFERENT: list[tuple[str, str, str, Plan, Any, Any]] = [
    ("glpi, biz", "0", "swapped ends give a negative time, so that elapsed undoes add", GLPI, swapped, -span(hours=60)),
    ("moment", "open", "windows are half-open: two that touch must not both hold an instant", NINE_TO_FIVE,
     lambda c: c.is_open(at("2017-06-26T17:00", "UTC")), False),
    ("biz before(0)", "2006-01-02T17:00", "zero has no direction: it is the next open instant", BIZ,
     lambda c: c.add(at("2006-01-03", "UTC"), -span()), at("2006-01-03T10:00", "UTC")),
    ("zammad", "no due time", "a target of zero is due at the next open instant", GLPI,
     lambda c: c.add(at("2019-01-05", "UTC"), span()), at("2019-01-07T08:00", "UTC")),
    ("znuny", "the start, unchanged", "a negative duration counts backwards", znuny(FULL, "UTC"),
     lambda c: c.add(at("2015-02-17T12:00", "UTC"), -span(hours=2)), at("2015-02-17T10:00", "UTC")),
    ("biz days", "2006-01-06T09:00", "past the closing of the target date that closing counts, not the next opening",
     BIZ,
     lambda c: c.add_days(at("2006-01-03T18:00", "UTC"), 2), at("2006-01-05T16:00", "UTC")),
    ("biz days back", "2006-01-02T17:00", "before the opening of the target date that opening counts", BIZ,
     lambda c: c.add_days(at("2006-01-05T08:00", "UTC"), -2), at("2006-01-03T10:00", "UTC")),
    ("moment", "Monday the 2nd", "a start on a closed date counts from the next opening, which is day zero",
     NINE_TO_FIVE,
     lambda c: c.add_days(at("2015-02-28T10:13", "UTC"), 1), at("2015-03-03T09:00", "UTC")),
    ("moment back", "Friday the 27th", "likewise backwards: day zero is the working day before", NINE_TO_FIVE,
     lambda c: c.add_days(at("2015-03-01T16:12:34", "UTC"), -1), at("2015-02-26T17:00", "UTC")),
    ("biz, znuny", "an hour later: 03:30", "an edge the clocks skip is the instant of the change, so that windows keep "
     "their order", plan({"sun": [["02:30", "12:00"]]}, "America/Los_Angeles"),
     lambda c: c.add(at("2014-03-09T00:00", "America/Los_Angeles"), span()),
     at("2014-03-09T03:00", "America/Los_Angeles")),
    ("biz", "closed that day (03:30 to 03:15)", "the part of a window after the change is worked",
     plan({"sun": [["02:30", "03:15"]], "mon": [["09:00", "17:00"]]}, "America/Los_Angeles"),
     lambda c: c.elapsed(at("2006-04-02T00:00", "America/Los_Angeles"), at("2006-04-03T00:00", "America/Los_Angeles")),
     span(minutes=15)),
    ("zammad", "the next opening, 2013-06-05T09:00", "a due time on a closing instant is that closing instant",
     plan({"mon-sun": [["09:00", "18:00"]]}, "Europe/Berlin"),
     lambda c: c.add(at("2013-06-04T15:00", "UTC"), span(minutes=60)), at("2013-06-04T18:00", "Europe/Berlin")),
    ("zammad", "due 2016-11-09 09:26, seconds cut", "due times keep their seconds", ZAMMAD_HOLIDAY,
     lambda c: c.add(at("2016-11-07T13:26:36", "UTC"), span(minutes=1200)), at("2016-11-09T09:26:36", "UTC")),
]


@pytest.mark.parametrize(("peer", "theirs", "why", "data", "question", "ours"), DIFFERENT)
def test_where_peers_decided_otherwise(peer: str, theirs: str, why: str, data: Plan, question: Any, ours: Any) -> None:
    assert question(ServiceCalendar.from_dict(data)) == ours, f"{peer} says {theirs}; ours: {why}"


@pytest.mark.parametrize(("peer", "data"), [
    ("business_time takes it for a whole day", plan({"mon": [["00:00", "00:00"]]})),
    ("biz refuses it too", plan({"mon": [["09:00", "09:00"]]})),
    ("biz refuses it too", plan({"mon": []})),
    ("biz refuses it too", plan({})),
    ("glpi says it has no working day", plan({}, holidays=[])),
    ("glpi ignores a holiday that has no end", {**GLPI, "holidays": [{"from": "2020-07-08", "to": ""}]}),
    ("glpi ignores a holiday that has no beginning", {**GLPI, "holidays": [{"from": "", "to": "2020-09-01"}]}),
])
def test_what_is_refused_rather_than_guessed(peer: str, data: Plan) -> None:
    with pytest.raises(ConfigError):
        ServiceCalendar.from_dict(data)
