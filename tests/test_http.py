"""The way out: every answer judged once, nothing followed, nothing told that must stay private."""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import requests
import responses
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.answers import chunks_of, excerpt, failure, http_date, read, retry_after
from connector.domain.errors import ConfigError, ConnectorError, NotFound, Refused, TryLater
from connector.http import Http, body_json

BASE = "https://tool.example"


@pytest.fixture
def mock() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock() as opened:
        yield opened


def get(mock: responses.RequestsMock, **answer: Any) -> Any:
    mock.add("GET", f"{BASE}/x", **answer)
    return body_json(Http(BASE).send("GET", "x", params={"token": "hidden-word"}), {200})


# judging

def test_a_success_is_the_expected_status_and_json_and_a_body_that_parses(mock: responses.RequestsMock) -> None:
    assert get(mock, json={"a": [1]}) == {"a": [1]}


@pytest.mark.parametrize(("answer", "expected"), [
    ({"body": "<html>Login</html>", "content_type": "text/html"}, TryLater),
    ({"body": "{}", "content_type": "text/plain"}, TryLater),
    ({"body": '{"a":', "content_type": "application/json"}, TryLater),
    ({"body": "", "content_type": "application/json"}, TryLater),
    *[({"status": status}, TryLater) for status in (201, 202, 204, 206, 408, 425, 429, 499, 500, 502, 503, 504, 522)],
    *[({"status": status}, NotFound) for status in (404, 410)],
    *[({"status": status, "headers": {"Location": "https://evil.example/"}}, Refused) for status in (301, 302, 308)],
    *[({"status": status}, Refused) for status in (400, 401, 403, 405, 409, 413, 415, 422, 501)],
])
def test_every_other_answer_is_sorted_by_what_to_do_next(mock: responses.RequestsMock, answer: dict[str, Any],
                                                         expected: type[ConnectorError]) -> None:
    with pytest.raises(expected) as caught:
        get(mock, **answer)
    assert type(caught.value) is expected
    assert "hidden-word" not in str(caught.value)
    assert len(mock.calls) == 1


def test_an_error_tells_where_what_and_the_beginning_of_the_body_as_text(mock: responses.RequestsMock) -> None:
    body = "<html><style>a{}</style><script>alert(1)</script><h1>Bad\n\n gateway</h1></html>" + "x" * 9999
    with pytest.raises(TryLater) as caught:
        get(mock, status=502, body=body)
    assert str(caught.value).startswith(f"GET {BASE}/x: status 502: Bad gateway")
    assert len(str(caught.value)) < 300


def test_the_status_of_a_refusal_is_kept(mock: responses.RequestsMock) -> None:
    with pytest.raises(Refused) as caught:
        get(mock, status=403)
    assert caught.value.status == 403


def test_markup_without_an_end_is_cut_in_linear_time(mock: responses.RequestsMock) -> None:
    mock.add("GET", f"{BASE}/x", status=500, body="<" * 4000)
    assert len(excerpt(Http(BASE).send("GET", "x"))) <= 200


# waiting

@pytest.mark.parametrize(("headers", "wait"), [
    ({"Retry-After": "7"}, timedelta(seconds=7)),
    ({"Retry-After": " 7 "}, timedelta(seconds=7)),
    ({"Retry-After": "999999999999"}, timedelta(days=1)),
    ({"Retry-After": "Mon, 24 Nov 2025 10:01:00 GMT", "Date": "Mon, 24 Nov 2025 10:00:00 GMT"}, timedelta(minutes=1)),
    ({"Retry-After": "Mon, 24 Nov 2025 09:00:00 GMT", "Date": "Mon, 24 Nov 2025 10:00:00 GMT"}, timedelta(0)),
    ({"Retry-After": "Mon, 24 Nov 2125 10:01:00 GMT"}, timedelta(days=1)),
    ({"Retry-After": "-7"}, None),
    ({"Retry-After": "7.5"}, None),
    ({"Retry-After": "٧"}, None),
    ({"Retry-After": "soon"}, None),
    ({"Retry-After": "Mon, 99 Nov 99999999999 10:01:00 GMT"}, None),
    ({}, None),
])
def test_retry_after_is_seconds_or_a_date_by_the_other_sides_clock(headers: dict[str, str],
                                                                   wait: timedelta | None) -> None:
    assert retry_after(headers) == wait


@settings(derandomize=True, max_examples=100, deadline=None)
@given(st.text(max_size=40))
def test_no_header_whatever_breaks_the_reading_of_waits_and_dates(value: str) -> None:
    wait = retry_after({"Retry-After": value, "Date": value})
    assert wait is None or timedelta(0) <= wait <= timedelta(days=1)
    found = http_date(value)
    assert found is None or found.tzinfo is not None


