"""What GLPI remembers of a ticket, as events in our words."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
import responses

from connector.domain.history import Event, EventKind, Role, effective, value_at
from connector.vendors.glpi.adapter import Glpi
from connector.vendors.glpi.timeline import shown
from tests.vendors.glpi.conftest import URL
from tests.vendors.glpi.replay import recorded

Make = Callable[..., Glpi]
PEOPLE = {"2": "glpi", "3": "post-only", "4": "tech", "7": "alice"}


def users(request: Any) -> tuple[int, dict[str, str], str]:
    import json
    from urllib.parse import parse_qsl, urlsplit

    asked = {value for key, value in parse_qsl(urlsplit(request.url).query) if key.endswith("[value]")}
    rows = [] if "is_deleted" in request.url else [{"1": PEOPLE[id], "2": int(id)} for id in asked if id in PEOPLE]
    return 200, {}, json.dumps({"totalcount": len(rows), **({"data": rows} if rows else {})})


@pytest.fixture
def tool(logged_in: responses.RequestsMock) -> responses.RequestsMock:
    logged_in.add_callback(responses.GET, f"{URL}/search/User", users, content_type="application/json")
    logged_in.get(f"{URL}/getFullSession", json={"session": {"glpiID": 2, "glpiname": "glpi",
                                                             "glpifriendlyname": "glpi"}})
    logged_in.get(f"{URL}/getGlpiConfig", json=recorded("session_get_config")["response"]["body"])
    for itemtype, name in (("Group", "group_list"), ("ITILCategory", "itilcategory_list")):
        logged_in.get(f"{URL}/{itemtype}", json=recorded(name)["response"]["body"])
    logged_in.get(f"{URL}/Location", json=[{"id": 1, "completename": "HQ &#60;1&#62;"}])
    return logged_in


def ticket(server: responses.RequestsMock, id: int, logs: object, documents: object = (), **children: object) -> None:
    server.get(f"{URL}/Ticket/{id}", json={"id": id, "_logs": logs, "_documents": list(documents)})  # type: ignore[call-overload]
    for itemtype, items in children.items():
        server.get(f"{URL}/Ticket/{id}/{itemtype}", json=items)


def line(id: int, action: int, option: int = 0, old: object = "", new: object = "", link: str = "",
         user: str = "tech (4)", at: str = "2026-11-24 08:00:00") -> dict[str, object]:
    return {"id": id, "linked_action": action, "id_search_option": option, "old_value": old, "new_value": new,
            "itemtype_link": link, "user_name": user, "date_mod": at}


def read(make: Make, id: str = "2") -> list[Event]:
    return effective(make().history([id])[id])


def changes(events: list[Event], field: str) -> list[tuple[object, object]]:
    return [(event.old, event.new) for event in events if event.kind is EventKind.CHANGED and event.field == field]


def recorded_ticket(server: responses.RequestsMock) -> None:
    """The log, followups, task and solution recorded from ticket 2."""
    logs = {str(entry["id"]): entry for entry in recorded("log_of_ticket")["response"]["body"]}
    ticket(server, 2, logs, **{name: recorded(file)["response"]["body"] for name, file in (
        ("ITILFollowup", "followup_list"), ("TicketTask", "task_list"), ("ITILSolution", "solution_list"))})


def test_the_recorded_log_becomes_a_history(tool: responses.RequestsMock, make: Make) -> None:
    recorded_ticket(tool)
    events = read(make)
    assert events[0].kind is EventKind.CREATED
    assert changes(events, "state") == [
        ("new", "in_progress"), ("in_progress", "pending"), ("pending", "in_progress"), ("in_progress", "resolved"),
        ("resolved", "in_progress"), ("in_progress", "resolved"), ("resolved", "closed"), ("closed", "in_progress")]
    assert changes(events, "pending_on") == [(None, "customer"), ("customer", None)]
    assert changes(events, "urgency") == [("medium", "very_high")]
    assert changes(events, "priority") == [("P3", "P1"), ("P1", "P4")]
    assert changes(events, "title") == [("Printer offline", "Printer offline (patched)")]
    assert changes(events, "assignee") == [("", "tech")]
    assert changes(events, "requester") == [("", "alice")]
    assert changes(events, "group") == [("", "Network")]
    assert len({event.key for event in events}) == len(events)


def test_the_state_at_any_moment_is_the_one_the_log_tells(tool: responses.RequestsMock, make: Make) -> None:
    recorded_ticket(tool)
    events = read(make)
    assert value_at(events, "state", datetime(2026, 11, 24, 3, 36, 28, tzinfo=UTC), "in_progress") == "new"
    assert value_at(events, "state", datetime(2026, 11, 24, 3, 36, 30, tzinfo=UTC), "in_progress") == "resolved"


def test_followups_tasks_and_solutions_are_comments_and_private_ones_notes(
        tool: responses.RequestsMock, make: Make) -> None:
    recorded_ticket(tool)
    said = {event.key: (event.kind, event.text) for event in read(make)
            if event.kind in (EventKind.COMMENTED, EventKind.NOTED)}
    assert said == {
        "ITILFollowup/1": (EventKind.COMMENTED, "<p>Public answer & more</p>"),  # recorded escaped, see below
        "ITILFollowup/2": (EventKind.NOTED, "internal note"),
        "ITILSolution/1": (EventKind.COMMENTED, "<p>Toner replaced</p>"),
        "TicketTask/1": (EventKind.COMMENTED, "Replace toner")}


def test_html_of_a_followup_becomes_plain_text(tool: responses.RequestsMock, make: Make) -> None:
    """With the header the adapter sends, GLPI gives real HTML."""
    followup = {"id": 1, "content": "<p>Hi &amp; bye</p><!-- sdc-0 -->", "date": "2026-11-24 08:00:00", "users_id": 4}
    ticket(tool, 2, {"1": line(1, 20), "2": line(2, 17, link="ITILFollowup")}, ITILFollowup=[followup])
    assert [event.text for event in read(make) if event.kind is EventKind.COMMENTED] == ["Hi & bye"]


def test_our_own_account_is_told_from_agents_and_requesters(tool: responses.RequestsMock, make: Make) -> None:
    ticket(tool, 2, {"1": line(1, 15, 4, new="O'Neil Alice (7)", link="User", user="glpi (2)"),
                     "2": line(2, 20, user="O'Neil Alice (7)"), "3": line(3, 0, 12, "1", "2", user="tech (4)"),
                     "4": line(4, 0, 12, "2", "4", user="glpi (2)"), "5": line(5, 0, 12, "4", "2", user="")})
    roles = {event.seq: (event.actor, event.role) for event in read(make)}
    assert roles[2] == ("alice", Role.REQUESTER)
    assert roles[3] == ("tech", Role.AGENT)
    assert roles[4] == ("glpi", Role.CONNECTOR)
    assert roles[5] == ("", Role.SYSTEM)


def test_actors_logged_one_by_one_give_the_whole_set_each_time(tool: responses.RequestsMock, make: Make) -> None:
    """A removal is logged without its field (seen on 10.0.12): it is the one where the actor was."""
    ticket(tool, 2, {"1": line(1, 20), "2": line(2, 15, 8, new="Network (1)", link="Group"),
                     "3": line(3, 15, 8, new="Service desk (2)", link="Group"),
                     "4": line(4, 16, 0, old="Network (1)", link="Group"),
                     "5": line(5, 15, 71, new="Network (1)", link="Group"),
                     "6": line(6, 16, 0, old="Network (1)", link="Group")})
    assert changes(read(make), "group") == [
        ("", "Network"), ("Network", "Network | Service desk"), ("Network | Service desk", "Service desk")]


def test_names_in_the_log_are_full_names_by_their_id(tool: responses.RequestsMock, make: Make) -> None:
    ticket(tool, 2, {"1": line(1, 20), "2": line(2, 0, 7, "&nbsp; (0)", "Printer (2)"),
                     "3": line(3, 0, 83, "&nbsp; (0)", "HQ <1> (1)"),
                     "4": line(4, 0, 7, "Printer (2)", "Old one (99)")})
    events = read(make)
    assert changes(events, "category") == [("", "Hardware > Printer"), ("Hardware > Printer", "Old one")]
    assert changes(events, "site") == [("", "HQ <1>")]


def test_trash_and_restoration_are_events(tool: responses.RequestsMock, make: Make) -> None:
    ticket(tool, 2, {"1": line(1, 20), "2": line(2, 13), "3": line(3, 14)})
    assert [event.kind for event in read(make)] == [EventKind.CREATED, EventKind.DELETED, EventKind.RESTORED]


def test_a_value_the_mapping_does_not_know_any_more_loses_no_history(
        tool: responses.RequestsMock, make: Make) -> None:
    ticket(tool, 2, {"1": line(1, 20), "2": line(2, 0, 12, "77", "2"), "3": line(3, 0, 9999, "a", "b"),
                     "4": line(4, 0, 12, "2", "5", at="garbage")})
    assert changes(read(make), "state") == [(None, "in_progress")]


def test_an_unset_value_of_the_log_is_not_the_word_none(tool: responses.RequestsMock, make: Make) -> None:
    ticket(tool, 2, {"1": line(1, 20), "2": line(2, 0, 17, "2026-11-24 03:36:30", None)})
    assert changes(read(make), "resolved_at") == [(datetime(2026, 11, 24, 3, 36, 30, tzinfo=UTC), None)]


def test_documents_are_attachments(tool: responses.RequestsMock, make: Make) -> None:
    document = {"id": 3, "filename": "é.txt", "mime": "text/plain", "users_id": 4, "assocdate": "2026-11-24 09:00:00"}
    ticket(tool, 2, {"1": line(1, 20)}, [document])
    [_, attached] = read(make)
    assert (attached.kind, attached.text, attached.actor, attached.data) == (
        EventKind.ATTACHED, "é.txt", "tech", {"id": "3", "media_type": "text/plain"})


def test_a_ticket_without_followups_costs_one_request(tool: responses.RequestsMock, make: Make) -> None:
    ticket(tool, 2, {"1": line(1, 20), "2": line(2, 0, 12, "1", "2")})
    read(make)
    assert sum("/Ticket/" in str(call.request.url) for call in tool.calls) == 1


def test_a_log_that_was_cut_still_gives_all_followups(tool: responses.RequestsMock, make: Make) -> None:
    ticket(tool, 2, [], ITILFollowup=recorded("followup_list")["response"]["body"], TicketTask=[], ITILSolution=[])
    assert [event.key for event in read(make)] == ["ITILFollowup/1", "ITILFollowup/2"]


def test_a_part_without_right_inside_a_200_is_no_crash(tool: responses.RequestsMock, make: Make) -> None:
    denied = {"error": 401, "message": "You don't have permission to perform this action."}
    tool.get(f"{URL}/Ticket/2", json={"id": 2, "_logs": denied, "_documents": denied})
    tool.get(f"{URL}/Ticket/2/ITILFollowup", json=recorded("followup_list")["response"]["body"])
    tool.get(f"{URL}/Ticket/2/TicketTask", status=403, json=["ERROR_RIGHT_MISSING", "x"])
    tool.get(f"{URL}/Ticket/2/ITILSolution", json=[])
    assert len(read(make)) == 2


def test_a_purged_ticket_has_no_history_and_does_not_stop_the_others(tool: responses.RequestsMock, make: Make) -> None:
    tool.get(f"{URL}/Ticket/11", status=404, json=["ERROR_ITEM_NOT_FOUND", "x"])
    ticket(tool, 2, {"1": line(1, 20)})
    assert list(make().history(["11", "2"])) == ["2"]


def test_reading_a_history_twice_gives_the_same_events(tool: responses.RequestsMock, make: Make) -> None:
    recorded_ticket(tool)
    glpi = make()
    assert glpi.history(["2"]) == glpi.history(["2"])


@pytest.mark.parametrize(("text", "expected"), [
    ("tech (4)", ("tech", "4")), ("O'Neil Alice (7)", ("O'Neil Alice", "7")), ("a (b) (12)", ("a (b)", "12")),
    ("", ("", "")), ("plain", ("plain", "")), ("&nbsp; (0)", ("&nbsp;", "0"))])
def test_display_strings_are_taken_apart(text: str, expected: tuple[str, str]) -> None:
    assert shown(text) == expected
