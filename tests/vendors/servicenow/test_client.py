"""What reaches a user of the fence around pysnow: judged answers, and none of pysnow 0.7.17's defects."""

from __future__ import annotations

import json
import sys
import threading
from datetime import timedelta
from typing import Any

import pysnow
import pytest
import requests

from connector.domain.errors import ConfigError, ConnectorError, NotFound, Refused, TryLater
from connector.http import Http
from connector.vendors.servicenow.answers import LoginRefused, TooMuch
from connector.vendors.servicenow.client import PYSNOW, Client, Fence, check_pysnow
from connector.vendors.servicenow.login import Fixed
from tests.vendors.servicenow.instance import BASE, GONE, Instance, error, sid

HTML = {"Content-Type": "text/html;charset=UTF-8"}
JSON = {"Content-Type": "application/json"}


@pytest.fixture
def client() -> Client:
    return Client(Http(BASE), Fixed.basic("svc", "secret-word"))


def read(client: Client) -> list[dict[str, Any]]:
    return client.rows("incident", "active=true", ("number",), 10).rows


WAYS = [read, lambda client: client.create("incident", {"a": "b"}, ("sys_id",)),
        lambda client: client.change("incident", sid(1), {"a": "b"}, ("sys_id",))]


# the version

@pytest.mark.parametrize("version", ["0.7.9", "0.7.16", "0.8.0", "(none)"])
def test_another_pysnow_is_an_error_that_says_what_pip_did(version: str) -> None:
    with pytest.raises(ConfigError, match=r"pip falls back") as caught:
        check_pysnow(version)
    assert version in str(caught.value)
    assert "pysnow==0.7.17" in str(caught.value)


def test_the_installed_pysnow_is_the_one() -> None:
    check_pysnow(PYSNOW)


def test_pysnow_is_in_use_and_sends_nothing_by_itself(instance: Instance, client: Client,
                                                      monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Any] = []
    ours = pysnow.Client.resource
    monkeypatch.setattr(pysnow.Client, "resource", lambda self, **more: made.append(self) or ours(self, **more))
    read(client)
    assert isinstance(made[0].session, Fence)
    assert instance.count() == 1


# answers

@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("status", "headers", "body", "expected"), [
    (202, {}, "", TryLater),
    (202, JSON, "", TryLater),
    (200, HTML, "<html><title>Instance Hibernating</title>Wake me</html>", TryLater),
    (200, HTML, "", TryLater),
    (200, {}, "{}", TryLater),
    (200, JSON, "", TooMuch),
    (200, JSON, '{"result":[{"sys_id":"1"', TooMuch),
    (200, JSON, "[1]", TryLater),
    (200, JSON, "{}", TryLater),
    (200, JSON, '{"result":null}', TryLater),
    (200, JSON, '{"result":"text"}', TryLater),
    (200, JSON, json.dumps({"result": [{"sys_id": "1"}], **error("Something", "else")}), TryLater),
    (200, JSON, json.dumps({"result": [], **error("Transaction cancelled: maximum execution time exceeded", "")}),
     TooMuch),
    (204, {}, "", TryLater),
    (301, {"Location": "https://evil.example/"}, "", TryLater),
    (302, {"Location": f"{BASE}/login_with_sso.do"}, "", TryLater),
    (400, JSON, json.dumps(error("Invalid table incidnt", "")), Refused),
    (400, {}, "bad", Refused),
    (401, JSON, json.dumps(error("User Not Authenticated", "Required to provide Auth information")), LoginRefused),
    (403, JSON, json.dumps(error("Operation Failed", "ACL Exception Update Failed")), Refused),
    (405, JSON, json.dumps(error("Method not supported", "")), Refused),
    (406, {}, "", Refused),
    (415, {}, "", Refused),
    (408, {}, "", TryLater),
    (429, {}, "", TryLater),
    (499, {}, "", TryLater),
    (500, JSON, json.dumps(error("Transaction cancelled: maximum execution time exceeded", "")), TooMuch),
    (500, HTML, "<h1>oops</h1>", TryLater),
    (502, HTML, "", TryLater),
    (503, HTML, "", TryLater),
    (504, HTML, "", TryLater),
])
def test_every_answer_that_is_no_success_is_sorted(instance: Instance, client: Client, way: Any, status: int,
                                                   headers: dict[str, str], body: str,
                                                   expected: type[ConnectorError]) -> None:
    instance.say = [(status, headers, body)]
    with pytest.raises(expected) as caught:
        way(client)
    assert type(caught.value) is expected
    assert len(instance.requests) == 1
    assert "secret-word" not in str(caught.value)
    assert "active=true" not in str(caught.value)