@pytest.mark.parametrize("status", [413, 429, 503])
def test_the_wait_of_a_busy_server_reaches_the_caller_and_is_not_slept_here(status: int) -> None:
    """urllib3 takes these, with a Retry-After, for retries that ran out unless told otherwise."""
    with serving(lambda handler: answer(handler, status, b"{}", {"Retry-After": "77"})) as base:
        response = Http(base).send("GET", "x")
        assert response.status_code == status
        assert retry_after(response.headers) == timedelta(seconds=77)


# sending

def test_a_redirect_is_an_answer_and_is_not_followed(mock: responses.RequestsMock) -> None:
    mock.add("GET", f"{BASE}/x", status=302, headers={"Location": "https://evil.example/"})
    assert Http(BASE).send("GET", "x", auth=("u", "p")).status_code == 302
    assert len(mock.calls) == 1


def test_credentials_do_not_leave_for_another_host() -> None:
    http = Http(BASE + "/path/")
    assert http.url("a?b=https://other.example/") == f"{BASE}/path/a?b=https://other.example/"
    assert http.url(f"{BASE}/path/a") == f"{BASE}/path/a"
    for address in ("https://evil.example/", "https://tool.example.evil.example/path/a", f"{BASE}/elsewhere",
                    "http://tool.example/path/a", "file:///etc/passwd", f"{BASE}/path@evil.example/"):
        with pytest.raises(Refused, match="outside"):
            http.url(address)


@pytest.mark.parametrize("base", ["", "tool.example", "ftp://tool.example", "https://", "https://u:secret-word@tool.example",
                                  "https://tool.example?x=1", "https://tool.example#x", "https://[::1", "https://a:99999"])
