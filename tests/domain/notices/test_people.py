"""People, groups and rosters: who is meant at an instant, and what is refused when the files are read."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.domain.calendar import ServiceCalendar
from connector.domain.notices.people import People, Severity, Way
from connector.domain.notices.people_checks import checked, roster_problems
from connector.domain.notices.people_format import teams
from connector.domain.notices.roster import Roster
from connector.domain.notices.roster_format import roster
from connector.domain.problems import Problems

ZURICH = ZoneInfo("Europe/Zurich")


def local(text: str, fold: int = 0) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZURICH, fold=fold).astimezone(UTC)


def everybody(data: dict[str, Any], calendars: dict[str, Any] | None = None) -> tuple[People, list[str]]:
    problems = Problems("teams.yaml")
    people, groups = teams(data, problems)
    made, between = checked(people, groups, calendars or {})
    return made, [f"{one.path}: {one.message}" for one in (*problems.found, *between)]


def wrong(data: dict[str, Any]) -> list[str]:
    return everybody(data)[1]


def good(data: dict[str, Any]) -> People:
    made, problems = everybody(data)
    assert problems == []
    return made


def person(**more: Any) -> dict[str, Any]:
    return {"email": "a@example.org", **more}


def duty(**given: Any) -> Roster:
    problems = Problems()
    found = roster({"timezone": "Europe/Zurich", **given}, problems, ("groups", "g", "on_duty"))
    assert problems.found == []
    assert found is not None
    return found


# who is meant


def test_the_line_of_managers_goes_up_to_the_director_and_a_level_above_is_the_director() -> None:
    made = good({"people": {"ann": person(manager="bob"), "bob": person(manager="eve"), "eve": person()}})
    ann = made.people["ann"]
    assert [one.id for one in made.line(ann)] == ["bob", "eve"]
    found = [made.manager(ann, level) for level in (1, 2, 9)]
    assert [one.id for one in found if one] == ["bob", "eve", "eve"]
    assert made.manager(made.people["eve"], 1) is None


def test_a_login_or_a_group_of_a_tool_leads_to_the_person_or_group_whatever_its_case() -> None:
    made = good({"people": {"ann": person(logins={"glpi": "Ann.R"})},
                 "groups": {"net": {"members": ["ann"], "tools": {"glpi": "IT > Network"}}, "Desk": {"lead": "ann"}}})
    assert made.by_login("glpi", "ann.r") is made.people["ann"]
    assert made.by_login("servicenow", "ann.r") is None
    assert made.group_in("glpi", "it > network") is made.groups["net"]
    assert made.group_in("servicenow", "net") is made.groups["net"]
    assert made.group_in("glpi", "net") is None, "glpi calls it otherwise"
    assert (made.groups["net"].name_in("glpi"), made.groups["Desk"].name_in("glpi")) == ("IT > Network", "Desk")


def test_a_message_to_a_group_reaches_who_is_on_duty_else_the_lead_else_all() -> None:
    shifts = {"timezone": "UTC", "dates": [{"from": "2026-03-02 08:00", "to": "2026-03-02 18:00", "person": "ann"}]}
    made = good({"people": {name: person() for name in ("ann", "bob", "eve")},
                 "groups": {"net": {"members": ["ann", "bob"], "lead": "eve", "on_duty": shifts},
                            "desk": {"members": ["bob", "ann"]}}})
    net, desk = made.groups["net"], made.groups["desk"]
    noon, night = datetime(2026, 3, 2, 12, tzinfo=UTC), datetime(2026, 3, 2, 22, tzinfo=UTC)
    assert [one.id for one in made.reachable(net, at=noon)] == ["ann"]
    assert [one.id for one in made.reachable(net, at=night)] == ["eve"]
    assert [one.id for one in made.reachable(desk, at=noon)] == ["bob", "ann"]
    assert made.on_duty(net, at=night) == ()


def test_ways_are_tried_in_the_order_wished_else_by_severity_and_only_those_a_person_has() -> None:
    made = good({"people": {
        "ann": person(sms={"env": "SMS_ANN"}),
        "bob": person(chat={"env": "CHAT_BOB"}, notify={"critical": ["chat", "mail"], "else": "mail"}),
    }})
    ann, bob = made.people["ann"], made.people["bob"]
    assert ann.ways(Severity.CRITICAL) == (Way.SMS, Way.MAIL)
    assert ann.ways(Severity.LOW) == (Way.MAIL, Way.SMS)
    assert bob.ways(Severity.CRITICAL) == (Way.CHAT, Way.MAIL)
    assert bob.ways(Severity.HIGH) == (Way.MAIL,)


def test_quiet_hours_end_at_the_local_time_also_over_midnight_and_a_weekend() -> None:
    made = good({"people": {"ann": person(timezone="Europe/Zurich", quiet=[
        {"from": "20:00", "to": "07:00"}, {"days": "sat-sun", "from": "00:00", "to": "24:00"}])}})
    ann = made.people["ann"]
    assert ann.quiet_until(local("2026-03-04 12:00")) is None
    assert ann.quiet_until(local("2026-03-04 20:00")) == local("2026-03-05 07:00")
    assert ann.quiet_until(local("2026-03-05 07:00")) is None
    assert ann.quiet_until(local("2026-03-06 21:00")) == local("2026-03-09 07:00"), "Friday night to Monday"


def test_a_night_in_which_the_clocks_change_is_quiet_as_long_as_it_is() -> None:
    made = good({"people": {"ann": person(timezone="Europe/Zurich", quiet={"from": "22:00", "to": "06:00"})}})
    begins = local("2026-10-24 22:00")
    ends = made.people["ann"].quiet_until(begins)
    assert ends == local("2026-10-25 06:00")
    assert ends - begins == timedelta(hours=9)


# rosters


def test_dated_shifts_go_before_weekly_ones_and_these_before_the_rotation() -> None:
    one = duty(rotation={"people": ["ann", "bob"], "from": "2026-03-02 08:00", "every": "1 week"},
               weekly=[{"days": "sat", "from": "00:00", "to": "24:00", "person": "eve"}],
               dates=[{"from": "2026-03-07 10:00", "to": "2026-03-07 12:00", "person": "zoe"}])
    assert one.who(local("2026-03-03 09:00")) == ("ann",)
    assert one.who(local("2026-03-07 09:59")) == ("eve",)
    assert one.who(local("2026-03-07 10:00")) == ("zoe",)
    assert one.who(local("2026-03-07 12:00")) == ("eve",)
    assert one.who(local("2026-03-09 07:59")) == ("ann",)
    assert one.who(local("2026-03-09 08:00")) == ("bob",)
    assert one.who(local("2026-03-01 09:00")) == (), "before the rotation begins nobody is on duty"


def test_a_hand_over_keeps_its_local_time_when_the_clocks_change() -> None:
    one = duty(rotation={"people": ["ann", "bob"], "from": "2026-03-23 08:00", "every": "1 week"})
    assert one.who(local("2026-03-30 07:59")) == ("ann",)
    assert one.who(local("2026-03-30 08:00")) == ("bob",)


def test_a_shift_from_or_to_an_hour_that_the_clocks_jump_over_begins_at_the_jump() -> None:
    one = duty(weekly=[{"days": "sun", "from": "02:30", "to": "10:00", "person": "ann"},
                       {"days": "sun", "from": "00:00", "to": "02:30", "person": "bob"}])
    jump = datetime(2026, 3, 29, 1, tzinfo=UTC)
    assert one.who(jump) == ("ann",)
    assert one.who(jump - timedelta(seconds=1)) == ("bob",)


def test_a_shift_over_midnight_belongs_to_the_day_it_begins() -> None:
    one = duty(weekly=[{"days": "fri", "from": "22:00", "to": "06:00", "people": ["ann", "bob"]}])
    assert one.who(local("2026-03-07 05:59")) == ("ann", "bob")
    assert one.who(local("2026-03-07 06:00")) == ()
    assert one.who(local("2026-03-06 05:00")) == ()


def test_shifts_of_one_layer_at_the_same_time_are_told_with_both_places() -> None:
    one = duty(dates=[{"from": "2026-03-07 10:00", "to": "2026-03-07 12:00", "person": "a"},
                      {"from": "2026-03-07 11:00", "to": "2026-03-07 13:00", "person": "b"}],
               weekly=[{"days": "sun", "from": "22:00", "to": "06:00", "person": "a"},
                       {"days": "mon", "from": "05:00", "to": "06:00", "person": "b"}])
    assert [tuple(place[3:] for place in pair) for pair in one.overlaps()] == [
        (("dates", 0), ("dates", 1)), (("weekly", 0), ("weekly", 1))]


def test_gaps_are_told_where_somebody_has_to_be_on_duty() -> None:
    office = ServiceCalendar.from_dict({"timezone": "Europe/Zurich", "hours": {"mon-fri": [["08:00", "18:00"]]}})
    one = duty(weekly=[{"days": "mon-thu", "from": "08:00", "to": "18:00", "person": "ann"},
                       {"days": "fri", "from": "08:00", "to": "12:00", "person": "bob"}])
    week = office.windows(local("2026-03-02 00:00"), local("2026-03-09 00:00"))
    assert one.gaps(week) == [(local("2026-03-06 12:00"), local("2026-03-06 18:00"))]


def test_gaps_between_dated_shifts_are_told_when_nothing_below_fills_them() -> None:
    dates = [{"from": "2026-03-02 08:00", "to": "2026-03-03 08:00", "person": "a"},
             {"from": "2026-03-03 09:00", "to": "2026-03-04 08:00", "person": "b"}]
    assert duty(dates=dates).inner_gaps() == [(local("2026-03-03 08:00"), local("2026-03-03 09:00"))]
    weekly = [{"from": "00:00", "to": "24:00", "person": "c"}]
    assert duty(dates=dates, weekly=weekly).inner_gaps() == []


def test_check_tells_the_gaps_of_the_coming_weeks_and_a_roster_about_to_end() -> None:
    now = local("2026-03-02 07:00")
    made = good({"people": {"ann": person()}, "groups": {
        "night": {"on_duty": {"timezone": "Europe/Zurich", "covers": "24x7", "weekly": [
            {"from": "08:00", "to": "20:00", "person": "ann"}]}},
        "ends": {"on_duty": {"timezone": "Europe/Zurich", "dates": [
            {"from": "2026-03-01 08:00", "to": "2026-03-05 08:00", "person": "ann"}]}},
    }})
    told = [(one.path, one.message, one.severity) for one in roster_problems(made, {}, now)]
    assert told[0] == ("groups.night.on_duty", "nobody is on duty from 2026-03-02 07:00 CET to 2026-03-02 08:00 CET",
                       "warning")
    assert told[3][1] == "and 26 more gaps in the next 28 days"
    assert told[4][1].startswith("ends at 2026-03-05 08:00 CET")


@settings(max_examples=60, derandomize=True, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 23), st.integers(1, 30)), min_size=1, max_size=6),
       st.integers(0, 400), st.integers(0, 86_399))
def test_who_is_on_duty_is_what_a_slow_walk_over_local_time_says(
    given_: list[tuple[int, int, int]], day: int, second: int,
) -> None:
    weekly = [{"days": ("mon", "tue", "wed", "thu", "fri", "sat", "sun")[d], "from": f"{h:02}:00",
               "to": f"{(h + n) % 24:02}:00", "person": f"p{i}"} for i, (d, h, n) in enumerate(given_) if n % 24]
    if not weekly:
        return
    at = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=day, seconds=second)
    wall = at.astimezone(ZURICH).replace(tzinfo=None)
    if any(abs((at - change).total_seconds()) < 4 * 3600 for change in (
            datetime(2026, 3, 29, 1, tzinfo=UTC), datetime(2026, 10, 25, 1, tzinfo=UTC))):
        return
    slow = set()
    for i, (d, h, n) in enumerate(given_):
        if n % 24:
            for back in (0, 1):
                begun = datetime.combine(wall.date() - timedelta(days=back), datetime.min.time()) + timedelta(hours=h)
                if begun.weekday() == d and begun <= wall < begun + timedelta(hours=n % 24):
                    slow.add(f"p{i}")
    assert set(duty(weekly=weekly).who(at)) == slow


# what is refused


@pytest.mark.parametrize(("data", "told"), [
    ({"people": {"ann": {"name": "Ann"}}}, "people.ann: cannot be reached: expected an email, chat or sms"),
    ({"people": {"ann": person(email="ann example.org")}}, "people.ann.email: 'ann example.org' is not an e-mail"),
    ({"people": {"ann": person(email="a@example.org\nBcc: b@example.org")}}, "people.ann.email: "),
    ({"people": {"ann": person(chat="slack://token")}}, "people.ann.chat: the address holds a secret"),
    ({"people": {"ann": person(notify={"high": ["sms"]})}}, "people.ann.notify.high: wants sms, but has no sms"),
    ({"people": {"ann": person(notify={"hgih": "mail"})}}, "people.ann.notify.hgih: unknown key `hgih`, did you mean"),
    ({"people": {"ann": person(notify={"high": "pigeon"})}}, "people.ann.notify.high: 'pigeon' is unknown"),
    ({"people": {"ann": person(timezone="Zurich")}}, "people.ann.timezone: 'Zurich' is not a time zone"),
    ({"people": {"ann": person(language="de")}}, "people.ann.language: 'de' is unknown"),
    ({"people": {"ann": person(quiet={"from": "00:00", "to": "24:00"})}}, "people.ann.quiet: quiet hours leave no"),
    ({"people": {"ann": person(quiet={"from": "8", "to": "9"})}}, "people.ann.quiet.from: '8' is not a time"),
    ({"people": {"ann": person(manager="bbo"), "bob": person()}}, "people.ann.manager: there is no person `bbo`, did"),
    ({"people": {"ann": person(manager="ann")}}, "people.ann.manager: the line of managers goes round in a circle"),
    ({"people": {"ann": person(manager="bob"), "bob": person(manager="ann")}}, "circle: ann -> bob -> ann"),
    ({"people": {"ann": person(logins={"glpi": "x"}), "bob": person(logins={"glpi": "X"})}}, "is also the login of"),
    ({"groups": {"net": {"level": 5, "lead": "x"}}}, "groups.net.level: 5: expected a level of support from 1 to 4"),
    ({"groups": {"net": {"level": 1}}}, "groups.net: has nobody in it"),
    ({"groups": {"net": {"members": ["ann"]}}}, "groups.net.members.0: there is no person `ann`"),
    ({"groups": {"net": {"on_duty": {"timezone": "Europe/Zurich"}}}}, "groups.net.on_duty: puts nobody on duty"),
    ({"groups": {"net": {"on_duty": {"weekly": [{"from": "08:00", "to": "09:00", "person": "x"}]}}}},
     "groups.net.on_duty.timezone: is required"),
    ({"people": {"ann": person()}, "groups": {"net": {"on_duty": {
        "timezone": "UTC", "covers": "nights", "weekly": [{"from": "08:00", "to": "09:00", "person": "ann"}]}}}},
     "groups.net.on_duty.covers: there is no calendar `nights`"),
    ({"groups": {"net": {"on_duty": {"timezone": "UTC", "dates": [
        {"from": "2026-02-30 08:00", "to": "2026-03-01 08:00", "person": "x"}]}}}}, "dates.0.from: '2026-02-30'"),
    ({"groups": {"net": {"on_duty": {"timezone": "UTC", "rotation": {
        "people": ["x"], "from": "2026-01-01 08:00", "every": "month"}}}}}, "rotation.every: 'month'"),
    ({"poeple": {}}, "poeple: unknown key `poeple`, did you mean `people`?"),
    ({"people": {"ann": 3}}, "people.ann: 3 is not a table"),
])
def test_what_is_wrong_is_told_with_its_place(data: dict[str, Any], told: str) -> None:
    assert any(told in one for one in wrong(data)), wrong(data)


def test_every_mistake_is_told_at_once() -> None:
    found = wrong({"people": {"ann": {"name": "A"}, "bob": person(language="xx")}, "groups": {"g": {"level": 9}}})
    assert len(found) == 4
