"""The folder of agreements: what ships is right, and what is wrong is told with its place, all at once."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from connector.domain.errors import ConfigError
from connector.files.profiles import load

SHIPPED = Path(__file__).parents[2] / "sla_profiles"


def problems(folder: Path) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load(folder)
    return [str(problem).replace(str(folder), "") for problem in caught.value.problems]


def change(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_the_shipped_agreements_are_right() -> None:
    read = load(SHIPPED)
    assert {p.name for p in read.registry.profiles} == {"acme-gold", "standard", "network-ola", "hosting-uc",
                                                    "security-ola", "field-service-ola", "major-incident-ola"}
    assert read.warnings == []


def test_every_mistake_of_every_file_is_told_with_line_and_column(folder: Path) -> None:
    change(folder / "customers/acme.yaml", "P2: 1h", "P2: 1 hour")
    change(folder / "customers/acme.yaml", "agreement: sla", "agreement: slo")
    change(folder / "customers/standard.yaml", "kind: incident", "kindd: incident")
    change(folder / "calendars/lyon.yaml", '"17:00"', '"17h"')
    assert problems(folder) == [
        "/calendars/lyon.yaml:5:29: hours.fri.1: '17h' is not a time of day; expected HH:MM or HH:MM:SS "
        "between 00:00 and 24:00",
        "/customers/acme.yaml:2:1: agreement: 'slo' is unknown, did you mean `sla`?",
        "/customers/acme.yaml:14:29: targets.first_response.P2: '1 hour' is not a duration; expected a duration "
        'such as 15m, 4h, 1h30m or "3 working days"',
        "/customers/standard.yaml:5:14: applies_to.kindd: unknown field `kindd`, did you mean `kind`? (a custom field "
        "is written custom.kindd)",
    ]


def test_names_that_lead_nowhere_are_told(folder: Path) -> None:
    change(folder / "customers/acme.yaml", "calendar: weekdays", "calendar: weekday")
    change(folder / "customers/acme.yaml", "nests: [hosting-uc]", "nests: [hosting]")
    assert problems(folder) == [
        "/customers/acme.yaml:5:1: calendar: there is no calendar `weekday`, did you mean `weekdays`?",
        "/customers/acme.yaml:27:1: nests: there is no profile `hosting`, did you mean `hosting-uc`?",
    ]


def test_a_supplier_contract_that_cannot_fit_is_refused_and_one_that_sometimes_does_not_is_a_warning(
    folder: Path,
) -> None:
    change(folder / "suppliers/hosting-uc.yaml", "P1: 2h", "P1: 5h")
    assert "resolution P1 of `hosting-uc` (5h) ends after that of `acme-gold` (4h of 24x7)" in problems(folder)[0]
    change(folder / "suppliers/hosting-uc.yaml", "P1: 5h, P2: 6h", "P1: 2h, P2: 10h")
    warnings = load(folder).warnings
    assert "resolution P2 of `hosting-uc` (10h) ends after that of `acme-gold` (8h) for" in str(warnings[0])


def test_a_version_names_content_with_its_calendars(folder: Path) -> None:
    def versions() -> dict[str, str]:
        return {p.name: p.version for p in load(folder).registry.profiles}

    before = versions()
    change(folder / "customers/acme.yaml", "# the first source that has one", "# another remark")
    assert versions() == before, "a remark changes nothing"
    change(folder / "calendars/weekdays.yaml", "17:30", "18:00")
    after = versions()
    assert {name for name in after if after[name] != before[name]} == {"acme-gold", "standard", "field-service-ola"}


def test_holidays_may_come_from_an_ical_file(folder: Path) -> None:
    (folder / "calendars/bridge.ics").write_text(
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nBEGIN:VEVENT\r\nUID:1\r\nDTSTART;VALUE=DATE:20260515\r\n"
        "SUMMARY:Bridge\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n")
    change(folder / "calendars/weekdays.yaml", "holidays:\n", "holidays:\n  - {ical: bridge.ics}\n")
    assert {"from": "2026-05-15", "to": "2026-05-15", "name": "Bridge"} in load(folder).registry.calendars["weekdays"][
        "holidays"]
    change(folder / "calendars/weekdays.yaml", "bridge.ics", "missing.ics")
    assert "missing.ics" in problems(folder)[0]


def ics(*dates: str) -> str:
    events = "".join(f"BEGIN:VEVENT\r\nUID:{date}\r\nDTSTART;VALUE=DATE:{date}\r\nSUMMARY:x\r\nEND:VEVENT\r\n"
                     for date in dates)
    return f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\n{events}END:VCALENDAR\r\n"


def test_mistakes_below_an_ical_file_keep_their_line(folder: Path) -> None:
    (folder / "calendars/many.ics").write_text(ics("20260515", "20260516", "20260517"))
    (folder / "calendars/none.ics").write_text(ics())
    change(folder / "calendars/weekdays.yaml", "holidays:\n",
           "holidays:\n  - {ical: many.ics}\n  - tomorrow\n  - {ical: none.ics}\n  - {ical: many.ics, name: x}\n")
    assert [line.partition(": ")[0] for line in problems(folder)] == [
        f"/calendars/weekdays.yaml:{line}:{column}" for line, column in ((8, 5), (9, 6), (10, 6))]


def test_names_that_lead_nowhere_are_told_with_every_other_mistake(folder: Path) -> None:
    change(folder / "customers/acme.yaml", "agreement: sla", "agreement: slo")
    change(folder / "customers/acme.yaml", "calendar: weekdays", "calendar: weekday")
    change(folder / "customers/standard.yaml", "timezone: {from: [contract, customer, site], else: Europe/Zurich}",
           "timezone: Europe/Zurch")
    (folder / "directory.yaml").write_text(
        "customers:\n  ACME S.A.: {calendar: lion}\n  Other: {timezone: Mars}\ncontracts: {Gold: {calender: lyon}}\n")
    assert problems(folder) == [
        "/customers/acme.yaml:2:1: agreement: 'slo' is unknown, did you mean `sla`?",
        "/customers/acme.yaml:5:1: calendar: there is no calendar `weekday`, did you mean `weekdays`?",
        "/customers/standard.yaml:7:1: timezone: 'Europe/Zurch' is not a known time zone; expected an IANA name such "
        "as Europe/Zurich",
        "/directory.yaml:2:15: customers.ACME S.A..calendar: there is no calendar `lion`, did you mean `lyon`?",
        "/directory.yaml:3:11: customers.Other.timezone: 'Mars' is not a known time zone; expected an IANA name such "
        "as Europe/Zurich",
        "/directory.yaml:4:20: contracts.Gold.calender: unknown key `calender`, did you mean `calendar`?",
    ]


@pytest.mark.parametrize("file", ["calendars/weekdays.yaml", "suppliers/hosting-uc.yaml"])
def test_a_file_that_cannot_be_read_makes_nobody_a_liar(folder: Path, file: str) -> None:
    """Who names what is in it is not told that it is not there."""
    (folder / file).write_text("a: [1\n")
    assert [line.partition(":")[0] for line in problems(folder)] == [f"/{file}"]


def test_holidays_that_end_too_soon_are_told_at_their_line_with_the_time(folder: Path) -> None:
    change(folder / "calendars/weekdays.yaml", "  - {country: CH, subdivision: ZH}\n", '  - "2026-01-01"\n')
    change(folder / "calendars/weekdays.yaml", '  - {every: "12-24", until: "12-26", name: Christmas closure}\n', "")
    read = load(folder)
    assert [str(problem) for problem in read.told(datetime(2026, 3, 2, tzinfo=UTC))] == []
    (told,) = read.told(datetime(2026, 12, 21, tzinfo=UTC))
    assert str(told).replace(str(folder), "") == (
        "/calendars/weekdays.yaml:6:1: warning: holidays: holidays are known until 2026-12-31 only, and 2027-01-15 "
        "lies beyond: add the next year's")
