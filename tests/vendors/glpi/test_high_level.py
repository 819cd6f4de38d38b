"""GLPI 11 over its high-level API: as its public source describes it (read, not run)."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest
import responses

from connector.domain.errors import ConfigError, NotFound, Refused, TryLater, Unsupported
from connector.domain.mapping import Mapping
from connector.domain.ticket import Comment, Draft, Kind, Scale, State
from connector.settings import Secret, ToolSettings
from connector.vendors.glpi import AUTH, address, build, root
from connector.vendors.glpi.hl_adapter import HighGlpi
from connector.vendors.glpi.hl_client import HighClient, OAuth
from connector.vendors.glpi.marks import mark
from tests.vendors.glpi.conftest import MAPPING, NOW

BASE = "https://glpi.example/api.php"
TICKETS = f"{BASE}/v2/Assistance/Ticket"
MakeHigh = Callable[..., HighGlpi]


@pytest.fixture
def high(mapping: Mapping) -> MakeHigh:
    def made(**changes: Any) -> HighGlpi:
        auth = {"client_id": "ID", "client_secret": Secret("CLIENT-SECRET"), "login": "robot",
                "password": Secret("PASSWORD")}
        tool = ToolSettings(name="glpi", vendor="glpi", url="https://glpi.example/", mapping=MAPPING, auth=auth,
                            **changes)
        adapter = build(tool, mapping, lambda: NOW)
        assert isinstance(adapter, HighGlpi)
        return adapter

    return made


@pytest.fixture
def tool(server: responses.RequestsMock) -> responses.RequestsMock:
    server.post(f"{BASE}/token", json={"token_type": "Bearer", "expires_in": 3600, "access_token": "T1"})
    server.get(f"{BASE}/v2/session", json={"current_time": "2026-11-24T12:00:00+00:00", "user_id": 2, "name": "robot",
                                           "friendly_name": "Robot"})
    server.add_callback(responses.GET, f"{BASE}/v2/Administration/User", users, content_type="application/json")
    for path, items in {"Administration/Group": [{"id": 1, "name": "Network", "completename": "IT > Network"}],
                        "Dropdowns/ITILCategory": [{"id": 2, "name": "Printer", "completename": "Hardware > Printer"}],
                        "Dropdowns/Location": []}.items():
        server.get(f"{BASE}/v2/{path}", json=items)
    return server


def users(request: Any) -> tuple[int, dict[str, str], str]:
    condition = parse_qs(urlsplit(request.url).query)["filter"][0]
    every = [{"id": 4, "username": "tech", "emails": []},
             {"id": 7, "username": "alice", "emails": [{"email": "old@example.com", "is_default": False},
                                                       {"email": "alice@example.com", "is_default": True}]}]
    return 200, {}, json.dumps([user for user in every if str(user["id"]) in condition
                                or str(user["username"]) in condition])


def ticket(id: int, at: str = "2026-11-24T08:00:00+00:00", **more: Any) -> dict[str, Any]:
    return {"id": id, "name": "a &lt; b", "content": "<p>x &amp; y</p>", "is_deleted": False, "type": 1, "urgency": 3,
            "impact": 4, "priority": 3, "status": {"id": 2, "name": "Processing"}, "date": at, "date_mod": at,
            "category": {"id": 2, "name": "Printer"}, "location": None,
            "entity": {"id": 0, "name": "Root", "completename": "Root entity"},
            "team": [{"role": "requester", "name": "alice", "href": "/front/user.form.php?id=7"},
                     {"role": "assigned", "name": "Network", "href": "/front/group.form.php?id=1"},
                     {"role": "assigned", "name": "tech", "href": "/front/user.form.php?id=4"}], **more}


def sent(server: responses.RequestsMock) -> list[tuple[str, str, Any]]:
    return [(str(call.request.method), str(call.request.url).removeprefix(f"{BASE}/v2/"),
             json.loads(call.request.body) if call.request.body else None)
            for call in server.calls if call.request.method != "GET" and "/token" not in str(call.request.url)]


# login


def test_the_token_is_got_once_and_travels_in_a_header_only(tool: responses.RequestsMock, high: MakeHigh) -> None:
    tool.get(TICKETS, json=[])
    glpi = high()
    glpi.get(["1"])
    glpi.get(["1"])
    assert sum("/token" in str(call.request.url) for call in tool.calls) == 1
    form = dict(parse_qsl(str(tool.calls[0].request.body)))
    assert form == {"grant_type": "password", "client_id": "ID", "client_secret": "CLIENT-SECRET", "username": "robot",
                    "password": "PASSWORD", "scope": "api"}
    for call in tool.calls:
        assert not re.search("SECRET|PASSWORD|T1", str(call.request.url))
    assert tool.calls[1].request.headers["Authorization"] == "Bearer T1"


def test_a_refused_token_is_renewed_once(tool: responses.RequestsMock, high: MakeHigh) -> None:
    tool.get(TICKETS, status=401, json={"status": "ERROR_SESSION_TOKEN_INVALID", "title": "x"})
    tool.get(TICKETS, json=[ticket(1)])
    assert len(high().get(["1"]).tickets) == 1
    assert sum("/token" in str(call.request.url) for call in tool.calls) == 2


def test_a_token_is_renewed_before_it_ends(tool: responses.RequestsMock) -> None:
    from connector.http import Http

    tool.get(TICKETS, json=[])
    now = [0.0]
    client = HighClient(Http(BASE), OAuth("ID", "S", "robot", "P"), lambda: now[0])
    for at in (0.0, 3500.0, 3550.0):
        now[0] = at
        client.get("Assistance/Ticket")
    assert sum("/token" in str(call.request.url) for call in tool.calls) == 2


@pytest.mark.parametrize("status", [400, 401])
def test_a_refused_login_buries_no_write(server: responses.RequestsMock, high: MakeHigh, status: int) -> None:
    server.post(f"{BASE}/token", status=status, json={"error": "invalid_client", "message": "secret stuff"})
    with pytest.raises(TryLater, match="cannot log in: GLPI: invalid_client"):
        high().get(["1"])
    with pytest.raises(Refused):
        high().diagnose()


@pytest.mark.parametrize(("status", "body", "error"), [
    (403, {"status": "ERROR_RIGHT_MISSING", "title": "x", "detail": None}, Refused),
    (400, {"status": "ERROR_INVALID_PARAMETER", "title": "x"}, Refused),
    (404, {"status": "ERROR_ITEM_NOT_FOUND", "title": "x"}, NotFound),
    (500, {"status": "ERROR", "title": "Failed to update item(s)",
           "additional_messages": [{"priority": "error", "message": "no"}]}, Refused),
    (500, {"status": "ERROR", "title": "Failed to update item(s)"}, TryLater),
    (500, None, TryLater), (503, {"status": "ERROR"}, TryLater), (429, {"status": "ERROR"}, TryLater)])
def test_failures_are_sorted_by_what_to_do_next(tool: responses.RequestsMock, high: MakeHigh, status: int, body: Any,
                                                error: type[Exception]) -> None:
    tool.add("PATCH", f"{TICKETS}/1", status=status, json=body)
    with pytest.raises(error) as caught:
        high().update("1", {"title": "x"})
    assert type(caught.value) is error


@pytest.mark.parametrize(("body", "kind"), [("<html>maintenance</html>", "text/html"), ("", "text/html"),
                                            ("{}", "application/json"), ("[", "application/json")])
def test_a_page_or_nothing_is_no_list_of_tickets(tool: responses.RequestsMock, high: MakeHigh, body: str,
                                                 kind: str) -> None:
    tool.get(TICKETS, body=body, content_type=kind)
    with pytest.raises(TryLater):
        list(high().changed({}))


# reading


def test_a_ticket_reads_as_over_the_old_api(tool: responses.RequestsMock, high: MakeHigh) -> None:
    tool.get(TICKETS, json=[ticket(5)])
    [one] = high().get(["5"]).tickets
    assert (one.title, one.description) == ("a &lt; b", "x & y")
    assert (one.category, one.customer, one.site) == ("Hardware > Printer", "Root entity", "")
    assert one.group == "IT > Network"
    assert (one.requester, one.requester_email, one.assignee) == ("alice", "alice@example.com", "tech")
    assert (one.state, one.kind, one.impact) == (State.IN_PROGRESS, Kind.INCIDENT, Scale.HIGH)
    assert one.opened_at == datetime(2026, 11, 24, 8, tzinfo=UTC)


def test_a_time_keeps_the_offset_it_came_with(tool: responses.RequestsMock, high: MakeHigh) -> None:
    tool.get(TICKETS, json=[ticket(5, "2026-11-24T08:00:00+01:00")])
    assert high(timezone="Europe/Zurich").get(["5"]).tickets[0].updated_at == datetime(2026, 11, 24, 7, tzinfo=UTC)


class Desk:
    """Tickets behind GLPI's filter, as far as the adapter uses it."""

    def __init__(self, server: responses.RequestsMock) -> None:
        self.rows: dict[int, str] = {}
        self.filters: list[str] = []
        server.add_callback(responses.GET, TICKETS, self.answer, content_type="application/json")

    def answer(self, request: Any) -> tuple[int, dict[str, str], str]:
        params = dict(parse_qsl(urlsplit(request.url).query))
        self.filters.append(params.get("filter", ""))
        found = sorted(((at, id) for id, at in self.rows.items() if self.hit(params.get("filter", ""), at, id)))
        page = [ticket(id, at.replace(" ", "T") + "+00:00") for at, id in found[:int(params["limit"])]]
        return (200 if len(page) == len(found) else 206), {"Content-Range": f"0-{len(page)}/{len(found)}"}, \
            json.dumps(page)

    @staticmethod
    def hit(condition: str, at: str, id: int) -> bool:
        after = re.search(r'date_mod=gt="([^"]+)"', condition)
        same = re.search(r'date_mod=="([^"]+)";id=gt=(\d+)', condition)
        return (after is None or at > after.group(1)) or (
            same is not None and at == same.group(1) and id > int(same.group(2)))


