"""What changed, over several tables, with as few requests and cursor moves as can be."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from connector.domain.errors import Refused
from connector.domain.ticket import Kind, PendingOn, State
from connector.ports import Page
from connector.vendors.servicenow.adapter import ServiceNow
from tests.vendors.servicenow.instance import Instance, adapter, later, sid
from tests.vendors.servicenow.maps import with_fields

ALL = {"options": {"tables": ["incident", "sc_req_item", "sc_task", "problem", "change_request"]}}


def poll(vendor: ServiceNow, cursor: dict[str, Any]) -> tuple[list[Page], dict[str, Any]]:
    pages = list(vendor.changed(cursor))
    return pages, (pages[-1].cursor if pages else cursor)


def ids(pages: list[Page]) -> list[str]:
    return [ticket.id for page in pages for ticket in page.tickets]


def test_a_ticket_is_read_in_our_words(instance: Instance) -> None:
    group = instance.put("sys_user_group", name="Network")
    instance.incident(1, state="3", hold_reason="4", assignment_group=group["sys_id"], sys_mod_count="7",
                      due_date="2025-11-25 08:00:00")
    (page,), _ = poll(adapter(instance), {})
    (ticket,) = page.tickets
    assert (ticket.kind, ticket.state, ticket.pending_on) == (Kind.INCIDENT, State.PENDING, PendingOn.SUPPLIER)
    assert (ticket.group, ticket.level, ticket.priority, ticket.version) == ("Network", 2, "P3", "7")
    assert ticket.due_at == datetime.fromisoformat("2025-11-25T08:00:00+00:00")
    assert ticket.custom == {}


def test_the_same_state_number_means_what_its_table_says(instance: Instance) -> None:
    for number, (table, state) in enumerate([("incident", "3"), ("sc_task", "3"), ("problem", "106"),
                                             ("change_request", "-4"), ("sc_req_item", "-5")]):
        instance.put(table, number, state=state, opened_at="2025-11-24 09:00:00")
    pages, _ = poll(adapter(instance, **ALL), {})
    found = {ticket.kind: (ticket.state, ticket.pending_on) for page in pages for ticket in page.tickets}
    assert found == {
        Kind.INCIDENT: (State.PENDING, None), Kind.TASK: (State.CLOSED, None), Kind.PROBLEM: (State.RESOLVED, None),
        Kind.CHANGE: (State.PENDING, PendingOn.APPROVAL), Kind.SERVICE_REQUEST: (State.PENDING, None),
    }


def test_only_what_the_mapping_reads_is_asked_for(instance: Instance) -> None:
    poll(adapter(instance, **ALL), {})
    asked = instance.queries()[0].split("sysparm_fields=")[1].split("&")[0].split(",")
    assert {"assignment_group.name", "caller_id.email", "hold_reason", "sys_mod_count"} <= set(asked)
    assert not [name for name in asked if name.startswith("_")]
    assert "request_item" not in asked  # of tasks only
    assert any("/sc_task?" in query and "request_item.cat_item.name" in query for query in instance.queries())


def test_a_mapping_that_tells_the_kind_by_another_field_gets_all_fields(instance: Instance) -> None:
    kind = {"from": "sys_class_name", "values": {"incident": "incident", "u_drill": "task"}}
    poll(adapter(instance, with_fields(kind=kind)), {})
    assert "request_item.cat_item.name" in instance.queries()[0]


def test_a_shown_value_is_asked_for_where_the_mapping_wants_one(instance: Instance) -> None:
    instance.incident(1, category="net")
    (page,), _ = poll(adapter(instance, with_fields(category="category@display")), {})
    assert page.tickets[0].category == "<net>"
    assert page.tickets[0].state is State.NEW
    assert "sysparm_display_value=all" in instance.queries()[0]


def test_one_bad_ticket_is_set_aside_and_the_rest_goes_on(instance: Instance) -> None:
    instance.incident(1, state="42")
    instance.incident(2)
    instance.incident(3, opened_at="24.11.2025")
    (page,), _ = poll(adapter(instance), {})
    assert ids([page]) == [sid(2)]
    assert {bad.ticket for bad in page.rejected} == {sid(1), sid(3)}
    assert "42" in str(page.rejected[0])


def test_a_poll_with_nothing_new_is_one_request_and_moves_nothing(instance: Instance) -> None:
    instance.incident(1)
    vendor = adapter(instance)
    _, cursor = poll(vendor, {})
    for minutes in (0, 1, 60):
        later(instance, minutes=minutes)
        if minutes == 60:  # what was read again and again is left behind once, by an empty page
            pages, cursor = poll(vendor, cursor)
            assert [len(page.tickets) for page in pages] == [0]
        instance.requests.clear()
        assert poll(vendor, cursor) == ([], cursor)
        assert len(instance.requests) == 1


def test_a_second_reading_gives_only_what_changed(instance: Instance) -> None:
    instance.incident(1)
    row = instance.incident(2)
    vendor = adapter(instance)
    _, cursor = poll(vendor, {})
    later(instance, seconds=1)
    instance.touch(row, state="2")
    pages, cursor = poll(vendor, cursor)
    assert ids(pages) == [sid(2)]
    assert poll(vendor, cursor)[0] == []


def test_a_row_committed_late_is_found_within_the_overlap(instance: Instance) -> None:
    instance.incident(1)
    vendor = adapter(instance)
    _, cursor = poll(vendor, {})
    instance.incident(2, sys_updated_on="2025-11-24 09:58:30")
    assert ids(poll(vendor, cursor)[0]) == [sid(2)]


def test_a_partial_answer_moves_no_cursor(instance: Instance) -> None:
    instance.incident(1)
    vendor = adapter(instance)
    broken = instance.json(200, {"result": [instance.tables["incident"][sid(1)]], "status": "failure",
                                 "error": {"message": "Something else", "detail": ""}})
    instance.say = [broken]
    pages: list[Page] = []
    with pytest.raises(Exception, match="Something else"):
        pages.extend(vendor.changed({}))
    assert pages == []


def test_several_tables_with_nothing_new_are_one_request_to_their_parent(instance: Instance) -> None:
    instance.incident(1)
    instance.put("problem", 2, state="101", opened_at="2025-11-24 09:00:00")
    vendor = adapter(instance, **ALL)
    _, cursor = poll(vendor, {})
    instance.requests.clear()
    assert poll(vendor, cursor) == ([], cursor)
    assert [query.split("?")[0] for query in instance.queries()] == ["GET /api/now/table/task"]


def test_only_the_tables_in_which_something_changed_are_read(instance: Instance) -> None:
    instance.incident(1)
    row = instance.put("problem", 2, state="101", opened_at="2025-11-24 09:00:00")
    vendor = adapter(instance, **ALL)
    _, cursor = poll(vendor, {})
    instance.requests.clear()
    later(instance, seconds=5)
    instance.touch(row, state="102")
    pages, cursor = poll(vendor, cursor)
    assert ids(pages) == [sid(2)]
    assert [query.split("?")[0] for query in instance.queries()] == ["GET /api/now/table/task",
                                                                    "GET /api/now/table/problem"]
    instance.requests.clear()
    assert poll(vendor, cursor)[0] == []
    assert len(instance.requests) == 1


@pytest.mark.parametrize("trouble", ["closed", "hidden", "subclass", "fewer"])
def test_a_parent_that_does_not_show_everything_is_not_believed(instance: Instance, trouble: str) -> None:
    instance.incident(1)
    row = instance.put("problem", 2, state="101", opened_at="2025-11-24 09:00:00")
    vendor = adapter(instance, **ALL)
    if trouble == "fewer":
        instance._tasks = lambda: ["incident"]  # type: ignore[method-assign]
    _, cursor = poll(vendor, {})
    later(instance, seconds=5)
    instance.touch(row, state="102")
    if trouble == "closed":
        instance.closed = {"task"}
    if trouble == "hidden":
        instance.hidden_in = {"task": {sid(2)}}
    if trouble == "subclass":
        row["sys_class_name"] = "u_problem"
        instance.dropped = {"sys_class_name"}
    assert ids(poll(vendor, cursor)[0]) == [sid(2)]


def test_a_table_that_cannot_be_read_does_not_stop_the_others(instance: Instance) -> None:
    instance.put("problem", 2, state="101", opened_at="2025-11-24 09:00:00")
    instance.closed = {"incident"}
    pages: list[Page] = []
    with pytest.raises(Refused, match="incident"):
        pages.extend(adapter(instance, **ALL).changed({}))
    assert ids(pages) == [sid(2)]


def test_a_reading_that_was_cut_off_goes_on_where_its_last_page_ended(instance: Instance) -> None:
    for number in range(30):
        instance.incident(number)
        later(instance, seconds=10)
    later(instance, hours=1)
    vendor = adapter(instance, page=10)
    first = next(iter(vendor.changed({})))
    rest = list(vendor.changed(first.cursor))
    assert set(ids([first])) | set(ids(rest)) == set(instance.tables["incident"])
    assert len(ids(rest)) < 25


def test_tickets_are_found_by_id_in_whatever_table_and_gone_ones_are_absent(instance: Instance) -> None:
    instance.incident(1)
    instance.put("problem", 2, state="101", opened_at="2025-11-24 09:00:00")
    instance.incident(3)
    instance.hidden = {sid(3)}
    vendor = adapter(instance, **ALL)
    page = vendor.get([sid(1), sid(2), sid(3), sid(4), "no id^ORactive=true"])
    assert sorted(ids([page])) == [sid(1), sid(2)]
    assert page.cursor == {}
    instance.requests.clear()
    vendor.get([sid(2)])
    assert [query.split("?")[0] for query in instance.queries()] == ["GET /api/now/table/problem"]


def test_a_dropped_condition_does_not_give_tickets_nobody_asked_for(instance: Instance) -> None:
    instance.incident(1)
    instance.incident(2)
    instance.dropped = {"sys_id"}
    assert set(ids([adapter(instance).get([sid(2)])])) <= {sid(2)}


def test_many_ids_are_asked_for_in_addresses_that_fit(instance: Instance) -> None:
    for number in range(250):
        instance.incident(number)
    assert len(ids([adapter(instance).get([sid(number) for number in range(250)])])) == 250
    assert max(len(request.url or "") for request in instance.requests) < 8000


def test_all_ids_are_swept_over_every_table(instance: Instance) -> None:
    instance.incident(1)
    instance.put("problem", 2, state="101")
    assert list(adapter(instance, **ALL).ids()) == [[sid(1)], [sid(2)]]


def test_deletions_come_from_the_audit_of_deletions(instance: Instance) -> None:
    instance.put("sys_audit_delete", 50, tablename="incident", documentkey=sid(7))
    instance.put("sys_audit_delete", 51, tablename="sys_user", documentkey=sid(8))
    vendor = adapter(instance)
    found, cursor = vendor.deletions({})
    assert found == [sid(7)]
    later(instance, hours=1)
    instance.put("sys_audit_delete", 52, tablename="incident", documentkey=sid(9))
    found, cursor = vendor.deletions(cursor)
    assert sid(9) in found
    later(instance, hours=1)
    _, cursor = vendor.deletions(cursor)
    assert vendor.deletions(cursor) == ([], cursor)


def test_a_filter_of_the_settings_goes_with_every_list(instance: Instance) -> None:
    instance.incident(1, company="acme")
    instance.incident(2, company="other")
    vendor = adapter(instance, options={"tables": ["incident"], "filter": "company=acme^ORcompany=third"})
    pages, _ = poll(vendor, {})
    assert ids(pages) == [sid(1)]
    assert list(vendor.ids()) == [[sid(1)]]
    assert ids([vendor.get([sid(1), sid(2)])]) == [sid(1)]


def test_a_first_load_can_begin_at_a_day(instance: Instance) -> None:
    instance.incident(1, sys_updated_on="2024-12-31 23:59:59")
    instance.incident(2)
    pages, _ = poll(adapter(instance, options={"tables": ["incident"], "start": "2025-01-01"}), {})
    assert ids(pages) == [sid(2)]


def test_a_cursor_of_somebody_else_is_refused(instance: Instance) -> None:
    with pytest.raises(Refused, match="cursor"):
        list(adapter(instance).changed({"incident": {"watermark": 7}}))
