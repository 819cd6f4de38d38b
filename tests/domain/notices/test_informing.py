"""What requesters are told: what is news, what is not, and to whom nothing is ever told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connector.domain.history import Event, EventKind, Origin, Role
from connector.domain.notices.informing import (
    FRESH,
    News,
    What,
    applying,
    news,
    rule,
    unknown_templates,
    withheld,
)
from connector.domain.notices.template import Templates
from connector.domain.problems import Problems
from connector.domain.ticket import Kind, PendingOn, State, Ticket
from connector.messages import shipped

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
BEFORE = NOON - timedelta(days=30)


def at(minutes: float) -> datetime:
    return NOON + timedelta(minutes=minutes)


def ticket(state: State = State.NEW, **more: Any) -> Ticket:
    given: dict[str, Any] = {"tool": "desk", "id": "1", "kind": Kind.INCIDENT, "state": state, "opened_at": NOON,
                             "updated_at": NOON, "title": "Printer", "requester_email": "paul@example.org"}
    return Ticket(**{**given, **more})


def changed(minutes: float, field: str, old: Any, new: Any, role: Role = Role.AGENT) -> Event:
    return Event(key=f"c/{field}/{minutes}", at=at(minutes), kind=EventKind.CHANGED, field=field, old=old, new=new,
                 role=role)


def said(minutes: float, text: str, role: Role = Role.AGENT, kind: EventKind = EventKind.COMMENTED) -> Event:
    return Event(key=f"s/{minutes}", at=at(minutes), kind=kind, text=text, role=role)


def opened(**more: Any) -> Event:
    return Event(key="created", at=NOON, kind=EventKind.CREATED, **more)


def told(of: Ticket, *line: Event, now: float = 60, since: datetime = BEFORE) -> list[News]:
    return list(news(of, [opened(), *line], since, at(now)))


def whats(of: Ticket, *line: Event, now: float = 60, since: datetime = BEFORE) -> list[What]:
    return [one.what for one in told(of, *line, now=now, since=since)]


def test_a_new_ticket_was_received() -> None:
    assert whats(ticket()) == [What.RECEIVED]


@pytest.mark.parametrize("event", [changed(5, "assignee", "", "ann"), changed(5, "state", "new", "in_progress")])
def test_a_ticket_that_somebody_took_on_says_so(event: Event) -> None:
    assert whats(ticket(State.IN_PROGRESS), event) == [What.RECEIVED, What.TAKEN]


@pytest.mark.parametrize("role", [Role.CONNECTOR, Role.REQUESTER])
def test_what_we_or_the_requester_did_is_no_taking_on(role: Role) -> None:
    assert whats(ticket(), changed(5, "assignee", "", "ann", role)) == [What.RECEIVED]


def test_a_ticket_that_we_opened_ourselves_was_not_received_from_anybody() -> None:
    created = Event(key="created", at=NOON, kind=EventKind.CREATED, role=Role.CONNECTOR, origin=Origin.CONNECTOR)
    assert [one.what for one in news(ticket(), [created], BEFORE, at(1))] == []


def test_waiting_for_the_requester_carries_what_was_asked() -> None:
    of = ticket(State.PENDING, pending_on=PendingOn.CUSTOMER)
    found = told(of, said(-200, "long ago"), said(29, "Which floor?"),
                 said(29.5, "to the colleagues", kind=EventKind.NOTED),
                 said(31, "Is it urgent?", Role.REQUESTER), changed(30, "state", "in_progress", "pending"),
                 changed(30, "pending_on", None, "customer"))
    assert found[-1] == News(What.WAITING, at(30), "Which floor?")


def test_waiting_for_somebody_else_is_not_told() -> None:
    of = ticket(State.PENDING, pending_on=PendingOn.SUPPLIER)
    assert What.WAITING not in whats(of, changed(30, "state", "in_progress", "pending"))


def test_a_ticket_solved_before_we_could_say_anything_is_only_told_to_be_solved() -> None:
    assert whats(ticket(State.RESOLVED), changed(1, "assignee", "", "ann"),
                 changed(2, "state", "new", "resolved")) == [What.RESOLVED]


def test_closing_what_was_resolved_is_no_news_and_closing_at_once_is() -> None:
    resolved = changed(2, "state", "in_progress", "resolved")
    first = told(ticket(State.RESOLVED), resolved)[0]
    on_record = first.event(at(3), "sent", "r")
    assert whats(ticket(State.CLOSED), resolved, on_record, changed(50, "state", "resolved", "closed")) == []
    assert whats(ticket(State.CLOSED), changed(50, "state", "in_progress", "closed")) == [What.RESOLVED]
    assert whats(ticket(State.CANCELLED), changed(50, "state", "in_progress", "cancelled")) == []


def test_a_second_resolution_is_told_again_and_reception_never() -> None:
    line = [changed(2, "state", "new", "resolved"), changed(20, "state", "resolved", "in_progress"),
            changed(40, "state", "in_progress", "resolved")]
    record = [News(What.RECEIVED, NOON).event(at(1), "sent", "r"), News(What.RESOLVED, at(2)).event(at(3), "sent", "r")]
    assert told(ticket(State.RESOLVED), *line, *record) == [News(What.RESOLVED, at(40))]
    reopened = ticket(State.IN_PROGRESS)
    assert What.RECEIVED not in whats(reopened, *line[:2], *record)


def test_a_moment_that_history_read_late_puts_earlier_is_not_told_anew() -> None:
    seen = News(What.RESOLVED, at(30)).event(at(31), "sent", "r")
    assert told(ticket(State.RESOLVED), changed(27, "state", "in_progress", "resolved"), seen) == []


def test_what_was_told_is_an_event_and_not_told_again() -> None:
    of, line = ticket(State.IN_PROGRESS), [changed(5, "assignee", "", "ann")]
    record = [one.event(at(6), "sent", "r") for one in told(of, *line)]
    assert told(of, *line, *record) == []
    assert len({one.key for one in record}) == 2


def test_old_and_imported_tickets_and_what_was_before_we_watched_are_never_told() -> None:
    assert whats(ticket(), now=FRESH.total_seconds() / 60 + 1) == []
    assert whats(ticket(), since=at(1)) == []
    assert whats(ticket(), Event(key="i", at=NOON, kind=EventKind.NOTED, origin=Origin.IMPORT)) == []
    assert whats(ticket(deleted=True)) == []


@pytest.mark.parametrize(("more", "why"), [
    ({"requester_email": ""}, "no address"), ({"requester_email": "nobody"}, "no address"),
    ({"requester_email": "Tickets+7@desk.example"}, "one of ours"),
    ({"requester_email": "MAILER-DAEMON@example.org"}, "a program lives"),
    ({"requester_email": "no-reply@example.org"}, "a program lives"),
    ({"requester_email": "bounces+123@example.org"}, "a program lives"),
    ({"title": "Automatic reply: Printer"}, "automatic mail"), ({"title": "Réponse automatique : x"}, "automatic mail"),
    ({"title": "Undeliverable: [1] received"}, "automatic mail"), ({"title": "Out of Office Re: x"}, "automatic mail"),
])
def test_programs_and_our_own_addresses_are_told_nothing(more: dict[str, Any], why: str) -> None:
    assert why in withheld(ticket(**more), ["tickets@desk.example"])


@pytest.mark.parametrize("title", ["Auto in the car park is locked", "Automatic door does not open", "Mail is slow"])
def test_a_person_who_writes_of_automatic_things_is_told(title: str) -> None:
    assert withheld(ticket(title=title), ["tickets@desk.example"]) == ""


def made(**data: Any) -> Any:
    problems = Problems()
    return rule({"informing": "r", "tell": ["received"], **data}, problems) or [str(one) for one in problems.found]


def test_the_most_specific_rule_that_applies_speaks() -> None:
    rules = [made(informing="all"), made(informing="vip", applies_to={"customer": "ACME", "kind": "incident"}),
             made(informing="acme", applies_to={"customer": "ACME"})]
    assert applying(rules, {"customer": "ACME", "kind": "incident"}).name == "vip"  # type: ignore[union-attr]
    assert applying(rules, {"customer": "ACME", "kind": "change"}).name == "acme"  # type: ignore[union-attr]
    assert applying(rules[1:], {"customer": "Other"}) is None


@pytest.mark.parametrize(("data", "told_"), [
    ({"tell": ["recieved"]}, "tell.recieved: unknown `recieved`, did you mean `received`?"),
    ({"tell": {"received": 3}}, "tell.received: 3: expected true, false or the name of a template"),
    ({"tell": []}, "tell: expected what is told"), ({"by": "pigeon"}, "by: 'pigeon' is unknown"),
    ({"informing": ""}, "informing: is required"), ({"applies_to": {"knid": "incident"}}, "applies_to.knid"),
    ({"tel": []}, "tel: unknown key `tel`"),
])
def test_what_is_wrong_is_told_with_its_place(data: dict[str, Any], told_: str) -> None:
    found = made(**data)
    assert isinstance(found, list)
    assert any(told_ in one for one in found), found


def test_a_rule_may_only_use_templates_that_are_there_and_for_requesters() -> None:
    rules = [made(tell={"received": "escalation", "taken": "nothing", "resolved": True})]
    found = [(what, wrong) for _, what, wrong in unknown_templates(rules, Templates(shipped()))]
    assert [what for what, _ in found] == [What.RECEIVED, What.TAKEN]
    assert "is for internal, not for requester" in found[0][1]
