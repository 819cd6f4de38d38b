"""Creating without the plugin: what is sent, what counts as done, and what happens when the answer is lost."""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any

import pytest
import requests
import responses

from connector.domain.errors import Refused, TryLater, Unsupported
from connector.domain.ticket import Attachment, Comment, Draft, Kind
from connector.ports import Capability
from connector.vendors.osticket import stock as door
from connector.vendors.osticket.adapter import OsTicket
from connector.vendors.osticket.options import Options
from tests.vendors.osticket.conftest import CATALOG, KEY, PING, URL, V1, Clock, paths, sent

Make = Callable[..., OsTicket]
CREATE = f"{URL}/api/tickets.json"
ASK = f"{URL}/api/tickets.email"
NOTHING = "Unable to create new ticket :user\nIncomplete client information"
FIELDS = {"title": "Printer", "description": "Offline", "requester": "Ana", "requester_email": "ana@example.com"}


def draft(**fields: Any) -> Draft:
    return Draft(kind=Kind.INCIDENT, fields={**FIELDS, **fields})


def body(raw: dict[str, Any], **options: Any) -> dict[str, Any]:
    return door.draft({"subject": "s", "message": "m", "user_email": "a@example.com", **raw}, "k", Options(**options))


def answer(server: responses.RequestsMock, url: str, status: int = 201, text: str | Exception = "004711") -> None:
    server.post(url, status=status, body=text, content_type="text/html; charset=UTF-8")


# what it can do

def test_without_the_plugin_only_creating_is_possible(stock: responses.RequestsMock, make: Make) -> None:
    vendor = make()
    assert vendor.capabilities() == {Capability.CREATE, Capability.FIND}
    file = Attachment(name="a", media_type="text/plain", size=1, open=lambda: iter([b"a"]))
    for verb in (lambda: vendor.get(["1"]), lambda: list(vendor.changed({})), lambda: list(vendor.ids()),
                 lambda: vendor.history(["1"]), lambda: vendor.deletions({}),
                 lambda: vendor.update("1", {"title": "x"}),
                 lambda: vendor.comment("1", Comment(text="x", public=True), "k"), lambda: vendor.attachments("1"),
                 lambda: vendor.comment("1", Comment(text="x"), "k"), lambda: vendor.attach("1", file, "k"),
                 vendor.fields, lambda: vendor.download("1", "2")):
        with pytest.raises(Unsupported, match=r"install plugins/osticket .*docs/osticket.md"):
            verb()


def test_the_check_tells_what_to_install_and_that_the_key_is_good(stock: responses.RequestsMock, make: Make) -> None:
    answer(stock, CREATE, 400, "No errors")
    assert "Install plugins/osticket" in make().diagnose().remarks[0]
    assert stock.calls[-1].request.body == b"{}"


def test_the_check_refuses_a_bad_key(stock: responses.RequestsMock, make: Make) -> None:
    answer(stock, CREATE, 401, "Valid API key required")
    with pytest.raises(Refused, match="Valid API key required"):
        make().diagnose()


# what is sent

def test_text_is_a_data_url_with_charset_and_escaped_once() -> None:
    text = "1 < 2 && <b>no markup</b>\n\u00e9\u20ac &amp; end"
    message = body({"message": text})["message"]
    assert message.startswith("data:text/plain;charset=utf-8,")
    assert unescape(message.partition(",")[2]) == text


def test_a_text_that_looks_like_a_data_url_is_still_text() -> None:
    assert body({"message": "data: first word"})["message"] == "data:text/plain;charset=utf-8,data: first word"


def test_what_utf8mb3_cannot_hold_is_replaced_visibly() -> None:
    made = body({"message": "on fire \U0001f525", "subject": "\U0001f6a8 down", "user_name": "\U0001d400na"})
    assert made["message"].endswith("on fire :fire:")
    assert made["subject"] == ":police cars revolving light: down"
    assert made["name"] == "Ana"


def test_tags_are_stripped_from_subjects_so_none_is_sent() -> None:
    assert body({"subject": "if a<b\n or  <i>c</i> < d"})["subject"] == "if a< b or < i>c< /i> < d"


@pytest.mark.parametrize("text", ["x" * 70_000, "<" * 40_000, "\u20ac\n" * 30_000])
def test_a_long_text_is_shortened_and_attached_whole(text: str) -> None:
    made = body({"message": text})
    stored = made["message"].partition(",")[2]
    assert len(stored.encode()) < 64 * 1024
    assert stored.endswith("[description.txt]")
    name, data = next(iter(made["attachments"][0].items()))
    assert name == "description.txt"
    assert base64.b64decode(data.partition("base64,")[2]).decode() == text