def test_202_on_create_is_no_json_error_but_an_unknown_outcome(instance: Instance, client: Client) -> None:
    instance.say = [(202, {}, "")]
    with pytest.raises(TryLater, match="perhaps never done"):
        client.create("incident", {"a": "b"}, ())


def test_the_instances_own_words_are_kept(instance: Instance, client: Client) -> None:
    instance.say = [instance.json(403, error("Operation Failed", "Data Policy Exception: close_code is mandatory"))]
    with pytest.raises(Refused, match="close_code is mandatory") as caught:
        client.change("incident", sid(1), {"state": "6"}, ())
    assert caught.value.status == 403


def test_404_on_a_record_is_not_found_and_on_a_list_it_is_empty(instance: Instance, client: Client) -> None:
    instance.say = [instance.json(404, GONE), instance.json(404, GONE), (404, HTML, "no such page")]
    with pytest.raises(NotFound, match="ACL restricts"):
        client.change("incident", sid(1), {"a": "b"}, ())
    page = client.rows("incident", "", (), 10)
    assert page.rows == []
    assert page.end
    with pytest.raises(NotFound):
        read(client)


def test_a_network_that_fails_means_later_and_one_try(instance: Instance, client: Client) -> None:
    for trouble in (requests.ConnectionError(), requests.ReadTimeout(), requests.exceptions.SSLError()):
        instance.requests.clear()
        instance.say = [trouble]
        with pytest.raises(TryLater):
            client.create("incident", {"a": "b"}, ())
        assert len(instance.requests) == 1


# rate limits

@pytest.mark.parametrize(("headers", "wait"), [
    ({"Retry-After": "120"}, timedelta(seconds=120)),
    ({"Retry-After": "Mon, 24 Nov 2025 10:05:00 GMT", "Date": "Mon, 24 Nov 2025 10:00:00 GMT"}, timedelta(minutes=5)),
    ({"X-RateLimit-Reset": "1763978460", "Date": "Mon, 24 Nov 2025 10:00:00 GMT"}, timedelta(minutes=1)),
    ({"X-RateLimit-Reset": "soon", "Date": "Mon, 24 Nov 2025 10:00:00 GMT"}, None),
    ({"X-RateLimit-Reset": "17639784600"}, None),
    ({"Retry-After": "-5"}, None),
    ({}, None),
])
def test_429_waits_as_long_as_the_instance_asks(instance: Instance, client: Client, headers: dict[str, str],
                                                wait: timedelta | None) -> None:
    body = json.dumps(error("Rate limit exceeded", "Rate limit of 100 requests per hour for Table API exceeded"))
    instance.say = [(429, {**JSON, **headers}, body)]
    with pytest.raises(TryLater, match="Rate limit of 100 requests") as caught:
        read(client)
    assert caught.value.wait == wait


# what is sent

def test_redirects_are_not_followed_and_credentials_stay_at_home(instance: Instance, client: Client) -> None:
    instance.say = [(302, {"Location": "https://evil.example/"}, "")]
    with pytest.raises(TryLater):
        read(client)
    assert [request.url.split("/api")[0] for request in instance.requests if request.url] == [BASE]


def test_a_list_asks_for_stored_values_bare_references_and_no_links(instance: Instance, client: Client) -> None:
    instance.incident(1)
    read(client)
    query = instance.queries()[0]
    for part in ("sysparm_query=active=true", "sysparm_limit=10", "sysparm_offset=0", "sysparm_fields=number",
                 "sysparm_display_value=false", "sysparm_exclude_reference_link=true",
                 "sysparm_suppress_pagination_header=true"):
        assert part in query
    assert "sysparm_view" not in query


def test_an_update_is_one_patch_and_not_a_get_of_everything_and_a_put(instance: Instance, client: Client) -> None:
    instance.incident(1)
    assert client.change("incident", sid(1), {"impact": "1"}, ("sys_id", "impact")) == {"sys_id": sid(1), "impact": "1"}
    assert [request.method for request in instance.requests] == ["PATCH"]
    assert instance.requests[0].headers["Content-Type"] == "application/json"


