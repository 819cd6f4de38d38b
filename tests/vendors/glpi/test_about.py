"""What `connector check --live` finds out about a GLPI and our account in it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import responses

from connector.domain.errors import Refused
from connector.ports import Capability
from connector.vendors.glpi.adapter import Glpi
from tests.vendors.glpi.conftest import URL
from tests.vendors.glpi.replay import recorded
from tests.vendors.glpi.test_client import play
from tests.vendors.glpi.test_reading import with_email

Make = Callable[..., Glpi]
EVERYTHING = {"interface": "central", "ticket": 261151, "followup": 15383, "logs": 1, "document": 127, "user": 7327,
              "group": 119, "itilcategory": 23}


def session(server: responses.RequestsMock, now: str = "2026-11-24 12:00:00", zone: str = "", **rights: Any) -> None:
    server.get(f"{URL}/getFullSession", json={"session": {
        "glpiID": 2, "glpiname": "robot", "glpifriendlyname": "Robot Service", "glpi_currenttime": now,
        "glpi_tz": zone, "glpiactiveprofile": {**EVERYTHING, **rights}}})
    server.get(f"{URL}/listSearchOptions/Ticket", json=with_email(recorded("search_options_ticket")))


def test_a_full_profile_can_do_everything(logged_in: responses.RequestsMock, make: Make) -> None:
    session(logged_in)
    found = make().diagnose()
    assert found.version == "GLPI 10.0.12"
    assert found.account == "robot"
    assert found.capabilities == frozenset(Capability) - {Capability.WEBHOOKS}
    assert found.remarks == ()
    assert make().me() == {"robot", "Robot Service", "Robot Service (2)"}


@pytest.mark.parametrize(("rights", "lost", "said"), [
    ({"ticket": 1024}, {Capability.CREATE, Capability.UPDATE}, "create tickets"),
    ({"followup": 1}, {Capability.COMMENT, Capability.NOTE}, "add followups"),
    ({"logs": 0}, {Capability.HISTORY}, "see the history"),
    ({"document": 0}, {Capability.ATTACH, Capability.ATTACHMENTS}, "add documents"),
    ({"user": 0}, set(), "people appear as #id"),
    ({"ticket": 8199}, set(), "see all tickets"),
    ({"interface": "helpdesk"}, set(), "simplified interface"),
])
def test_a_missing_right_takes_a_verb_away_and_is_said(
        logged_in: responses.RequestsMock, make: Make, rights: dict[str, Any], lost: set[Capability],
        said: str) -> None:
    session(logged_in, **rights)
    found = make().diagnose()
    assert not lost & found.capabilities
    assert any(said in remark for remark in found.remarks)


def test_a_wrong_time_zone_is_found_by_the_clock_of_the_session(
        logged_in: responses.RequestsMock, make: Make) -> None:
    session(logged_in, now="2026-11-24 07:00:03", zone="America/New_York")
    [remark] = make().diagnose().remarks
    assert "-300 minutes from time zone UTC (America/New_York, it says)" in remark


def test_a_zone_that_changes_its_clock_is_advised_against(logged_in: responses.RequestsMock, make: Make) -> None:
    session(logged_in, now="2026-11-24 13:00:00")
    [remark] = make(timezone="Europe/Zurich").diagnose().remarks
    assert "repeated each autumn" in remark


def test_an_old_session_is_not_taken_for_a_wrong_zone(logged_in: responses.RequestsMock, make: Make) -> None:
    session(logged_in, now="2026-11-24 11:22:00")
    assert make().diagnose().remarks == ()


def test_a_version_that_is_not_shown_is_no_fault(server: responses.RequestsMock, make: Make) -> None:
    server.get(f"{URL}/initSession", json={"session_token": "S1"})
    server.get(f"{URL}/getGlpiConfig", status=403, json=["ERROR_RIGHT_MISSING", "x"])
    session(server)
    assert "not shown" in make().diagnose().version


def test_search_options_that_differ_are_told_at_once(logged_in: responses.RequestsMock, make: Make) -> None:
    logged_in.get(f"{URL}/listSearchOptions/Ticket", json={"1": {"table": "x", "field": "y"}})
    session(logged_in)
    with pytest.raises(Refused, match="search options differ"):
        make().diagnose()


def test_the_fields_of_a_tool_are_those_a_mapping_can_read(logged_in: responses.RequestsMock, make: Make) -> None:
    play(logged_in, "GET", "listSearchOptions/Ticket", "search_options_ticket")
    fields = {field.name: field for field in make().fields()}
    assert fields["status"].choices is not None
    assert fields["status"].choices["4"] == "Pending"
    assert fields["itilcategories_id"].label == "Category"
    assert not fields["option.101"].writable
