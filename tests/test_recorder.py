"""What goes out over HTTP while a delivery is tried is noted, whoever sends it, and no secret with it."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime

import msgspec
import pytest
import requests
import responses

from connector import recorder
from connector.domain.attempt import MOST_EXCHANGES, Attempt, Outcome
from connector.domain.delivery import Delivery
from connector.domain.errors import TryLater
from connector.domain.ticket import Attachment
from connector.http import FileBody, Http, body_json

BASE = "https://tool.example/api"
NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
DELIVERY = Delivery(id=1, key="k", target="glpi", verb="update", lane="glpi/1", payload={}, ticket=1, attempts=2,
                    created_at=NOW, owner="w")
JSON = "application/json"


@pytest.fixture
def mock() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as opened:
        yield opened


@pytest.fixture
def trying() -> Iterator[recorder.Recorder]:
    one = recorder.Recorder(DELIVERY, NOW)
    with recorder.recording(one):
        yield one


def ended(outcome: Outcome = Outcome.DONE, reason: str = "") -> Attempt:
    found = recorder.ended(outcome, reason)
    assert found is not None
    return found


def test_nothing_is_noted_when_nobody_records(mock: responses.RequestsMock) -> None:
    mock.add("GET", f"{BASE}/x", json={})
    Http(BASE).send("GET", "x")
    assert recorder.ended(Outcome.DONE) is None


def test_the_write_is_told_and_the_good_readings_around_it_keep_no_words(mock: responses.RequestsMock,
                                                                        trying: recorder.Recorder) -> None:
    mock.add("GET", f"{BASE}/ticket/1", json={"title": "words of the ticket"})
    mock.add("PATCH", f"{BASE}/ticket/1", json={"ok": True}, headers={"X-More": "no"})
    http = Http(BASE)
    http.send("GET", "ticket/1", params={"fields": "title"})
    http.send("PATCH", "ticket/1", json={"title": "new"})
    http.send("GET", "ticket/1")
    one = ended()
    assert (one.n, one.calls, one.started_at, len(one.exchanges)) == (3, 3, NOW, 3)
    assert one.told is not None
    body = b'{"title":"new"}'
    assert (one.told.method, one.told.address, one.told.status) == ("PATCH", "tool.example/api/ticket/1", 200)
    assert (one.told.size, one.told.sha256) == (len(body), hashlib.sha256(body).hexdigest())
    assert (one.told.answer, one.told.answer_headers) == ('{"ok": true}', {"content-type": JSON})
    assert "words of the ticket" not in str(one)


def test_a_request_through_the_session_itself_is_noted_too(mock: responses.RequestsMock,
                                                           trying: recorder.Recorder) -> None:
    mock.add("POST", f"{BASE}/table", json={})
    Http(BASE).session().post(f"{BASE}/table", data=b"x")
    assert ended().calls == 1


def test_no_answer_is_noted_in_words(mock: responses.RequestsMock, trying: recorder.Recorder) -> None:
    mock.add("POST", f"{BASE}/x", body=requests.exceptions.ReadTimeout("token=canary-1"))
    with pytest.raises(TryLater):
        Http(BASE).send("POST", "x", params={"token": "canary-1"})
    (exchange,) = ended(Outcome.RETRY).exchanges
    assert (exchange.status, exchange.error) == (None, "no answer: no answer within the time limit")


def test_of_many_requests_the_last_are_kept_and_all_are_counted(mock: responses.RequestsMock,
                                                                trying: recorder.Recorder) -> None:
    mock.add("GET", f"{BASE}/x", json={})
    for n in range(MOST_EXCHANGES + 3):
        Http(BASE).send("GET", "x", headers={"Message-ID": str(n)})
    one = ended()
    assert (one.calls, len(one.exchanges)) == (MOST_EXCHANGES + 3, MOST_EXCHANGES)
    assert one.exchanges[-1].headers == {"message-id": str(MOST_EXCHANGES + 2)}


def test_a_file_is_told_with_its_size(mock: responses.RequestsMock, trying: recorder.Recorder) -> None:
    mock.add("POST", f"{BASE}/files", json={})
    file = Attachment(name="a.txt", media_type="text/plain", size=3, open=lambda: iter([b"abc"]))
    Http(BASE).send("POST", "files", data=FileBody(file))
    (exchange,) = ended().exchanges
    assert (exchange.size, exchange.sha256) == (3, "")


def test_a_tool_that_repeats_all_it_was_sent_shows_no_secret(mock: responses.RequestsMock,
                                                             trying: recorder.Recorder) -> None:
    def echo(request: requests.PreparedRequest) -> tuple[int, dict[str, str], str]:
        said = "\n".join([request.url or "", *(f"{name} is {value}" for name, value in request.headers.items()),
                          base64.b64decode("YW5uOmNhbmFyeS1wYXNzd29yZA==").decode(),
                          str(request.body), '{"access_token": "canary-new"}'])
        return 500, {"Content-Type": "text/plain", "Retry-After": "5", "Set-Cookie": "sid=canary-cookie"}, said

    mock.add_callback("POST", f"{BASE}/login", callback=echo)
    response = Http(BASE, headers={"X-Api-Key": "canary-key", "App-Token": "canary-app"}).send(
        "POST", "login", params={"user_token": "canary-query"}, auth=("ann", "canary-password"),
        json={"login": {"client_secret": "canary-body"}, "title": "plain"})
    with pytest.raises(TryLater) as caught:
        body_json(response, {200})
    one = ended(Outcome.RETRY, caught.value.reason)
    shown = msgspec.json.encode(one).decode() + trying.words(caught.value.reason)
    assert "canary" not in shown
    assert "YW5uOmNhbmFyeS1wYXNzd29yZA" not in shown
    assert "plain" in shown, "what is harmless stays"
    assert one.told is not None
    assert one.told.answer_headers["retry-after"] == "5"


def test_the_answer_of_a_login_keeps_no_token(mock: responses.RequestsMock, trying: recorder.Recorder) -> None:
    mock.add("POST", f"{BASE}/oauth_token.do", json={"access_token": "canary-1", "refresh_token": "canary-2",
                                                     "expires_in": 1799})
    Http(BASE).send("POST", "oauth_token.do", data={"client_secret": "canary-3", "grant_type": "password"})
    one = ended()
    assert "canary" not in msgspec.json.encode(one).decode()
    assert "1799" in str(one)
