"""Mappings: what they read and write."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from connector.domain.errors import BadRecord, Refused
from connector.domain.mapping import Owner
from connector.domain.ticket import Kind, PendingOn, Scale, State, Ticket
from tests.domain.mappings.trial_mapping import GLPI, NOON, RECORD, changed, load, read, when

# reading


def test_a_record_becomes_a_ticket_in_our_words() -> None:
    assert read({}) == Ticket(
        tool="hq", id="7", number="7", kind=Kind.INCIDENT, state=State.PENDING, pending_on=PendingOn.CUSTOMER,
        title="Mail is slow", description="since noon", impact=Scale.VERY_HIGH, priority="P1", group="Service Desk",
        level=1, tags=("mail", "exchange"), opened_at=NOON, updated_at=NOON, custom={"cost_centre": "AB"},
    )


def test_values_are_compared_as_text() -> None:
    assert read({"status": "4"}) == read({"status": 4}) == read({"status": 4.0})


def test_what_is_empty_is_not_known() -> None:
    ticket = read({"impact": "", "priority": None, "_group": "", "labels": "", "plugin_x": "   ", "due": ""})
    assert (ticket.impact, ticket.priority, ticket.group, ticket.level, ticket.tags, ticket.custom, ticket.due_at) == (
        None, None, "", None, (), {}, None)


def test_a_field_the_account_may_not_read_is_absent_and_not_known() -> None:
    record = {key: value for key, value in RECORD.items() if key != "impact"}
    assert load(GLPI).read("hq", record, when).impact is None


def test_an_unknown_value_names_tool_ticket_field_and_value() -> None:
    with pytest.raises(BadRecord) as caught:
        read({"status": 12})
    assert (caught.value.tool, caught.value.ticket) == ("hq", "7")
    assert str(caught.value) == "hq ticket 7: m.yaml: state: unknown value '12' in `status`"


def test_all_that_is_wrong_with_a_record_is_told_at_once() -> None:
    with pytest.raises(BadRecord) as caught:
        read({"type": 9, "status": 12, "priority": 42, "date": "yesterday", "name": ["a"], "plugin_x": {}})
    assert [problem.path for problem in caught.value.problems] == [
        "kind", "title", "state", "priority", "opened_at", "custom.cost_centre"]


def test_free_text_is_not_shown_in_errors() -> None:
    with pytest.raises(BadRecord) as caught:
        read({"content": ["my password is swordfish"]})
    assert "swordfish" not in str(caught.value)
    assert "description: a list where one value was expected in `content`" in str(caught.value)


@pytest.mark.parametrize("field", ["type", "status", "date", "date_mod"])
@pytest.mark.parametrize("raw", ["", None])
def test_what_every_ticket_has_cannot_be_missing(field: str, raw: Any) -> None:
    with pytest.raises(BadRecord, match=f"no value in `{field}`, and every ticket has one"):
        read({field: raw})


def test_a_date_that_means_not_set_is_missing() -> None:
    with pytest.raises(BadRecord, match="opened_at: no value in `date`"):
        read({"date": "0000-00-00 00:00:00"})


@pytest.mark.parametrize("raw", ["", None, [], ["a"]])
def test_a_record_without_id_is_told(raw: Any) -> None:
    with pytest.raises(BadRecord) as caught:
        read({"id": raw})
    assert caught.value.ticket == "?"
    assert any(problem.path == "id" for problem in caught.value.problems)


def test_nul_which_no_database_keeps_is_replaced() -> None:
    assert read({"name": "a\x00b", "plugin_x": "c\x00"}) == read({"name": "a\ufffdb", "plugin_x": "c\ufffd"})


def test_a_parser_that_forgets_the_zone_is_told() -> None:
    with pytest.raises(BadRecord, match="opened_at: date without a zone"):
        load(GLPI).read("hq", RECORD, lambda raw: datetime.fromisoformat(raw))


def test_a_list_in_a_tag_field_and_numbers_in_text_are_taken() -> None:
    ticket = read({"labels": "", "name": 404}, changed(tags="{from: other}"))
    assert (ticket.title, ticket.tags) == ("404", ())
    assert read({"other": ["a", "", "b"]}, changed(tags="{from: other}")).tags == ("a", "b")


def test_a_level_outside_the_four_is_told() -> None:
    with pytest.raises(BadRecord, match="level: 5 is not a support level"):
        read({"lvl": 5}, changed(level="{from: lvl, transform: int}"))


def test_else_gives_what_is_not_in_the_table() -> None:
    mapping = changed(category="{from: cat, values: {a: Alpha}, else: as_is}", level="{from: _group, values: {x: 2}, "
                      "else: 1}")
    assert read({"cat": "a"}, mapping).category == "Alpha"
    assert read({"cat": "b"}, mapping).category == "b"
    assert read({}, mapping).level == 1


def test_a_table_may_say_what_empty_means() -> None:
    mapping = changed(priority='{from: priority, values: {"": P5, 5: P1}}')
    assert read({"priority": None}, mapping).priority == "P5"


def test_several_fields_make_one_value() -> None:
    mapping = changed(category='{from: [cat, sub], transform: {join: " > "}}', site="{from: [a, b], transform: first}")
    ticket = read({"cat": "Mail", "sub": "Outlook", "b": "Bern"}, mapping)
    assert (ticket.category, ticket.site) == ("Mail > Outlook", "Bern")
    assert read({"cat": "Mail"}, mapping).category == "Mail"


def test_a_constant_needs_no_field() -> None:
    mapping = changed(customer="{value: ACME}", kind="{value: problem}")
    assert (read({}, mapping).customer, read({}, mapping).kind) == ("ACME", Kind.PROBLEM)
    assert "type" not in mapping.reads


# states of two fields (ServiceNow: state and hold_reason)

HOLD = """{from: [state, hold], values: {1: new, "3/1": pending/customer, "3/4": pending/supplier, "3/": pending,
    6: resolved}, write: true}"""


@pytest.mark.parametrize(("raw", "expected"), [
    (("1", ""), (State.NEW, None)), (("1", "9"), (State.NEW, None)), (("3", "1"), (State.PENDING, PendingOn.CUSTOMER)),
    (("3", "4"), (State.PENDING, PendingOn.SUPPLIER)), (("3", ""), (State.PENDING, None)),
])
def test_the_most_exact_key_wins(raw: tuple[str, str], expected: tuple[State, PendingOn | None]) -> None:
    ticket = read({"state": raw[0], "hold": raw[1]}, changed(state=HOLD))
    assert (ticket.state, ticket.pending_on) == expected


def test_the_order_of_the_keys_does_not_matter() -> None:
    spec = """{from: [a, b, c], values: {"3": pending, "3/*/9": pending/change, "3/1": pending/customer, 1: new}}"""
    mapping = changed(state=spec)
    raw = {"a": "3", "b": "1", "c": "8"}
    assert read(raw, mapping).pending_on is PendingOn.CUSTOMER
    assert read({**raw, "b": "2", "c": "9"}, mapping).pending_on is PendingOn.CHANGE
    assert read({**raw, "b": "2"}, mapping).pending_on is None


def test_a_hold_reason_that_is_not_listed_is_unknown() -> None:
    with pytest.raises(BadRecord, match="state: unknown value '3/7' in `state, hold`"):
        read({"state": "3", "hold": "7"}, changed(state=HOLD))


def test_what_one_of_two_fields_says_alone_in_history() -> None:
    mapping = changed(state=HOLD)
    assert mapping.value("state", "3") is State.PENDING
    assert mapping.value("pending_on", "4") is PendingOn.SUPPLIER
    assert mapping.value("pending_on", "") is None
    assert (mapping.field_of("state"), mapping.field_of("hold")) == ("state", "pending_on")
    with pytest.raises(ValueError, match="unknown value '99'"):
        mapping.value("state", "99")


def test_what_one_field_says_alone_is_not_guessed() -> None:
    mapping = changed(state='{from: [a, b], values: {"3/1": pending, "3/2": closed, "4/1": new}}')
    assert mapping.value("state", "4") is State.NEW
    with pytest.raises(ValueError, match="'3' alone is ambiguous"):
        mapping.value("state", "3")


def test_a_state_of_two_fields_is_written_to_both() -> None:
    mapping = changed(state=HOLD)
    assert mapping.write({"state": "pending", "pending_on": "supplier"}) == {"state": 3, "hold": 4}
    assert mapping.write({"state": "resolved", "pending_on": None}) == {"state": 6}


PER_KIND = """
    from: st
    write: true
    kinds:
      incident: {values: {1: new, 3: pending}}
      service_request: {values: {1: in_progress, 3: closed}}"""


def test_kinds_of_tickets_may_have_states_of_their_own() -> None:
    mapping = changed(state=PER_KIND)
    assert read({"type": 1, "st": 3}, mapping).state is State.PENDING
    assert read({"type": 2, "st": 3}, mapping).state is State.CLOSED
    assert mapping.value("state", 3, kind="service_request") is State.CLOSED
    assert mapping.write({"state": "closed"}, kind="service_request") == {"st": 3}
    with pytest.raises(Refused, match="without knowing the kind of ticket"):
        mapping.write({"state": "closed"})
    with pytest.raises(Refused, match="`state`: 'closed' has no value in the tool"):
        mapping.write({"state": "closed"}, kind="incident")


# history


def test_one_value_is_read_as_history_shows_it() -> None:
    mapping = load(GLPI)
    assert mapping.value("state", 4) is State.PENDING
    assert mapping.value("pending_on", 4) is PendingOn.CUSTOMER
    assert mapping.value("pending_on", 2) is None
    assert mapping.value("impact", "3") is Scale.MEDIUM
    assert mapping.value("custom.cost_centre", " x") == "X"
    assert mapping.value("opened_at", "2026-03-02 12:00:00", when) == NOON
    assert (mapping.value("title", None), mapping.value("impact", ""), mapping.value("tags", "")) == ("", None, ())
    with pytest.raises(ValueError, match="unknown value '8'"):
        mapping.value("impact", 8)


def test_a_tool_field_leads_to_ours() -> None:
    mapping = load(GLPI)
    assert mapping.field_of("_group") == "group", "not the level, which follows from the group"
    assert mapping.field_of("id") == "number"
    assert mapping.field_of("plugin_x") == "custom.cost_centre"
    assert mapping.field_of("nothing") is None


def test_reads_and_writes_name_what_the_tool_is_asked_for() -> None:
    mapping = load(GLPI)
    assert mapping.reads == {*RECORD, "due"}
    assert mapping.writes == {"name", "status", "impact", "_group", "labels", "due"}


# writing


def test_a_patch_becomes_raw_values_as_the_file_writes_them() -> None:
    assert load(GLPI).write({
        "title": "New", "state": "in_progress", "pending_on": None, "impact": "low", "tags": ("a", "b"), "due_at": NOON,
    }) == {"name": "New", "status": 2, "impact": 2, "labels": "a,b", "due": NOON}


def test_pending_is_written_with_its_reason() -> None:
    mapping = load(GLPI)
    assert mapping.write({"state": "pending", "pending_on": "customer"}) == {"status": 4}
    assert mapping.write({"pending_on": "customer"}) == {"status": 4}
    with pytest.raises(Refused, match="'pending/supplier' has no value in the tool"):
        mapping.write({"state": "pending", "pending_on": "supplier"})
    with pytest.raises(Refused, match="written together with `state`"):
        mapping.write({"pending_on": None})


@pytest.mark.parametrize(("patch", "reason"), [
    ({"priority": "P1"}, "`priority` cannot be written"), ({"nothing": 1}, "`nothing` cannot be written"),
    ({"state": "cancelled"}, "`state`: 'cancelled' has no value"), ({"state": "nonsense"}, "is not a state"),
    ({"state": None}, "cannot be emptied"), ({"impact": "huge"}, "is not a impact"),
    ({"due_at": datetime(2026, 1, 1)}, "is not a time with a zone"),  # noqa: DTZ001
    ({"title": ["x"]}, "a list where one value was expected"),
])
def test_what_cannot_be_written_is_refused_by_field_and_value(patch: dict[str, Any], reason: str) -> None:
    with pytest.raises(Refused, match=reason):
        load(GLPI).write(patch)


def test_emptying_a_field_writes_empty() -> None:
    assert load(GLPI).write({"group": "", "due_at": None, "tags": ()}) == {"_group": "", "due": "", "labels": ""}


def test_emptying_a_field_with_a_table_needs_a_value_for_it() -> None:
    with pytest.raises(Refused, match="`impact`: it cannot be emptied"):
        load(GLPI).write({"impact": None})
    mapping = changed(impact='{from: impact, values: {"": null, 3: medium}, write: true}')
    assert mapping.write({"impact": None}) == {"impact": ""}


def test_two_fields_of_ours_may_not_disagree_about_one_of_the_tool() -> None:
    mapping = changed(service="{from: _group, write: true}")
    assert mapping.write({"group": "A", "service": "A"}) == {"_group": "A"}
    with pytest.raises(Refused, match="disagree about `_group`"):
        mapping.write({"group": "A", "service": "B"})


def test_a_write_may_go_to_another_field_than_is_read() -> None:
    mapping = changed(group="{from: group_name, values: {Net: Network}, write: {to: group_id, values: {Network: Net}}}")
    assert mapping.write({"group": "Network"}) == {"group_id": "Net"}


def test_what_is_written_reads_back_as_the_same() -> None:
    mapping = load(GLPI)
    for state, reason in ((State.NEW, None), (State.IN_PROGRESS, None), (State.PENDING, PendingOn.CUSTOMER),
                          (State.RESOLVED, None), (State.CLOSED, None)):
        raw = mapping.write({"state": state, "pending_on": reason})
        ticket = read(raw)
        assert (ticket.state, ticket.pending_on) == (state, reason)
    for scale in Scale:
        assert read(mapping.write({"impact": scale})).impact is scale


# owners


def test_owners() -> None:
    mapping = load(GLPI)
    assert mapping.owner("title") is Owner.NEWEST
    assert mapping.owner("impact") is Owner.MANUAL
    assert mapping.owner("group") is Owner.CONNECTOR
    assert mapping.owner("tags") is Owner.SET
    assert mapping.owner("priority") is Owner.TOOL
    assert mapping.owner("state") is Owner.NEWEST, "a field we can write is the newest's unless said otherwise"
    assert mapping.owner("pending_on") is mapping.owner("state")
    assert mapping.owner("site") is Owner.TOOL
    assert (mapping.writable("title"), mapping.writable("pending_on"), mapping.writable("priority")) == (
        True, True, False)
