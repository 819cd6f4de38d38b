"""One effect per key, and nothing taken for done that was not."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from connector.domain.errors import NotFound, Refused, TryLater
from connector.domain.ticket import Comment, Draft, Kind, PendingOn, Ref, State
from connector.vendors.servicenow.writing import marked, unmarked
from tests.vendors.servicenow.instance import Instance, adapter, sid
from tests.vendors.servicenow.maps import with_fields

DRAFT = Draft(kind=Kind.INCIDENT, fields={"title": "Printer", "impact": "high"})


def sent(instance: Instance, index: int = -1) -> dict[str, str]:
    body: dict[str, str] = json.loads(instance.requests[index].body or "{}")
    return body


def test_a_ticket_is_created_with_our_key_and_name(instance: Instance) -> None:
    ref = adapter(instance).create(DRAFT, "k-1")
    row = instance.tables["incident"][ref.id]
    assert ref.tool == "snow"
    assert row["correlation_id"] == "k-1"
    assert row["correlation_display"] == "Servicedesk Connector"
    assert (row["short_description"], row["impact"]) == ("Printer", "1")
    assert len(instance.requests) == 1


def test_a_create_whose_answer_was_lost_is_looked_up_before_it_is_repeated(instance: Instance) -> None:
    vendor = adapter(instance)
    post = instance._table
    instance.say = [None]

    def lost(*args: Any) -> Any:
        post(*args)
        return 202, {}, ""

    instance._table = lost  # type: ignore[method-assign]
    with pytest.raises(TryLater):
        vendor.create(DRAFT, "k-1")
    instance._table = post  # type: ignore[method-assign]
    ref = vendor.create(DRAFT, "k-1", again=True)
    assert list(instance.tables["incident"]) == [ref.id]
    assert vendor.create(DRAFT, "k-1", again=True) == ref
    assert vendor.find("k-1") == ref
    assert vendor.find("k-2") is None


def test_a_dropped_condition_does_not_find_somebody_elses_ticket(instance: Instance) -> None:
    instance.incident(1, correlation_id="other")
    instance.dropped = {"correlation_id"}
    assert adapter(instance).find("k-1") is None


def test_a_key_that_does_not_fit_is_kept_as_its_digest(instance: Instance) -> None:
    for key in ("x" * 101, "a^b", "javascript:x y"):
        ref = adapter(instance).create(DRAFT, key)
        assert adapter(instance).find(key) == ref
        assert len(marked(key)) <= 100


def test_a_correlation_id_that_is_not_kept_takes_the_promise_back(instance: Instance) -> None:
    from connector.ports import Capability
    instance.readonly = {"correlation_id"}
    vendor = adapter(instance)
    assert Capability.FIND in vendor.capabilities()
    vendor.create(DRAFT, "k-1")
    assert Capability.FIND not in vendor.capabilities()


def test_a_kind_without_a_table_or_ordered_elsewhere_is_refused(instance: Instance) -> None:
    with pytest.raises(Refused, match="problem"):
        adapter(instance).create(Draft(kind=Kind.PROBLEM, fields={"title": "x"}), "k")
    with pytest.raises(Refused, match="catalogue"):
        adapter(instance, options={"tables": ["sc_req_item"]}).create(
            Draft(kind=Kind.SERVICE_REQUEST, fields={"title": "x"}), "k")
    assert not instance.requests


def test_an_update_is_one_request_and_gives_the_ticket_back(instance: Instance) -> None:
    instance.incident(1)
    vendor = adapter(instance)
    vendor.get([sid(1)])
    instance.requests.clear()
    ticket = vendor.update(sid(1), {"state": State.PENDING, "pending_on": PendingOn.CUSTOMER, "impact": "low"})
    assert ticket is not None
    assert (ticket.state, ticket.pending_on, ticket.impact, ticket.version) == ("pending", "customer", "low", "1")
    assert sent(instance) == {"state": "3", "hold_reason": "1", "impact": "3"}
    assert [request.method for request in instance.requests] == ["PATCH"]


def test_resolving_carries_what_the_base_system_demands_in_the_same_request(instance: Instance) -> None:
    instance.incident(1)
    vendor = adapter(instance)
    vendor.update(sid(1), {"state": State.RESOLVED})
    assert sent(instance) == {"state": "6", "close_code": "Solution provided",
                              "close_notes": "Resolved (see the work notes)."}
    vendor.update(sid(1), {"state": State.RESOLVED, "custom.close_code": "Duplicate", "custom.close_notes": "of 7"})
    assert sent(instance) == {"state": "6", "close_code": "Duplicate", "close_notes": "of 7"}


def test_what_goes_with_a_state_can_be_set(instance: Instance) -> None:
    instance.incident(1)
    vendor = adapter(instance, options={"tables": ["incident"], "with_state": {"incident/6": {"close_code": "Done"}}})
    vendor.update(sid(1), {"state": State.RESOLVED})
    assert sent(instance) == {"state": "6", "close_code": "Done"}


def test_fields_ignored_with_200_are_named_and_not_taken_for_written(instance: Instance) -> None:
    instance.incident(1)
    instance.readonly = {"impact", "short_description"}
    with pytest.raises(Refused, match="did not take impact, short_description"):
        adapter(instance).update(sid(1), {"impact": "low", "title": "Scanner", "urgency": "low"})


def test_a_field_cut_to_its_length_or_spelt_otherwise_was_taken(instance: Instance) -> None:
    instance.incident(1)
    row = instance.tables["incident"][sid(1)]
    write = instance._write

    def cut(table: str, target: Any, body: dict[str, str]) -> None:
        write(table, target, {name: value[:160].strip() for name, value in body.items()})

    instance._write = cut  # type: ignore[method-assign]
    adapter(instance).update(sid(1), {"title": "x" * 300, "description": "a\r\nb "})
    assert len(row["short_description"]) == 160


def test_a_field_we_may_not_read_back_may_well_have_been_taken(instance: Instance) -> None:
    instance.incident(1)
    instance.unreadable = {"impact"}
    adapter(instance).update(sid(1), {"impact": "low"})
    assert instance.tables["incident"][sid(1)]["impact"] == "3"


def test_times_are_written_in_utc_and_an_emptied_field_as_nothing(instance: Instance) -> None:
    instance.incident(1)
    adapter(instance).update(sid(1), {"due_at": datetime(2025, 12, 1, 8, tzinfo=UTC), "assignee": ""})
    assert sent(instance) == {"due_date": "2025-12-01 08:00:00", "assigned_to": ""}


def test_a_group_is_written_by_the_id_behind_its_name(instance: Instance) -> None:
    group = instance.put("sys_user_group", name="Network", active="true")
    instance.put("sys_user_group", name="Network", active="false")
    instance.incident(1)
    vendor = adapter(instance)
    ticket = vendor.update(sid(1), {"group": "Network"})
    assert sent(instance) == {"assignment_group": group["sys_id"]}
    assert ticket is not None
    assert ticket.group == "Network"
    before = len(instance.requests)
    vendor.update(sid(1), {"group": "Network"})
    assert len(instance.requests) == before + 1


@pytest.mark.parametrize(("groups", "said"), [([], "no record"), (["Network", "Network"], "2 records")])
def test_a_name_that_is_nobodys_or_two_peoples_is_refused(instance: Instance, groups: list[str], said: str) -> None:
    instance.incident(1)
    instance.put("sys_user_group", name="Else", active="true")
    for name in groups:
        instance.put("sys_user_group", name=name, active="true")
    with pytest.raises(Refused, match=said):
        adapter(instance).update(sid(1), {"group": "Network"})
    assert instance.count("PATCH") == 0


def test_a_name_that_could_inject_is_refused(instance: Instance) -> None:
    instance.incident(1)
    with pytest.raises(Refused, match=r"\^"):
        adapter(instance).update(sid(1), {"group": "x^ORactive=true"})


def test_html_fields_get_text_that_carries_no_markup(instance: Instance) -> None:
    instance.put("problem", 1, state="101", opened_at="2025-11-24 09:00:00", workaround="<p>a &lt; b</p>")
    vendor = adapter(instance, with_fields(custom_workaround={"from": "workaround", "write": True}),
                     options={"tables": ["problem"]})
    ticket = vendor.update(sid(1), {"custom.workaround": "<b>no</b>"})
    assert sent(instance) == {"workaround": "<p>&lt;b&gt;no&lt;/b&gt;</p>"}
    assert ticket is not None
    assert ticket.custom["workaround"] == "<b>no</b>"


def test_a_ticket_that_is_gone_is_not_found(instance: Instance) -> None:
    with pytest.raises(NotFound):
        adapter(instance).update(sid(1), {"impact": "low"})
    instance.incident(1)
    vendor = adapter(instance)
    vendor.get([sid(1)])
    del instance.tables["incident"][sid(1)]
    with pytest.raises(NotFound):
        vendor.update(sid(1), {"impact": "low"})


# comments

def test_comments_and_notes_go_to_their_journals_and_give_the_entrys_id(instance: Instance) -> None:
    instance.incident(1)
    vendor = adapter(instance)
    public = vendor.comment(sid(1), Comment(text="Hello", public=True), "c-1")
    note = vendor.comment(sid(1), Comment(text="Psst", author="Bob (ACME)"), "c-2")
    entries = instance.tables["sys_journal_field"]
    assert entries[public]["element"] == "comments"
    assert entries[public]["value"] == "Hello\n\n[ref c-1]"
    assert entries[note]["element"] == "work_notes"
    assert entries[note]["value"] == "Bob (ACME):\nPsst\n\n[ref c-2]"


def test_a_comment_whose_answer_was_lost_is_found_by_its_marker(instance: Instance) -> None:
    instance.incident(1)
    vendor = adapter(instance)
    first = vendor.comment(sid(1), Comment(text="Hello"), "c-1")
    assert vendor.comment(sid(1), Comment(text="Hello"), "c-1", again=True) == first
    assert len(instance.tables["sys_journal_field"]) == 1
    vendor.comment(sid(1), Comment(text="Hello"), "c-10", again=True)
    assert len(instance.tables["sys_journal_field"]) == 2


def test_a_marker_on_another_ticket_is_not_ours(instance: Instance) -> None:
    instance.incident(1)
    instance.incident(2)
    vendor = adapter(instance)
    vendor.comment(sid(1), Comment(text="Hello"), "c-1")
    vendor.comment(sid(2), Comment(text="Hello"), "c-1", again=True)
    assert len(instance.tables["sys_journal_field"]) == 2


def test_journals_closed_as_a_table_are_looked_up_as_the_form_shows_them(instance: Instance) -> None:
    instance.incident(1, comments="", work_notes="")
    instance.closed = {"sys_journal_field"}
    vendor = adapter(instance)
    assert vendor.comment(sid(1), Comment(text="Hello"), "c-1") == ""
    assert vendor.comment(sid(1), Comment(text="Hello"), "c-1", again=True) == ""
    assert len(instance.tables["sys_journal_field"]) == 1


def test_a_journal_we_may_not_write_is_told_and_not_taken_for_written(instance: Instance) -> None:
    instance.incident(1, comments="", work_notes="")
    instance.readonly = {"work_notes"}
    with pytest.raises(Refused, match="work_notes"):
        adapter(instance).comment(sid(1), Comment(text="Hello"), "c-1")


def test_code_marks_of_partners_do_not_become_html(instance: Instance) -> None:
    instance.incident(1)
    note = adapter(instance).comment(sid(1), Comment(text="[code]<img src=x>[/CODE] [co[code]de]"), "c-1")
    value = instance.tables["sys_journal_field"][note]["value"]
    assert "[code]" not in value.lower()
    assert "[/code]" not in value.lower()


def test_the_marker_line_is_taken_off_again() -> None:
    assert unmarked("Hello\n\n[ref c-1]") == ("Hello", "c-1")
    assert unmarked("Hello\r\n\r\n[ref c-1]\n")[0] == "Hello"
    assert unmarked("see [ref c-1] there") == ("see [ref c-1] there", "")
    assert unmarked("[ref c-1]") == ("", "c-1")


def test_refs_name_the_tool(instance: Instance) -> None:
    assert adapter(instance, name="second").create(DRAFT, "k") == Ref("second", next(iter(instance.tables["incident"])))
