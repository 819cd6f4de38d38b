"""Logs: one JSON object a line, traceable, and silent about secrets and what people wrote."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from flask import Flask

from connector import logs
from connector.settings import Secret
from tests.web.conftest import Browser
from tests.web.world import PASSWORD, World


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    stream = io.StringIO()
    logs.configure(stream)
    yield stream
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


def told(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


@pytest.mark.parametrize(
    "name",
    ["password", "client_secret", "api_key", "apikey", "Authorization", "cookie", "access_token", "csrf_token",
     "webhook_secrets", "signature", "whsec", "body", "payload", "description", "comment", "text", "title",
     "email", "old", "new"],
)  # fmt: skip
def test_secrets_and_texts_are_hidden_by_name(name: str) -> None:
    assert logs.redact(None, "", {name: "hunter2", "tool": "glpi"}) == {name: "***", "tool": "glpi"}


@pytest.mark.parametrize("name", ["tokens", "ticket", "tool", "reason", "attempts", "key", "route"])
def test_what_helps_is_kept(name: str) -> None:
    assert logs.redact(None, "", {name: "plain"}) == {name: "plain"}


@pytest.mark.parametrize(
    "text",
    ["GET https://user:hunter2@desk.example/", "Authorization: Bearer hunter2hunter2", "?session_token=hunter2&x=1",
     "password=hunter2", "{'client_secret': 'hunter2'}", "Basic aHVudGVyMjpodW50ZXIy"],
)  # fmt: skip
def test_secrets_inside_a_text_are_hidden_by_shape(text: str) -> None:
    shown = logs.redact(None, "", {"event": text})["event"]
    assert "hunter2" not in shown
    assert "aHVudGVy" not in shown
    assert "***" in shown


def test_our_tokens_and_webhook_secrets_are_hidden_wherever_they_are() -> None:
    shown = logs.clean_text("used sdc_abcdefghijklmnop and whsec_MfKQ9r8GKYqrTwjU")
    assert shown == "used sdc_*** and whsec_***"


def test_nested_values_bytes_and_secrets_are_hidden() -> None:
    event = {"request": {"headers": {"Authorization": "x"}, "list": [{"text": "y"}, b"abc"]}, "auth": Secret("hunter2")}
    assert logs.redact(None, "", event) == {
        "request": {"headers": {"Authorization": "***"}, "list": [{"text": "***"}, "<3 bytes>"]},
        "auth": "Secret(***)",
    }


def test_long_texts_are_cut() -> None:
    assert len(logs.redact(None, "", {"reason": "x" * 100_000})["reason"]) < 1100


def test_a_traceback_carries_no_local_variables(lines: io.StringIO) -> None:
    def fail(ticket_text: str) -> None:
        raise RuntimeError("broken")

    try:
        fail("dear service desk")
    except RuntimeError:
        structlog.get_logger("x").exception("failed")
    assert "dear service desk" not in lines.getvalue()
    assert told(lines)[0]["exception"][0]["exc_value"] == "broken"


def test_messages_of_the_standard_library_have_the_same_shape(lines: io.StringIO) -> None:
    logging.getLogger("other").warning("cannot reach %s", "https://a:hunter2@x/")
    (line,) = told(lines)
    assert (line["level"], line["logger"], line["event"]) == ("warning", "other", "cannot reach https://***@x/")


def test_an_id_given_by_the_caller_comes_back_and_is_in_the_log(app: Flask, lines: io.StringIO) -> None:
    answer = app.test_client().get("/readyz", headers={"X-Request-ID": "trace-12345"})
    assert answer.headers["X-Request-ID"] == "trace-12345"
    assert told(lines)[-1]["request_id"] == "trace-12345"


@pytest.mark.parametrize("given", ["", "short", "x" * 65, 'a"b{}<script>'])
def test_an_id_that_could_do_harm_is_replaced(app: Flask, given: str) -> None:
    assert len(app.test_client().get("/readyz", headers={"X-Request-ID": given}).headers["X-Request-ID"]) == 32


def test_the_log_names_the_route_and_not_the_address(app: Flask, lines: io.StringIO) -> None:
    app.test_client().get("/tickets/1?q=illness&token=hunter2")
    line = told(lines)[-1]
    assert line["route"] == "/tickets/<int:key>"
    assert "illness" not in lines.getvalue()


def test_a_sign_in_leaves_no_password_in_the_log(client: Browser, there: World, lines: io.StringIO) -> None:
    there.user("agent")
    client.sign_in("agent")
    client.sign_in("agent", "wrong but mine")
    assert PASSWORD not in lines.getvalue()
    assert "wrong but mine" not in lines.getvalue()


def test_an_unforeseen_error_is_logged_with_its_request(app: Flask, lines: io.StringIO) -> None:
    def broken() -> str:
        raise RuntimeError("inside")

    app.view_functions["health.ready"] = broken
    broken.__door__ = app.view_functions["health.alive"].__door__  # type: ignore[attr-defined]
    answer = app.test_client().get("/readyz")
    errors = [line for line in told(lines) if line["level"] == "error"]
    assert answer.status_code == 500
    assert errors[0]["request_id"] == answer.headers["X-Request-ID"]
