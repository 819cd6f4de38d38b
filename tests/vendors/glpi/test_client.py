"""The session: opened when needed, shared, renewed once, closed; tokens in headers only."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
import responses

from connector.domain.errors import Refused, TryLater
from connector.http import Http
from connector.settings import Secret
from connector.vendors.glpi.adapter import Glpi
from connector.vendors.glpi.answers import LoginRefused
from connector.vendors.glpi.client import SESSION_LIFE, Access, Client
from tests.vendors.glpi.conftest import URL
from tests.vendors.glpi.replay import body_of, headers_of, recorded

Make = Callable[..., Glpi]


def client(**access: Any) -> Client:
    return Client(Http(URL), Access(**{"user_token": "USER-TOKEN", "app_token": "APP-TOKEN", **access}))


def play(server: responses.RequestsMock, method: str, path: str, name: str) -> None:
    """Answer with a recorded exchange."""
    exchange = recorded(name)
    headers = headers_of(exchange)
    kind = headers.pop("Content-Type", None)
    server.add(method, f"{URL}/{path}", body=body_of(exchange), status=exchange["response"]["status"],
               headers=headers, content_type=kind)


def test_nothing_is_sent_before_it_is_needed(server: responses.RequestsMock, make: Make) -> None:
    make().close()
    assert len(server.calls) == 0


def test_a_session_is_opened_once_and_closed(logged_in: responses.RequestsMock) -> None:
    logged_in.get(f"{URL}/Ticket/1", json={"id": 1})
    one = client()
    one.get("Ticket/1")
    one.get("Ticket/1")
    one.close()
    one.close()
    paths = [call.request.url.rsplit("/", 1)[-1] for call in logged_in.calls]
    assert paths == ["initSession", "1", "1", "killSession"]


def test_tokens_travel_in_headers_and_never_in_an_address(logged_in: responses.RequestsMock) -> None:
    logged_in.get(f"{URL}/Ticket/1", json={"id": 1})
    one = client()
    one.get("Ticket/1", [("get_hateoas", "false")])
    one.close()
    for call in logged_in.calls:
        assert "TOKEN" not in str(call.request.url)
        assert "S1" not in str(call.request.url)
        assert call.request.headers["App-Token"] == "APP-TOKEN"
    assert logged_in.calls[0].request.headers["Authorization"] == "user_token USER-TOKEN"
    assert logged_in.calls[1].request.headers["Session-Token"] == "S1"


def test_a_login_and_password_go_as_basic_credentials(logged_in: responses.RequestsMock) -> None:
    logged_in.get(f"{URL}/Ticket/1", json={"id": 1})
    client(user_token="", app_token="", login="glpi", password="pâss").get("Ticket/1")
    assert logged_in.calls[0].request.headers["Authorization"] == "Basic Z2xwaTpww6Jzcw=="
    assert "App-Token" not in logged_in.calls[0].request.headers


@pytest.mark.parametrize("lost", ["session_expired_file_gone", "session_used_after_kill", "session_missing_token"])
def test_a_lost_session_is_renewed_once_and_the_request_sent_again(server: responses.RequestsMock, lost: str) -> None:
    server.get(f"{URL}/initSession", json={"session_token": "S1"})
    server.get(f"{URL}/initSession", json={"session_token": "S2"})
    play(server, "POST", "Ticket", lost)
    server.post(f"{URL}/Ticket", json={"id": 5}, status=201)
    assert client().call("POST", "Ticket", {"input": {}}) == {"id": 5}
    assert [call.request.headers.get("Session-Token") for call in server.calls] == [None, "S1", None, "S2"]


def test_a_session_lost_twice_is_tried_later(logged_in: responses.RequestsMock) -> None:
    play(logged_in, "GET", "Ticket/1", "session_bogus_token")
    with pytest.raises(TryLater):
        client().get("Ticket/1")
    assert sum("Ticket/1" in str(call.request.url) for call in logged_in.calls) == 2


def test_many_threads_that_lose_the_session_renew_it_once(server: responses.RequestsMock) -> None:
    tokens = iter(["S1", "S2", "S3", "S4"])
    server.add_callback(responses.GET, f"{URL}/initSession", lambda request: (
        200, {}, f'{{"session_token": "{next(tokens)}"}}'), content_type="application/json")
    gate = threading.Barrier(4)

    def ticket(request: Any) -> tuple[int, dict[str, str], str]:
        if request.headers["Session-Token"] == "S1":
            gate.wait(5)
            return 401, {}, '["ERROR_SESSION_TOKEN_INVALID", "x"]'
        return 200, {}, '{"id": 1}'

    server.add_callback(responses.GET, f"{URL}/Ticket/1", ticket, content_type="application/json")
    one = client()
    results: list[Any] = []
    threads = [threading.Thread(target=lambda: results.append(one.get("Ticket/1"))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert results == [{"id": 1}] * 4
    assert sum("initSession" in str(call.request.url) for call in server.calls) == 2


def test_an_old_session_is_opened_anew_because_rights_are_a_snapshot(logged_in: responses.RequestsMock) -> None:
    logged_in.get(f"{URL}/Ticket/1", json={"id": 1})
    now = [0.0]
    one = Client(Http(URL), Access(user_token="U"), lambda: now[0])
    one.get("Ticket/1")
    now[0] = SESSION_LIFE + 1
    one.get("Ticket/1")
    paths = [call.request.url.rsplit("/", 1)[-1] for call in logged_in.calls]
    assert paths == ["initSession", "1", "killSession", "initSession", "1"]


@pytest.mark.parametrize("name", [
    "auth_init_bad_app_token", "auth_init_bad_user_token", "auth_init_bad_password", "auth_init_missing_app_token",
    "auth_init_no_credentials", "ip_not_allowed", "login_credentials_disabled", "inactive_user", "api_disabled"])
def test_a_refused_login_buries_no_write(server: responses.RequestsMock, name: str) -> None:
    """It is we who are refused, not the ticket: what was to be written waits until a person has changed it."""
    play(server, "GET", "initSession", name)
    with pytest.raises(TryLater, match="cannot log in"):
        client().call("POST", "Ticket", {"input": {}})
    with pytest.raises(LoginRefused):
        client().login()


@pytest.mark.parametrize("name", ["maintenance_mode_list", "ticket_create_bad_values", "group_users"])
def test_no_session_token_in_the_answer_is_no_session(server: responses.RequestsMock, name: str) -> None:
    play(server, "GET", "initSession", name)
    with pytest.raises(TryLater):
        client().get("Ticket/1")


def test_the_wished_profile_and_entity_are_taken_at_login(logged_in: responses.RequestsMock) -> None:
    play(logged_in, "POST", "changeActiveProfile", "session_change_entity")
    play(logged_in, "POST", "changeActiveEntities", "session_change_entity")
    client(profile="4", entity="1", recursive=False).login()
    bodies = [call.request.body for call in logged_in.calls[1:]]
    assert bodies == [b'{"profiles_id":4}', b'{"entities_id":1,"is_recursive":false}']


@pytest.mark.parametrize("name", ["session_change_entity_forbidden", "entity_change_active_denied"])
def test_a_forbidden_entity_is_refused_although_the_status_is_200(logged_in: responses.RequestsMock, name: str) -> None:
    play(logged_in, "POST", "changeActiveEntities", name)
    with pytest.raises(LoginRefused, match="entity 999"):
        client(entity="999").login()
    assert logged_in.calls[-1].request.url.endswith("killSession")


def test_a_forbidden_profile_is_refused(logged_in: responses.RequestsMock) -> None:
    play(logged_in, "POST", "changeActiveProfile", "session_change_profile_forbidden")
    with pytest.raises(LoginRefused):
        client(profile="99").login()


def test_text_is_asked_for_unescaped(logged_in: responses.RequestsMock) -> None:
    play(logged_in, "GET", "Ticket/3", "ticket_get_full_unsanitized")
    assert client().get("Ticket/3")["name"] == "VPN <b>down</b> & slow"
    assert logged_in.calls[-1].request.headers["X-GLPI-Sanitized-Content"] == "false"


def test_a_get_has_no_body(logged_in: responses.RequestsMock) -> None:
    logged_in.get(f"{URL}/Ticket/1", json={"id": 1})
    client().get("Ticket/1")
    assert logged_in.calls[-1].request.body is None


def test_no_error_shows_a_token(server: responses.RequestsMock) -> None:
    play(server, "GET", "initSession", "auth_init_bad_user_token")
    with pytest.raises(Refused) as caught:
        client().login()
    assert "USER-TOKEN" not in str(caught.value)


def test_a_user_token_and_a_login_exclude_each_other() -> None:
    from marshmallow import ValidationError

    from connector.vendors.glpi import AUTH, OPTIONS

    AUTH.load({"user_token": Secret("x")})
    AUTH.load({"login": "a", "password": Secret("x")})
    for wrong in ({}, {"login": "a"}, {"user_token": Secret("x"), "login": "a", "password": Secret("y")},
                  {"user_token": "plain text"}):
        with pytest.raises(ValidationError):
            AUTH.load(wrong)
    assert OPTIONS.load({"entity": "all"})["recursive"] is True
    for bad in ({"entity": "Root"}, {"profile": 0}, {"overlap": 0}, {"nope": 1}):
        with pytest.raises(ValidationError):
            OPTIONS.load(bad)
