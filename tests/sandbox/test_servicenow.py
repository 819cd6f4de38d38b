"""The ServiceNow stand-in against what its documentation says (research: servicenow.md), fact by fact."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import requests

from connector.sandbox import Handle
from connector.sandbox.servicenow import ServiceNow
from connector.sandbox.servicenow.records import build
from connector.sandbox.servicenow.table import parse, select

Ask = Callable[..., requests.Response]


def query(tool: Handle, text: str, table: str = "incident") -> list[str]:
    """Titles of the rows a query gives, in its order."""
    assert isinstance(tool.side, ServiceNow)
    tables = build(tool.side)
    rows = select(tables, tables[table], parse(text, tables, tables[table]), tool.desk.generation)
    return [row.title for row in rows]


@pytest.fixture
def three(servicenow: Handle) -> Handle:
    for title, state, impact in (("a", "new", "high"), ("b", "in_progress", "low"), ("c", "new", "low")):
        servicenow.create(title=title, state=state, impact=impact, urgency=impact, requester="user001")
        servicenow.step(10)
    return servicenow


@pytest.mark.parametrize(("text", "found"), [
    ("state=1", ["a", "c"]),
    ("state=1^impact=3", ["c"]),
    ("state=2^ORshort_description=a^ORDERBYnumber", ["a", "b"]),
    ("short_description=a^ORshort_description=b^impact=3", ["b"]),  # OR binds to the condition before it only
    ("short_description=a^NQshort_description=b", ["a", "b"]),
    ("short_descriptionINa,c^ORDERBYDESCshort_description", ["c", "a"]),
    ("short_descriptionNOT INa,c", ["b"]),
    ("short_description!=a^ORDERBYshort_description", ["b", "c"]),
    ("short_description>=b^ORDERBYshort_description", ["b", "c"]),
    ("short_description>b^ORDERBYshort_description", ["c"]),
    ("close_codeISEMPTY^state=2", ["b"]),
    ("assigned_toISNOTEMPTY", []),
    ("short_descriptionSTARTSWITHa", ["a"]),
    ("short_descriptionLIKEb", ["b"]),
    ("caller_id.user_name=user001^state=2", ["b"]),
    ("priority<5^ORDERBYpriority", ["a"]),
    ("resolved_at<2030-01-01 00:00:00", []),  # nothing is not smaller than anything
])
def test_encoded_queries_find_what_they_say(three: Handle, text: str, found: list[str]) -> None:
    assert query(three, text) == found


@pytest.mark.parametrize("text", ["no_such_field=1", "state~1", "caller_id.no_such=1", "javascript:gs.now()"])
def test_an_invalid_part_is_dropped_and_the_rest_runs(three: Handle, text: str) -> None:
    assert query(three, f"{text}^state=2") == ["b"]
    assert len(query(three, text)) == 3


def test_class_queries_find_all_tasks_or_one_table(three: Handle) -> None:
    assert len(query(three, "sys_class_nameINSTANCEOFincident", "task")) == 3
    assert query(three, "sys_class_nameINSTANCEOFproblem", "task") == []


@pytest.mark.parametrize("op", [">", ">=", "=", "<", "<="])
def test_the_index_of_the_first_order_gives_what_a_search_through_all_gives(three: Handle, op: str) -> None:
    at = next(iter(three.desk.tickets.values())).updated_at.strftime("%Y-%m-%d %H:%M:%S")
    indexed = query(three, f"sys_updated_on{op}{at}^ORDERBYsys_updated_on")
    assert indexed == sorted(query(three, f"sys_updated_on{op}{at}"))


def test_a_page_has_count_and_links(three: Handle, now: Ask) -> None:
    answer = now("table/incident?sysparm_limit=2&sysparm_query=ORDERBYnumber")
    assert answer.headers["X-Total-Count"] == "3"
    assert set(answer.links) == {"first", "next", "last"}
    assert "sysparm_offset=2" in answer.links["next"]["url"]
    quiet = now("table/incident?sysparm_no_count=true&sysparm_suppress_pagination_header=true")
    assert not {"X-Total-Count", "Link"} & set(quiet.headers)


def test_a_limit_counts_rows_that_are_then_hidden(three: Handle, now: Ask) -> None:
    three.hide(now("table/incident?sysparm_query=short_description=a").json()["result"][0]["sys_id"])
    answer = now("table/incident?sysparm_limit=2&sysparm_query=ORDERBYnumber")
    assert [row["short_description"] for row in answer.json()["result"]] == ["b"]
    assert answer.headers["X-Total-Count"] == "3"


def test_every_scalar_is_text_and_an_empty_reference_is_text_too(three: Handle, now: Ask) -> None:
    row = now("table/incident?sysparm_limit=1&sysparm_query=short_description=a").json()["result"][0]
    assert row["caller_id"].keys() == {"link", "value"}
    assert row["assigned_to"] == ""
    assert all(isinstance(value, str) for name, value in row.items() if name not in ("caller_id", "opened_by"))


def test_display_values_come_alone_or_beside_the_stored_ones(three: Handle, now: Ask) -> None:
    path = "table/incident?sysparm_query=short_description=b&sysparm_fields=state,caller_id,number"
    shown = now(f"{path}&sysparm_display_value=true").json()["result"][0]
    both = now(f"{path}&sysparm_display_value=all").json()["result"][0]
    assert shown["state"] == "In Progress"
    assert shown["caller_id"].keys() == {"display_value", "link"}
    assert both["state"] == {"display_value": "In Progress", "value": "2"}
    assert both["caller_id"].keys() == {"display_value", "value", "link"}


def test_unknown_fields_are_left_out_and_dots_follow_references(three: Handle, now: Ask) -> None:
    answer = now("table/incident?sysparm_limit=1&sysparm_fields=nonsense,caller_id.email,number")
    assert answer.json()["result"][0].keys() == {"caller_id.email", "number"}
    assert answer.json()["result"][0]["caller_id.email"] == "user001@example.com"


def test_a_record_is_created_changed_and_deleted(servicenow: Handle, now: Ask) -> None:
    made = now("table/incident", "POST", json={"short_description": "x", "impact": "1", "urgency": "2",
                                                "priority": "5", "number": "INC1", "nonsense": "y"})
    assert made.status_code == 201
    row = made.json()["result"]
    assert made.headers["Location"].endswith(row["sys_id"])
    assert (row["priority"], row["number"], "nonsense" in row) == ("2", "INC0010001", False)
    changed = now(f"table/incident/{row['sys_id']}", "PATCH", json={"state": "2"})
    assert (changed.json()["result"]["state"], changed.json()["result"]["sys_mod_count"]) == ("2", "1")
    assert now(f"table/incident/{row['sys_id']}", "DELETE").status_code == 204
    assert now(f"table/incident/{row['sys_id']}").status_code == 404
    gone = now("table/sys_audit_delete").json()["result"]
    assert [(g["tablename"], g["documentkey"]) for g in gone] == [("incident", row["sys_id"])]


def test_resolving_needs_a_code_and_notes_in_the_same_request(servicenow: Handle, now: Ask) -> None:
    id = servicenow.create(title="x")
    refused = now(f"table/incident/{id}", "PATCH", json={"state": "6"})
    assert refused.status_code == 403
    assert "aborted by Business Rule" in refused.json()["error"]["detail"]
    done = now(f"table/incident/{id}", "PATCH", json={"state": "6", "close_code": "User error", "close_notes": "x"})
    assert done.json()["result"]["resolved_at"]


def test_journals_are_written_and_read_elsewhere(servicenow: Handle, now: Ask) -> None:
    id = servicenow.create(title="x")
    back = now(f"table/incident/{id}", "PATCH", json={"work_notes": "inside", "comments": "outside"}).json()["result"]
    assert (back["work_notes"], back["comments"]) == ("", "")
    rows = now(f"table/sys_journal_field?sysparm_query=element_id={id}").json()["result"]
    assert {(row["element"], row["value"]) for row in rows} == {("work_notes", "inside"), ("comments", "outside")}


def test_the_audit_has_raw_values_and_the_number_of_the_update(servicenow: Handle, now: Ask) -> None:
    id = servicenow.create(title="x")
    servicenow.edit(id, state="pending", pending_on="supplier")
    rows = now(f"table/sys_audit?sysparm_query=tablename=incident^documentkey={id}").json()["result"]
    assert {(row["fieldname"], row["oldvalue"], row["newvalue"], row["record_checkpoint"]) for row in rows} == {
        ("state", "1", "3", "1"), ("incident_state", "1", "3", "1"), ("hold_reason", "", "4", "1")}


def test_attachments_go_in_and_out(servicenow: Handle, now: Ask) -> None:
    id = servicenow.create(title="x")
    query = f"attachment/file?table_name=incident&table_sys_id={id}&file_name=é.log"
    made = now(query, "POST", data=b"bytes", headers={"Content-Type": "text/plain"})
    assert made.status_code == 201
    file = made.json()["result"]
    assert (file["size_bytes"], file["file_name"]) == ("5", "é.log")
    listed = now(f"attachment?sysparm_query=table_name=incident^table_sys_id={id}").json()["result"]
    assert [row["sys_id"] for row in listed] == [file["sys_id"]]
    got = now(f"attachment/{file['sys_id']}/file")
    assert (got.content, "X-Attachment-Metadata" in got.headers) == (b"bytes", True)


def test_strangers_are_turned_away(servicenow: Handle, now: Ask) -> None:
    answer = now("table/incident", auth=("connector", "wrong"))
    assert (answer.status_code, answer.json()["error"]["message"]) == (401, "User Not Authenticated")


def test_a_token_opens_and_ends_when_it_expires(servicenow: Handle, now: Ask) -> None:
    assert isinstance(servicenow.side, ServiceNow)
    known = servicenow.side.oauth()
    form = {"grant_type": "password", "username": known["user"], "password": known["password"],
            "client_id": known["client_id"], "client_secret": known["client_secret"]}
    token = requests.post(f"{servicenow.url}/oauth_token.do", data=form, timeout=10).json()
    bearer = {"Authorization": f"Bearer {token['access_token']}"}
    assert now("table/incident", auth=None, headers=bearer).status_code == 200
    servicenow.faults.add("expired")
    assert now("table/incident", auth=None, headers=bearer).status_code == 401
    refused = requests.post(f"{servicenow.url}/oauth_token.do", data={**form, "client_secret": "x"}, timeout=10)
    assert (refused.status_code, refused.json()["error"]) == (401, "server_error")


def test_counts_are_text(three: Handle, now: Ask) -> None:
    assert now("stats/incident?sysparm_count=true").json() == {"result": {"stats": {"count": "3"}}}
    grouped = now("stats/incident?sysparm_count=true&sysparm_group_by=state").json()["result"]
    assert {row["groupby_fields"][0]["value"]: row["stats"]["count"] for row in grouped} == {"1": "2", "2": "1"}


def test_unknown_tables_and_content_types_are_refused(servicenow: Handle, now: Ask) -> None:
    assert now("table/nonsense").status_code == 400
    assert now("table/incident", "POST", data=b"x", headers={"Content-Type": "text/plain"}).status_code == 415