def test_writes_do_not_carry_the_parameters_of_a_list(instance: Instance, client: Client) -> None:
    instance.incident(1)
    client.create("incident", {"impact": "1"}, ("sys_id",))
    client.change("incident", sid(1), {"impact": "1"}, ("sys_id",))
    for query in instance.queries():
        assert "sysparm_limit" not in query
        assert "sysparm_query" not in query
        assert "sysparm_offset" not in query
        assert "sysparm_fields=sys_id" in query


def test_a_display_value_asked_once_does_not_leak_into_later_calls(instance: Instance, client: Client) -> None:
    instance.incident(1)
    shown = client.rows("incident", "", ("state",), 1, display="all").rows
    stored = client.rows("incident", "", ("state",), 1).rows
    assert shown == [{"state": "1", "state@display": "<1>"}]
    assert stored == [{"state": "1"}]
    client.create("incident", {"a": "b"}, ("sys_id",))
    assert "display_value=all" not in instance.queries()[2]


def test_a_reference_is_its_bare_id_in_every_form_it_comes_in(instance: Instance, client: Client) -> None:
    link = f"{BASE}/api/now/table/sys_user/1"
    instance.say = [instance.json(200, {"result": [
        {"a": {"link": link, "value": "1"}, "b": "", "c": {"display_value": "Bob", "link": link, "value": "1"}}]})]
    assert client.rows("incident", "", (), 1).rows == [{"a": "1", "b": "", "c": "1", "c@display": "Bob"}]


def test_the_servers_session_cookies_are_not_kept(instance: Instance, client: Client) -> None:
    instance.headers["Set-Cookie"] = "JSESSIONID=1; Path=/"
    read(client)
    read(client)
    assert "Cookie" not in instance.requests[1].headers


def test_a_password_beyond_latin_1_goes_as_utf_8(instance: Instance) -> None:
    read(Client(Http(BASE), Fixed.basic("svc", "pässwörd€")))
    assert instance.requests[0].headers["Authorization"] == "Basic c3ZjOnDDpHNzd8O2cmTigqw="


def test_a_path_pysnow_does_not_take_is_refused(instance: Instance, client: Client) -> None:
    for id in ("../../sys_user", "a b", "", "x?y=1"):
        with pytest.raises(Refused):
            client.change("incident", id, {}, ())
    assert not instance.requests


def test_text_that_is_no_unicode_is_refused_before_it_is_sent(instance: Instance, client: Client) -> None:
    with pytest.raises(Refused):
        client.change("incident", sid(1), {"a": "\ud800"}, ())
    assert not instance.requests


# threads

def test_threads_share_no_parameters_and_no_one_gets_or_changes_the_wrong_record(
        instance: Instance, client: Client) -> None:
    """pysnow keeps a call's parameters in a dictionary its resource shares: here each call has its own."""
    for number in range(40):
        instance.incident(number, short_description=str(number))
    wrong: list[str] = []

    def work(first: int) -> None:
        for number in range(first, 40, 8):
            for _ in range(6):
                got = client.rows("incident", f"sys_id={sid(number)}", ("sys_id",), 1).rows
                changed = client.change("incident", sid(number), {"impact": str(number)}, ("sys_id", "impact"))
                if [row["sys_id"] for row in got] != [sid(number)] or changed["sys_id"] != sid(number):
                    wrong.append(str(number))

    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        threads = [threading.Thread(target=work, args=(first,)) for first in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(before)
    assert not wrong
    assert all(row["impact"] == row["short_description"] for row in instance.tables["incident"].values())


def test_each_thread_has_its_own_pysnow_client(client: Client) -> None:
    found: list[Any] = [client._mine()]
    thread = threading.Thread(target=lambda: found.append(client._mine()))
    thread.start()
    thread.join()
    assert found[0] == client._mine()
    assert found[0][1] is not found[1][1]
    assert found[0][0] is not found[1][0]


def test_an_instance_behind_a_path_and_without_tls_is_reached(instance: Instance) -> None:
    instance.mock.add("GET", "http://proxy.example:8080/snow/api/now/table/incident", json={"result": []},
                      headers={"X-Total-Count": "0"})
    assert read(Client(Http("http://proxy.example:8080/snow/"), Fixed.basic("a", "b"))) == []
