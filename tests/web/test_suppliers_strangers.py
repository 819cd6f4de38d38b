"""What one supplier learns of another's work, and a stranger of anything: nothing, whatever they send."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import TestResponse

from connector.domain.handoffs.chain import EntryKind
from connector.domain.signing import sign
from connector.web.suppliers import NOBODY
from tests.web.supplied import PATH, Desk, problem, supplied
from tests.web.world import World

OWN = ("X-Request-ID", "Date", "Content-Length")
"""Headers that differ between any two answers (the address is told in the body)."""
FILE = {"name": "a", "sha256": hashlib.sha256(b"x").hexdigest(), "size": 1}


@pytest.fixture
def desk(there: World, tmp_path: Path) -> Desk:
    return supplied(there, tmp_path)


def seen(response: TestResponse) -> tuple[int, dict[str, Any], dict[str, str]]:
    body = {name: value for name, value in response.get_json().items() if name not in ("request_id", "instance")}
    return response.status_code, body, {name: value for name, value in response.headers.items() if name not in OWN}


@pytest.mark.parametrize(("kind", "more"), [
    ("handoff.status_changed", {"status": "acknowledged"}),
    ("handoff.status_changed", {"status": "no such status"}),
    ("handoff.status_changed", {"status": "resolved"}),
    ("handoff.comment_added", {"comment": "x", "fields": {"priority": "no such priority"}}),
    ("handoff.dispute_opened", {"reason": "x"}),
    ("handoff.attachment_added", {"attachments": [{**FILE, "content": base64.b64encode(b"x").decode()}]}),
    ("handoff.attachment_added", {"attachments": [{**FILE, "url": "https://files.example/a"}]}),
])
def test_work_of_somebody_else_answers_as_work_that_is_not_there(desk: Desk, kind: str, more: dict[str, Any]) -> None:
    other = desk.work["beta"]
    theirs, nobodys = (desk.tell(kind, handoff=id, **more) for id in (other, other[:-1] + "_"))
    problem(theirs, 404)
    assert seen(theirs) == seen(nobodys)
    assert desk.handoff("beta").state == "offered"
    assert all(desk.entries(one, "beta") == [] for one in (EntryKind.COMMENT, EntryKind.FILE, EntryKind.EDITED))


def test_a_message_of_unknown_type_tells_nothing_and_writes_nothing_in_the_work_of_somebody_else(desk: Desk) -> None:
    theirs, nobodys = (desk.tell("hello", handoff=id) for id in (desk.work["beta"], "nothing"))
    assert (theirs.status_code, nobodys.status_code) == (202, 202)
    assert desk.entries(EntryKind.RECEIVED, "beta") == []


@pytest.mark.parametrize("secret", ["whsec_" + "A" * 40, NOBODY, None])
def test_a_name_nobody_has_answers_a_stranger_as_any_other(desk: Desk, secret: str | None) -> None:
    """Also to who signs with the secret that is checked for such names: everybody can read it in the source."""
    signed = sign("m", desk.there.clock(), b"{}", (secret,)) if secret else {}
    answers = [desk.client.post(PATH.format(name), data=b"{}", headers={"Content-Type": "application/json", **signed})
               for name in ("alpha", "omega")]
    problem(answers[0], 401)
    assert seen(answers[0]) == seen(answers[1])


@pytest.mark.parametrize("body", [b'{"type": "ping"}',
                                  b'{"type": "handoff.closed", "timestamp": "yesterday", "data": 5}'])
def test_a_type_nobody_knows_may_look_as_it_likes_and_is_still_one_message(desk: Desk, body: bytes) -> None:
    first, again = desk.post(body, id="m"), desk.post(body, id="m")
    assert (first.status_code, again.status_code, first.data) == (202, 202, again.data)
    problem(desk.post(body + b" ", id="m"), 409)


def test_a_link_to_an_inner_address_is_refused_at_once(desk: Desk) -> None:
    told = problem(desk.tell("handoff.attachment_added", attachments=[{**FILE, "url": "https://127.0.0.1/a"}]), 422)
    assert told["errors"][0]["pointer"] == "/data/attachments/0/url"


def test_a_move_that_is_refused_takes_its_words_and_files_with_it(desk: Desk) -> None:
    file = {**FILE, "content": base64.b64encode(b"x").decode()}
    problem(desk.status("resolved", reason="done", comment="see file", supplier_ticket="S-1", attachments=[file]), 409)
    assert desk.handoff().theirs == ""
    assert desk.entries(EntryKind.COMMENT) == desk.entries(EntryKind.FILE) == []
