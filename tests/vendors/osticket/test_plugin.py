"""With the plugin: reading, writing, and answers that are not what they seem."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
import responses

from connector.domain.errors import ConnectorError, NotFound, Refused, TryLater, Unsupported
from connector.domain.ticket import Attachment, Comment, Draft, Kind, PendingOn, State
from connector.ports import Capability
from connector.vendors.osticket.adapter import OsTicket
from connector.vendors.osticket.records import own_key, wire_key
from tests.vendors.osticket.conftest import CATALOG, PING, URL, V1, paths, sent, ticket

Make = Callable[..., OsTicket]


def error(code: str, **more: Any) -> dict[str, Any]:
    return {"error": {"code": code, "message": f"said {code}", **more}}


def page(*tickets: Any, cursor: str = "c1", more: bool = False) -> dict[str, Any]:
    return {"tickets": list(tickets), "cursor": cursor, "more": more, "total": 7}


# reading

def test_a_ticket_is_read_in_our_words(plugin: responses.RequestsMock, make: Make) -> None:
    plugin.get(f"{V1}/tickets", json={"tickets": [ticket()], "missing": []})
    found = make().get(["39"]).tickets[0]
    assert (found.tool, found.id, found.number) == ("desk", "39", "081883")
    assert (found.state, found.priority, found.kind) == (State.IN_PROGRESS, "P2", Kind.INCIDENT)
    assert (found.assignee, found.group, found.level) == ("lagent", "Support", 1)
    assert (found.requester_email, found.customer, found.category) == ("op@example.com", "ACME SA", "Access / SAP")
    assert found.description == "Since 9:00\n1 < 2"
    assert found.opened_at == datetime(2026, 11, 24, 3, 31, 56, tzinfo=UTC)
    assert found.closed_at is None


def test_pages_follow_the_cursor_and_each_can_be_resumed(plugin: responses.RequestsMock, make: Make) -> None:
    plugin.get(f"{V1}/changed", json=page(ticket(1), ticket(2), more=True),
               match=[responses.matchers.query_param_matcher({"limit": "2"})])
    plugin.get(f"{V1}/changed", json=page(ticket(3), cursor="c2"),
               match=[responses.matchers.query_param_matcher({"limit": "2", "cursor": "c1"})])
    plugin.get(f"{V1}/changed", json=page(cursor="c2"),
               match=[responses.matchers.query_param_matcher({"limit": "2", "cursor": "c2"})])
    vendor = make()
    pages = list(vendor.changed({}))
    assert [[t.id for t in p.tickets] for p in pages] == [["1", "2"], ["3"]]
    assert pages[0].total == 7
    assert [t.id for p in vendor.changed(pages[0].cursor) for t in p.tickets] == ["3"]
    assert list(vendor.changed(pages[-1].cursor)) == []


def test_a_quiet_poll_is_one_request(plugin: responses.RequestsMock, make: Make) -> None:
    plugin.get(f"{V1}/changed", json=page())
    vendor = make()
    vendor.capabilities()
    before = len(plugin.calls)
    assert list(vendor.changed({"cursor": "c1", "at": None})) == []
    assert len(plugin.calls) == before + 1


def test_one_bad_ticket_does_not_stop_the_page(plugin: responses.RequestsMock, make: Make) -> None:
    strange = ticket(2, status={"id": 9, "name": "Frozen", "state": "open"})
    plugin.get(f"{V1}/changed", json=page(ticket(1), strange, "nonsense", {},
                                                 ticket(3, created="yesterday"), ticket(4)))
    got = next(make().changed({}))
    assert [t.id for t in got.tickets] == ["1", "4"]
    assert [bad.ticket for bad in got.rejected] == ["2", "?", "?", "3"]
    assert "unknown value 'Frozen'" in str(got.rejected[0])


def test_a_cursor_the_plugin_lost_is_replaced_by_a_time(plugin: responses.RequestsMock, make: Make) -> None:
    plugin.get(f"{V1}/changed", status=422, json=error("cursor_gone"),
               match=[responses.matchers.query_param_matcher({"limit": "2", "cursor": "old"})])
    plugin.get(f"{V1}/changed", json=page(ticket(1)),
               match=[responses.matchers.query_param_matcher({"limit": "2", "since": "2026-11-24T09:00:00Z"})])
    got = list(make().changed({"cursor": "old", "at": "2026-11-24T10:00:00Z"}))
    assert [t.id for t in got[0].tickets] == ["1"]
    assert got[0].cursor["cursor"] == "c1"


def test_a_cursor_that_does_not_move_ends_the_reading(plugin: responses.RequestsMock, make: Make) -> None:
    plugin.get(f"{V1}/changed", json=page(ticket(1), more=True))
    with pytest.raises(TryLater, match="does not move"):
        list(make().changed({}))


def test_missing_ids_are_absent_and_impossible_ones_are_not_asked(plugin: responses.RequestsMock, make: Make) -> None:
    plugin.get(f"{V1}/tickets", json={"tickets": [ticket()], "missing": [40]})
    got = make().get(["39", "40", "#468449", "../ping", "1 or 1"])
    assert [t.id for t in got.tickets] == ["39"]
    assert plugin.calls[-1].request.params == {"ids": "39,40"}


def test_many_ids_are_asked_in_portions(plugin: responses.RequestsMock, make: Make) -> None:
    plugin.get(f"{V1}/tickets", json={"tickets": [], "missing": []})
    make().get(["1", "2", "3", "4", "5"])
    assert [call.request.params["ids"] for call in plugin.calls[1:]] == ["1,2", "3,4", "5"]


def test_all_ids_are_listed_to_the_end(plugin: responses.RequestsMock, make: Make) -> None:
    plugin.get(f"{V1}/ids", json={"ids": [1, 2, 5], "next": 5},
               match=[responses.matchers.query_param_matcher({"after": "0", "limit": "3"})])
    plugin.get(f"{V1}/ids", json={"ids": [9], "next": None},
               match=[responses.matchers.query_param_matcher({"after": "5", "limit": "3"})])
    assert list(make().ids()) == [["1", "2", "5"], ["9"]]


def test_deletions_are_read_to_the_end(plugin: responses.RequestsMock, make: Make) -> None:
    plugin.get(f"{V1}/deletions", json={"deleted": [{"id": 3, "number": "1", "at": "2026-11-24T03:40:00Z"}],
                                        "cursor": "d1", "more": True})
    plugin.get(f"{V1}/deletions", json={"deleted": [{"id": 4}], "cursor": "d2", "more": False},
               match=[responses.matchers.query_param_matcher({"cursor": "d1"})])
    assert make().deletions({}) == (["3", "4"], {"cursor": "d2"})


def test_files_are_listed_and_streamed(plugin: responses.RequestsMock, make: Make) -> None:
    plugin.get(f"{V1}/tickets/39/attachments", json={"attachments": [
        {"id": 12, "entry_id": 48, "name": "log.txt", "type": "text/plain", "size": 5, "at": "2026-11-24T03:31:56Z"}]})
    plugin.get(f"{V1}/tickets/39/attachments/12", body=b"hello", content_type="application/octet-stream")
    vendor = make()
    info = vendor.attachments("39")[0]
    assert (info.id, info.name, info.media_type, info.size) == ("12", "log.txt", "text/plain", 5)
    assert b"".join(vendor.download("39", "12")) == b"hello"


def test_a_page_of_errors_does_not_pass_for_a_file(plugin: responses.RequestsMock, make: Make) -> None:
    plugin.get(f"{V1}/tickets/39/attachments/12", body="<b>Fatal error</b>", content_type="text/html")
    with pytest.raises(TryLater):
        list(make().download("39", "12"))


def test_ids_cannot_lead_to_another_path(plugin: responses.RequestsMock, make: Make) -> None:
    plugin.get(f"{V1}/tickets/..%2F..%2Fping/attachments", status=404, json=error("not_found"))
    with pytest.raises(NotFound):
        make().attachments("../../ping")


# writing

def test_creating_sends_ids_for_names(plugin: responses.RequestsMock, make: Make) -> None:
    plugin.post(f"{V1}/tickets", status=201, json={"id": 39, "number": "081883", "repeated": False})
    fields = {"title": "VPN \U0001f525", "description": "a\nb", "requester": "Ana",
              "requester_email": "ana@example.com", "priority": "P1", "group": "Network",
              "assignee": "bsmith", "category": "Access / SAP"}
    assert make().create(Draft(kind=Kind.INCIDENT, fields=fields), "k/1") == ("desk", "39")
    assert sent(plugin) == {
        "key": "k/1", "subject": "VPN :fire:", "message": {"format": "text", "body": "a\nb"},
        "user": {"name": "Ana", "email": "ana@example.com"}, "priority_id": 4, "dept_id": 3, "staff_id": 2,
        "topic_id": 10, "alert": True, "autorespond": False}


@pytest.mark.parametrize("status", [200, 201])
def test_a_repeated_creation_gives_the_first_ticket(status: int, plugin: responses.RequestsMock, make: Make) -> None:
    plugin.post(f"{V1}/tickets", status=status, json={"id": 39, "number": "1", "repeated": status == 200})
    fields = {"title": "x", "requester_email": "ana@example.com"}
    assert make().create(Draft(kind=Kind.INCIDENT, fields=fields), "k", again=True).id == "39"


def test_a_creation_without_an_id_in_the_answer_is_not_done(plugin: responses.RequestsMock, make: Make) -> None:
    plugin.post(f"{V1}/tickets", status=201, json={"number": "1"})
    with pytest.raises(TryLater):
        make().create(Draft(kind=Kind.INCIDENT, fields={"title": "x", "requester_email": "a@b.example"}), "k")


def test_finding_by_key(plugin: responses.RequestsMock, make: Make) -> None:
    plugin.get(f"{V1}/find", json={"id": 39, "number": "1"},
               match=[responses.matchers.query_param_matcher({"key": "k"})])
    plugin.get(f"{V1}/find", status=404, json=error("not_found"))
    assert make().find("k") == ("desk", "39")
    assert make().find("other") is None


def test_an_update_is_one_request_and_gives_the_ticket_back(plugin: responses.RequestsMock, make: Make) -> None:
    plugin.post(f"{V1}/tickets/39/update", json={
        "ticket": ticket(status={"id": 7, "name": "Waiting for customer", "state": "open"}), "done": ["status_id"]})
    after = make().update("39", {"state": State.PENDING, "pending_on": PendingOn.CUSTOMER, "title": "New  title\n",
                                 "assignee": "", "due_at": datetime(2027, 2, 1, 10, tzinfo=UTC), "group": "Network"})
    assert after is not None
    assert (after.state, after.pending_on) == (State.PENDING, PendingOn.CUSTOMER)
    assert sent(plugin) == {"status_id": 7, "staff_id": None, "due": "2027-02-01T10:00:00Z", "dept_id": 3,
                            "fields": {"subject": "New title"}}


def test_a_name_osticket_does_not_have_is_refused_with_a_hint(plugin: responses.RequestsMock, make: Make) -> None:
    with pytest.raises(Refused, match=r"no dept 'Netwrok', did you mean `Network`"):
        make().update("39", {"group": "Netwrok"})
    assert not [path for path in paths(plugin) if path.startswith("POST")]


def test_a_name_added_a_moment_ago_is_found(server: responses.RequestsMock, make: Make) -> None:
    server.get(f"{V1}/ping", json=PING)
    server.get(f"{V1}/catalog", json=CATALOG)
    server.get(f"{V1}/catalog", json={**CATALOG, "departments": [{"id": 8, "name": "Field"}]})
    server.post(f"{V1}/tickets/39/update", json={"ticket": ticket(), "done": []})
    make().update("39", {"group": "Field"})
    assert sent(server) == {"dept_id": 8}


def test_what_osticket_cannot_change_is_refused_before_anything_is_sent(plugin: responses.RequestsMock,
                                                                       make: Make) -> None:
    with pytest.raises(Refused, match=r"message cannot be changed after creation; user_name cannot"):
        make().update("39", {"description": "x", "requester": "y"})
    with pytest.raises(Refused, match=r"`state`: 'new' has no value"):
        make().update("39", {"state": State.NEW})


def test_a_partly_done_update_names_its_parts(plugin: responses.RequestsMock, make: Make) -> None:
    plugin.post(f"{V1}/tickets/39/update", status=422, json=error("partly", field="status_id", done=["team_id"]))
    with pytest.raises(Refused, match=r"refused: status_id; done: team_id"):
        make().update("39", {"state": State.RESOLVED})


@pytest.mark.parametrize(("public", "verb"), [(True, "reply"), (False, "note")])
def test_comments_are_replies_or_notes(public: bool, verb: str, plugin: responses.RequestsMock, make: Make) -> None:
    plugin.post(f"{V1}/tickets/39/{verb}", status=201, json={"entry_id": 52, "repeated": False})
    assert make().comment("39", Comment(text="1 < 2 \U0001f525\nok", public=public), "k") == "52"
    assert {**sent(plugin), "alert": None} == {"key": "comment/39/k", "format": "text",
                                               "body": "1 < 2 :fire:\nok", "alert": None}


@pytest.mark.parametrize("key", ["with space", "\u00e9", "x" * 121, "", "sha256:mine", "a?b&c"])
def test_any_key_of_ours_becomes_one_the_plugin_takes(key: str) -> None:
    wire = wire_key(key)
    assert re.fullmatch(r"[A-Za-z0-9._:/-]{1,120}", wire)
    assert wire == wire_key(key) != wire_key(key + "x")


def test_one_key_on_two_tickets_is_two_keys_and_comes_back_as_ours() -> None:
    assert wire_key("k/1", "comment/39") != wire_key("k/1", "comment/40") != wire_key("k/1", "attach/40")
    assert own_key(wire_key("k/1", "comment/39"), "comment/39") == "k/1"


def test_a_file_is_streamed_with_its_length(plugin: responses.RequestsMock, make: Make) -> None:
    got: list[bytes] = []

    def take(request: Any) -> tuple[int, dict[str, str], str]:
        got.append(b"".join(request.body))
        assert request.headers["Content-Length"] == "6"
        assert request.headers["X-Connector-Name"] == "n%C3%A9%20%2F.txt"
        return 201, {}, '{"attachment_id": 13, "entry_id": 53, "repeated": false}'

    plugin.add_callback("POST", f"{V1}/tickets/39/attachments", take, content_type="application/json")
    file = Attachment(name="n\u00e9 /.txt", media_type="text/plain", size=6, open=lambda: iter([b"abc", b"def"]))
    assert make().attach("39", file, "k") == "13"
    assert got == [b"abcdef"]


@pytest.mark.parametrize("chunks", [[b"abc"], [b"abcdef", b"g"]])
def test_a_file_that_is_not_what_was_said_is_refused(chunks: list[bytes], plugin: responses.RequestsMock,
                                                     make: Make) -> None:
    def take(request: Any) -> tuple[int, dict[str, str], str]:
        b"".join(request.body)
        return 201, {}, "{}"

    plugin.add_callback("POST", f"{V1}/tickets/39/attachments", take, content_type="application/json")
    with pytest.raises(Refused, match="6 bytes"):
        make().attach("39", Attachment(name="a", media_type="text/plain", size=6, open=lambda: iter(chunks)), "k")


def test_a_file_too_large_is_refused_before_it_is_read(plugin: responses.RequestsMock, make: Make) -> None:
    def never() -> Iterator[bytes]:
        raise AssertionError("read")

    with pytest.raises(Refused, match="takes 1000"):
        make().attach("39", Attachment(name="a", media_type="x/y", size=1001, open=never), "k")


# answers

CASES: list[tuple[int, Any, str, type[ConnectorError]]] = [
    (422, error("busy", retry_after=5), "application/json", TryLater),
    (422, error("busy", retry_after="soon"), "application/json", TryLater),
    (422, error("invalid", fields={"subject": "too long"}), "application/json", Refused),
    (422, error("refused"), "application/json", Refused), (422, error("key_clash"), "application/json", Refused),
    (422, error("a_new_code"), "application/json", Refused),
    (403, error("forbidden"), "application/json", Refused),
    (403, error("key_not_allowed"), "application/json", Refused),
    (404, error("not_found"), "application/json", NotFound),
    (400, error("bad_request"), "application/json", Refused), (500, error("busy"), "application/json", TryLater),
    (500, error("refused"), "application/json", TryLater), (422, "{half", "application/json", Refused),
    (401, "Valid API key required", "text/html", Refused), (400, "URL not supported", "text/html", TryLater),
    (404, "<html>nginx</html>", "text/html", TryLater), (200, "<b>Fatal error</b>", "text/html", TryLater),
    (200, '<b>Warning</b>{"entry_id": 1}', "application/json", TryLater), (200, "", "application/json", TryLater),
    (200, "[]", "application/json", TryLater), (200, error("refused"), "application/json", TryLater),
    (202, "{}", "application/json", TryLater), (204, "", "application/json", TryLater),
    (429, "", "text/html", TryLater), (502, "<html>", "text/html", TryLater), (302, "", "text/html", Refused),
]


@pytest.mark.parametrize(("status", "said", "kind", "expected"), CASES)
def test_an_answer_means_what_the_contract_says(status: int, said: Any, kind: str, expected: type[ConnectorError],
                                                plugin: responses.RequestsMock, make: Make) -> None:
    plugin.post(f"{V1}/tickets/39/note", status=status, content_type=kind,
                body=said if isinstance(said, str) else orjson.dumps(said))
    with pytest.raises(ConnectorError) as caught:
        make().comment("39", Comment(text="x"), "k")
    assert type(caught.value) is expected or (expected is not NotFound and isinstance(caught.value, expected))


def test_busy_says_how_long_to_wait(plugin: responses.RequestsMock, make: Make) -> None:
    plugin.get(f"{V1}/find", status=422, json=error("busy", retry_after=7))
    with pytest.raises(TryLater) as caught:
        make().find("k")
    assert caught.value.wait == timedelta(seconds=7)


def test_a_verb_the_plugin_does_not_offer_is_unsupported(server: responses.RequestsMock, make: Make) -> None:
    server.get(f"{V1}/ping", json={**PING, "capabilities": ["read", "teleport"], "account": None})
    vendor = make()
    assert vendor.capabilities() == {Capability.READ}
    with pytest.raises(Unsupported, match="switched off"):
        vendor.comment("1", Comment(text="x"), "k")
    assert vendor.me() == frozenset()


def test_what_the_check_shows(plugin: responses.RequestsMock, make: Make) -> None:
    plugin.replace("GET", f"{V1}/ping", json={**PING, "cron": {"last_run": None}, "remarks": ["Disk is full."]})
    found = make(webhook_secrets=()).diagnose()
    assert (found.version, found.plugin, found.account) == ("1.18.1", "servicedesk-connector 1.0.0", "connector")
    assert [remark.split()[0] for remark in found.remarks] == ["Disk", "The", "osTicket's"]
    assert make().me() == {"connector", "Servicedesk Connector"}


def test_the_fields_a_mapping_can_name_are_described(plugin: responses.RequestsMock, make: Make,
                                                     mapping: Any) -> None:
    fields = {field.name: field for field in make().fields()}
    assert mapping.reads | mapping.writes <= set(fields)
    assert set(fields["status"].choices or ()) == {"Open", "Resolved", "Closed", "Waiting for customer"}
    assert fields["field.business_impact"].choices == {"high": "High"}


def test_no_secret_shows_in_an_error(plugin: responses.RequestsMock, make: Make) -> None:
    plugin.get(f"{V1}/find", status=401, body="API key not found/active", content_type="text/html")
    with pytest.raises(Refused) as caught:
        make().find("k")
    assert "0123456789ABCDEF" not in str(caught.value) + repr(make())
    assert URL in str(caught.value)
