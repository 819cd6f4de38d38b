"""Handoffs in the REST API."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import TestResponse

from connector.domain.handoffs.chain import EntryKind
from connector.web.rights import Right
from tests.web.supplied import PROFILE, Desk, problem, supplied
from tests.web.world import World

API = "/api/v1"


@pytest.fixture
def desk(there: World, tmp_path: Path) -> Desk:
    return supplied(there, tmp_path)


@pytest.fixture
def token(desk: Desk) -> dict[str, str]:
    return desk.there.token(Right.HANDOFFS_READ, Right.HANDOFFS_WRITE, Right.TICKETS_READ)


def post(desk: Desk, path: str, token: dict[str, str], once: str = "", match: str = "", **given: Any) -> TestResponse:
    headers = {**token, **({"Idempotency-Key": once} if once else {}), **({"If-Match": match} if match else {})}
    return desk.client.post(API + path, json=given, headers=headers)


def test_a_ticket_is_handed_over_once_however_often_it_is_sent(desk: Desk, token: dict[str, str]) -> None:
    path = f"/tickets/{desk.there.keys['8']}/handoffs"
    first = post(desk, path, token, "order-1", receiver="alpha", reason="disk is full", severity="Sev 1")
    assert first.status_code == 201
    assert (first.json["state"], first.json["turn"], first.json["severity"]) == ("offered", "theirs", "Sev 1")
    again = post(desk, path, token, "order-1", receiver="alpha", reason="disk is full", severity="Sev 1")
    assert (again.status_code, again.data) == (201, first.data)
    assert again.headers["Idempotency-Replayed"] == "true"
    problem(post(desk, path, token, "order-1", receiver="beta", reason="other"), 422)
    assert desk.client.get(first.headers["Location"], headers=token).json["id"] == first.json["id"]
    listed = desk.client.get(f"{API}/handoffs?view=offered&receiver=alpha", headers=token).json["items"]
    assert len(listed) == 2


def test_moves_of_ours_and_of_theirs_meet(desk: Desk, token: dict[str, str]) -> None:
    path = f"/handoffs/{desk.work['alpha']}/moves"
    told = problem(post(desk, path, token, move="accept"), 409)
    assert "withdraw" in told["errors"][0]["detail"]
    assert desk.status("resolved", reason="x").status_code == 409
    assert desk.status("in_progress").status_code == 202
    assert desk.status("resolved", reason="new disk").status_code == 202
    assert post(desk, path, token, move="reject", reason="still full").json["rejections"] == 1
    assert desk.status("resolved", reason="bigger disk").status_code == 202
    assert post(desk, path, token, move="accept").json["state"] == "accepted"
    history = desk.client.get(f"{API}/handoffs/{desk.work['alpha']}/history", headers=token).json
    assert history["whole"] is True
    assert [item["body"]["move"] for item in history["items"] if item["kind"] == "moved"] == [
        "offer", "start", "propose_resolution", "reject", "propose_resolution", "accept"]


def test_a_move_whose_answer_was_lost_with_its_process_is_made_once_and_answered(
        desk: Desk, token: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """The process dies between the move and keeping its answer: minutes later the same request comes again."""
    path = f"/handoffs/{desk.work['alpha']}/moves"
    assert desk.status("in_progress").status_code == 202
    assert desk.status("resolved", reason="new disk").status_code == 202
    with monkeypatch.context() as dying:
        dying.setattr(desk.there.services.answers, "finish", lambda *_: None)
        assert post(desk, path, token, "accept-1", move="accept").json["state"] == "accepted"
    problem(post(desk, path, token, "accept-1", move="accept"), 409)
    desk.there.clock.move(minutes=3)
    again = post(desk, path, token, "accept-1", move="accept")
    assert (again.status_code, again.json["state"]) == (200, "accepted")
    assert [entry.body["move"] for entry in desk.entries(EntryKind.MOVED)].count("accept") == 1
    problem(post(desk, path, token, "accept-2", move="accept"), 409)


def test_a_move_may_insist_on_what_was_read(desk: Desk, token: dict[str, str]) -> None:
    path = f"/handoffs/{desk.work['alpha']}"
    tag = desk.client.get(API + path, headers=token).headers["ETag"]
    assert desk.status("in_progress").status_code == 202
    problem(post(desk, f"{path}/moves", token, match=tag, move="withdraw", reason="x"), 412)
    tag = desk.client.get(API + path, headers=token).headers["ETag"]
    assert post(desk, f"{path}/moves", token, match=tag, move="withdraw", reason="x").json["state"] == "closed"


def test_words_that_lack_are_told(desk: Desk, token: dict[str, str]) -> None:
    desk.status("in_progress")
    desk.status("resolved", reason="done")
    assert "reason" in problem(post(desk, f"/handoffs/{desk.work['alpha']}/moves", token, move="reject"), 422)["detail"]
    problem(post(desk, f"/handoffs/{desk.work['alpha']}/moves", token, move="teleport"), 422)
    problem(post(desk, f"/tickets/{desk.there.keys['8']}/handoffs", token, receiver="nobody", reason="x"), 422)
    problem(post(desk, f"/tickets/{desk.there.keys['8']}/handoffs", token, receiver="alpha"), 422)
    problem(post(desk, "/tickets/999999/handoffs", token, receiver="alpha", reason="x"), 404)


def test_a_comment_with_an_idempotency_key_is_one_comment(desk: Desk, token: dict[str, str]) -> None:
    path = f"/handoffs/{desk.work['alpha']}/comments"
    for _ in range(2):
        assert post(desk, path, token, "c-1", text="any news?").status_code == 200
    history = desk.client.get(f"{API}/handoffs/{desk.work['alpha']}/history", headers=token).json["items"]
    assert [item["body"]["text"] for item in history if item["kind"] == "comment"] == ["any news?"]


def test_no_decision_is_taken_that_is_not_due(desk: Desk, token: dict[str, str]) -> None:
    problem(post(desk, f"/handoffs/{desk.work['alpha']}/decision", token, choice="keep", reason="x"), 409)


def test_what_is_not_there(desk: Desk, token: dict[str, str]) -> None:
    for path in ("/handoffs/nothing", "/handoffs/nothing/history"):
        problem(desk.client.get(API + path, headers=token), 404)
    for path in ("moves", "comments", "decision"):
        given = {"moves": {"move": "accept"}, "comments": {"text": "x"}, "decision": {"choice": "keep", "reason": "x"}}
        problem(post(desk, f"/handoffs/nothing/{path}", token, **given[path]), 404)


def test_rights_are_asked_for(desk: Desk) -> None:
    reading = desk.there.token(Right.HANDOFFS_READ)
    assert desk.client.get(f"{API}/handoffs", headers=reading).status_code == 200
    problem(post(desk, f"/handoffs/{desk.work['alpha']}/moves", reading, move="accept"), 403)
    problem(desk.client.get(f"{API}/handoffs", headers=desk.there.token(Right.TICKETS_READ)), 403)
    problem(desk.client.get(f"{API}/handoffs"), 401)


def test_who_can_be_given_work_is_listed(desk: Desk, token: dict[str, str]) -> None:
    found = desk.client.get(f"{API}/receivers", headers=token).json["items"]
    assert found[0] == {"name": "alpha", "title": "alpha", "kind": "supplier", "contract": "alpha-uc", "active": True}


def test_a_look_at_what_a_security_team_has_is_recorded(there: World, tmp_path: Path) -> None:
    desk = supplied(there, tmp_path)
    text = PROFILE.format(name="beta", variable="BETA").replace("kind: supplier", "kind: security\n  tlp: amber")
    (tmp_path / "sla_profiles/suppliers/beta.yaml").write_text(text)
    token = there.token(Right.HANDOFFS_READ)
    for path in ("", "/history"):
        assert desk.client.get(f"{API}/handoffs/{desk.work['beta']}{path}", headers=token).status_code == 200
    history = desk.client.get(f"{API}/handoffs/{desk.work['beta']}/history", headers=token).json
    assert [item["kind"] for item in history["items"]].count("access") == 3
    assert history["whole"] is True
