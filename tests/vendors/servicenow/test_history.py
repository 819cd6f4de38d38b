"""What the tool remembers, in our fields and values."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connector.domain.errors import Unsupported
from connector.domain.history import Event, EventKind, Role
from connector.ports import Capability
from tests.vendors.servicenow.instance import Instance, adapter, later, sid

START = datetime(2025, 11, 24, 10, tzinfo=UTC)


def audit(instance: Instance, field: str, old: str, new: str, checkpoint: int = 1, user: str = "bob",
          ticket: int = 1) -> None:
    instance.put("sys_audit", tablename="incident", documentkey=sid(ticket), fieldname=field, oldvalue=old,
                 newvalue=new, user=user, record_checkpoint=str(checkpoint))


def changes(events: list[Event]) -> list[tuple[str, Any, Any]]:
    return [(event.field, event.old, event.new) for event in events if event.kind is EventKind.CHANGED]


def history(instance: Instance, **more: Any) -> list[Event]:
    return adapter(instance, **more).history([sid(1)])[sid(1)]


def test_creation_audit_journals_and_attachments_make_one_sequence(instance: Instance) -> None:
    caller = instance.put("sys_user", user_name="alice")
    instance.incident(1, state="6", sys_mod_count="3", caller_id=caller["sys_id"])
    later(instance, minutes=5)
    audit(instance, "state", "1", "2")
    instance.put("sys_journal_field", element_id=sid(1), element="comments", value="Help!", sys_created_by="alice")
    later(instance, minutes=5)
    audit(instance, "state", "2", "6", 2)
    instance.put("sys_journal_field", element_id=sid(1), element="work_notes", value="Done\n\n[ref c-7]",
                 sys_created_by="svc_sync")
    instance.put("sys_attachment", table_sys_id=sid(1), file_name="a.log", sys_created_by="system")
    events = history(instance)
    assert [(event.kind, event.actor, event.role) for event in events] == [
        (EventKind.CREATED, "alice", Role.REQUESTER), (EventKind.COMMENTED, "alice", Role.REQUESTER),
        (EventKind.CHANGED, "bob", Role.AGENT), (EventKind.ATTACHED, "system", Role.SYSTEM),
        (EventKind.NOTED, "svc_sync", Role.CONNECTOR), (EventKind.CHANGED, "bob", Role.AGENT)]
    assert events[0].at == START
    assert changes(events) == [("state", "new", "in_progress"), ("state", "in_progress", "resolved")]
    noted = next(event for event in events if event.kind is EventKind.NOTED)
    assert (noted.text, noted.data) == ("Done", {"key": "c-7"})


def test_a_second_reading_adds_nothing(instance: Instance) -> None:
    instance.incident(1, sys_mod_count="1")
    audit(instance, "state", "1", "2")
    instance.put("sys_journal_field", element_id=sid(1), element="comments", value="x")
    first, second = history(instance), history(instance)
    assert first == second
    assert len({event.key for event in first}) == len(first)


def test_state_and_its_reason_change_together_and_apart(instance: Instance) -> None:
    instance.incident(1, state="3", hold_reason="4", sys_mod_count="4")
    later(instance, minutes=1)
    audit(instance, "state", "2", "3", 1)
    audit(instance, "hold_reason", "", "1", 1)
    later(instance, minutes=1)
    audit(instance, "hold_reason", "1", "4", 2)
    assert changes(history(instance)) == [
        ("pending_on", None, "customer"), ("state", "in_progress", "pending"), ("pending_on", "customer", "supplier")]


def test_a_reason_that_never_changed_is_known_from_the_ticket(instance: Instance) -> None:
    instance.incident(1, state="3", hold_reason="1", sys_mod_count="4")
    later(instance, minutes=1)
    audit(instance, "state", "2", "3", 1)
    assert ("pending_on", None, "customer") in changes(history(instance))


def test_what_a_field_was_before_its_first_change_is_known_from_that_change(instance: Instance) -> None:
    instance.incident(1, state="2", hold_reason="4", sys_mod_count="4")
    later(instance, minutes=1)
    audit(instance, "hold_reason", "1", "4", 1)
    later(instance, minutes=1)
    audit(instance, "state", "3", "2", 2)
    assert changes(history(instance)) == [
        ("pending_on", "customer", "supplier"), ("pending_on", "supplier", None), ("state", "pending", "in_progress")]


def test_two_updates_in_one_second_keep_their_order_by_record_checkpoint(instance: Instance) -> None:
    instance.incident(1, state="6", sys_mod_count="3")
    audit(instance, "state", "2", "6", 10)
    audit(instance, "state", "1", "2", 9)
    events = [event for event in history(instance) if event.kind is EventKind.CHANGED]
    assert [event.seq for event in events] == [9, 10]
    assert changes(events) == [("state", "new", "in_progress"), ("state", "in_progress", "resolved")]


def test_ids_in_the_audit_become_the_names_the_mapping_reads(instance: Instance) -> None:
    one = instance.put("sys_user_group", name="Service Desk")["sys_id"]
    two = instance.put("sys_user_group", name="Network")["sys_id"]
    instance.incident(1, assignment_group=two, sys_mod_count="2")
    later(instance, minutes=1)
    audit(instance, "assignment_group", "", one)
    later(instance, minutes=1)
    audit(instance, "assignment_group", one, two, 2)
    assert changes(history(instance)) == [
        ("group", "", "Service Desk"), ("level", None, 1), ("group", "Service Desk", "Network"), ("level", 1, 2)]


def test_a_reference_that_cannot_be_named_gives_no_wrong_change(instance: Instance) -> None:
    known = instance.put("sys_user_group", name="Service Desk")["sys_id"]
    instance.incident(1, sys_mod_count="2")
    audit(instance, "assignment_group", known, sid(77))
    assert changes(history(instance)) == []


def test_a_value_the_mapping_does_not_know_gives_no_event(instance: Instance) -> None:
    instance.incident(1, state="2", sys_mod_count="2")
    later(instance, minutes=1)
    audit(instance, "state", "1", "77", 1)
    later(instance, minutes=1)
    audit(instance, "state", "77", "2", 2)
    assert changes(history(instance)) == [("state", None, "in_progress")]


def test_fields_nobody_maps_and_journals_in_the_audit_are_left_out(instance: Instance) -> None:
    instance.incident(1, sys_mod_count="2")
    audit(instance, "comments", "", "secret text")
    audit(instance, "u_colour", "red", "blue")
    assert changes(history(instance)) == []


def test_the_audit_is_always_asked_by_its_index(instance: Instance) -> None:
    instance.incident(1, sys_mod_count="1")
    audit(instance, "state", "1", "2")
    history(instance)
    asked = [query for query in instance.queries() if "/sys_audit?" in query]
    assert asked
    assert all("documentkeyIN" in query and "tablenameIN" in query for query in asked)


def test_code_in_a_journal_is_read_as_text(instance: Instance) -> None:
    instance.incident(1, sys_mod_count="1")
    instance.put("sys_journal_field", element_id=sid(1), element="comments", name="incident",
                 value="See [code]<a href='https://x.example/'>this</a>[/code] < that")
    (event,) = [event for event in history(instance) if event.kind is EventKind.COMMENTED]
    assert event.text == "See this (https://x.example/) < that"


def metric(instance: Instance, value: str, field: str = "state") -> None:
    instance.put("metric_instance", id=sid(1), field=field, value=value, start=instance.now.strftime("%F %T"),
                 definition="d1")


def test_without_the_audit_metrics_give_the_changes(instance: Instance) -> None:
    for value, label in (("1", "New"), ("2", "In Progress")):
        instance.put("sys_choice", name="incident", element="state", value=value, label=label, inactive="false",
                     language="en")
    instance.incident(1, state="2", sys_mod_count="1")
    instance.closed = {"sys_audit"}
    metric(instance, "New")
    metric(instance, "Service Desk", "assignment_group")
    later(instance, minutes=9)
    metric(instance, "In Progress")
    metric(instance, "Network", "assignment_group")
    events = history(instance)
    assert sorted(changes(events), key=str) == sorted([
        ("state", "new", "in_progress"), ("group", "Service Desk", "Network"), ("level", 1, 2)], key=str)
    assert {event.at for event in events if event.kind is EventKind.CHANGED} == {START + timedelta(minutes=9)}


def test_an_audit_that_counts_rows_and_shows_none_is_closed_to_us(instance: Instance) -> None:
    instance.incident(1, state="2", sys_mod_count="1")
    audit(instance, "state", "1", "2")
    instance.hidden = set(instance.tables["sys_audit"])
    metric(instance, "1")
    later(instance, minutes=9)
    metric(instance, "2")
    assert changes(history(instance)) == [("state", "new", "in_progress")]


def test_where_nothing_can_be_read_history_is_unsupported(instance: Instance) -> None:
    instance.incident(1, sys_mod_count="1")
    instance.closed = {"sys_audit", "metric_instance", "sys_journal_field"}
    vendor = adapter(instance)
    assert Capability.HISTORY not in vendor.capabilities()
    with pytest.raises(Unsupported):
        vendor.history([sid(1)])


def test_history_of_a_ticket_that_is_gone_is_absent(instance: Instance) -> None:
    assert adapter(instance).history([sid(1)]) == {}
