"""The registry: who speaks for a ticket, on which calendar, and what cannot be between files."""

from __future__ import annotations

from typing import Any

import pytest

from connector.domain.agreements.profile import Profile
from connector.domain.agreements.registry import Registry, winners
from connector.domain.errors import ConfigError
from tests.domain.agreements.test_engine import profile
from tests.domain.calendars.test_calendar import OFFICE, local

LYON = {"timezone": "Europe/Paris", "hours": {"mon-fri": [["09:00", "17:00"]]}}
CALENDARS = {"weekdays": OFFICE, "lyon": LYON}


def made(name: str = "p", agreement: str = "sla", **more: Any) -> Profile:
    given = f"profile: {name}, agreement: {agreement}, calendar: weekdays, targets: {{resolution: 4h}}"
    return profile(f"{{{given}}}", **more)


def problems(*profiles: Profile, directory: dict[str, Any] | None = None) -> list[tuple[str, str]]:
    with pytest.raises(ConfigError) as caught:
        Registry.checked(profiles, CALENDARS, directory)
    return [(problem.path, problem.message) for problem in caught.value.problems]


def test_of_each_kind_of_agreement_the_most_specific_speaks() -> None:
    every = [made("all"), made("acme", applies_to={"customer": "A"}),
             made("vip", applies_to={"customer": "A", "tags": "vip"}), made("net", "ola", applies_to={"group": "N"}),
             made("host", "uc", applies_to={"supplier": "H"})]

    def speak(**facts: Any) -> set[str]:
        names, ties = winners(every, {"tags": (), **facts})
        assert ties == ()
        return set(names)

    assert speak() == {"all"}
    assert speak(customer="A") == {"acme"}
    assert speak(customer="A", tags=("vip",), group="N", supplier="H") == {"vip", "net", "host"}
    assert speak(customer="B", supplier="H") == {"all", "host"}


def test_two_that_apply_alike_are_told_and_neither_speaks() -> None:
    every = [made("a", applies_to={"customer": "A"}), made("b", applies_to={"group": "N"}), made("all")]
    names, ties = winners(every, {"customer": "A", "group": "N"})
    assert names == frozenset()
    assert ties == ("sla: a and b apply alike; make one more specific",)
    assert Registry.checked(every, CALENDARS).in_force.winners({"customer": "A", "group": ""})[0] == {"a"}


