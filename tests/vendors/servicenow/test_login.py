"""Tokens: got once, renewed once under a lock, their errors sorted."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs

import pytest
import requests
import responses

from connector.domain.errors import ConnectorError, TryLater
from connector.http import Http
from connector.vendors.servicenow.answers import LoginRefused
from connector.vendors.servicenow.client import Client
from connector.vendors.servicenow.login import Fixed, OAuth
from tests.vendors.servicenow.instance import BASE, error

TABLE = f"{BASE}/api/now/table/incident"
TOKEN = f"{BASE}/oauth_token.do"
NO_AUTH = error("User Not Authenticated", "Required to provide Auth information")


class Server:
    """Takes the tokens it gave until they are revoked."""

    def __init__(self) -> None:
        self.forms: list[dict[str, str]] = []
        self.valid: set[str] = set()
        self.calls: list[str] = []
        self.refresh = True
        self.answer: tuple[int, dict[str, str], str] | None = None

    def token(self, request: requests.PreparedRequest) -> tuple[int, dict[str, str], str]:
        body = request.body.decode() if isinstance(request.body, bytes) else str(request.body)
        form = {name: values[0] for name, values in parse_qs(body).items()}
        self.forms.append(form)
        if self.answer is not None:
            return self.answer
        if form["grant_type"] == "refresh_token" and not self.refresh:
            return 401, {}, json.dumps({"error_description": "access_denied", "error": "server_error"})
        token = f"t{len(self.forms)}"
        self.valid.add(token)
        return 200, {}, json.dumps({"access_token": token, "refresh_token": f"r{len(self.forms)}", "expires_in": 1799,
                                    "scope": "useraccount", "token_type": "Bearer"})

    def table(self, request: requests.PreparedRequest) -> tuple[int, dict[str, str], str]:
        token = str(request.headers.get("Authorization", "")).removeprefix("Bearer ")
        self.calls.append(token)
        if token not in self.valid:
            return 401, {}, json.dumps(NO_AUTH)
        return 200, {"X-Total-Count": "0"}, json.dumps({"result": []})


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        mock.add_callback("POST", TOKEN, callback=made.token, content_type="application/json")
        mock.add_callback("GET", TABLE, callback=made.table, content_type="application/json")
        yield made


def password(clock: Any = lambda: 0.0) -> Client:
    http = Http(BASE)
    return Client(http, OAuth(http, "password", {"username": "svc", "password": "pw"}, "id", "cs", clock))


def read(client: Client) -> None:
    client.rows("incident", "", (), 1)


def test_a_token_is_got_once_and_used_until_it_ends(server: Server) -> None:
    client = password()
    read(client)
    read(client)
    assert server.forms == [{"grant_type": "password", "username": "svc", "password": "pw", "client_id": "id",
                             "client_secret": "cs"}]
    assert server.calls == ["t1", "t1"]


def test_a_token_that_ends_is_refreshed_before_it_is_refused(server: Server) -> None:
    now = [0.0]
    client = password(lambda: now[0])
    read(client)
    now[0] = 1790.0
    read(client)
    assert server.forms[1]["grant_type"] == "refresh_token"
    assert server.forms[1]["refresh_token"] == "r1"
    assert server.calls == ["t1", "t2"]


def test_a_refresh_token_that_is_used_up_gives_way_to_the_grant(server: Server) -> None:
    client = password()
    read(client)
    server.valid.clear()
    server.refresh = False
    read(client)
    assert [form["grant_type"] for form in server.forms] == ["password", "refresh_token", "password"]


def test_client_credentials_are_a_grant_of_their_own(server: Server) -> None:
    http = Http(BASE)
    read(Client(http, OAuth(http, "client_credentials", {}, "id", "cs")))
    assert server.forms == [{"grant_type": "client_credentials", "client_id": "id", "client_secret": "cs"}]


def test_401_renews_the_token_once_and_then_fails(server: Server) -> None:
    client = password()
    read(client)
    server.answer = (200, {}, json.dumps({"access_token": "unknown", "expires_in": 1799}))
    server.valid.clear()
    with pytest.raises(LoginRefused, match="User Not Authenticated"):
        read(client)
    assert server.calls == ["t1", "t1", "unknown"]


def test_many_threads_with_one_dead_token_renew_it_once(server: Server) -> None:
    client = password()
    read(client)
    server.valid.clear()
    barrier = threading.Barrier(6)
    wrong: list[BaseException] = []

    def work() -> None:
        try:
            barrier.wait()
            read(client)
        except BaseException as error:
            wrong.append(error)

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    assert len(server.forms) == 2


def test_a_token_another_thread_has_replaced_meanwhile_is_not_renewed_again(server: Server) -> None:
    login = OAuth(Http(BASE), "client_credentials", {}, "id", "cs")
    old = login.headers()
    assert login.renew(old)
    assert login.renew(old)
    assert len(server.forms) == 2
    assert login.headers() != old


@pytest.mark.parametrize(("status", "body", "expected"), [
    (401, '{"error_description":"access_denied","error":"server_error"}', LoginRefused),
    (400, '{"error":"invalid_grant"}', LoginRefused),
    (403, "", LoginRefused),
    (404, "", LoginRefused),
    (429, "", TryLater),
    (500, "", TryLater),
    (503, "<html>maintenance</html>", TryLater),
    (202, "", TryLater),
    (200, "<html>hibernating</html>", TryLater),
    (200, '{"error":"server_error"}', TryLater),
    (200, '{"expires_in":1799}', TryLater),
    (200, "[]", TryLater),
    (302, "", LoginRefused),
])
def test_token_errors_are_sorted_by_who_must_act(server: Server, status: int, body: str,
                                                 expected: type[ConnectorError]) -> None:
    server.answer = (status, {}, body)
    with pytest.raises(expected) as caught:
        read(password())
    assert type(caught.value) is expected
    assert "pw" not in str(caught.value)
    assert not server.calls


def test_a_refused_login_waits_instead_of_burying_what_was_to_be_done(server: Server) -> None:
    with pytest.raises(TryLater, match="User Not Authenticated") as caught:
        read(Client(Http(BASE), Fixed.basic("svc", "wrong")))
    assert caught.value.wait is not None
    assert len(server.calls) == 1


def test_a_second_factor_is_named(server: Server) -> None:
    with responses.RequestsMock() as mock:
        mock.get(TABLE, status=401, json=NO_AUTH, headers={"X-MFA_TOKEN": "invalid"})
        with pytest.raises(LoginRefused, match="second factor"):
            read(Client(Http(BASE), Fixed.basic("svc", "right")))


def test_an_api_key_goes_in_its_header() -> None:
    with responses.RequestsMock() as mock:
        mock.get(TABLE, json={"result": []}, headers={"X-Total-Count": "0"})
        read(Client(Http(BASE), Fixed.api_key("k")))
        assert mock.calls[0].request.headers["x-sn-apikey"] == "k"
