"""Faults on demand: what the caller sees, and what was really done."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from email.utils import parsedate_to_datetime

import pytest
import requests

from connector.sandbox import Handle
from connector.sandbox.faults import KINDS, Faults

Ask = Callable[..., requests.Response]
NEW = {"short_description": "x"}


def test_a_rule_fires_as_often_as_it_says_and_after_what_it_lets_pass(servicenow: Handle, now: Ask) -> None:
    servicenow.faults.add("500", skip=1, times=2)
    assert [now("table/incident").status_code for _ in range(5)] == [200, 500, 500, 200, 200]


def test_a_rule_meets_only_its_method_and_path(servicenow: Handle, now: Ask) -> None:
    servicenow.faults.add("500", method="post", path="/table/incident$|/table/incident\\?", times=None)
    assert now("table/incident").status_code == 200
    assert now("table/problem", "POST", json=NEW).status_code == 201
    assert now("table/incident", "POST", json=NEW).status_code == 500


def test_chance_comes_from_the_seed() -> None:
    def run(seed: int) -> list[bool]:
        faults = Faults(seed)
        faults.add("500", chance=0.3, times=None)
        return [faults.match("GET", "/") is not None for _ in range(60)]

    assert run(1) == run(1)
    assert run(1) != run(2)
    assert 5 < sum(run(1)) < 35


@pytest.mark.parametrize("wrong", [{"kind": "nonsense"}, {"kind": "500", "path": "("}, {"kind": "500", "chance": 2}])
def test_a_rule_that_makes_no_sense_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError):
        Faults().add(**wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize(("kind", "status"), [("429", 429), ("500", 500), ("empty_202", 202), ("html_200", 200)])
def test_an_answer_instead_of_work(servicenow: Handle, now: Ask, kind: str, status: int) -> None:
    servicenow.faults.add(kind)
    assert now("table/incident", "POST", json=NEW).status_code == status
    assert not servicenow.desk.tickets


def test_too_many_says_when_to_come_back(servicenow: Handle, now: Ask) -> None:
    servicenow.faults.add("429", retry_after=17)
    answer = now("table/incident")
    assert answer.headers["Retry-After"] == "17"
    assert answer.json()["error"]["message"] == "Rate limit exceeded"
    servicenow.faults.add("429", retry_after=None)
    assert "Retry-After" not in now("table/incident").headers


@pytest.mark.parametrize("kind", ["lost_answer", "half"])
def test_a_lost_answer_leaves_the_work_done(servicenow: Handle, now: Ask, kind: str) -> None:
    servicenow.faults.add(kind)
    with pytest.raises(requests.RequestException):
        now("table/incident", "POST", json=NEW)
    assert len(servicenow.desk.tickets) == 1
    assert servicenow.requests[-1].fault == kind


@pytest.mark.parametrize("kind", ["error_after", "html_200"])
def test_a_wrong_answer_may_hide_work_that_was_done(servicenow: Handle, now: Ask, kind: str) -> None:
    servicenow.faults.add(kind, after=True)
    assert "html" in now("table/incident", "POST", json=NEW).headers["Content-Type"]
    assert len(servicenow.desk.tickets) == 1


def test_a_closed_connection_did_nothing(servicenow: Handle, now: Ask) -> None:
    servicenow.faults.add("closed")
    with pytest.raises(requests.ConnectionError):
        now("table/incident", "POST", json=NEW)
    assert not servicenow.desk.tickets
    assert servicenow.requests[-1].status == 0


def test_a_slow_answer_comes_late(servicenow: Handle, now: Ask) -> None:
    servicenow.faults.add("slow", seconds=0.2)
    begun = time.monotonic()
    assert now("table/incident").status_code == 200
    assert time.monotonic() - begun >= 0.2


def test_a_wrong_clock_shifts_stamps_and_the_date_header(servicenow: Handle, now: Ask) -> None:
    right = servicenow.desk.clock.now()
    servicenow.desk.clock.shift = timedelta(minutes=-7)
    answer = now("table/incident", "POST", json=NEW)
    stamp = answer.json()["result"]["sys_created_on"]
    assert stamp == (right - timedelta(minutes=7)).strftime("%Y-%m-%d %H:%M:%S")
    there = parsedate_to_datetime(answer.headers["Date"])
    assert abs(there - (right - timedelta(minutes=7))) < timedelta(seconds=2)


def test_a_tool_that_is_down_refuses_even_connections_that_were_open(servicenow: Handle) -> None:
    with requests.Session() as session:
        session.auth = ("connector", servicenow.side.secret("password"))
        url = f"{servicenow.url}/api/now/table/incident"
        assert session.get(url, timeout=5).status_code == 200
        servicenow.pause()
        with pytest.raises(requests.ConnectionError):
            session.get(url, timeout=5)
        servicenow.resume()
        assert session.get(url, timeout=5).status_code == 200


def test_a_connection_is_kept_and_every_request_is_on_record(servicenow: Handle, now: Ask) -> None:
    servicenow.forget()
    now("table/incident?sysparm_limit=1")
    now("table/incident", "POST", json=NEW)
    assert [(r.method, r.path, r.status) for r in servicenow.requests] == [
        ("GET", "/api/now/table/incident", 200), ("POST", "/api/now/table/incident", 201)]
    assert servicenow.requests[0].query == "sysparm_limit=1"
    assert servicenow.requests[1].body == b'{"short_description": "x"}'


def test_faults_can_be_set_from_outside(servicenow: Handle, now: Ask) -> None:
    control = f"{servicenow.url}/_sandbox"
    made = requests.post(f"{control}/faults", json={"kind": "500", "times": None}, timeout=5)
    assert made.status_code == 201
    assert now("table/incident").status_code == 500
    assert requests.get(f"{control}/", timeout=5).json()["faults"][0]["fired"] == 1
    assert requests.post(f"{control}/faults", json={"kind": "nonsense"}, timeout=5).status_code == 422
    assert requests.delete(f"{control}/faults/{made.json()['id']}", timeout=5).status_code == 204
    assert now("table/incident").status_code == 200
    assert requests.get(f"{control}/requests", timeout=5).json()[-1]["status"] == 200


def test_time_and_tickets_can_be_moved_from_outside(servicenow: Handle) -> None:
    control = f"{servicenow.url}/_sandbox"
    before = servicenow.desk.clock.now()
    requests.post(f"{control}/step", json={"seconds": 60}, timeout=5)
    assert servicenow.desk.clock.now() - before == timedelta(seconds=60)
    id = requests.post(f"{control}/tickets", json={"title": "from outside"}, timeout=5).json()["id"]
    requests.post(f"{control}/tickets/{id}", json={"state": "in_progress"}, timeout=5)
    assert servicenow.ticket(id).state == "in_progress"
    assert requests.post(f"{control}/tickets/{id}", json={"group": "nobody"}, timeout=5).status_code == 422


def test_every_kind_of_fault_is_described() -> None:
    assert all(len(text) > 10 for text in KINDS.values())