def test_an_attachment_is_a_one_key_object_without_charset() -> None:
    assert [list(entry) for entry in body({"message": "x" * 70_000})["attachments"]] == [["description.txt"]]
    assert "charset" not in body({"message": "x" * 70_000})["attachments"][0]["description.txt"]


def test_flags_are_booleans_since_the_text_false_counts_as_true() -> None:
    made = body({}, alert=False, autorespond=False)
    assert made["alert"] is False
    assert made["autorespond"] is False


def test_an_unknown_priority_is_refused_because_osticket_would_store_none() -> None:
    assert body({"priority": "emergency"})["priorityId"] == 4
    assert body({"priority_id": 3})["priorityId"] == 3
    for raw in ({"priority": "urgent"}, {"priority_id": 9}):
        with pytest.raises(Refused, match=r"no priority .*low: 1"):
            body(raw)


def test_an_unknown_topic_is_refused_because_osticket_would_ignore_it() -> None:
    assert body({"topic": "Access"}, topics={"Access": 12})["topicId"] == 12
    with pytest.raises(Refused, match=r"no topic 'Access' \(`topics` in the options has none\)"):
        body({"topic": "Access"})


@pytest.mark.parametrize("email", ["", "ana", "Ana <ana@example.com>", "ana@example", "a@b.example, c@d.example"])
def test_only_a_plain_address_is_sent(email: str) -> None:
    with pytest.raises(Refused, match="address"):
        body({"user_email": email})


def test_all_problems_are_told_at_once() -> None:
    with pytest.raises(Refused) as caught:
        body({"subject": "", "user_email": "x", "priority": "no", "status": "Closed", "field.needed_by":
              datetime(2027, 1, 1, tzinfo=UTC), "field.subject": "twice"})
    for part in ("a subject is needed", "'x' is not", "no priority 'no'", "status can be set", "field.needed_by",
                 "field.subject is not the name"):
        assert part in str(caught.value)


def test_wrong_types_never_leave_because_they_are_fatal_errors_there() -> None:
    with pytest.raises(Refused, match=r"field.tags .* \(a list\)"):
        body({"field.tags": ["a"]})
    assert body({"field.vip": True, "field.n": 3, "field.t": "x"}) | {"vip": True, "n": 3, "t": "x"} == body(
        {"field.vip": True, "field.n": 3, "field.t": "x"})
    assert isinstance(body({"subject": 7, "message": 8})["subject"], str)


def test_a_missing_name_is_taken_from_the_address_and_a_missing_text_from_the_subject() -> None:
    made = body({"message": "", "user_name": ""})
    assert made["name"] == "a"
    assert made["message"].endswith(",s")


def test_the_key_travels_in_its_header_only(stock: responses.RequestsMock, make: Make) -> None:
    answer(stock, CREATE)
    answer(stock, ASK)
    make().create(draft(), "k")
    for call in stock.calls:
        assert call.request.headers["X-API-Key"] == KEY
        assert KEY not in call.request.url
        assert "Cookie" not in call.request.headers


# what counts as done

def test_a_number_keeps_its_zeros(stock: responses.RequestsMock, make: Make) -> None:
    answer(stock, CREATE)
    assert make().create(draft(), "k") == ("desk", "#004711")


@pytest.mark.parametrize(("status", "text"), [
    (200, "<br />\n<b>Fatal error</b>: Uncaught TypeError in /var/www/desk/include/class.format.php"),
    (200, ""), (201, ""), (201, "<html>"), (201, "123 <b>Warning</b>: x"), (500, "<html>oops</html>"), (500, ""),
    (502, "bad gateway"), (503, ""), (202, ""), (504, ""), (429, ""),
])
def test_an_unknown_outcome_is_never_a_success_nor_repeated_soon(status: int, text: str, make: Make,
                                                                 stock: responses.RequestsMock) -> None:
    answer(stock, CREATE, status, text)
    with pytest.raises(TryLater) as caught:
        make().create(draft(), "k")
    assert caught.value.wait is not None
    assert caught.value.wait >= timedelta(minutes=2)
    assert "/var/www" not in str(caught.value)


@pytest.mark.parametrize("text", [
    NOTHING, "Unable to create new ticket :20\nIssue Summary is a required field",
    "Impossible de cr\u00e9er un nouveau ticket :user\nInformations client incompl\u00e8tes",
    "Unable to create new ticket :err\nYou've reached the maximum open tickets allowed.",
    "Unable to create new ticket :unknown error",
])
def test_a_500_that_names_a_reason_is_for_good_in_any_language(text: str, stock: responses.RequestsMock,
                                                               make: Make) -> None:
    answer(stock, CREATE, 500, text)
    with pytest.raises(Refused):
        make().create(draft(), "k")


