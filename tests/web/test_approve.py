"""The link in a request for approval: bound to whom it was sent, answers once, and looking changes nothing."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask

from connector.domain.links import ANSWERS_LAST, Links
from connector.domain.notices.desk import Desk
from connector.domain.requests.record import Record, State
from connector.domain.ticket import Kind
from connector.flows import assess, requests
from connector.flows.notices import OPTION
from connector.messages import shipped
from tests.web.agreed import agree
from tests.web.conftest import Browser, app_of
from tests.web.world import NOW, World, save, ticket

LINKS = Links("http://localhost", b"k" * 32)
ASKED = "request/approval/manager/asked"


@pytest.fixture
def app(there: World, tmp_path: Path) -> Flask:
    agree(there, tmp_path)
    there.services = replace(there.services, deps=replace(
        there.services.deps, options={**there.services.deps.options, OPTION: Desk("Desk", links=LINKS)}))
    return app_of(there)


@pytest.fixture
def key(app: Flask, there: World) -> int:
    save(there, ticket("77", title="A <b>laptop</b>", kind=Kind.SERVICE_REQUEST, category="Laptop", opened_at=NOW,
                       updated_at=NOW, requester_email="servicedesk1@desk.example"))
    assess.tick(there.services.deps)
    return there.keys["77"]


def link(key: int, person: str = "lead-support", what: str = ASKED, links: Links = LINKS) -> str:
    return links.approve(key, person, what, NOW).removeprefix("http://localhost")


def found(there: World, key: int) -> Record:
    return requests.standing(there.services.deps, key)[1]


def test_looking_changes_nothing_however_often_and_by_whatever_method(client: Browser, key: int, there: World) -> None:
    for method in ("GET", "GET", "HEAD", "OPTIONS"):
        assert client.open(link(key), method=method).status_code == 200
    assert found(there, key).approvals["manager"].answers == ()


def test_the_page_says_what_is_asked_and_of_whom(client: Browser, key: int) -> None:
    answer = client.get(link(key))
    for said in ("A new laptop", "A &lt;b&gt;laptop&lt;/b&gt;", "Marc Lambert", "manager"):
        assert said in answer.get_data(as_text=True), said
    assert (answer.headers["Referrer-Policy"], answer.headers["X-Robots-Tag"]) == ("no-referrer", "noindex, nofollow")


def test_the_button_approves_without_a_session_and_once(client: Browser, key: int, there: World) -> None:
    client._cookies.clear()
    for _ in range(2):
        assert client.post(link(key), data={"answer": "approve"}).status_code == 200
    (given,) = found(there, key).approvals["manager"].answers
    assert (given.person, given.yes, given.actor, given.instead) == ("lead-support", True, "person:lead-support", False)
    assert found(there, key).state is State.FULFILLING
    late = client.post(link(key), data={"answer": "refuse", "text": "no"}).get_data(as_text=True)
    assert "accepté" in late or "approved in your name already" in late


def test_a_refusal_needs_words_and_keeps_what_was_typed(client: Browser, key: int, there: World) -> None:
    assert client.post(link(key), data={"answer": "refuse", "text": " "}).status_code == 422
    assert client.post(link(key), data={"answer": "maybe"}).status_code == 422
    client.post(link(key), data={"answer": "refuse", "text": "too dear"})
    assert (found(there, key).state, found(there, key).why) == (State.REFUSED, "too dear")


@pytest.mark.parametrize("wrong", ["another person", "another event", "another key", "an acknowledgement", "over"])
def test_a_wrong_link_answers_as_if_there_was_nothing(client: Browser, key: int, there: World, wrong: str) -> None:
    made = {"another person": link(key, "head-of-it"), "another event": link(key, what="request/started"),
            "another key": link(key, links=Links("http://localhost", b"x" * 32)), "over": link(key),
            "an acknowledgement": LINKS.acknowledge(key, "lead-support", ASKED, NOW).removeprefix("http://localhost")
            .replace("/ack/", "/approve/")}[wrong]
    if wrong == "over":
        there.clock.at = NOW + ANSWERS_LAST + timedelta(seconds=1)
    assert client.get(made).status_code == 404
    assert client.post(made, data={"answer": "approve"}).status_code == 404
    assert found(there, key).approvals["manager"].answers == ()


def test_who_left_answers_nothing_any_more(client: Browser, key: int, tmp_path: Path) -> None:
    for file in (tmp_path / "sla_profiles" / "teams").glob("*.yaml"):
        file.unlink()
    assert client.get(link(key)).status_code == 404


def test_the_message_holds_a_link_of_its_own() -> None:
    for texts in shipped()["request-approval"].texts.values():
        assert "answer_url" in texts["text"].names
        assert "answer_url" in texts["short"].names
