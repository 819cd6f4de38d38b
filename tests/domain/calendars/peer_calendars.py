"""Calendars of other service desks and libraries, as their test suites have them: facts, with their source.

zendesk/biz (spec), znuny/Znuny (scripts/test/Time, scripts/test/DateTime), glpi-project/glpi
(tests/functional/CalendarTest.php), zammad/zammad (spec/lib/escalation, spec/models/ticket/escalation_examples.rb),
bokmann/business_time, seppemans/businesstimedelta, lennym/moment-business-time (test).
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

Plan = dict[str, Any]


def plan(hours: Any, zone: str = "UTC", **more: Any) -> Plan:
    return {"timezone": zone, "hours": hours, **more}


BIZ_HOURS = {"mon": [["09:00", "17:00"]], "tue": [["10:00", "16:00"]], "wed": [["09:00", "17:00"]],
             "thu": [["10:00", "16:00"]], "fri": [["09:00", "17:00"]], "sat": [["11:00", "14:30"]]}
BIZ = plan(BIZ_HOURS)
BIZ_SHIFTS = plan(BIZ_HOURS, shifts={"2005-12-31": [["10:00", "14:00"]], "2006-01-04": [["08:00", "12:00"]],
                                     "2006-01-06": [["09:00", "10:00"]]}, holidays=["2006-01-16", "2006-01-18"])
BIZ_ACTIVE = plan(BIZ_HOURS, holidays=["2006-01-04", "2006-01-11"],
                  shifts={day: [["09:00", "11:00"]] for day in ("2006-01-07", "2006-01-10", "2006-01-11")},
                  breaks=[{"date": day, "from": "05:30", "to": "11:00"} for day in ("2006-01-03", "2006-01-10")])
ZNUNY_HOLIDAYS = [{"every": day} for day in ("01-01", "05-01", "12-24", "12-25", "12-26", "12-31")]
FULL = {"mon-sun": [["00:00", "24:00"]]}
FULL_WEEK = {"mon-fri": [["00:00", "24:00"]]}
EIGHT_TO_SIX = {"mon-fri": [["08:00", "18:00"]]}
SPLIT = {"mon-fri": [["08:00", "13:00"], ["14:00", "18:00"]]}
SPLIT_DAILY = {"mon-sun": SPLIT["mon-fri"]}
GLPI = plan({"mon-fri": [["08:00", "20:00"]]})
GLPI_FULL = plan(FULL_WEEK)
NINE_TO_FIVE = plan({"mon-fri": [["09:00", "17:00"]]})
THREE_DAYS = plan({"mon": [["09:00", "17:00"]], "fri": [["09:00", "17:00"]], "sat": [["10:00", "15:00"]]})
WHOLE_DAYS = plan({"mon": [["00:00", "24:00"]], "fri": [["00:00", "24:00"]], "sat": [["11:00", "15:00"]]})
LUNCH = plan({"mon-fri": [["09:00", "12:00"], ["13:00", "18:00"]]})
ZAMMAD_HOLIDAY = plan({"mon-fri": [["08:00", "20:00"]]}, "Europe/Berlin", holidays=["2016-11-01"])


def znuny(hours: Any, zone: str, holidays: bool = True) -> Plan:
    return plan(hours, zone, holidays=ZNUNY_HOLIDAYS if holidays else [])


def broken(day: str, *spans: str) -> list[dict[str, str]]:
    return [{"date": day, "from": s[:5], "to": s[6:]} for s in spans]


def at(text: str, zone: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone))


def span(days: int = 0, hours: float = 0, minutes: float = 0, seconds: float = 0) -> timedelta:
    return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