def test_reading_walks_by_last_change_and_id_and_ends_where_it_began(
        tool: responses.RequestsMock, high: MakeHigh) -> None:
    desk = Desk(tool)
    start = datetime(2026, 11, 24, 8)  # noqa: DTZ001
    for id in range(1, 8):
        desk.rows[id] = (start + timedelta(seconds=id // 4)).strftime("%Y-%m-%d %H:%M:%S")
    glpi = high(page=2)
    pages = list(glpi.changed({}))
    assert [one.id for page in pages for one in page.tickets] == ["1", "2", "3", "4", "5", "6", "7"]
    assert {page.total for page in pages} == {7}
    desk.filters.clear()
    again = list(glpi.changed(pages[-1].cursor))
    assert desk.filters[0] == 'date_mod=gt="2026-11-24 07:59:01"'
    assert again[-1].cursor == pages[-1].cursor


def test_tickets_in_the_trash_are_shown_as_deleted(tool: responses.RequestsMock, high: MakeHigh) -> None:
    tool.get(TICKETS, json=[ticket(5, is_deleted=True)])
    glpi = high()
    assert glpi.get(["5"]).tickets[0].deleted
    assert glpi.deletions({})[0] == ["5"]


def test_the_timeline_gives_comments_and_notes(tool: responses.RequestsMock, high: MakeHigh) -> None:
    at = "2026-11-24T09:00:00+00:00"
    tool.get(f"{TICKETS}/5/Timeline", json=[
        {"type": "Followup", "item": {"id": 1, "content": "<p>hi</p>", "is_private": False, "date_creation": at}},
        {"type": "Followup", "item": {"id": 2, "content": "n", "is_private": True, "date_creation": at,
                                      "user": {"id": 4}}},
        {"type": "Document", "item": {"id": 3}}, {"type": "Validation", "item": {"id": 4}}, "junk"])
    tool.get(f"{TICKETS}/6/Timeline", status=404, json={"status": "ERROR_ITEM_NOT_FOUND"})
    history = high().history(["5", "6"])
    assert [(event.key, event.kind, event.text, event.actor) for event in history["5"]] == [
        ("ITILFollowup/1", "commented", "hi", ""), ("ITILFollowup/2", "noted", "n", "tech")]
    assert list(history) == ["5"]


# writing


def test_a_creation_carries_our_key_and_its_actors_follow(tool: responses.RequestsMock, high: MakeHigh) -> None:
    tool.post(TICKETS, json={"id": 9, "href": "/x"})
    tool.get(f"{TICKETS}/9", json={"id": 9, "status": {"id": 1}, "team": []})
    tool.post(f"{TICKETS}/9/TeamMember", status=201, body="null", content_type="application/json")
    fields = {"title": "T", "description": "a < b", "category": "Printer", "group": "Network", "assignee": "tech"}
    assert high().create(Draft(kind=Kind.INCIDENT, fields=fields), "key") == ("glpi", "9")
    first, *members = sent(tool)
    assert first == ("POST", "Assistance/Ticket", {"name": "T", "content": "<p>a &lt; b</p>", "type": 1,
                                                   "category": {"id": 2}, "external_id": mark("key")})
    assert [body for _, _, body in members] == [{"type": "Group", "id": 1, "role": 2},
                                                {"type": "User", "id": 4, "role": 2}]


def test_a_lost_creation_is_found_by_our_key_and_completed(tool: responses.RequestsMock, high: MakeHigh) -> None:
    tool.get(TICKETS, json=[ticket(9)])
    tool.get(f"{TICKETS}/9", json=ticket(9, team=[]))
    tool.post(f"{TICKETS}/9/TeamMember", status=201, body="null", content_type="application/json")
    draft = Draft(kind=Kind.INCIDENT, fields={"title": "T", "assignee": "tech"})
    assert high().create(draft, "key", again=True) == ("glpi", "9")
    assert [path for _, path, _ in sent(tool)] == ["Assistance/Ticket/9/TeamMember"]
    asked = [parse_qs(urlsplit(str(call.request.url)).query).get("filter") for call in tool.calls]
    assert [f'external_id=="{mark("key")}"'] in asked


def test_an_update_goes_in_the_order_glpi_needs(tool: responses.RequestsMock, high: MakeHigh) -> None:
    tool.patch(f"{TICKETS}/5", json=ticket(5))
    high().update("5", {"state": State.IN_PROGRESS, "urgency": Scale.LOW, "priority": "P1", "title": "x"})
    assert [body for _, _, body in sent(tool)] == [
        {"status": {"id": 2}}, {"urgency": 2, "name": "x"}, {"priority": 5}]


def test_resolving_adds_a_solution_once(tool: responses.RequestsMock, high: MakeHigh) -> None:
    tool.get(f"{TICKETS}/5", json=ticket(5))
    tool.post(f"{TICKETS}/5/Timeline/Solution", json={"id": 1, "href": "/x"})
    high().update("5", {"state": State.RESOLVED})
    assert [path for _, path, _ in sent(tool)] == ["Assistance/Ticket/5/Timeline/Solution"]
    tool.replace("GET", f"{TICKETS}/5", json=ticket(5, status={"id": 5}))
    high().update("5", {"state": State.RESOLVED})
    assert len(sent(tool)) == 1


def test_assigning_adds_before_it_takes_away(tool: responses.RequestsMock, high: MakeHigh) -> None:
    tool.get(f"{TICKETS}/5", json=ticket(5))
    tool.post(f"{TICKETS}/5/TeamMember", status=201, body="null", content_type="application/json")
    tool.delete(f"{TICKETS}/5/TeamMember", body="null", content_type="application/json")
    high().update("5", {"assignee": "alice"})
    assert sent(tool) == [("POST", "Assistance/Ticket/5/TeamMember", {"type": "User", "id": 7, "role": 2}),
                          ("DELETE", "Assistance/Ticket/5/TeamMember", {"type": "User", "id": 4, "role": 2})]


def test_a_comment_is_made_once(tool: responses.RequestsMock, high: MakeHigh) -> None:
    path = f"{TICKETS}/5/Timeline/Followup"
    tool.post(path, json={"id": 3, "href": "/x"})
    tool.get(path, json=[{"type": "Followup", "item": {"id": 3, "content": f"<p>a</p><!-- {mark('c')} -->"}}])
    glpi = high()
    assert glpi.comment("5", Comment(text="a"), "c") == "ITILFollowup/3"
    assert glpi.comment("5", Comment(text="a"), "c", again=True) == "ITILFollowup/3"
    assert [body["is_private"] for _, _, body in sent(tool)] == [True]


def test_an_answer_without_an_id_leaves_the_outcome_open(tool: responses.RequestsMock, high: MakeHigh) -> None:
    for body in ({}, {"id": 0}, {"id": True}, []):
        tool.upsert("POST", TICKETS, json=body)
        with pytest.raises(TryLater):
            high().create(Draft(kind=Kind.INCIDENT, fields={"title": "T"}), "key")


def test_what_this_api_lacks_is_unsupported_and_said(tool: responses.RequestsMock, high: MakeHigh) -> None:
    glpi = high()
    with pytest.raises(Unsupported):
        glpi.attachments("5")
    found = high(timezone="Asia/Tokyo").diagnose()
    assert found.account == "robot"
    assert any("offset +0000" in remark for remark in found.remarks)
    assert any("no log and no files" in remark for remark in found.remarks)


# which API


@pytest.mark.parametrize("url", ["https://g.example", "https://g.example/", "https://g.example/apirest.php",
                                 "https://g.example/api.php/v2", "https://g.example/api.php"])
def test_any_of_its_addresses_leads_to_both_apis(url: str) -> None:
    assert root(url) == "https://g.example"
    assert address(url) == "https://g.example/apirest.php"
    assert address("https://g.example/glpi/api.php/v1") == "https://g.example/glpi/api.php/v1"


def test_the_credentials_tell_which_api_is_meant(mapping: Mapping) -> None:
    AUTH.load({"client_id": "a", "client_secret": Secret("x"), "login": "a", "password": Secret("x")})
    tool = ToolSettings(name="glpi", vendor="glpi", url="https://g.example", mapping=MAPPING, options={"api": "v2"},
                        auth={"user_token": Secret("x")})
    with pytest.raises(ConfigError, match="client_id"):
        build(tool, mapping, lambda: NOW)