def test_the_memory_of_who_speaks_is_bounded_and_right(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connector.domain.agreements.registry.MOST_REMEMBERED", 3)
    desk = Registry.checked([made("a", applies_to={"customer": "A"}), made("all")], CALENDARS)
    for customer in ("A", "B", "C", "D", "E", "A"):
        assert desk.in_force.winners({"customer": customer, "title": "x"})[0] == {"a" if customer == "A" else "all"}


@pytest.mark.parametrize(("facts", "calendar", "source", "zone", "zone_source"), [
    ({}, "weekdays", "profile", "Europe/Zurich", "profile"),
    ({"site": "Lyon"}, "lyon", "site Lyon", "Europe/Zurich", "profile"),
    ({"contract": "Gold", "site": "Lyon"}, "24x7", "contract Gold", "America/Montreal", "contract Gold"),
    ({"contract": "Unknown", "site": "Lyon"}, "lyon", "site Lyon", "Europe/Zurich", "profile"),
    ({"contract": "Zone only", "site": "Lyon"}, "lyon", "site Lyon", "Asia/Tokyo", "contract Zone only"),
])
def test_the_first_source_that_knows_one_gives_calendar_and_zone(
    facts: dict[str, Any], calendar: str, source: str, zone: str, zone_source: str
) -> None:
    chained = made(calendar={"from": ["contract", "site"], "else": "weekdays"},
                   timezone={"from": ["contract"], "else": "Europe/Zurich"})
    desk = Registry.checked([chained], CALENDARS, {
        "contract": {"Gold": {"calendar": "24x7", "timezone": "America/Montreal"},
                     "Zone only": {"timezone": "Asia/Tokyo"}},
        "site": {"Lyon": {"calendar": "lyon", "timezone": "Europe/Paris"}}})
    found = desk.hours(chained, facts)
    assert (found.calendar.name, found.source) == (calendar, source)
    assert (found.calendar.timezone.key, found.zone_source) == (zone, zone_source)


def test_a_targets_own_calendar_wins_and_a_profile_without_zone_takes_the_calendars() -> None:
    plain = made()
    desk = Registry.checked([plain], CALENDARS)
    assert desk.hours(plain, {}, "lyon").source == "target"
    assert desk.hours(plain, {}, "lyon").calendar.timezone.key == "Europe/Paris"
    assert desk.hours(plain, {}, "24x7").calendar.is_open(local(2026, 3, 7, 3))
    assert desk.hours(plain, {}).zone_source == "calendar"


def test_a_calendar_is_built_once_for_each_zone() -> None:
    desk = Registry.checked([made()], CALENDARS)
    assert desk.calendar("lyon") is desk.calendar("lyon")
    assert desk.calendar("lyon", "UTC") is not desk.calendar("lyon")


def test_a_kept_version_counts_on_the_calendars_it_was_kept_with() -> None:
    old = made()
    object.__setattr__(old, "version", "0")
    object.__setattr__(old, "calendars", {"weekdays": LYON})
    desk = Registry.checked([made()], CALENDARS, None, {("p", "0"): old})
    assert desk.at("p", "0") is old
    assert desk.at("p", "2") is None
    assert not desk.hours(old, {}).calendar.is_open(local(2026, 3, 2, 8, 30))
    assert desk.hours(desk.profiles[0], {}).calendar.is_open(local(2026, 3, 2, 8, 30))


def test_a_calendar_nobody_knows_is_told() -> None:
    with pytest.raises(ConfigError, match="there is no calendar `lion`, did you mean `lyon`"):
        Registry.checked([made()], CALENDARS).calendar("lion")


@pytest.mark.parametrize(("profiles", "path", "says"), [
    ((made(calendar="weekday"),), "calendar", "there is no calendar `weekday`, did you mean `weekdays`?"),
    ((made(targets={"resolution": {"P1": {"within": "1h", "calendar": "night"}}}),), "targets.resolution",
     "there is no calendar `night`"),
    ((made(timezone="Mars"),), "timezone", "'Mars' is not a known time zone"),
    ((made(nests=["q"]),), "nests", "there is no profile `q`"),
    ((made(nests=["q"]), made("q", applies_to={"customer": "A"})), "nests", "`q` is an SLA; only an OLA or UC nests"),
    ((made(), made()), "profile", "`p` is also in another file"),
    ((made(applies_to={"customer": "A", "group": "N"}), made("q", applies_to={"group": "N", "customer": "A"})),
     "applies_to", "applies to the same tickets as `p`"),
])
def test_what_cannot_be_between_files_is_told_with_its_place(
    profiles: tuple[Profile, ...], path: str, says: str
) -> None:
    told = problems(*profiles)
    assert told[0][0] == path
    assert says in told[0][1]


def test_every_problem_is_told_at_once() -> None:
    assert [path for path, _ in problems(
        made(calendar="x", nests=["y"], timezone="z"),
        directory={"site": {"Lyon": {"calendar": "x", "timezone": "z"}}})] == [
        "calendar", "timezone", "nests", "directory.site.Lyon.timezone", "directory.site.Lyon.calendar"]


def test_the_same_condition_under_another_kind_of_agreement_is_no_tie() -> None:
    Registry.checked([made(applies_to={"group": "N"}), made("q", "ola", applies_to={"group": "N"})], CALENDARS)


def test_the_promise_of_another_party_stands_beside_and_is_no_tie() -> None:
    every = [made("net", "ola", applies_to={"group": "N"}),
             made("lead", "ola", applies_to={"major_incident": True, "group": "N"}, party="major incident team")]
    assert winners(every, {"group": "N", "major_incident": True}) == ({"net", "lead"}, ())
    assert winners(every, {"group": "N", "major_incident": False}) == ({"net"}, ())
    same = [every[0], made("watch", "ola", applies_to={"group": "N"}, party="watch")]
    Registry.checked(same, CALENDARS)
    assert winners(same, {"group": "N"}) == ({"net", "watch"}, ())


def test_two_of_one_party_that_apply_alike_are_a_tie() -> None:
    assert [path for path, _ in problems(*[made(name, "ola", applies_to={"group": "N"}, party="watch")
                                           for name in ("one", "two")])] == ["applies_to"]


def test_an_sla_has_no_party() -> None:
    with pytest.raises(AssertionError, match="a ticket has one SLA"):
        made(party="watch")
