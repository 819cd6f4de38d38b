"""Every exchange recorded on a running osTicket 1.18 is answered rightly: a number, or the error it means."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Final

import pytest
import responses

from connector.domain.errors import ConnectorError, Refused, TryLater
from connector.domain.ticket import Draft, Kind
from connector.ports import Capability
from connector.vendors.osticket.adapter import OsTicket
from tests.vendors.osticket.conftest import FIXTURES, KEY, URL

REFUSED: Final = {
    "auth_inactive_key": "API key not found/active",
    "auth_key_other_ip": "Valid API key required",
    "auth_key_without_create": "API key not authorized",
    "auth_missing_key": "Valid API key required",
    "auth_wrong_key": "Valid API key required",
    "create_array_body": "No errors",
    "create_bad_email": "verify_email_addrs",
    "create_email_dns_check_fails": "verify_email_addrs",
    "create_email_dns_check_fails_slow": "verify_email_addrs",
    "create_empty_body": "malformed JSON",
    "create_empty_object": "No errors",
    "create_malformed_json": "malformed JSON",
    "create_missing_email": "Incomplete client information",
    "create_missing_message": "Issue Details is a required field",
    "create_missing_name": "Incomplete client information",
    "create_missing_subject": "Issue Summary is a required field",
    "create_source_email": "Unknown system email",
    "create_source_phone": "Invalid ticket origin given",
    "create_source_web": "Select a Help Topic",
    "create_source_web_topic": "Issue Summary is a required field",
    "create_topic_form_missing_required": "System name is a required field",
    "cron_get": "URL not supported",
    "cron_key_without_right": "API key not authorized",
    "delete_not_supported": "URL not supported",
    "email_with_display_name": "Incomplete client information",
    "filter_reject": "authorized users only",
    "format_unknown": "URL not supported",
    "list_not_supported": "URL not supported",
    "method_override_post_to_get": "URL not supported",
    "read_not_supported": "URL not supported",
    "root_not_supported": "URL not supported",
    "trailing_slash": "URL not supported",
    "update_not_supported": "URL not supported",
    "upper_case_path": "404 Not Found",
    "question__unknown": "verify_email_addrs",
    "question__unknown_unregistered_refused": "authorized users only",
}
TRY_LATER: Final = {"cron_ok": "200"}
"""A 200 is never a created ticket, whatever it says."""
OTHERS: Final = {"webhook_samples"}
NAMES: Final = sorted(path.stem for path in FIXTURES.glob("*.json") if path.stem not in OTHERS)
DRAFT: Final = Draft(kind=Kind.INCIDENT, fields={"title": "Printer", "description": "Offline",
                                                "requester_email": "ana.souza@example.com"})


def exchange(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((FIXTURES / f"{name}.json").read_text("utf-8"))
    return found


def replay(server: responses.RequestsMock, method: str, url: str, name: str) -> None:
    told = exchange(name)["response"]
    body = told["body"] if isinstance(told["body"], str) else json.dumps(told["body"])
    kept = {key: value for key, value in told["headers"].items() if key in ("Set-Cookie", "Date")}
    server.add(method, url, status=told["status"], body=body, headers=kept,
               content_type=told["headers"].get("Content-Type", "text/html"))


def outcome(work: Callable[[], Any]) -> Any:
    try:
        return work()
    except ConnectorError as error:
        return error


@pytest.mark.parametrize("name", NAMES)
def test_as_the_answer_to_a_creation(name: str, stock: responses.RequestsMock, make: Callable[..., OsTicket]) -> None:
    replay(stock, "POST", f"{URL}/api/tickets.json", name)
    said = outcome(lambda: make().create(DRAFT, "k/1"))
    if name in REFUSED:
        assert isinstance(said, Refused)
        assert REFUSED[name] in str(said)
    elif name in TRY_LATER:
        assert isinstance(said, TryLater)
        assert TRY_LATER[name] in str(said)
    else:
        state = exchange(name).get("observed_state_after")
        number = state["number"] if state else exchange(name)["response"]["body"]
        assert said == ("desk", f"#{number}")
    assert KEY not in str(said)


@pytest.mark.parametrize("name", NAMES)
def test_as_the_answer_to_a_look_for_the_plugin(name: str, server: responses.RequestsMock,
                                                make: Callable[..., OsTicket]) -> None:
    """None of these is a plugin: either it is missing, or nothing can be said, or the key is refused."""
    for root in ("/api", "/api/http.php"):
        replay(server, "GET", f"{URL}{root}/connector/v1/ping", name)
    said = outcome(make().capabilities)
    status, body = exchange(name)["response"]["status"], exchange(name)["response"]["body"]
    if status == 404 or body == "URL not supported":
        assert said == {Capability.CREATE, Capability.FIND}
    elif status in (400, 401, 403):
        assert isinstance(said, Refused)
    else:
        assert isinstance(said, TryLater)


@pytest.mark.parametrize(("name", "number"), [
    ("question__known", "127655"), ("question__known_closed", "127655"), ("question__unknown", None),
    ("question__unknown_unregistered_refused", None), ("format_email_same_message_id", "997702"),
    ("filter_reject", None),
])
def test_as_the_answer_to_our_question(name: str, number: str | None, stock: responses.RequestsMock,
                                       make: Callable[..., OsTicket]) -> None:
    replay(stock, "POST", f"{URL}/api/tickets.email", name)
    assert make().find("demo/create/1") == (None if number is None else ("desk", f"#{number}"))


def test_the_question_is_the_one_that_was_recorded(stock: responses.RequestsMock,
                                                   make: Callable[..., OsTicket]) -> None:
    replay(stock, "POST", f"{URL}/api/tickets.email", "question__known")
    make().find("demo/create/1")
    assert stock.calls[-1].request.body == exchange("question__known")["request"]["body"].encode()


def test_every_recording_has_its_place() -> None:
    assert set(REFUSED) | set(TRY_LATER) <= set(NAMES)
    assert len(NAMES) >= 84
