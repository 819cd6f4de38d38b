"""Suppliers' webhooks: proven first, strict, done once, durable before the answer, nobody else's business."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from standardwebhooks import Webhook

from connector.domain.handoffs.chain import EntryKind
from connector.web.suppliers import NOBODY, RATE
from tests.channels.endpoint import NEW, OLD
from tests.web.supplied import BETA, PATH, Desk, problem, supplied
from tests.web.world import World


@pytest.fixture
def desk(there: World, tmp_path: Path) -> Desk:
    return supplied(there, tmp_path)


def test_a_status_moves_the_handoff(desk: Desk) -> None:
    answer = desk.status("acknowledged", supplier_ticket="S-1", id="msg-1")
    assert answer.status_code == 202
    assert answer.json == {"message": "msg-1", "type": "handoff.status_changed", "handoff_id": desk.work["alpha"],
                           "known": True}
    assert (desk.handoff().state, desk.handoff().theirs) == ("acknowledged", "S-1")


def test_the_words_of_the_contract_are_understood(desk: Desk) -> None:
    assert desk.status("En cours").status_code == 202
    assert desk.handoff().state == "in_progress"


def test_a_message_signed_by_an_independent_library_is_taken(desk: Desk) -> None:
    body = json.dumps({"type": "handoff.comment_added", "data": {"handoff_id": desk.work["alpha"],
        "comment": "h\u00e9"}})
    at = desk.there.clock()
    headers = {"webhook-id": "lib", "webhook-timestamp": str(int(at.timestamp())),
               "webhook-signature": Webhook(NEW).sign("lib", at, body), "Content-Type": "application/json"}
    answer = desk.client.post(PATH.format("alpha"), data=body.encode(), headers=headers)
    assert answer.status_code == 202
    assert [entry.body["text"] for entry in desk.entries(EntryKind.COMMENT)] == ["h\u00e9"]


def test_during_a_rotation_both_secrets_are_good(desk: Desk) -> None:
    assert desk.status("acknowledged", secrets=(OLD,)).status_code == 202
    assert desk.status("in_progress", secrets=(NEW,)).status_code == 202
    assert desk.status("resolved", reason="done", secrets=(OLD, NEW)).status_code == 202


def test_the_same_message_again_gets_the_same_answer_and_has_one_effect(desk: Desk) -> None:
    said = {"comment": "hello", "id": "same"}
    first = desk.tell("handoff.comment_added", **said)
    assert desk.status("acknowledged").status_code == 202
    again = desk.tell("handoff.comment_added", **said)
    assert (first.status_code, first.data) == (again.status_code, again.data)
    assert len(desk.entries(EntryKind.COMMENT)) == 1


def test_a_repeat_is_taken_even_when_the_move_would_no_longer_be_allowed(desk: Desk) -> None:
    assert desk.status("acknowledged", id="a").status_code == 202
    assert desk.status("in_progress", id="b").status_code == 202
    assert desk.status("acknowledged", id="a").status_code == 202
    assert desk.handoff().state == "in_progress"


def test_the_same_id_for_other_content_is_refused(desk: Desk) -> None:
    assert desk.status("acknowledged", id="same").status_code == 202
    assert problem(desk.status("in_progress", id="same"), 409)["type"].endswith("clash")
    assert desk.handoff().state == "acknowledged"


def test_what_was_refused_may_come_again_mended_or_later(desk: Desk) -> None:
    problem(desk.status("resolved", id="early"), 409)
    assert desk.status("acknowledged").status_code == 202
    assert desk.status("resolved", reason="new disk", id="early").status_code == 202


def test_two_suppliers_may_use_the_same_message_id(desk: Desk) -> None:
    assert desk.status("acknowledged", id="same").status_code == 202
    assert desk.status("acknowledged", name="beta", id="same").status_code == 202


def test_a_move_that_is_not_allowed_is_a_conflict_that_tells_what_is(desk: Desk) -> None:
    told = problem(desk.status("waiting_customer", reason="x"), 409)
    assert told["type"].endswith("illegal-move")
    assert "acknowledge" in told["errors"][0]["detail"]
    assert desk.handoff().state == "offered"


def test_an_unknown_status_is_told_with_its_place(desk: Desk) -> None:
    assert problem(desk.status("teleported"), 422)["errors"][0]["pointer"] == "/data/status"


def test_missing_words_are_told(desk: Desk) -> None:
    told = problem(desk.status("declined"), 422)
    assert "reason" in json.dumps(told)


def test_a_wrong_shape_is_told_with_every_place(desk: Desk) -> None:
    told = problem(desk.tell("handoff.comment_added", comment=7, author=[]), 422)
    assert [error["pointer"] for error in told["errors"]] == ["/data/comment", "/data/author"]


def test_what_is_not_theirs_and_what_is_not_there_look_the_same(desk: Desk) -> None:
    own = {"request_id": None, "instance": None}
    others = problem(desk.status("acknowledged", handoff=desk.work["beta"]), 404)
    nobodys = problem(desk.status("acknowledged", handoff="ho-nothing"), 404)
    assert {**others, **own} == {**nobodys, **own}
    assert desk.handoff("beta").state == "offered"


def test_the_key_of_one_supplier_opens_no_door_of_another(desk: Desk) -> None:
    problem(desk.tell("handoff.status_changed", name="beta", status="acknowledged", secrets=(NEW,)), 401)
    problem(desk.status("acknowledged", secrets=(BETA,)), 401)
    assert desk.handoff("beta").state == desk.handoff().state == "offered"


def test_an_unknown_supplier_answers_exactly_as_a_wrong_signature(desk: Desk) -> None:
    own = {"request_id": None, "instance": None}
    unknown = problem(desk.post(b"{}", "nobody"), 401)
    wrong = problem(desk.post(b"{}", secrets=(BETA,)), 401)
    assert {**unknown, **own} == {**wrong, **own}


def test_a_type_nobody_knows_is_recorded_and_taken(desk: Desk) -> None:
    answer = desk.tell("handoff.satellite_launched", orbit="low")
    assert (answer.status_code, answer.json["known"]) == (202, False)
    assert len(desk.entries(EntryKind.RECEIVED)) == 1
    assert desk.tell("ping", handoff="nothing").status_code == 202


@pytest.mark.parametrize("late", [301, -301, 86400])
def test_an_old_or_early_message_is_not_believed(desk: Desk, late: float) -> None:
    problem(desk.status("acknowledged", late=late), 401)
    assert desk.status("acknowledged", late=299).status_code == 202


def test_who_has_a_wrong_clock_is_told_so_and_nobody_else_is(desk: Desk) -> None:
    told = problem(desk.status("acknowledged", late=600), 401)
    assert told["type"].endswith("clock")
    assert "-600 seconds" in told["detail"]
    plain = problem(desk.status("acknowledged", late=600, secrets=(BETA,)), 401)
    assert "clock" not in plain["type"] + plain["detail"]
    nobody = problem(desk.post(b"{}", "nobody", late=600, secrets=(NOBODY,)), 401)
    assert nobody["detail"] == plain["detail"]


@pytest.mark.parametrize("missing", ["webhook-id", "webhook-timestamp", "webhook-signature"])
def test_every_header_is_needed(desk: Desk, missing: str) -> None:
    problem(desk.status("acknowledged", headers={missing: ""}), 401)


@pytest.mark.parametrize("headers", [
    {"webhook-id": "a.b"}, {"webhook-id": "x" * 300}, {"webhook-timestamp": "1e9"}, {"webhook-timestamp": "\u0661"},
    {"webhook-timestamp": "+1772442000"}, {"webhook-signature": "v1,"}, {"webhook-signature": "v1a,abc"},
    {"webhook-signature": "v1,\u00e9\u00e9"}, {"webhook-signature": ", ,v1"}, {"webhook-signature": "v1,=" * 5000}])
def test_odd_headers_are_a_wrong_signature(desk: Desk, headers: dict[str, str]) -> None:
    given = {name: value.encode().decode("latin-1") for name, value in headers.items()}
    problem(desk.status("acknowledged", headers=given), 401)


@pytest.mark.parametrize(("body", "status"), [
    (b" ", 400), (b"{", 400), (b"\xef\xbb\xbf{}", 400), ("{}".encode("utf-16"), 400), (b'{"a":NaN}', 400),
    (b'{"a":1e400}', 400), (b'{"type":"x","type":"y"}', 400), (b'{"a":"\\ud800"}', 400), (b"[" * 100_000, 400),
    (b'{"a":%s}' % (b"9" * 5000), 400), (b"\xff", 400), (b"[]", 422), (b"null", 422), (b'"x"', 422), (b"{}", 422)])
def test_what_is_not_strict_json_is_refused_after_the_signature(desk: Desk, body: bytes, status: int) -> None:
    problem(desk.post(body), status)
    problem(desk.post(body, secrets=(BETA,)), 401)


def test_only_json_is_taken(desk: Desk) -> None:
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "",
                 "application/json; charset=utf-16", "application/jsonp", "application/xml"):
        problem(desk.status("acknowledged", headers={"Content-Type": kind}), 415)
    assert desk.status("acknowledged", headers={"Content-Type": "application/json; charset=UTF-8"}).status_code == 202


def test_a_compressed_body_is_not_taken(desk: Desk) -> None:
    problem(desk.post(gzip.compress(b"{}" * 1000), headers={"Content-Encoding": "gzip"}), 415)


def test_the_length_must_be_told_and_small(desk: Desk) -> None:
    problem(desk.client.post(PATH.format("alpha"), headers={"Content-Type": "application/json"}), 411)
    problem(desk.post(b" " * (1024 * 1024 + 1)), 413)


def test_only_so_many_a_minute(desk: Desk) -> None:
    desk.app.extensions[RATE].burst = 3
    statuses = [desk.tell("ping").status_code for _ in range(5)]
    assert statuses == [202, 202, 202, 429, 429]
    told = desk.tell("ping")
    assert int(told.headers["Retry-After"]) >= 1
    assert desk.status("acknowledged", name="beta").status_code == 202, "others are not held up"
    desk.there.clock.move(minutes=1)
    assert desk.tell("ping").status_code == 202


def test_what_is_not_signed_counts_against_nobody(desk: Desk) -> None:
    desk.app.extensions[RATE].burst = 3
    for _ in range(5):
        problem(desk.post(b"{}", secrets=(BETA,)), 401)
    assert desk.tell("ping").status_code == 202


def test_a_comment_with_the_same_id_of_theirs_is_one_comment(desk: Desk) -> None:
    for id in ("m-a", "m-b"):
        assert desk.tell("handoff.comment_added", comment="hello", comment_id="c1", id=id).status_code == 202
    assert len(desk.entries(EntryKind.COMMENT)) == 1


def test_a_file_inside_the_message_is_kept_by_its_content(desk: Desk) -> None:
    raw = b"trace\n"
    file = {"name": "trace.txt", "sha256": hashlib.sha256(raw).hexdigest(), "size": len(raw),
            "content": base64.b64encode(raw).decode()}
    assert desk.tell("handoff.attachment_added", attachments=[file]).status_code == 202
    (entry,) = desk.entries(EntryKind.FILE)
    assert (entry.body["name"], entry.body["sha256"]) == ("trace.txt", file["sha256"])
    folder = desk.there.services.deps.options["files"]
    assert (folder / str(file["sha256"])).read_bytes() == raw


def test_a_file_that_is_not_what_it_says_is_refused(desk: Desk) -> None:
    file = {"name": "a", "sha256": "a" * 64, "size": 1, "content": "YQ=="}
    problem(desk.tell("handoff.attachment_added", attachments=[file]), 422)
    assert desk.entries(EntryKind.FILE) == []


def test_a_link_that_can_never_be_called_is_refused_at_once(desk: Desk) -> None:
    files = [{"name": "a", "sha256": "a" * 64, "size": 1, "url": url} for url in (
        "https://files.partner.example/a", "http://files.partner.example/a", "https://user:pw@partner.example/a",
        "https://localhost/a", "file:///etc/passwd", "https://partner.example:22/a")]
    told = problem(desk.tell("handoff.attachment_added", attachments=files), 422)
    assert [error["pointer"] for error in told["errors"]] == [f"/data/attachments/{n}/url" for n in range(1, 6)]
    assert "pw" not in json.dumps(told)


def test_a_dispute_is_opened(desk: Desk) -> None:
    assert desk.status("acknowledged").status_code == 202
    assert desk.tell("handoff.dispute_opened", reason="not in our contract").status_code == 202
    assert desk.handoff().state == "disputed"


def test_the_ticket_remembers_who_did_it(desk: Desk) -> None:
    desk.status("acknowledged")
    with desk.there.store.read() as tx:
        events = tx.history([desk.handoff().ticket])[desk.handoff().ticket]
    assert [event.role for event in events if event.kind == "handoff"][-1] == "supplier"


def test_no_secret_or_body_is_logged(desk: Desk, capfd: pytest.CaptureFixture[str]) -> None:
    desk.tell("handoff.comment_added", comment="very private words")
    desk.tell("handoff.comment_added", comment="very private words", secrets=(BETA,))
    told = "".join(capfd.readouterr())
    assert "private" not in told
    assert "whsec" not in told


def test_other_methods_and_doors_stay_shut(desk: Desk) -> None:
    for method in ("get", "put", "patch", "delete"):
        assert getattr(desk.client, method)(PATH.format("alpha")).status_code == 405


JSON = st.recursive(st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=5),
                    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3))
STATUSES = ("acknowledged", "declined", "in_progress", "waiting_customer", "resolved", "handed_back", "disputed", "x")


def test_whatever_a_supplier_sends_is_answered_as_described(desk: Desk) -> None:
    messages: Callable[..., Any] = st.fixed_dictionaries
    said = messages({"type": st.sampled_from(["handoff.status_changed", "handoff.comment_added", "x"]) | JSON,
                     "data": messages({"handoff_id": st.just(desk.work["alpha"]) | JSON,
                                       "status": st.sampled_from(STATUSES) | JSON, "reason": st.text(max_size=5) | JSON,
                                       "comment": JSON, "attachments": JSON})})
    desk.app.extensions[RATE].burst = 10**6

    @settings(max_examples=80, derandomize=True, deadline=None, database=None,
              suppress_health_check=list(HealthCheck))
    @given(said)
    def holds(message: Any) -> None:
        answer = desk.post(json.dumps(message).encode())
        assert answer.status_code in (202, 404, 409, 422, 400)

    holds()
