"""Due and elapsed times, openings and working days against what peers answer (peer_calendars.py says where from)."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest

from connector.domain.calendar import ServiceCalendar
from tests.domain.calendars.peer_calendars import (
    BIZ,
    BIZ_ACTIVE,
    BIZ_SHIFTS,
    EIGHT_TO_SIX,
    FULL,
    FULL_WEEK,
    GLPI,
    GLPI_FULL,
    LUNCH,
    NINE_TO_FIVE,
    SPLIT,
    SPLIT_DAILY,
    THREE_DAYS,
    WHOLE_DAYS,
    ZAMMAD_HOLIDAY,
    Plan,
    at,
    broken,
    plan,
    span,
    znuny,
)

# start + duration -> due; the clock readings are in the calendar's zone

DUE = [
    ("biz", BIZ, "2006-01-04T15:58:30", span(seconds=90), "2006-01-04T16:00"),
    ("biz", BIZ, "2006-01-04T16:01:30", -span(seconds=90), "2006-01-04T16:00"),
    ("biz", BIZ, "2006-01-04T16:30", -span(minutes=90), "2006-01-04T15:00"),
    ("biz", BIZ, "2006-01-04T14:30", span(minutes=90), "2006-01-04T16:00"),
    ("biz", BIZ, "2006-01-04T17:00", -span(hours=3), "2006-01-04T14:00"),
    ("biz", BIZ, "2006-01-04T13:00", span(hours=3), "2006-01-04T16:00"),
    ("biz, zero is the next open instant", BIZ, "2006-01-03T00:00", span(), "2006-01-03T10:00"),
    ("biz, one hour a week", plan({"sun": [["11:00", "12:00"]]}), "2006-01-01T00:00", span(hours=2),
     "2006-01-08T12:00"),
    ("znuny, two years with yearly holidays", znuny(FULL, "UTC"), "2015-02-17T12:00", span(730), "2017-02-28T12:00"),
    ("znuny", znuny(FULL, "UTC"), "2015-02-17T12:00", span(90), "2015-05-19T12:00"),
    ("znuny, spring", znuny(FULL, "Europe/Berlin"), "2015-02-17T12:00", span(90, 1), "2015-05-19T14:00"),
    ("znuny", znuny(FULL, "UTC"), "2015-02-21T22:00", span(hours=6), "2015-02-22T04:00"),
    ("znuny, midnight twice", znuny(FULL, "America/Sao_Paulo"), "2015-02-21T22:00", span(hours=5), "2015-02-22T02:00"),
    ("znuny", znuny(FULL, "UTC"), "2015-02-20T22:10:05", span(4, 6, 20, 15), "2015-02-25T04:30:20"),
    ("znuny, midnight twice", znuny(FULL, "America/Sao_Paulo", False), "2015-02-21T22:10:05", span(4, 5, 20, 15),
     "2015-02-26T02:30:20"),
    ("znuny, no midnight", znuny(FULL, "America/Sao_Paulo"), "2015-10-17T22:00", span(hours=7), "2015-10-18T06:00"),
    ("znuny, autumn", znuny(FULL, "Asia/Tehran"), "2015-09-21T12:00", span(hours=15), "2015-09-22T02:00"),
    ("znuny, autumn", znuny(FULL, "Asia/Tehran"), "2015-09-20T12:00", span(hours=48), "2015-09-22T11:00"),
    ("znuny, autumn", znuny(FULL, "Asia/Tehran"), "2015-09-19T12:00", span(hours=96), "2015-09-23T11:00"),
    ("znuny, no midnight", znuny(FULL, "Asia/Tehran"), "2015-03-21T12:00", span(hours=17), "2015-03-22T06:00"),
    ("znuny, spring", znuny(FULL, "Asia/Tehran"), "2015-01-21T12:00", span(90, 17), "2015-04-22T06:00"),
    ("znuny", znuny(FULL, "UTC"), "2015-01-21T12:00", span(90, 16), "2015-04-22T04:00"),
    ("znuny, autumn", znuny(FULL, "Australia/Sydney"), "2016-04-02T12:00", span(1, 17), "2016-04-04T04:00"),
    ("znuny, from a Sunday", znuny(EIGHT_TO_SIX, "Europe/Berlin"), "2016-01-31T12:25:30", span(hours=5),
     "2016-02-01T13:00"),
    ("znuny, overnight", znuny(EIGHT_TO_SIX, "Europe/Berlin"), "2016-02-01T16:59:30", span(hours=3.5),
     "2016-02-02T10:29:30"),
    ("znuny, split day", znuny(SPLIT, "Europe/Berlin"), "2016-02-01T12:25:30", span(hours=5), "2016-02-02T08:25:30"),
    ("znuny, split days", znuny(SPLIT, "Europe/Berlin"), "2016-01-31T12:25:30", span(hours=45, minutes=25, seconds=30),
     "2016-02-08T08:25:30"),
    ("znuny, Christmas", znuny(SPLIT, "Europe/Berlin"), "2015-12-22T16:24:49", span(hours=20), "2015-12-29T08:24:49"),
    ("znuny", znuny(EIGHT_TO_SIX, "Asia/Tehran"), "2016-03-20T00:00", span(hours=5), "2016-03-21T13:00"),
    ("znuny", znuny(EIGHT_TO_SIX, "Asia/Tehran"), "2016-03-20T00:00", span(hours=13), "2016-03-22T11:00"),
    ("znuny, no midnight", znuny(FULL, "Asia/Tehran"), "2016-03-20T00:00", span(1, 5), "2016-03-21T06:00"),
    ("znuny, a Monday of 23 hours", znuny(FULL_WEEK, "Asia/Tehran"), "2016-03-20T00:00", span(1, 5),
     "2016-03-22T06:00"),
    ("znuny", znuny(EIGHT_TO_SIX, "Asia/Tehran"), "2016-09-20T22:00", span(hours=5), "2016-09-21T13:00"),
    ("znuny, an hour twice", znuny(FULL_WEEK, "Asia/Tehran"), "2016-09-20T22:00", span(hours=5), "2016-09-21T02:00"),
    ("znuny, weekend", znuny(EIGHT_TO_SIX, "Europe/Berlin"), "2013-03-16T10:00", span(minutes=1), "2013-03-18T08:01"),
    ("business_time", NINE_TO_FIVE, "2010-08-04T09:35", span(hours=8), "2010-08-05T09:35"),
    ("business_time", NINE_TO_FIVE, "2010-08-04T09:35", -span(hours=8), "2010-08-03T09:35"),
    ("business_time, weekend", NINE_TO_FIVE, "2010-04-09T16:50", span(hours=1), "2010-04-12T09:50"),
    ("business_time, weekend", NINE_TO_FIVE, "2010-04-12T09:50", -span(hours=1), "2010-04-09T16:50"),
    ("business_time, holiday", {**NINE_TO_FIVE, "holidays": ["2010-07-05"]}, "2010-07-02T16:50", span(hours=1),
     "2010-07-06T09:50"),
    ("business_time", NINE_TO_FIVE, "2010-04-12T09:50", span(hours=3), "2010-04-12T12:50"),
    ("business_time, before opening", NINE_TO_FIVE, "2010-04-26T04:30", span(), "2010-04-26T09:00"),
    ("business_time, after closing", NINE_TO_FIVE, "2010-04-26T18:00", span(), "2010-04-27T09:00"),
    ("business_time, Sunday as Monday's opening", NINE_TO_FIVE, "2010-04-25T12:06:56", -span(hours=1),
     "2010-04-23T16:00"),
    ("business_time", THREE_DAYS, "2010-12-24T15:00", span(hours=9), "2010-12-27T11:00"),
    ("business_time", THREE_DAYS, "2010-12-24T08:00", span(hours=15), "2010-12-27T11:00"),
    ("business_time, whole days", WHOLE_DAYS, "2010-12-24T15:00", span(hours=24), "2010-12-27T11:00"),
    ("business_time, whole days", WHOLE_DAYS, "2010-12-25T08:00", span(hours=15), "2010-12-27T11:00"),
    ("business_time, to closing", plan({"fri": [["09:00", "17:00"]]}), "2010-12-24T08:00", span(hours=8),
     "2010-12-24T17:00"),
    ("businesstimedelta", NINE_TO_FIVE, "2016-01-23T13:14", span(hours=2), "2016-01-25T11:00"),
    ("businesstimedelta, to closing", NINE_TO_FIVE, "2016-01-22T09:00", span(hours=8), "2016-01-22T17:00"),
    ("businesstimedelta", NINE_TO_FIVE, "2016-01-23T13:14", span(hours=12), "2016-01-26T13:00"),
    ("businesstimedelta", NINE_TO_FIVE, "2016-01-25T11:14", -span(hours=2), "2016-01-25T09:14"),
    ("businesstimedelta, to opening", NINE_TO_FIVE, "2016-01-22T18:00", -span(hours=8), "2016-01-22T09:00"),
    ("businesstimedelta", NINE_TO_FIVE, "2016-01-25T11:14", -span(hours=8), "2016-01-22T11:14"),
    ("businesstimedelta, lunch", LUNCH, "2016-01-18T09:00", span(hours=40), "2016-01-22T18:00"),
    ("businesstimedelta, lunch", LUNCH, "2016-01-25T09:00", -span(hours=40), "2016-01-18T09:00"),
    ("moment", NINE_TO_FIVE, "2015-02-26T10:12:34", span(hours=9), "2015-02-27T11:12:34"),
    ("moment", NINE_TO_FIVE, "2015-02-26T10:12:34", span(hours=19), "2015-03-02T13:12:34"),
    ("moment, to the half hour", NINE_TO_FIVE, "2016-03-21T15:30", span(hours=17), "2016-03-23T16:30"),
    ("moment", NINE_TO_FIVE, "2016-03-21T15:30", span(hours=18), "2016-03-24T09:30"),
    ("moment, weeks", NINE_TO_FIVE, "2015-02-26T10:12:34", span(hours=108), "2015-03-17T14:12:34"),
    ("moment, milliseconds", NINE_TO_FIVE, "2015-02-26T16:59:59.700", span(seconds=0.555), "2015-02-27T09:00:00.255"),
    ("moment, milliseconds", NINE_TO_FIVE, "2015-02-26T09:00:00.100", -span(seconds=0.555), "2015-02-25T16:59:59.545"),
    ("moment", NINE_TO_FIVE, "2015-02-26T10:12:34", span(0, 9, 48, 17), "2015-02-27T12:00:51"),
    ("moment", NINE_TO_FIVE, "2015-02-26T16:12:34", -span(0, 9, 48, 17), "2015-02-25T14:24:17"),
    ("moment, weeks", NINE_TO_FIVE, "2015-02-26T16:12:34", -span(hours=108), "2015-02-09T12:12:34"),
    ("moment, days of their own hours", plan({"mon": [["12:00", "17:00"]], "tue": [["09:30", "17:00"]],
                                              "wed": [["10:00", "17:00"]]}),
     "2015-02-23T10:00", span(hours=15), "2015-02-25T12:30"),
    ("zammad, holiday", ZAMMAD_HOLIDAY, "2016-11-01T14:56:21", span(minutes=120), "2016-11-02T10:00"),
    ("zammad, holiday", ZAMMAD_HOLIDAY, "2016-11-01T14:56:21", span(minutes=1200), "2016-11-03T16:00"),
]


@pytest.mark.parametrize(("peer", "data", "start", "amount", "due"), DUE)
def test_due_times_agree_with_peers(peer: str, data: Plan, start: str, amount: timedelta, due: str) -> None:
    calendar = ServiceCalendar.from_dict(data)
    begin, expected = at(start, data["timezone"]), at(due, data["timezone"])
    assert calendar.add(begin, amount) == expected, peer
    assert calendar.elapsed(begin, expected) == amount, "and back"


ELAPSED = [
    ("biz, a week", BIZ, "2006-01-01T00:00", "2006-01-08T00:00", span(hours=39.5)),
    ("biz", BIZ, "2006-01-05T12:00", "2006-01-06T12:00", span(hours=7)),
    ("biz, nothing", BIZ, "2006-01-01T00:00", "2006-01-01T00:00", span()),
    ("znuny, Christmas", znuny(FULL, "Europe/Berlin"), "2015-12-23T08:10:15", "2015-12-28T17:10:14",
     span(seconds=205199)),
    ("znuny", znuny(FULL, "Europe/Berlin"), "2015-02-17T22:35:49", "2015-02-18T03:35:49", span(hours=5)),
    ("znuny", znuny(FULL, "Europe/Berlin"), "2015-02-17T22:35:49", "2015-02-19T23:05:49", span(hours=48.5)),
    ("znuny, spring", znuny(FULL, "Europe/Berlin"), "2016-03-26T22:24:39", "2016-03-28T23:24:39", span(hours=48)),
    ("znuny", znuny(FULL, "Europe/Berlin"), "2016-02-01T12:15:41", "2016-02-06T10:15:41", span(hours=118)),
    ("znuny, split", znuny(SPLIT_DAILY, "Europe/Berlin"), "2016-02-01T12:15:41", "2016-02-06T12:15:41", span(hours=45)),
    ("znuny, split", znuny(SPLIT, "Europe/Berlin"), "2016-03-25T12:15:41", "2016-03-29T10:15:41", span(hours=16)),
    ("znuny, split", znuny(SPLIT, "Europe/Berlin"), "2016-03-24T12:15:41", "2016-03-30T10:15:41", span(hours=34)),
    ("znuny, split", znuny(SPLIT, "Europe/Berlin"), "2016-03-25T08:15:41", "2016-03-25T14:15:41", span(hours=5)),
    ("znuny, split", znuny(SPLIT, "Europe/Berlin"), "2016-03-25T08:00", "2016-03-25T15:00", span(hours=6)),
    ("znuny", znuny(FULL, "UTC", False), "2015-02-17T12:00", "2015-05-18T12:00", span(90)),
    ("znuny, spring", znuny(FULL, "Europe/Berlin", False), "2015-02-17T12:00", "2015-05-18T12:00", span(89, 23)),
    ("znuny, midnight twice", znuny(FULL, "America/Sao_Paulo", False), "2015-02-21T22:00", "2015-02-22T02:00",
     span(hours=5)),
    ("znuny, midnight twice", znuny(FULL, "America/Sao_Paulo", False), "2015-02-20T22:10:05", "2015-02-25T04:30:20",
     span(seconds=372015)),
    ("znuny, no midnight", znuny(FULL, "America/Sao_Paulo", False), "2015-10-17T22:00", "2015-10-18T04:00",
     span(hours=5)),
    ("znuny, autumn", znuny(FULL, "Asia/Tehran", False), "2015-09-21T12:00", "2015-09-22T04:00", span(hours=17)),
    ("znuny, spring", znuny(FULL, "Asia/Tehran", False), "2015-03-21T12:00", "2015-03-22T04:00", span(hours=15)),
    ("znuny, autumn", znuny(FULL, "Australia/Sydney", False), "2015-01-21T12:00", "2015-04-22T04:00", span(90, 17)),
    ("glpi", GLPI, "2019-01-01T07:00", "2019-01-01T09:00", span(hours=1)),
    ("glpi, before opening", GLPI, "2019-01-01T06:00", "2019-01-01T07:00", span()),
    ("glpi, a week", GLPI, "2019-01-01T00:00", "2019-01-08T00:00", span(hours=60)),
    ("business_time", THREE_DAYS, "2010-12-24T15:00", "2010-12-27T11:00", span(hours=9)),
    ("business_time, seconds", plan({"mon-wed": [["09:00", "18:00"]]}), "2012-05-28T08:04:26", "2012-05-29T14:56:45",
     span(hours=14, minutes=56, seconds=45)),
    ("business_time, whole days", WHOLE_DAYS, "2010-12-24T15:00", "2010-12-27T11:00", span(hours=24)),
    ("business_time, always", plan({"fri-sun": FULL["mon-sun"], "mon": FULL["mon-sun"]}), "2010-12-24T15:00",
     "2010-12-27T11:00", span(hours=68)),
    ("business_time, overnight", plan({"mon-tue": [["08:00", "20:00"]]}), "2014-05-12T20:50", "2014-05-13T08:10",
     span(minutes=10)),
    ("businesstimedelta, lunch", LUNCH, "2016-01-18T09:00", "2016-01-25T09:00", span(hours=40)),
    ("businesstimedelta, Christmas", {**LUNCH, "holidays": [{"country": "US", "subdivision": "CA"}]},
     "2015-12-21T09:00", "2015-12-28T09:00", span(hours=32)),
]


@pytest.mark.parametrize(("peer", "data", "start", "end", "expected"), ELAPSED)
def test_elapsed_times_agree_with_peers(peer: str, data: Plan, start: str, end: str, expected: timedelta) -> None:
    calendar = ServiceCalendar.from_dict(data)
    assert calendar.elapsed(at(start, data["timezone"]), at(end, data["timezone"])) == expected, peer


def test_the_zone_of_the_question_is_not_the_zone_of_the_calendar() -> None:
    """businesstimedelta (Santiago from San Francisco), znuny (Berlin in UTC), business_time (a start at +03:00)."""
    santiago = ServiceCalendar.from_dict({**LUNCH, "timezone": "America/Santiago"})
    asked = at("2016-01-18T09:00", "America/Los_Angeles"), at("2016-01-18T18:00", "America/Los_Angeles")
    assert santiago.elapsed(*asked) == span(hours=4)
    berlin = ServiceCalendar.from_dict(znuny(SPLIT, "Europe/Berlin"))
    assert berlin.add(at("2015-03-27T11:00", "UTC"), span(hours=15)) == at("2015-03-31T07:00", "UTC")
    utc = ServiceCalendar.from_dict(plan({"mon-wed": [["09:00", "18:00"]]}))
    start, end = (datetime.fromisoformat(f"{t}+03:00") for t in ("2012-05-28T11:04:26", "2012-05-29T17:56:45"))
    assert utc.elapsed(start, end) == span(hours=14, minutes=56, seconds=45)


@pytest.mark.parametrize(("peer", "data", "when", "expected"), [
    ("biz, Sunday", BIZ_ACTIVE, "2006-01-01T06:00", False),
    ("biz, break before opening", BIZ_ACTIVE, "2006-01-03T06:00", False),
    ("biz, holiday", BIZ_ACTIVE, "2006-01-04T06:00", False),
    ("biz", BIZ_ACTIVE, "2006-01-02T12:00", True),
    ("biz, break", BIZ_ACTIVE, "2006-01-03T10:00", False),
    ("biz, holiday", BIZ_ACTIVE, "2006-01-04T12:00", False),
    ("biz, a shift replaces the weekday", BIZ_ACTIVE, "2006-01-07T12:00", False),
    ("biz, shift", BIZ_ACTIVE, "2006-01-07T10:00", True),
    ("biz, break in a shift", BIZ_ACTIVE, "2006-01-10T10:00", False),
    ("biz, a holiday beats a shift", BIZ_ACTIVE, "2006-01-11T10:00", False),
    ("biz, a break ends half-open", BIZ_ACTIVE, "2006-01-03T11:00", True),
    ("glpi", GLPI, "2019-01-01T00:00", False),
    ("glpi", GLPI, "2019-01-02T08:30", True),
    ("glpi", GLPI, "2019-01-03T18:10", True),
    ("glpi", GLPI, "2019-01-04T21:00", False),
    ("glpi, Saturday", GLPI, "2019-01-05T08:30", False),
    ("moment, opening", NINE_TO_FIVE, "2017-06-26T09:00", True),
    ("moment, Saturday", NINE_TO_FIVE, "2015-02-28T10:13", False),
])
def test_open_or_closed_agrees_with_peers(peer: str, data: Plan, when: str, expected: bool) -> None:
    assert ServiceCalendar.from_dict(data).is_open(at(when, data["timezone"])) is expected, peer


OTHER = plan({"sun": [["10:00", "12:00"]], "mon": [["08:00", "10:00"]], "tue": [["11:00", "15:00"]],
              "wed": [["16:00", "18:00"]], "thu": [["11:00", "12:00"], ["13:00", "14:00"]]}, "America/Los_Angeles",
             holidays=["2006-01-01", "2006-07-04", "2006-11-24"], breaks=broken("2006-01-03", "11:15-11:45"))


@pytest.mark.parametrize(("data", "first", "last", "expected"), [
    (BIZ_SHIFTS, "2005-12-31", "2006-01-10",
     "31 10:00-14:00, 2 09:00-17:00, 3 10:00-16:00, 4 08:00-12:00, 5 10:00-16:00, 6 09:00-10:00, 7 11:00-14:30, "
     "9 09:00-17:00"),
    (BIZ_SHIFTS, "2006-01-14", "2006-01-20", "14 11:00-14:30, 17 10:00-16:00, 19 10:00-16:00"),
    (BIZ_SHIFTS, "2006-01-02T12:00", "2006-01-03", "2 12:00-17:00"),
    ({**BIZ, "breaks": broken("2006-01-02", "08:00-10:00")}, "2006-01-02", "2006-01-03", "2 10:00-17:00"),
    ({**BIZ, "breaks": broken("2006-01-02", "16:00-18:00")}, "2006-01-02", "2006-01-03", "2 09:00-16:00"),
    ({**BIZ, "breaks": broken("2006-01-02", "08:00-18:00")}, "2006-01-02", "2006-01-04", "3 10:00-16:00"),
    ({**BIZ, "breaks": broken("2006-01-02", "10:00-11:30", "13:00-14:00")}, "2006-01-02", "2006-01-03",
     "2 09:00-10:00, 2 11:30-13:00, 2 14:00-17:00"),
    (plan({"mon": [["17:00", "19:00"], ["20:00", "22:00"]]}, breaks=broken("2006-01-02", "18:00-21:00")), "2006-01-02",
     "2006-01-03", "2 17:00-18:00, 2 21:00-22:00"),
    ({**BIZ, "breaks": broken("2006-01-02", "08:00-10:15", "11:30-12:30")
      + broken("2006-01-03", "12:00-13:00", "14:25-14:40")}, "2006-01-02", "2006-01-04",
     "2 10:15-11:30, 2 12:30-17:00, 3 10:00-12:00, 3 13:00-14:25, 3 14:40-16:00"),
    (plan({"sat": [["06:00", "18:00"]]}, "America/Los_Angeles"), "2006-01-07T17:00", "2006-01-09", "7 17:00-18:00"),
    (plan({"sun": [["06:00", "18:00"]]}, "Asia/Brunei"), "2006-01-07", "2006-01-08T07:00", "8 06:00-07:00"),
])
def test_openings_agree_with_biz(data: Plan, first: str, last: str, expected: str) -> None:
    zone = data["timezone"]
    found = ServiceCalendar.from_dict(data).windows(at(first, zone), at(last, zone))
    assert ", ".join(f"{a.day} {a:%H:%M}-{b:%H:%M}" for a, b in found) == expected


def test_hours_of_two_agree_with_biz_within_one_zone() -> None:
    """biz reads the hours of the other in the zone of the first; ours are open when both are, each in its zone."""
    ours = ServiceCalendar.from_dict({**BIZ, "holidays": ["2006-01-01", "2006-12-25"], "breaks": broken(
        "2006-01-02", "10:00-11:30") + broken("2006-01-03", "14:15-14:30", "15:40-15:50")})
    both = ours & ServiceCalendar.from_dict({**OTHER, "timezone": "UTC"})
    found = both.windows(at("2006-01-01", "UTC"), at("2006-01-04", "UTC"))
    assert [f"{a.day} {a:%H:%M}-{b:%H:%M}" for a, b in found] == [
        "2 09:00-10:00", "3 11:00-11:15", "3 11:45-14:15", "3 14:30-15:00"]
    west = ours & ServiceCalendar.from_dict(OTHER)
    found = west.windows(at("2006-01-01", "UTC"), at("2006-01-04", "UTC"))
    assert [f"{a.day} {a:%H:%M}-{b:%H:%M}" for a, b in found] == ["2 16:00-17:00"], "08:00 in California is 16:00"


@pytest.mark.parametrize(("peer", "data", "start", "n", "due", "end_of_day"), [
    ("glpi", GLPI, "2018-11-19T10:00", 7, "2018-11-28T10:00", False),
    ("glpi, 24 hours", GLPI_FULL, "2018-11-19T10:00", 7, "2018-11-28T10:00", False),
    ("glpi", GLPI, "2018-11-19T10:00", 7, "2018-11-28T20:00", True),
    ("glpi, 24:00", GLPI_FULL, "2018-11-19T10:00", 7, "2018-11-29T00:00", True),
    ("glpi", GLPI, "2018-11-19T10:00", -7, "2018-11-08T10:00", False),
    ("glpi", GLPI, "2018-11-19T10:00", -7, "2018-11-08T20:00", True),
    ("glpi, 24:00", GLPI_FULL, "2018-11-19T10:00", -7, "2018-11-09T00:00", True),
    ("biz", BIZ, "2006-01-09T12:00", -2, "2006-01-06T12:00", False),
    ("biz, after closing", BIZ, "2006-01-05T18:00", -2, "2006-01-03T16:00", False),
    ("biz", BIZ, "2006-01-06T12:30:52", 2, "2006-01-09T12:30:52", False),
    ("biz, before opening", BIZ, "2006-01-03T08:00", 2, "2006-01-05T10:00", False),
    ("moment", NINE_TO_FIVE, "2015-02-26T10:12:34", 2, "2015-03-02T10:12:34", False),
    ("moment", NINE_TO_FIVE, "2015-02-26T10:12:34", 100, "2015-07-16T10:12:34", False),
    ("moment", NINE_TO_FIVE, "2015-02-26T16:12:34", -10, "2015-02-12T16:12:34", False),
])
def test_working_days_agree_with_peers(
    peer: str, data: Plan, start: str, n: int, due: str, end_of_day: bool,
) -> None:
    calendar = ServiceCalendar.from_dict(data)
    assert calendar.add_days(at(start, data["timezone"]), n, end_of_day) == at(due, data["timezone"]), peer


def test_closed_dates_agree_with_glpi() -> None:
    calendar = ServiceCalendar.from_dict({**GLPI, "holidays": [
        {"every": "05-01"}, {"from": "2019-07-08", "to": "2019-09-01", "name": "Summer vacations"}]})
    closed = {day for day, _ in calendar.closures(at("2019-05-01", "UTC"), at("2020-10-01", "UTC"))}
    assert {date(2019, 5, 1), date(2019, 7, 12), date(2020, 5, 1)} <= closed
    assert not {date(2019, 5, 2), date(2019, 7, 1), date(2020, 7, 5), date(2020, 8, 15), date(2020, 9, 15)} & closed
