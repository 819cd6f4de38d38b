"""Explanations: the numbers of a due time can be added up from its lines."""

from __future__ import annotations

from datetime import timedelta

import orjson

from connector.domain.agreements.clock import Mode
from connector.domain.agreements.explain import as_dict, explain
from connector.domain.agreements.registry import Registry
from tests.domain.agreements.test_engine import MON, Story, one, profile, registry
from tests.domain.calendars.test_calendar import OFFICE, local


def test_the_lines_add_up_to_the_due_time() -> None:
    story = Story().set(local(2026, 3, 2, 10), state="pending", pending_on="customer")
    story.set(local(2026, 3, 2, 14), state="in_progress", pending_on=None)
    now = local(2026, 3, 2, 15)
    told = explain(one(story.read(now), "resolution"), now)
    assert [(line.mode, line.business) for line in told.lines] == [
        (Mode.RUN, timedelta(hours=1)), (Mode.PAUSE, timedelta(hours=3)), (Mode.RUN, timedelta(hours=1))]
    assert told.ahead is not None
    counted = sum((closes - opens for line in (*told.lines, told.ahead) for opens, closes in line.windows), timedelta())
    assert counted == told.target_time == timedelta(hours=8)
    assert told.ahead.windows[-1][1] == told.due
    assert told.lines[1].why == "state = pending and pending_on in [customer]"


def test_it_names_rule_priority_zone_and_where_they_come_from() -> None:
    desk = registry(customer={"ACME SA": {"timezone": "America/Montreal"}})
    told = explain(one(Story().read(MON, desk), "resolution"), MON)
    assert (told.priority, told.amount, told.rule) == ("P2", "8h", "customer = ACME SA and kind = incident")
    assert (told.zone, told.zone_source, told.calendar, told.calendar_source) == (
        "America/Montreal", "customer ACME SA", "weekdays", "profile")


def test_holidays_that_were_skipped_are_named() -> None:
    plan = {**OFFICE, "holidays": [{"date": "2026-03-03", "name": "Carnival"}]}
    desk = Registry.checked(
        [profile("{profile: p, agreement: sla, calendar: office, targets: {resolution: 12h}}")], {"office": plan})
    now = local(2026, 3, 4, 9)
    told = explain(one(Story().read(now, desk), "resolution"), now)
    assert told.lines[0].closed == (("2026-03-03", "Carnival"),)


def test_it_is_ready_for_json_with_seconds_and_offsets() -> None:
    told = as_dict(explain(one(Story().read(MON), "resolution"), MON))
    assert orjson.loads(orjson.dumps(told))["due"] == "2026-03-03T08:30:00+01:00"
    assert told["target_time"] == 28800
    assert told["shares"][0] == [50, "2026-03-02T14:00:00+01:00"]
