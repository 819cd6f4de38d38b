"""Closures from iCalendar files as calendars, mail programs and holiday sites write them."""

from __future__ import annotations

import pytest

from connector.domain.calendars.ical import from_ical

NEW_YEAR = "DTSTART;VALUE=DATE:20260101"


def event(*lines: str, uid: str = "1") -> str:
    return "\r\n".join(["BEGIN:VEVENT", f"UID:{uid}", "SUMMARY:Closed", *lines, "END:VEVENT", ""])


def read(*events: str) -> list[tuple[str, str]]:
    text = "".join(["BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\n", *events, "END:VCALENDAR\r\n"])
    return [(found["from"], found["to"]) for found in from_ical(text)]


def refused(*lines: str) -> str:
    with pytest.raises(ValueError) as error:
        read(event(*lines))
    return str(error.value)


@pytest.mark.parametrize(("lines", "last"), [
    ((), "2026-01-01"),
    (("DTEND;VALUE=DATE:20260103",), "2026-01-02"),
    (("DTEND;VALUE=DATE:20260101",), "2026-01-01"),
    (("DURATION:P2D",), "2026-01-02"),
    (("DURATION:P1W",), "2026-01-07"),
])
def test_an_event_lasts_as_long_as_its_end_or_duration_says(lines: tuple[str, ...], last: str) -> None:
    assert read(event(NEW_YEAR, *lines)) == [("2026-01-01", last)]


@pytest.mark.parametrize("zone", ["", ";TZID=Europe/Zurich", ";TZID=W. Europe Standard Time"])
def test_midnight_to_midnight_on_the_wall_is_all_day(zone: str) -> None:
    assert read(event(f"DTSTART{zone}:20260101T000000", f"DTEND{zone}:20260102T000000")) == [
        ("2026-01-01", "2026-01-01")]


@pytest.mark.parametrize("lines", [
    ("DTSTART:20260101T000000Z", "DTEND:20260102T000000Z"),
    ("DTSTART:20260101T080000", "DTEND:20260101T120000"),
    ("DTSTART:20260101T000000", "DTEND:20260101T120000"),
    ("DTSTART:20260101T000000",),
    ("DTEND;VALUE=DATE:20260101",),
    ("DTSTART;VALUE=DATE:20261301",),
    (NEW_YEAR, "DURATION:PT36H"),
])
def test_what_is_not_whole_dates_is_refused(lines: tuple[str, ...]) -> None:
    assert "not an all-day event" in refused(*lines)


def test_an_event_that_ends_before_it_begins_is_refused() -> None:
    assert "ends before it begins" in refused(NEW_YEAR, "DTEND;VALUE=DATE:20251230")


@pytest.mark.parametrize("rule", [
    "FREQ=YEARLY", "FREQ=YEARLY;WKST=MO", "FREQ=YEARLY;INTERVAL=1", "FREQ=YEARLY;BYMONTH=1;BYMONTHDAY=1",
])
def test_the_same_date_every_year_is_a_rule_without_end(rule: str) -> None:
    text = "BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:x\n" + event(NEW_YEAR, f"RRULE:{rule}") + "END:VCALENDAR\n"
    assert from_ical(text) == [{"every": "01-01", "until": "01-01", "name": "Closed"}]


def dates(*lines: str) -> list[str]:
    return [first for first, _ in read(event(*lines))]


@pytest.mark.parametrize("rule", ["FREQ=YEARLY;COUNT=2", "FREQ=YEARLY;UNTIL=20270101", "FREQ=YEARLY;UNTIL=20271230",
                                  "FREQ=YEARLY;UNTIL=20270101T000000Z", "FREQ=YEARLY;UNTIL=20270101T120000"])
def test_a_repetition_ends_where_it_says(rule: str) -> None:
    assert dates(NEW_YEAR, f"RRULE:{rule}") == ["2026-01-01", "2027-01-01"]


def test_an_end_in_utc_that_leaves_the_last_date_open_is_refused() -> None:
    assert "give UNTIL as a date" in refused(NEW_YEAR, "RRULE:FREQ=YEARLY;UNTIL=20271231T230000Z")


def test_movable_feasts_are_laid_out() -> None:
    thanksgiving = dates("DTSTART;VALUE=DATE:20261126", "RRULE:FREQ=YEARLY;BYMONTH=11;BYDAY=4TH")
    assert thanksgiving[:3] == ["2026-11-26", "2027-11-25", "2028-11-23"]
    assert thanksgiving[-1].startswith("2299")


def test_exceptions_and_additions_of_a_series_are_followed() -> None:
    rule = "RRULE:FREQ=YEARLY;COUNT=4"
    assert dates(NEW_YEAR, rule, "EXDATE;VALUE=DATE:20270101,20280101") == ["2026-01-01", "2029-01-01"]
    assert dates(NEW_YEAR, rule, "EXDATE;VALUE=DATE:20270101", "EXDATE;VALUE=DATE:20280101") == [
        "2026-01-01", "2029-01-01"]
    assert dates(NEW_YEAR, "RDATE;VALUE=DATE:20260501,20260601") == ["2026-01-01", "2026-05-01", "2026-06-01"]
    assert "RDATE that is not a date" in refused(NEW_YEAR, "RDATE;VALUE=PERIOD:20260403T020000Z/PT2H")


def test_an_occurrence_that_was_moved_or_cancelled_is_not_closed_on_its_old_date() -> None:
    series = event(NEW_YEAR, "RRULE:FREQ=YEARLY;COUNT=2")
    moved = "RECURRENCE-ID;VALUE=DATE:20270101", "DTSTART;VALUE=DATE:20270104"
    assert read(series, event(*moved)) == [("2026-01-01", "2026-01-01"), ("2027-01-04", "2027-01-04")]
    assert read(series, event(*moved, "STATUS:CANCELLED")) == [("2026-01-01", "2026-01-01")]
    assert len(read(series, event(*moved, uid="2"))) == 3
    assert "rest of a series" in refused("RECURRENCE-ID;RANGE=THISANDFUTURE;VALUE=DATE:20270101", NEW_YEAR)


def test_a_cancelled_event_closes_nothing() -> None:
    assert read(event(NEW_YEAR, "STATUS:CANCELLED")) == []


@pytest.mark.parametrize("lines", [
    ("RRULE:FREQ=HOURLY",), ("RRULE:FOO=1",), ("RRULE:FREQ=YEARLY", "RRULE:FREQ=MONTHLY"), ("RRULE:FREQ=DAILY",),
])
def test_a_repetition_that_cannot_be_followed_is_refused(lines: tuple[str, ...]) -> None:
    assert "repeats" in refused(NEW_YEAR, *lines)


def test_every_event_that_cannot_be_read_is_told() -> None:
    with pytest.raises(ValueError) as error:
        read(event("DTSTART:20260101T080000Z"), event(NEW_YEAR), event(NEW_YEAR, "RRULE:FREQ=HOURLY"))
    assert len(error.value.args) == 2


def test_a_mark_at_the_beginning_and_several_calendars_in_a_file_are_read() -> None:
    one = "BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:x\n" + event(NEW_YEAR) + "END:VCALENDAR\n"
    assert len(from_ical("\ufeff" + one + one)) == 2
