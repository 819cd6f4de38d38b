"""The REST API: shapes, pages, preconditions, repeats, and errors that programs can read."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from connector.domain.errors import TryLater
from connector.domain.ticket import AttachmentInfo
from connector.flows import editing
from connector.store.views import TicketDetail
from connector.web.rights import Right
from tests.web.conftest import app_of
from tests.web.world import World

T = "/api/v1/tickets"


@pytest.fixture
def api(app: Flask, there: World) -> FlaskClient:
    """A client whose token may do everything."""
    client = app.test_client()
    client.environ_base["HTTP_AUTHORIZATION"] = there.token(*Right)["Authorization"]
    return client


def problem(answer: Any, status: int) -> dict[str, Any]:
    assert answer.status_code == status, answer.get_data(as_text=True)
    assert answer.content_type == "application/problem+json"
    assert answer.json["status"] == status
    assert answer.json["title"]
    assert answer.json["request_id"] == answer.headers["X-Request-ID"]
    found: dict[str, Any] = answer.json
    return found


# errors


def test_what_is_not_there_is_a_problem(api: FlaskClient) -> None:
    problem(api.get("/api/v1/nothing"), 404)
    problem(api.get(f"{T}/999999"), 404)
    problem(api.get(f"{T}/{10**30}"), 404)


def test_a_wrong_method_is_a_problem_that_names_the_right_ones(api: FlaskClient) -> None:
    answer = api.delete(T)
    problem(answer, 405)
    assert "GET" in answer.headers["Allow"]


def test_too_large_a_body_is_a_problem(api: FlaskClient) -> None:
    problem(api.post(T, data=b'"' + b"x" * 1_100_000 + b'"', content_type="application/json"), 413)


def test_a_body_that_is_not_json_is_a_problem(api: FlaskClient) -> None:
    problem(api.post(T, data="tool=glpi", content_type="application/x-www-form-urlencoded"), 415)
    problem(api.post(T, data="{", content_type="application/json"), 400)


def test_an_unforeseen_error_tells_nothing_of_its_inside(app: Flask, there: World, api: FlaskClient) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("password=hunter2")

    object.__setattr__(there.services.queries, "documents", broken)
    told = problem(api.get(T), 500)
    assert "hunter2" not in str(told)
    assert "detail" not in told


def test_a_store_that_cannot_answer_says_when_to_come_back(there: World, api: FlaskClient) -> None:
    def busy(*_: object, **__: object) -> None:
        raise TryLater("the store cannot answer now")

    object.__setattr__(there.services.queries, "documents", busy)
    answer = api.get(T)
    assert problem(answer, 503)["type"].endswith(":try-later")
    assert answer.headers["Retry-After"] == "30"


def test_all_wrong_values_are_named_at_once(api: FlaskClient) -> None:
    told = problem(api.get(f"{T}?limit=0&state=open&sort=x"), 422)
    assert {item["pointer"].split("/")[1] for item in told["errors"]} == {"limit", "state", "sort"}


def test_a_misspelt_filter_is_refused(api: FlaskClient) -> None:
    told = problem(api.get(f"{T}?statte=new"), 422)
    assert told["errors"][0]["pointer"] == "/statte"


# tickets


def test_all_pages_together_give_every_ticket_once(api: FlaskClient, there: World) -> None:
    seen, url = [], f"{T}?limit=10&sort=number"
    while url:
        answer = api.get(url)
        seen += [item["key"] for item in answer.json["items"]]
        link = answer.headers.get("Link")
        url = link.split(">")[0].lstrip("<") if link else ""
        assert (answer.json["next"] is not None) == bool(link)
    assert sorted(seen) == sorted(there.keys.values())


def test_a_foreign_cursor_is_refused(api: FlaskClient) -> None:
    cursor = api.get(f"{T}?limit=1&sort=number").json["next"]
    problem(api.get(f"{T}?limit=1&sort=updated&cursor={cursor}"), 422)
    problem(api.get(f"{T}?cursor=made-up"), 422)


def test_filters_hold_together_and_values_of_one_field_are_alternatives(api: FlaskClient) -> None:
    items = api.get(f"{T}?state=new&state=pending&group=Workplace&limit=200").json["items"]
    assert items
    assert {item["state"] for item in items} <= {"new", "pending"}
    assert {item["group"] for item in items} == {"Workplace"}


def test_a_ticket_shows_what_we_want_and_that_it_is_on_its_way(api: FlaskClient, there: World) -> None:
    told = api.get(f"{T}/{there.keys['1']}").json
    assert (told["state"], told["pending_on"], told["on_its_way"]) == ("pending", "supplier", True)
    assert told["opened_at"] == "2026-03-02T04:00:00+00:00"
    assert told["custom"] == {"cost_centre": "4711"}


def test_an_unchanged_ticket_is_not_sent_again(api: FlaskClient, there: World) -> None:
    first = api.get(f"{T}/{there.keys['2']}")
    again = api.get(f"{T}/{there.keys['2']}", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")


def test_history_is_told_oldest_first(api: FlaskClient, there: World) -> None:
    told = api.get(f"{T}/{there.keys['1']}/history").json
    times = [item["at"] for item in told["items"]]
    assert times == sorted(times)
    assert told["complete"] is True


def test_a_change_needs_the_version_it_was_made_on(api: FlaskClient, there: World) -> None:
    url = f"{T}/{there.keys['2']}"
    tag = api.get(url).headers["ETag"]
    problem(api.patch(url, json={"fields": {"title": "x"}}), 428)
    problem(api.patch(url, json={"fields": {"title": "x"}}, headers={"If-Match": '"other"'}), 412)
    done = api.patch(url, json={"fields": {"title": "Toner is here"}}, headers={"If-Match": tag})
    assert (done.status_code, done.json["title"], done.json["on_its_way"]) == (202, "Toner is here", True)
    assert done.headers["ETag"] != tag
    problem(api.patch(url, json={"fields": {"title": "y"}}, headers={"If-Match": tag}), 412)


def test_a_ticket_that_moves_between_check_and_change_is_not_changed(
    api: FlaskClient, there: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"{T}/{there.keys['2']}"
    headers = {"If-Match": api.get(url).headers["ETag"]}

    def meanwhile(detail: TicketDetail) -> None:
        editing.edit(there.services.deps, detail.key, {"title": "Theirs"}, "user:other")

    monkeypatch.setattr("connector.web.api.tickets.check_precondition", meanwhile)
    problem(api.patch(url, json={"fields": {"title": "Mine"}}, headers=headers), 412)
    assert api.get(url).json["title"] == "Theirs"


def test_a_change_is_enqueued_for_its_tool_and_audited(api: FlaskClient, there: World) -> None:
    url = f"{T}/{there.keys['2']}"
    api.patch(url, json={"fields": {"title": "New"}}, headers={"If-Match": api.get(url).headers["ETag"]})
    (row,) = api.get(f"/api/v1/deliveries?ticket={there.keys['2']}").json["items"]
    assert (row["target"], row["verb"], row["state"]) == ("glpi", "update", "waiting")
    assert api.get("/api/v1/audit?action=edit").json["items"][0]["actor"].startswith("token:")


def test_a_field_the_tool_owns_is_refused_with_the_reason(api: FlaskClient, there: World) -> None:
    url = f"{T}/{there.keys['2']}"
    headers = {"If-Match": api.get(url).headers["ETag"]}
    told = problem(api.patch(url, json={"fields": {"number": "1"}}, headers=headers), 422)
    assert "number cannot be edited" in told["detail"]
    assert told["type"].endswith(":refused")
    told = problem(api.patch(url, json={"fields": {"customer": "x"}}, headers=headers), 422)
    assert "customer belongs to glpi" in told["detail"]


def test_values_that_are_not_ours_are_named(api: FlaskClient, there: World) -> None:
    url = f"{T}/{there.keys['2']}"
    headers = {"If-Match": api.get(url).headers["ETag"]}
    fields = {"state": "opened", "due_at": "tomorrow", "title": {"a": 1}}
    told = problem(api.patch(url, json={"fields": fields}, headers=headers), 422)
    assert told["errors"][0]["pointer"].startswith("/fields/title")
    fields.pop("title")
    told = problem(api.patch(url, json={"fields": fields}, headers=headers), 422)
    assert {item["pointer"] for item in told["errors"]} == {"/fields/state", "/fields/due_at"}


def test_a_ticket_is_created_once_however_often_it_is_sent(api: FlaskClient) -> None:
    draft = {"tool": "glpi", "kind": "incident", "fields": {"title": "Door is open"}}
    answers = [api.post(T, json=draft, headers={"Idempotency-Key": "k-1"}) for _ in range(3)]
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.json["key"] for answer in answers}) == 1
    assert len({answer.headers["Location"] for answer in answers}) == 1
    assert [answer.headers.get("Idempotency-Replayed") for answer in answers] == [None, "true", "true"]
    assert len(api.get(f"{T}?text=door+is+open").json["items"]) == 1


def test_a_key_used_for_another_request_is_refused(api: FlaskClient) -> None:
    draft = {"tool": "glpi", "kind": "incident", "fields": {"title": "One"}}
    headers = {"Idempotency-Key": "k-2"}
    assert api.post(T, json=draft, headers=headers).status_code == 202
    other = {**draft, "fields": {"title": "Two"}}
    assert problem(api.post(T, json=other, headers=headers), 422)["type"].endswith(":key-reused")


def test_keys_of_different_callers_do_not_meet(app: Flask, there: World, api: FlaskClient) -> None:
    draft = {"tool": "glpi", "kind": "incident", "fields": {"title": "One"}}
    mine = api.post(T, json=draft, headers={"Idempotency-Key": "k"}).json["key"]
    other = {"Idempotency-Key": "k", **there.token("tickets:write", "tickets:read")}
    assert app.test_client().post(T, json=draft, headers=other).json["key"] != mine


def test_a_refused_request_may_be_sent_again_with_the_same_key(api: FlaskClient) -> None:
    headers = {"Idempotency-Key": "k-3"}
    problem(api.post(T, json={"tool": "nowhere", "kind": "incident", "fields": {"title": "x"}}, headers=headers), 422)
    good = {"tool": "glpi", "kind": "incident", "fields": {"title": "x"}}
    assert api.post(T, json=good, headers=headers).status_code == 202


def test_a_comment_is_added_once(api: FlaskClient, there: World) -> None:
    url = f"{T}/{there.keys['2']}/comments"
    for _ in range(2):
        answer = api.post(url, json={"text": "Hello", "public": True}, headers={"Idempotency-Key": "c-1"})
        assert answer.status_code == 202
    items = api.get(f"{T}/{there.keys['2']}/history").json["items"]
    assert [item["text"] for item in items if item["kind"] == "commented"] == ["Hello"]
    problem(api.post(url, json={"text": ""}), 422)


# attachments


def test_an_attachment_is_streamed_as_a_download(api: FlaskClient, there: World) -> None:
    info = AttachmentInfo(id="9", name='résumé "x".html', media_type="text/html", size=5)
    there.vendor.files = {"9": (info, b"<b>x</b>")}
    (item,) = api.get(f"{T}/{there.keys['1']}/attachments").json["items"]
    answer = api.get(item["href"])
    assert answer.data == b"<b>x</b>"
    assert answer.content_type == "application/octet-stream"
    assert answer.headers["Content-Disposition"].startswith("attachment;")
    assert "filename*=UTF-8''r%C3%A9sum%C3%A9" in answer.headers["Content-Disposition"]
    assert "sandbox" in answer.headers["Content-Security-Policy"]


def test_an_attachment_that_is_gone_is_a_problem_and_not_half_a_file(api: FlaskClient, there: World) -> None:
    there.vendor.files = {"refused": (AttachmentInfo(id="refused", name="x"), b"")}
    problem(api.get(f"{T}/{there.keys['1']}/attachments/refused"), 422)
    problem(api.get(f"{T}/{there.keys['1']}/attachments/other"), 404)


# operations


def test_dead_deliveries_are_tried_again_and_dropped(api: FlaskClient) -> None:
    (dead,) = api.get("/api/v1/deliveries?state=dead").json["items"]
    assert "sn_incident_write" in dead["reason"]
    assert api.post("/api/v1/deliveries/retry", json={"ids": [dead["id"]]}).json == {"count": 1}
    assert api.get(f"/api/v1/deliveries/{dead['id']}").json["state"] == "waiting"
    assert api.post(f"/api/v1/deliveries/{dead['id']}/drop").status_code == 204
    assert api.get(f"/api/v1/deliveries/{dead['id']}").json["state"] == "dropped"
    problem(api.post(f"/api/v1/deliveries/{dead['id']}/drop"), 409)
    problem(api.post("/api/v1/deliveries/retry", json={}), 422)
    problem(api.post("/api/v1/deliveries/999/drop"), 404)


def test_no_payload_of_a_delivery_is_told(api: FlaskClient) -> None:
    assert "Please call us back" not in api.get("/api/v1/deliveries").get_data(as_text=True)
    assert "payload" not in api.get("/api/v1/deliveries/1").json


def test_quarantined_tickets_are_read_again_when_asked(api: FlaskClient, there: World) -> None:
    items = api.get("/api/v1/quarantine?tool=glpi").json["items"]
    assert [item["ticket"] for item in items] == ["812", "813"]
    assert "unknown value '9'" in items[0]["problems"][0]
    assert api.post("/api/v1/quarantine/retry", json={"tool": "glpi", "tickets": ["812"]}).status_code == 202
    with there.store.read() as tx:
        assert [id for id, _at in tx.hints("glpi", 10)] == ["812"]
    problem(api.post("/api/v1/quarantine/retry", json={"tool": "x", "tickets": ["1"]}), 422)


def test_tools_tell_how_they_are(api: FlaskClient) -> None:
    told = {item["tool"]: item for item in api.get("/api/v1/tools").json["items"]}
    assert told["glpi"]["reachable"] is True
    assert (told["glpi"]["sending"]["state"], told["servicenow"]["sending"]["state"]) == ("closed", "open")
    assert told["servicenow"]["reachable"] is False
    assert told["servicenow"]["skew_seconds"] == -95
    assert told["servicenow"]["error_rate"] == pytest.approx(24 / 324)
    assert api.get("/api/v1/tools/glpi").json["quarantined"] == 2
    problem(api.get("/api/v1/tools/nothing"), 404)


def test_imports_tell_how_far_they_are(api: FlaskClient) -> None:
    told = {item["tool"]: item for item in api.get("/api/v1/imports").json["items"]}
    assert told["glpi"]["tickets"] + told["servicenow"]["tickets"] == 41


def test_a_token_that_asks_too_much_has_to_wait(there: World) -> None:
    client, headers = app_of(there).test_client(), there.token("tickets:read")
    answers = [client.get("/api/v1/me", headers=headers) for _ in range(121)]
    assert answers[0].headers["RateLimit"].startswith('"token";r=119')
    assert {answer.status_code for answer in answers[:120]} == {200}
    assert problem(answers[120], 429)
    assert int(answers[120].headers["Retry-After"]) >= 1
    assert client.get("/api/v1/me", headers=there.token("tickets:read")).status_code == 200
    there.clock.move(minutes=1)
    assert client.get("/api/v1/me", headers=headers).status_code == 200


def test_a_token_ends_when_it_expires_or_is_revoked(app: Flask, there: World) -> None:
    client, headers = app.test_client(), there.token("tickets:read", days=1)
    assert client.get("/api/v1/me", headers=headers).status_code == 200
    there.clock.move(days=1)
    told = client.get("/api/v1/me", headers=headers)
    assert 'error="invalid_token"' in told.headers["WWW-Authenticate"]
    other = there.token("tickets:read")
    there.services.accounts.revoke(there.services.accounts.tokens()[0].id, there.clock())
    problem(client.get("/api/v1/me", headers=other), 401)


def test_private_answers_are_not_kept_by_anybody(api: FlaskClient) -> None:
    assert api.get(T).headers["Cache-Control"] == "no-store"


def test_the_description_is_openapi_3_1_and_names_the_right_of_each_operation(api: FlaskClient) -> None:
    spec = api.get("/api/v1/openapi.json").json
    assert spec["openapi"] == "3.1.0"
    assert spec["paths"][T + "/{key}"]["patch"]["x-right"] == "tickets:write"
    problem_answer = spec["paths"][T]["get"]["responses"]["422"]["content"]
    assert list(problem_answer) == ["application/problem+json"]
