"""Every door is declared, and opens only for those who have the right."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from flask import Flask

from connector.web.rights import RIGHTS, Door, Right, Role, door_of
from tests.web.conftest import Browser
from tests.web.world import World

OPEN = {"GET /sign-in", "POST /sign-in", "POST /look", "GET /healthz", "GET /readyz", "GET /api/v1/openapi.json",
        "GET /api/v1/docs", "GET /static/<path:filename>", "GET /assets/bootstrap/<path:name>",
        "GET /assets/swagger/<path:name>", "GET /invitation/<token>", "POST /invitation/<token>",
        "GET /ack/<token>", "POST /ack/<token>", "GET /approve/<token>", "POST /approve/<token>",
        "GET /api/v1/schemas/supplier-answer-1.json", "GET /api/v1/schemas/supplier-message-1.json",
        "GET /reply/<receiver>/<handoff>", "POST /reply/<receiver>/<handoff>"}  # fmt: skip


def routes(app: Flask) -> Iterator[tuple[str, str, Right | Door | None]]:
    for rule in app.url_map.iter_rules():
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            yield method, rule.rule, door_of(app.view_functions[rule.endpoint], method)


def address(rule: str) -> str:
    for part, value in (
        ("<int:key>", "1"),
        ("<int:id>", "999999"),  # nobody: a new password would end the session that asks
        ("<path:id>", "1"),
        ("<tool>", "glpi"),
        ("<name>", "glpi"),
    ):
        rule = rule.replace(part, value)
    return rule


def test_every_route_declares_what_it_asks_for(app: Flask) -> None:
    assert [f"{method} {rule}" for method, rule, guard in routes(app) if guard is None] == []


def test_what_is_open_to_everybody_is_listed_here(app: Flask) -> None:
    assert {f"{method} {rule}" for method, rule, guard in routes(app) if guard is Door.PUBLIC} == OPEN


def test_a_view_that_declares_nothing_is_shut_even_for_an_administrator(app: Flask, there: World) -> None:
    app.add_url_rule("/forgotten", "forgotten", lambda: "secret")
    there.user("admin")
    client = app.test_client()
    assert isinstance(client, Browser)
    client.sign_in("admin")
    assert client.get("/forgotten").status_code == 403


def test_a_stranger_gets_through_no_guarded_door(app: Flask) -> None:
    client = app.test_client()
    for method, rule, guard in routes(app):
        if guard in (Door.PUBLIC, Door.SIGNATURE, Door.LOOPBACK):
            continue
        answer = client.open(address(rule), method=method, json={} if rule.startswith("/api/") else None)
        if rule.startswith("/api/"):
            assert answer.status_code == 401, rule
            assert answer.headers["WWW-Authenticate"].startswith("Bearer"), rule
        elif method == "GET":
            assert answer.status_code == 302, rule
            assert answer.location.startswith("/sign-in"), rule
        else:
            assert answer.status_code in (302, 400), rule
            assert answer.location is None or answer.location.startswith("/sign-in"), rule


@pytest.mark.parametrize("role", list(Role))
def test_each_role_passes_the_doors_of_its_rights_and_no_other(
    as_role: Callable[[str], Browser], app: Flask, role: Role
) -> None:
    client = as_role(role)
    app.config["WTF_CSRF_ENABLED"] = False
    for method, rule, guard in routes(app):
        if not isinstance(guard, Right) or rule.startswith("/api/"):
            continue
        status = client.open(address(rule), method=method).status_code
        assert (status == 403) == (guard not in RIGHTS[role]), f"{role} {method} {rule}: {status}"


@pytest.mark.parametrize("scope", list(Right))
def test_a_token_passes_the_doors_of_its_scopes_and_no_other(app: Flask, there: World, scope: Right) -> None:
    client, headers = app.test_client(), there.token(scope)
    for method, rule, guard in routes(app):
        if not isinstance(guard, Right) or not rule.startswith("/api/"):
            continue
        body = {} if method in ("POST", "PATCH") else None
        answer = client.open(address(rule), method=method, headers=headers, json=body)
        assert (answer.status_code == 403) == (guard is not scope), f"{method} {rule}: {answer.status_code}"


def test_a_token_never_does_more_than_its_owner(app: Flask, there: World) -> None:
    there.user("viewer")
    headers = there.token("tickets:read", "tickets:write", "users:manage", user="viewer")
    assert app.test_client().get("/api/v1/me", headers=headers).json["scopes"] == ["tickets:read"]


def test_a_token_ends_with_its_owner(app: Flask, there: World) -> None:
    there.user("agent")
    headers = there.token("tickets:read", user="agent")
    owner = there.services.accounts.by_login("agent")
    assert owner is not None
    there.services.accounts.edit_user(owner.id, active=False)
    assert app.test_client().get("/api/v1/me", headers=headers).status_code == 401


def test_a_session_cookie_opens_no_door_of_the_api(as_role: Callable[[str], Browser]) -> None:
    assert as_role("admin").get("/api/v1/tickets").status_code == 401


def test_a_token_opens_no_page(app: Flask, there: World) -> None:
    assert app.test_client().get("/tickets", headers=there.token(*Right)).status_code == 302


def test_metrics_are_for_this_host_or_a_token(app: Flask, there: World) -> None:
    client = app.test_client()
    far = {"REMOTE_ADDR": "192.0.2.7"}
    assert client.get("/metrics").status_code == 200
    assert client.get("/metrics", headers={"X-Forwarded-For": "192.0.2.7"}).status_code == 401
    assert client.get("/metrics", environ_base=far).status_code == 401
    assert client.get("/metrics", environ_base=far, headers=there.token("tickets:read")).status_code == 403
    assert client.get("/metrics", environ_base=far, headers=there.token("metrics:read")).status_code == 200


def test_a_supplier_sees_its_own_tickets_only(as_role: Callable[[str], Browser], there: World) -> None:
    client = as_role("supplier")
    listed = client.get("/tickets?supplier=").get_data(as_text=True)
    assert "Mail server does not answer in Geneva" in listed
    assert "VPN drops every hour" not in listed
    assert client.get(f"/tickets/{there.keys['2']}").status_code == 404


def test_a_supplier_sees_no_internal_note_and_no_conflict(as_role: Callable[[str], Browser], there: World) -> None:
    page = as_role("supplier").get(f"/tickets/{there.keys['1']}").get_data(as_text=True)
    assert "We found the cause" in page
    assert "call back before noon" not in page
    assert "Both sides" not in page
    headers = there.token("tickets:read", user="supplier")
    told = as_role("agent").get(f"/api/v1/tickets/{there.keys['1']}/history", headers=headers).json
    assert {item["kind"] for item in told["items"]} == {"created", "changed", "commented"}


def test_a_supplier_without_a_name_sees_nothing(app: Flask, there: World) -> None:
    there.user("supplier", login="nameless")
    client = app.test_client()
    assert isinstance(client, Browser)
    client.sign_in("nameless")
    assert client.get("/tickets").status_code == 403
    assert client.get("/").status_code == 200