def test_a_redirect_is_refused_and_not_followed(stock: responses.RequestsMock, make: Make) -> None:
    stock.post(CREATE, status=302, headers={"Location": "https://elsewhere.example/"})
    with pytest.raises(Refused, match="302"):
        make().create(draft(), "k")


def test_retry_after_longer_than_ours_is_kept(stock: responses.RequestsMock, make: Make) -> None:
    stock.post(CREATE, status=503, headers={"Retry-After": "600"})
    with pytest.raises(TryLater) as caught:
        make().create(draft(), "k")
    assert caught.value.wait == timedelta(seconds=600)


# once

def test_a_lost_answer_is_looked_up_before_a_second_creation(stock: responses.RequestsMock, make: Make) -> None:
    answer(stock, CREATE, text=requests.ConnectionError("cut"))
    answer(stock, ASK, text="004711")
    vendor = make()
    with pytest.raises(TryLater):
        vendor.create(draft(), "k")
    assert vendor.create(draft(), "k", again=True) == ("desk", "#004711")
    assert paths(stock).count("POST /api/tickets.json") == 1


def test_what_was_never_created_is_created_at_the_next_try(stock: responses.RequestsMock, make: Make) -> None:
    answer(stock, ASK, 500, NOTHING)
    answer(stock, CREATE)
    assert make().create(draft(), "k", again=True) == ("desk", "#004711")


def test_if_the_look_up_fails_nothing_is_created(stock: responses.RequestsMock, make: Make) -> None:
    answer(stock, ASK, 502, "")
    with pytest.raises(TryLater):
        make().create(draft(), "k", again=True)
    assert "POST /api/tickets.json" not in paths(stock)


def test_the_mark_sent_is_the_mark_asked_for(stock: responses.RequestsMock, make: Make) -> None:
    answer(stock, CREATE)
    answer(stock, ASK)
    make().create(draft(), "some/key 1")
    assert f"Message-ID: {sent(stock, -2)['mid']}\r\n".encode() in stock.calls[-1].request.body
    assert b"From:\r\n" in stock.calls[-1].request.body


def test_where_marks_are_not_kept_an_unknown_outcome_goes_to_a_person(stock: responses.RequestsMock,
                                                                      make: Make) -> None:
    answer(stock, CREATE)
    answer(stock, ASK, 500, NOTHING)
    vendor = make()
    assert vendor.create(draft(), "k1") == ("desk", "#004711")
    with pytest.raises(Refused, match="outcome unknown, check by hand"):
        vendor.create(draft(), "k2", again=True)
    assert paths(stock).count("POST /api/tickets.json") == 1


def test_marks_are_checked_once_only(stock: responses.RequestsMock, make: Make) -> None:
    answer(stock, CREATE)
    answer(stock, ASK)
    vendor = make()
    vendor.create(draft(), "k1")
    vendor.create(draft(), "k2")
    assert paths(stock).count("POST /api/tickets.email") == 1


# the plugin comes and goes

def test_the_other_address_of_the_plugin_is_tried(server: responses.RequestsMock, make: Make) -> None:
    server.get(f"{V1}/ping", status=404, body="<html>nginx</html>", content_type="text/html")
    server.get(f"{URL}/api/http.php/connector/v1/ping", json=PING)
    server.get(f"{URL}/api/http.php/connector/v1/catalog", json=CATALOG)
    vendor = make()
    assert Capability.READ in vendor.capabilities()
    assert vendor.fields()


def test_a_plugin_seen_before_is_waited_for(server: responses.RequestsMock, make: Make) -> None:
    server.get(f"{V1}/ping", json=PING)
    clock = Clock()
    vendor = make(clock=clock)
    vendor.capabilities()
    server.replace("GET", f"{V1}/ping", status=400, body="URL not supported", content_type="text/html")
    clock.step(timedelta(minutes=6))
    with pytest.raises(TryLater, match="does not answer"):
        vendor.create(draft(), "k")


def test_a_required_plugin_is_waited_for_from_the_start(stock: responses.RequestsMock, make: Make) -> None:
    with pytest.raises(TryLater):
        make(options={"plugin": "required"}).capabilities()


def test_a_plugin_of_another_contract_is_refused(server: responses.RequestsMock, make: Make) -> None:
    server.get(f"{V1}/ping", json={**PING, "plugin": {"contract": 2}})
    with pytest.raises(Refused, match="contract 2"):
        make().capabilities()


def test_the_address_may_be_given_with_or_without_api(server: responses.RequestsMock, make: Make) -> None:
    server.get(f"{V1}/ping", json=PING)
    for url in (URL, f"{URL}/", f"{URL}/api", f"{URL}/api/http.php"):
        assert Capability.READ in make(url=url).capabilities()
