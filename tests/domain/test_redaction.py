"""No secret is shown, in whatever way an answer repeats it; what is harmless stays readable."""

from __future__ import annotations

import base64
import html
import json
from urllib.parse import quote

import pytest

from connector.domain.redaction import MASK, Redaction, excerpt, place, secrets_of

CANARY = 'c4n+ary/"s3cret"=='


@pytest.mark.parametrize("said", [
    CANARY, quote(CANARY, safe=""), html.escape(CANARY), json.dumps(CANARY), json.dumps(CANARY).replace("/", "\\/"),
    base64.b64encode(CANARY.encode()).decode(), f"you sent Authorization: {CANARY}!"])
def test_a_secret_that_was_sent_is_hidden_however_it_is_repeated(said: str) -> None:
    shown = Redaction([CANARY])(f"before {said} after")
    assert "c4n" not in shown
    assert MASK in shown
    assert shown.startswith("before")


@pytest.mark.parametrize("text", [
    '{"access_token": "canary-1", "x": 1}', "{'password': 'canary-1'}", '{"refreshToken":"canary-1',
    "password=canary-1&x=2",
    "Authorization: Basic canary-1x9", "token Bearer canary-1234", "whsec_canary1canary", "v1,canary1canary1canary1cc",
    "see https://user:canary-1@host.example/canary-1?sig=canary-1 now", "eyJcanary-12345.canary.canary",
    "Set-Cookie: sid=canary-1",
    '{"session_token": "can\\"ary canary-1"}', "X-Api-Key: canary-1", '"client_secret" : canary-1}',
    "-----BEGIN PRIVATE KEY-----\ncanary-1"])
def test_what_has_the_form_of_a_secret_is_hidden(text: str) -> None:
    assert "canary" not in Redaction()(text)


def test_what_is_harmless_stays() -> None:
    text = '{"number": "INC0000001", "state": 2, "sys_id": "46c1b8a9a9fe198101bbb8cf0d6be0a7"} monkey keys tokens'
    assert Redaction()(text) == text


def test_headers_of_a_request_are_secret_unless_they_are_known_to_be_harmless() -> None:
    login = base64.b64encode(b"ann:canary-pw").decode()
    found = secrets_of("https://u:canary-url@tool.example/a?token=canary-q&page=1234", {
        "Authorization": f"Basic {login}", "X-Api-Key": "canary-key", "Cookie": "a=1; sid=canary-cookie",
        "User-Agent": "servicedesk-connector", "webhook-id": "message-1"}, None)
    assert {"canary-url", "canary-q", "canary-key", "canary-cookie", "canary-pw", login} <= found
    assert not {"servicedesk-connector", "message-1", "1234"} & found


def test_secrets_in_the_body_of_a_login_are_known() -> None:
    form = secrets_of("https://x.example/", {"Content-Type": "application/x-www-form-urlencoded"},
                      b"grant_type=password&client_secret=canary-1&password=canary-2")
    body = secrets_of("https://x.example/", {"content-type": "application/json"},
                      b'{"login": [{"password": "canary-3"}], "title": "not secret"}')
    assert (form, body) == ({"canary-1", "canary-2"}, {"canary-3"})


def test_a_secret_cut_at_the_end_of_what_was_read_is_hidden_too() -> None:
    shown = excerpt(b"x" * 393 + b"canary-and-more", "text/plain", Redaction(["canary-and-more"]), 100)
    assert "can" not in shown
    echoed = (b"canary-and-more " * 99)
    assert "can" not in excerpt(echoed, "text/plain", Redaction(["canary-and-more"]), 100)


def test_an_excerpt_is_one_plain_line_of_a_text() -> None:
    page = b"<style>a{}</style><h1>Bad\n gateway</h1>\x1b[31m"
    assert excerpt(page, "text/html", Redaction(), 99) == "Bad gateway [31m"
    assert excerpt(b"\x89PNG", "image/png", Redaction(), 99) == ""
    assert excerpt(b"\xff\xfe\x00\x01", "", Redaction(), 99) == ""
    assert excerpt(b"", "text/plain", Redaction(), 99) == ""
    assert excerpt(b"a" * 50, "text/plain", Redaction(), 20) == "a" * 17 + "..."
    assert excerpt(b'{"error": "x"}', "application/problem+json; charset=utf-8", Redaction(), 99) == '{"error": "x"}'


def test_a_secret_written_in_entities_of_html_is_hidden() -> None:
    said = "".join(f"&#{ord(letter)};" for letter in "canary-key")
    assert "canary" not in excerpt(f"<p>{said}</p>".encode(), "text/html", Redaction(["canary-key"]), 99)


def test_a_place_is_host_and_path_alone() -> None:
    assert place("https://u:pw@tool.example:8443/api/now?x=canary#canary") == "tool.example:8443/api/now"
    assert place("https://[::1") == "(not an address)"
    typed = "https://chat.example/hooks/T0001/Zx81kLmN0pQrStUv"
    assert place(typed, typed=True) == f"chat.example/hooks/T0001/{MASK}"
    assert place(typed).endswith("Zx81kLmN0pQrStUv"), "the path of a tool's API is shown"


@pytest.mark.parametrize("text", [
    "a" * 6000, "a." * 3000, "password" * 750, '"' * 6000, "<script" * 800, "https://" * 750, "token:" * 1000,
    "-----BEGIN " * 500, "eyJ" * 2000, "v1," * 2000, " " * 6000])
def test_a_hostile_answer_of_any_shape_is_worked_through(text: str) -> None:
    """An expression that goes back too often would hang here."""
    assert len(excerpt(text.encode(), "text/html", Redaction(["some-secret"]), 1500)) <= 1500
