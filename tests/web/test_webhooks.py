"""A tool's webhook is verified first, believed never, and only makes us look again."""

from __future__ import annotations

import pytest
from flask import Flask

from tests.web.world import World

URL = "/api/v1/webhooks/tools/glpi"
GOOD = {"X-Signature": "good", "X-Message": "m-1"}


def hints(there: World) -> list[str]:
    with there.store.read() as tx:
        return sorted(id for id, _at in tx.hints("glpi", 10))


def test_a_verified_webhook_leaves_a_hint(app: Flask, there: World) -> None:
    assert app.test_client().post(URL, data=b"{}", headers=GOOD).status_code == 202
    assert hints(there) == ["7", "8"]


def test_a_repeat_is_accepted_and_does_nothing(app: Flask, there: World) -> None:
    client = app.test_client()
    client.post(URL, data=b"{}", headers=GOOD)
    with there.store.begin() as tx:
        tx.clear_hints("glpi", tx.hints("glpi", 10))
    assert client.post(URL, data=b"{}", headers=GOOD).status_code == 202
    assert hints(there) == []


def test_the_same_message_with_other_content_is_refused(app: Flask, there: World) -> None:
    client = app.test_client()
    client.post(URL, data=b"{}", headers=GOOD)
    assert client.post(URL, data=b"{ }", headers=GOOD).status_code == 409


@pytest.mark.parametrize("headers", [{}, {"X-Signature": "bad", "X-Message": "m"}])
def test_without_a_good_signature_nothing_happens(app: Flask, there: World, headers: dict[str, str]) -> None:
    assert app.test_client().post(URL, data=b"{}", headers=headers).status_code == 401
    assert hints(there) == []


def test_an_unknown_tool_answers_exactly_as_a_bad_signature(app: Flask, there: World) -> None:
    client = app.test_client()
    bad, unknown = client.post(URL, data=b"{}"), client.post(URL.replace("glpi", "nothing"), data=b"{}", headers=GOOD)
    assert bad.status_code == unknown.status_code == 401
    own = {"request_id": None, "instance": None}
    assert {**bad.json, **own} == {**unknown.json, **own}


def test_what_is_not_json_is_left_to_the_tools_own_check(app: Flask, there: World) -> None:
    assert app.test_client().post(URL, data=b"\xff\xfe{", headers=GOOD, content_type="text/plain").status_code == 202


def test_too_large_a_body_is_not_read(app: Flask, there: World) -> None:
    assert app.test_client().post(URL, data=b"x" * 1_100_000, headers=GOOD).status_code == 413
    assert there.vendor.parsed == 0


def test_no_form_secret_is_asked_of_a_tool(app: Flask, there: World) -> None:
    assert app.test_client().post(URL, data=b"{}", headers=GOOD).status_code == 202
