"""Notices on their way: posted with a ladder's firing, held, digested, each told once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from connector.domain.agreements.registry import Registry
from connector.domain.escalations.actions import Say
from connector.domain.escalations.effects import Telling
from connector.domain.escalations.escalated import Firing
from connector.domain.links import Links
from connector.domain.notices.desk import Desk
from connector.domain.notices.notice import MOST, WINDOW, Notice, of_person
from connector.domain.notices.people import People, Person, Quiet, Severity
from connector.domain.notices.template import Templates
from connector.flows import deliver, digests, intake, telling
from connector.flows.notices import OPTION, post
from connector.messages import shipped
from connector.ports import Deps
from connector.store import SqlStore
from tests.flows.fake_channel import FakeChannel, with_channels
from tests.flows.fake_tool import NOON, Clock, FakeTool, Killed, connect
from tests.flows.looking import stored

ANN = Person("ann", "Ann", "ann@example.org", timezone="Europe/Zurich")
BOB = Person("bob", "Bob", "bob@example.org", language="fr",
             quiet=(Quiet((0, 1, 2, 3, 4, 5, 6), 12 * 3600, 13 * 3600),))
REGISTRY = Registry((), people=People({"ann": ANN, "bob": BOB}), templates=Templates(shipped()))


@pytest.fixture
def mail() -> FakeChannel:
    return FakeChannel(concurrency=2)


@pytest.fixture
def desk(store: SqlStore, tool: FakeTool, mail: FakeChannel) -> Deps:
    """On each engine in turn, with a ticket of key 1."""
    options = {OPTION: Desk("Helpdesk", links=Links("https://desk.example.org", b"k" * 32))}
    deps = replace(with_channels(connect(store, tool), mail), registry=lambda: REGISTRY, options=options)
    tool.opened("1", title="Printer on fire", requester="Paul", requester_email="paul@example.org", priority="P2")
    intake.poll(deps, "desk")
    return deps


def notice(key: str, severity: Severity = Severity.NORMAL) -> Notice:
    return Notice(key, shipped()["escalation"], severity, {"number": key, "reason": "due soon"}, thread="desk/1")


def told(deps: Deps, *keys: str, who: Person = ANN, severity: Severity = Severity.NORMAL) -> int:
    with deps.store.begin() as tx:
        return post(tx, deps, [(notice(key, severity), of_person(who)) for key in keys], deps.now())


def subjects(mail: FakeChannel) -> list[str]:
    return [str(delivery.payload["subject"]) for delivery in mail.got]


def undone(deps: Deps) -> int:
    assert isinstance(deps.store, SqlStore)
    with deps.store.read() as tx:
        return int(tx.run(text("SELECT count(*) FROM deliveries WHERE state <> 'done'")).scalar_one())


def test_the_same_notice_to_the_same_person_twice_is_told_once(desk: Deps, mail: FakeChannel) -> None:
    assert told(desk, "a") == 1
    assert told(desk, "a") == 0
    deliver.tick(desk)
    assert len(mail.got) == 1


def test_what_is_too_much_at_once_comes_as_one_digest_at_the_end_of_the_while(
    desk: Deps, mail: FakeChannel, clock: Clock,
) -> None:
    told(desk, *(f"N{n}" for n in range(MOST + 4)))
    deliver.tick(desk)
    assert digests.tick(desk) == 0
    assert len(mail.got) == MOST
    clock.forward(WINDOW.total_seconds())
    assert digests.tick(desk) == 4
    assert digests.tick(desk) == 0
    deliver.tick(desk)
    assert subjects(mail)[MOST:] == ["4 messages about tickets"]
    assert all(f"N{n} " in mail.got[-1].payload["text"] for n in range(MOST, MOST + 4))
    assert undone(desk) == 0


def test_quiet_hours_end_with_what_came_in_them(desk: Deps, mail: FakeChannel, clock: Clock) -> None:
    told(desk, "a", who=BOB)
    told(desk, "b", who=BOB, severity=Severity.CRITICAL)
    deliver.tick(desk)
    digests.tick(desk)
    assert [one.payload["severity"] for one in mail.got] == ["critical"]
    clock.forward(3600)
    digests.tick(desk)
    deliver.tick(desk)
    assert [one.payload["severity"] for one in mail.got] == ["critical", "normal"]
    assert "Bonjour Bob" in mail.got[-1].payload["text"]


def test_what_was_held_for_another_reason_waits_for_the_end_of_quiet_hours_too(
    desk: Deps, mail: FakeChannel, clock: Clock,
) -> None:
    noon = clock.now
    clock.now = noon - timedelta(minutes=5)  # Bob's quiet hour begins in five minutes
    told(desk, *(f"N{n}" for n in range(MOST + 2)), who=BOB)
    deliver.tick(desk)
    assert len(mail.got) == MOST
    clock.now = noon - timedelta(minutes=5) + WINDOW
    digests.tick(desk)
    deliver.tick(desk)
    assert len(mail.got) == MOST, "the while is over, the quiet hour is not"
    clock.now = noon + timedelta(hours=1)
    digests.tick(desk)
    deliver.tick(desk)
    assert len(mail.got) == MOST + 1
    assert undone(desk) == 0


def test_a_person_who_is_gone_is_still_told_what_was_held(desk: Deps, mail: FakeChannel, clock: Clock) -> None:
    told(desk, "a", who=BOB)
    gone = replace(desk, registry=lambda: Registry((), templates=Templates(shipped())))
    clock.forward(3600)
    digests.tick(gone)
    deliver.tick(gone)
    assert mail.got[0].payload["to"] == "bob@example.org"


class EndingStore:
    """The real store; ends the process at a commit."""

    def __init__(self, store: Any, at: int) -> None:
        self.store, self.left = store, at

    @contextmanager
    def begin(self) -> Iterator[Any]:
        with self.store.begin() as tx:
            yield tx
            self.left -= 1
            if self.left == 0:
                raise Killed

    @contextmanager
    def read(self) -> Iterator[Any]:
        with self.store.read() as tx:
            yield tx


def test_killed_at_any_commit_each_message_is_in_exactly_one_digest(
    desk: Deps, mail: FakeChannel, clock: Clock,
) -> None:
    told(desk, *(f"N{n}" for n in range(MOST + 3)))
    clock.forward(WINDOW.total_seconds())
    for at in range(1, 5):
        ending = replace(desk, store=EndingStore(desk.store, at), owner=f"victim {at}")
        try:
            digests.tick(ending)
            deliver.tick(ending)
        except Killed:
            pass
        clock.forward(1000)
    digests.tick(desk)
    deliver.tick(desk)
    texts = "\n".join(str(delivery.payload["text"]) for delivery in {one.key: one for one in mail.got}.values())
    assert all(texts.count(f"N{n} ") == 1 for n in range(MOST, MOST + 3))
    assert undone(desk) == 0


def firing(**more: Any) -> Firing:
    values = {"clock": "acme-gold/resolution/1", "due": (NOON + timedelta(hours=1)).isoformat(), "state": "running",
              "used_s": 10_800, "target_s": 14_400}
    given: dict[str, Any] = {"rule": "ladder", "version": "v", "step": "s75", "subject": "x", "n": 1, "moment": NOON,
                             "why": "resolution at 75%", "values": values}
    return Firing(**{**given, **more})


def tell(deps: Deps, telling_: Telling, fired: Firing | None = None) -> None:
    fired = fired or firing()
    one = telling.Told(stored(deps, "1"), telling_, fired, fired.event(deps.now()))
    with deps.store.begin() as tx:
        telling.tell(tx, deps, [one], deps.now())
    deliver.tick(deps)


def test_a_firing_tells_its_clock_the_ticket_and_a_link_that_acknowledges(desk: Deps, mail: FakeChannel) -> None:
    tell(desk, Telling((ANN,), "", ""))
    payload = mail.got[0].payload
    assert payload["subject"] == "[1] P2 resolution 75 %: Printer on fire"
    assert "Left: 1 h\n" in payload["text"]
    assert "resolution due: Mon 2 March 2026, 14:00 CET" in payload["text"]
    assert "Over" not in payload["text"]
    assert payload["severity"] == "high", "as the priority of the ticket says"
    assert payload["escalations"] == ["escalated/ladder/s75/x/1"]
    (link,) = [one for one in payload["links"] if "/ack/" in one]
    said = Links("https://desk.example.org", b"k" * 32).read(link.rpartition("/")[2], desk.now())
    assert (said.ticket, said.person) == (stored(desk, "1").key, "ann")


def test_a_firing_that_comes_late_says_for_when_it_was(desk: Deps, mail: FakeChannel) -> None:
    tell(desk, Telling((ANN,), "", "critical"), firing(late=timedelta(hours=2), moment=NOON - timedelta(hours=2)))
    assert "it was for Mon 2 March 2026, 11:00 CET" in mail.got[0].payload["text"]


def test_a_requester_gets_the_words_for_requesters_even_when_an_internal_template_is_asked_for(
    desk: Deps, mail: FakeChannel,
) -> None:
    tell(desk, Telling((), "escalation", "", requester=True))
    payload = mail.got[0].payload
    assert payload["to"] == "paul@example.org"
    assert payload["subject"] == "[1] news of your request: Printer on fire"
    assert not any(word in payload["text"] for word in ("ladder", "resolution at", "/ack/", "/tickets/"))


def test_a_program_that_asked_is_told_nothing_by_a_ladder_either(
    desk: Deps, tool: FakeTool, mail: FakeChannel, clock: Clock,
) -> None:
    clock.forward(60)
    tool.edited("1", requester_email="mailer-daemon@example.org")
    intake.poll(desk, "desk")
    tell(desk, Telling((), "", "", requester=True))
    assert mail.got == []


def test_a_note_says_why_and_a_public_comment_nothing_internal(desk: Deps) -> None:
    ticket = stored(desk, "1").ticket
    note = telling.words(desk, ticket, Say(public=False), firing(), NOON)
    assert note.startswith("Escalation ladder, step s75: resolution at 75%")
    said = telling.words(desk, ticket, Say(public=True), firing(), NOON)
    assert "Printer on fire" in said
    assert "ladder" not in said


def test_a_text_of_a_rule_is_filled_in_and_a_title_in_it_stays_a_title(desk: Deps, tool: FakeTool) -> None:
    tool.edited("1", title="{rule} {{x}}\n@all")
    intake.poll(desk, "desk")
    said = telling.words(desk, stored(desk, "1").ticket, Say(public=False, text_given="{title} is at {percent}"),
                         firing(), NOON)
    assert said == "{rule} {{x}} @all is at 75 %"
