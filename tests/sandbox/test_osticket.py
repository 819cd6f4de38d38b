"""The osTicket stand-in against the contract of our plugin (docs/osticket-plugin-api.md), rule by rule."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import requests

from connector.sandbox import Handle
from connector.sandbox.osticket import OsTicket

Start = Callable[..., Handle]
Ask = Callable[..., requests.Response]
NEW = {"key": "k/1", "subject": "VPN", "message": {"format": "text", "body": "x"},
       "user": {"name": "Ana", "email": "ana@example.com"}}


@pytest.fixture
def helpdesk(start: Start) -> Handle:
    return start("osticket")


@pytest.fixture
def ask(helpdesk: Handle) -> Ask:
    key = helpdesk.side.auth()["api_key"]

    def asked(path: str, method: str = "GET", **more: Any) -> requests.Response:
        return requests.request(method, f"{helpdesk.url}/api/connector/v1/{path}", timeout=10,
                                **{"headers": {"X-API-Key": key}, **more})

    return asked


def code(answer: requests.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


def test_the_same_key_has_one_effect_and_clashes_with_other_content(helpdesk: Handle, ask: Ask) -> None:
    first, second = ask("tickets", "POST", json=NEW), ask("tickets", "POST", json=NEW)
    assert (first.status_code, second.status_code) == (201, 200)
    assert {**first.json(), "repeated": True} == second.json()
    assert len(helpdesk.desk.tickets) == 1
    assert code(ask("tickets", "POST", json={**NEW, "subject": "other"})) == (422, "key_clash")
    assert ask("find?key=k/1").json()["id"] == first.json()["id"]
    assert code(ask("find?key=k/2")) == (404, "not_found")


@pytest.mark.parametrize("wrong", [
    {"subject": ""}, {"message": "x"}, {"user": {"name": "x"}}, {"priority_id": 9}, {"status_id": 5}, {"staff_id": 999},
    {"key": "a b"}, {"nonsense": 1}, {"subject": "\U0001f525"}, {"due": "soon"}, {"fields": {"nonsense": 1}},
    {"fields": {"business_impact": "gigantic"}},
])
def test_everything_is_checked_before_anything_is_stored(helpdesk: Handle, ask: Ask, wrong: dict[str, Any]) -> None:
    assert code(ask("tickets", "POST", json={**NEW, **wrong})) == (422, "invalid")
    assert not helpdesk.desk.tickets


def test_an_update_is_done_part_by_part_and_says_what_it_did(helpdesk: Handle, ask: Ask) -> None:
    id = helpdesk.create(title="x")
    done = ask(f"tickets/{id}/update", "POST", json={"status_id": 2, "priority_id": 2, "team_id": 2, "staff_id": None,
                                                     "fields": {"subject": "y"}}).json()
    assert done["done"] == ["fields", "team_id", "status_id"]  # priority and staff were so already
    assert (done["ticket"]["subject"], done["ticket"]["status"]["name"]) == ("y", "Resolved")
    assert done["ticket"]["closed"]


def test_a_part_that_fails_is_named_with_what_was_done(helpdesk: Handle, ask: Ask) -> None:
    id = helpdesk.create(title="x")
    helpdesk.ticket(id).extra["_open_tasks"] = 2
    error = ask(f"tickets/{id}/update", "POST", json={"status_id": 2, "priority_id": 3}).json()["error"]
    assert (error["code"], error["field"], error["done"]) == ("partly", "status_id", ["priority_id"])
    assert helpdesk.ticket(id).priority == 3


def test_a_cursor_goes_on_exactly_and_can_be_lost(helpdesk: Handle, ask: Ask) -> None:
    ids = [int(helpdesk.create(title=f"t{n}")) for n in range(5)]
    seen, cursor = [], ""
    while True:
        page = ask(f"changed?limit=2{cursor}").json()
        seen += [ticket["id"] for ticket in page["tickets"]]
        cursor = f"&cursor={page['cursor']}"
        if not page["more"]:
            break
    assert seen == ids
    assert ask(f"changed?limit=2{cursor}").json()["tickets"] == []
    helpdesk.edit(str(ids[0]), title="again")
    assert [ticket["id"] for ticket in ask(f"changed?{cursor}").json()["tickets"]] == [ids[0]]
    helpdesk.faults.add("expired")
    assert code(ask(f"changed?{cursor}")) == (422, "cursor_gone")


def test_what_is_younger_than_two_seconds_is_not_listed_yet(start: Start, helpdesk: Handle, ask: Ask) -> None:
    running = start("osticket", clock="real")
    assert isinstance(running.side, OsTicket)
    running.create(title="x")
    key = {"X-API-Key": running.side.auth()["api_key"]}
    url = f"{running.url}/api/connector/v1"
    assert requests.get(f"{url}/changed", headers=key, timeout=10).json()["tickets"] == []
    assert len(requests.get(f"{url}/tickets?ids=1", headers=key, timeout=10).json()["tickets"]) == 1
    running.step(3)
    assert len(requests.get(f"{url}/changed", headers=key, timeout=10).json()["tickets"]) == 1


def test_history_tells_events_in_osticket_s_own_shapes(helpdesk: Handle, ask: Ask) -> None:
    id = helpdesk.create(title="x", group="Service Desk")
    helpdesk.edit(id, assignee="network1", group="Network")
    helpdesk.edit(id, state="resolved")
    helpdesk.edit(id, state="in_progress")
    told = ask(f"history?ids={id},77").json()
    events = [(event["event"], event["data"], event["annulled"]) for event in told["history"][id]["events"]]
    staff = helpdesk.desk.person("network1").id
    assert events == [("created", None, False), ("assigned", {"staff": staff}, False),
                      ("transferred", {"dept": "Network"}, False), ("closed", {"status": [2, "Resolved"]}, True),
                      ("reopened", None, False)]
    first = told["history"][id]["first"]
    assert (first["status"], first["dept"], first["staff"]) == ("Open", "Service Desk", "")
    assert told["names"]["staff"][str(staff)] == "network1"
    assert told["missing"] == [77]


def test_deletions_are_remembered(helpdesk: Handle, ask: Ask) -> None:
    id = helpdesk.create(title="x")
    helpdesk.delete(id)
    told = ask("deletions").json()
    assert [gone["id"] for gone in told["deleted"]] == [int(id)]
    assert ask(f"deletions?cursor={told['cursor']}").json()["deleted"] == []


def test_files_come_as_bytes_and_refused_ones_are_not_stored(helpdesk: Handle, ask: Ask) -> None:
    id = helpdesk.create(title="x")
    key = {"X-API-Key": helpdesk.side.auth()["api_key"]}

    def put(name: str) -> requests.Response:
        return ask(f"tickets/{id}/attachments", "POST", data=b"bytes",
                   headers={**key, "X-Connector-Key": f"f/{len(name)}", "X-Connector-Name": name})

    made = put("caf%C3%A9.txt").json()
    assert ask(f"tickets/{id}/attachments").json()["attachments"][0]["name"] == "café.txt"
    got = ask(f"tickets/{id}/attachments/{made['attachment_id']}")
    assert (got.content, got.headers["Content-Type"]) == (b"bytes", "application/octet-stream")
    assert code(put("virus.exe")) == (422, "refused")
    assert code(ask(f"tickets/{id}/attachments/99")) == (404, "not_found")


def test_keys_without_the_right_and_tricks_with_methods_are_refused(helpdesk: Handle, ask: Ask) -> None:
    create_only = {"X-API-Key": helpdesk.side.secret("create key")}
    assert code(ask("ping", headers=create_only)) == (403, "key_not_allowed")
    assert ask("ping", headers={"X-API-Key": "x"}).text == "Valid API key required"
    assert code(ask("tickets?_method=GET", "POST", json=NEW)) == (400, "bad_request")
    assert code(ask("tickets", "POST", data=b"[1]")) == (400, "bad_request")


def test_a_switched_off_plugin_looks_like_an_unknown_address(helpdesk: Handle, ask: Ask) -> None:
    assert isinstance(helpdesk.side, OsTicket)
    helpdesk.side.switches["plugin"] = False
    answer = ask("ping")
    assert (answer.status_code, answer.text) == (400, "URL not supported")


def test_the_same_lives_without_url_rewriting(helpdesk: Handle, ask: Ask) -> None:
    key = {"X-API-Key": helpdesk.side.auth()["api_key"]}
    answer = requests.get(f"{helpdesk.url}/api/http.php/connector/v1/ping", headers=key, timeout=10)
    assert answer.json()["plugin"]["contract"] == 1