def test_an_address_that_is_none_is_a_config_error_that_does_not_show_it(base: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Http(base)
    assert "secret-word" not in str(caught.value)


def test_neither_the_environment_nor_netrc_has_a_say(mock: responses.RequestsMock, monkeypatch: pytest.MonkeyPatch,
                                                     tmp_path: Any) -> None:
    (tmp_path / "netrc").write_text("machine tool.example login u password p\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.setenv("HTTPS_PROXY", "http://evil.example:1")
    mock.add("GET", f"{BASE}/x", json={})
    Http(BASE).send("GET", "x")
    assert "Authorization" not in mock.calls[0].request.headers
    assert Http(BASE).session().proxies == {}
    assert Http(BASE, proxy="http://proxy.example:3128").session().proxies["https"] == "http://proxy.example:3128"


def test_cookies_are_kept_only_when_wanted(mock: responses.RequestsMock) -> None:
    mock.add("GET", f"{BASE}/x", json={}, headers={"Set-Cookie": "a=b; Path=/"})
    for cookies in (False, True):
        http = Http(BASE, cookies=cookies)
        http.send("GET", "x")
        http.send("GET", "x")
        assert ("Cookie" in mock.calls[-1].request.headers) is cookies


def test_what_can_never_be_sent_is_refused_and_not_tried_again() -> None:
    http = Http(BASE)
    for more in ({"headers": {"X": "a\r\nb"}}, {"json": {"a": "\ud800"}}, {"json": {1: 2}}):
        with pytest.raises(Refused):
            http.send("POST", "x", **more)
    with serving(lambda handler: answer(handler, 200, b"{}")) as base:
        with pytest.raises(Refused):
            Http(base).send("GET", "x", headers={"X": "\u20ac"})


def test_no_address_with_its_query_gets_into_the_log(caplog: pytest.LogCaptureFixture) -> None:
    with serving(lambda handler: None) as base:
        pass
    with pytest.raises(TryLater):
        Http(base).send("GET", "x", params={"token": "hidden-word"})
    assert "hidden-word" not in caplog.text


@pytest.mark.parametrize(("trouble", "said"), [
    (requests.exceptions.SSLError("cert"), "TLS"),
    (requests.exceptions.ProxyError("p"), "proxy"),
    (requests.ConnectTimeout("hidden-word"), "no connection"),
    (requests.ReadTimeout("hidden-word"), "no answer within"),
    (requests.ConnectionError("hidden-word"), "ConnectionError"),
])
def test_a_network_that_fails_means_later_and_says_why_without_the_query(
        mock: responses.RequestsMock, trouble: Exception, said: str) -> None:
    mock.add("GET", f"{BASE}/x", body=trouble)
    with pytest.raises(TryLater, match=said) as caught:
        Http(BASE).send("GET", "x", params={"token": "hidden-word"})
    assert "hidden-word" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_closed_port_is_told_as_such() -> None:
    with serving(lambda handler: None) as base:
        pass
    with pytest.raises(TryLater, match="refused"):
        Http(base).send("GET", "x")


def test_each_thread_has_its_own_session_and_a_dead_threads_goes_with_it() -> None:
    http = Http(BASE)
    mine = http.session()
    assert http.session() is mine
    others: list[int] = []

    def work() -> None:
        others.append(id(http.session()))
        assert http.session() is not mine

    for _ in range(5):
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    gc.collect()
    assert len(others) == 5
    assert list(http._sessions) == [mine]
    http.close()


# bodies

def test_a_body_too_large_is_refused_before_it_is_all_there() -> None:
    sent = []

    def pour(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", str(1 << 30))
        handler.end_headers()
        try:
            for _ in range(1 << 14):
                handler.wfile.write(b"x" * 65536)
                sent.append(1)
        except OSError:
            pass

    with serving(pour) as base:
        response = Http(base).send("GET", "x", stream=True)
        with pytest.raises(Refused, match="larger than 1000000 bytes"):
            read(response, 1_000_000)
    assert len(sent) < 1 << 13


def test_a_packed_body_counts_by_what_it_unpacks_to() -> None:
    import gzip
    bomb = gzip.compress(b"0" * 5_000_000)
    with serving(lambda handler: answer(handler, 200, bomb, {"Content-Encoding": "gzip"})) as base:
        with pytest.raises(Refused, match="larger"):
            read(Http(base).send("GET", "x", stream=True), 1_000_000)


def test_a_body_that_stops_half_way_is_no_answer() -> None:
    def stop(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Content-Length", "100")
        handler.end_headers()
        handler.wfile.write(b"{}")

    with serving(stop) as base:
        with pytest.raises(TryLater, match="half-way"):
            Http(base).send("GET", "x")


def test_a_server_that_drips_runs_out_of_time() -> None:
    ticks = iter(range(0, 10_000, 50))
    with serving(lambda handler: answer(handler, 200, b"x" * 600_000)) as base:
        with pytest.raises(TryLater, match="longer than 100 s"):
            read(Http(base).send("GET", "x", stream=True), seconds=100.0, clock=lambda: float(next(ticks)))


def test_pieces_not_wanted_any_more_close_the_connection() -> None:
    with serving(lambda handler: answer(handler, 200, b"x" * 600_000)) as base:
        response = Http(base).send("GET", "x", stream=True)
        pieces = chunks_of(response)
        assert next(pieces)
        pieces.close()  # type: ignore[attr-defined]
        assert response.raw.closed


def test_an_error_judged_unread_gives_its_connection_back() -> None:
    with serving(lambda handler: answer(handler, 500, b"x" * 600_000)) as base:
        response = Http(base).send("GET", "x", stream=True)
        assert isinstance(failure(response), TryLater)
        assert response.raw.closed


def test_a_body_read_once_can_be_looked_at_again(mock: responses.RequestsMock) -> None:
    mock.add("GET", f"{BASE}/x", json={"a": 1})
    response = Http(BASE).send("GET", "x")
    assert response.json() == {"a": 1}
    assert body_json(response, {200}) == {"a": 1}
    assert read(response) == b'{"a": 1}'


# clocks

@pytest.mark.parametrize(("date", "skew"), [
    ("Mon, 24 Nov 2025 10:00:00 GMT", timedelta(0)),
    ("Mon, 24 Nov 2025 10:05:00 GMT", timedelta(minutes=5)),
    ("Mon, 24 Nov 2025 09:00:00 GMT", timedelta(hours=-1)),
    ("Mon, 24 Nov 2025 11:00:00 +0100", timedelta(0)),
    ("Mon, 24 Nov 2025 10:05:00", timedelta(minutes=5)),
    ("yesterday", None),
    ("Mon, 24 Nov 99999 10:05:00 GMT", None),
    (None, None),
])
def test_skew_is_their_clock_less_ours(mock: responses.RequestsMock, date: str | None, skew: timedelta | None) -> None:
    mock.add("GET", f"{BASE}/x", json={}, headers={"Date": date} if date else {})
    http = Http(BASE, wall=lambda: datetime(2025, 11, 24, 10, tzinfo=UTC).timestamp())
    http.send("GET", "x")
    assert http.skew is None if skew is None else abs((http.skew or timedelta(0)) - skew) <= timedelta(seconds=1)


# a server on loopback

def answer(handler: BaseHTTPRequestHandler, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
    handler.send_response(status)
    given = {"Content-Type": "application/json", "Content-Length": str(len(body)), **(headers or {})}
    for name, value in given.items():
        handler.send_header(name, value)
    handler.end_headers()
    with suppress(OSError):
        handler.wfile.write(body)


@contextmanager
def serving(do: Any) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            do(self)
            self.close_connection = True

        def log_message(self, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=lambda: server.serve_forever(0.01), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
