"""Requesters are informed in the look's transaction: once each, never at the first load, never in a loop."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from connector.domain.agreements.conditions import ALWAYS
from connector.domain.agreements.registry import Registry
from connector.domain.history import EventKind, Role
from connector.domain.notices.desk import Desk
from connector.domain.notices.informing import By, Informing, What
from connector.domain.notices.template import Templates
from connector.domain.ticket import PendingOn, State
from connector.flows import assess, deliver, digests, intake
from connector.flows.informing import MOST
from connector.flows.notices import OPTION
from connector.messages import shipped
from connector.ports import Deps
from connector.store import SqlStore
from tests.flows.fake_channel import FakeChannel, with_channels
from tests.flows.fake_tool import Clock, FakeTool, connect
from tests.flows.looking import history

EVERY = {what: f"ticket-{what}" for what in What}


def registry(by: By = By.MAIL) -> Registry:
    return Registry((), templates=Templates(shipped()), informing=(Informing("r", ALWAYS, EVERY, by),))


@pytest.fixture
def mail() -> FakeChannel:
    return FakeChannel()


@pytest.fixture
def desk(store: SqlStore, tool: FakeTool, mail: FakeChannel) -> Deps:
    deps = with_channels(connect(store, tool), mail)
    return replace(deps, registry=registry, options={OPTION: Desk("Helpdesk", own=("tickets@desk.example",))})


@pytest.fixture
def look(desk: Deps, clock: Clock) -> Callable[..., None]:
    def go(deps: Deps = desk, seconds: float = 60) -> None:
        clock.forward(seconds)
        intake.poll(deps, "desk")
        for _ in range(2):
            assess.tick(deps)
            deliver.tick(deps)
    return go


def opened(tool: FakeTool, id: str, email: str = "paul@example.org", **more: str) -> None:
    tool.opened(id, title=more.pop("title", "Printer"), requester="Paul", requester_email=email, **more)


def watch(tool: FakeTool, look: Callable[..., None]) -> None:
    """An old ticket, so that the tool is watched from now on."""
    opened(tool, "old")
    look()


def subjects(mail: FakeChannel) -> list[str]:
    return [str(one.payload["subject"]) for one in mail.got]


def test_each_step_is_told_once_in_the_words_for_requesters(
    tool: FakeTool, mail: FakeChannel, look: Callable[..., None],
) -> None:
    watch(tool, look)
    opened(tool, "1")
    look()
    tool.edited("1", assignee="ann", state=State.IN_PROGRESS)
    look()
    tool.said("1", "Which floor?", public=True)
    tool.edited("1", state=State.PENDING, pending_on=PendingOn.CUSTOMER)
    look()
    tool.edited("1", state=State.RESOLVED, pending_on=None)
    for _ in range(3):
        look()
    assert subjects(mail) == ["[1] received: Printer", "[1] being worked on: Printer",
                              "[1] we need an answer from you: Printer", "[1] solved: Printer"]
    assert {one.payload["to"] for one in mail.got} == {"paul@example.org"}
    assert "Which floor?" in mail.got[2].payload["text"]
    assert len({one.payload["thread"] for one in mail.got}) == 1


def test_nobody_is_told_of_what_a_tool_held_when_we_first_looked(
    desk: Deps, tool: FakeTool, mail: FakeChannel, look: Callable[..., None],
) -> None:
    for n in range(20):
        opened(tool, str(n))
    look()
    look()
    tool.edited("5", title="Printer again")
    look()
    assert mail.got == []
    tool.edited("3", state=State.RESOLVED)
    look()
    assert subjects(mail) == ["[3] solved: Printer"]


def test_after_a_restart_nothing_is_told_again(
    desk: Deps, tool: FakeTool, mail: FakeChannel, look: Callable[..., None],
) -> None:
    watch(tool, look)
    opened(tool, "1")
    look()
    look(with_channels(replace(connect(desk.store, tool, "two"), registry=registry, options=desk.options), mail))
    assert len(mail.got) == 1


def test_what_a_downtime_hid_is_told_late_but_not_what_is_long_over(
    tool: FakeTool, mail: FakeChannel, look: Callable[..., None],
) -> None:
    watch(tool, look)
    opened(tool, "1")
    look(seconds=3 * 3600)
    opened(tool, "2")
    look(seconds=30 * 3600)
    assert subjects(mail) == ["[1] received: Printer"]


def test_automatic_mail_and_our_own_addresses_are_never_answered_and_the_reason_is_on_record(
    desk: Deps, tool: FakeTool, mail: FakeChannel, look: Callable[..., None],
) -> None:
    watch(tool, look)
    opened(tool, "1", "tickets@desk.example")
    opened(tool, "2", title="Automatic reply: [1] received")
    opened(tool, "3", "mailer-daemon@example.org")
    for _ in range(3):
        look()
    assert mail.got == []
    outcomes = [event.data["outcome"] for id in ("1", "2", "3") for event in history(desk, id)
                if event.kind is EventKind.INFORMED]
    assert len(outcomes) == 3
    assert all(outcome != "sent" for outcome in outcomes)


def test_a_program_that_answers_every_message_with_a_new_ticket_is_not_answered_for_ever(
    desk: Deps, tool: FakeTool, mail: FakeChannel, look: Callable[..., None], clock: Clock,
) -> None:
    watch(tool, look)
    opened(tool, "0", "robot@example.org")
    for n in range(1, 60):
        before = len(mail.got)
        look(seconds=20)
        digests.tick(desk)
        deliver.tick(desk)
        if len(mail.got) > before:
            opened(tool, str(n), "robot@example.org")
    assert len(mail.got) <= MOST


def test_by_comment_the_tool_is_told_once_and_no_clock_minds(
    desk: Deps, tool: FakeTool, mail: FakeChannel, look: Callable[..., None],
) -> None:
    by_comment = replace(desk, registry=lambda: registry(By.COMMENT))
    opened(tool, "old")
    look(by_comment)
    opened(tool, "1", "")
    for _ in range(3):
        look(by_comment)
    assert mail.got == []
    (text,) = tool.notes("1")
    assert text.startswith("We have received your request 1: Printer") or "We have received your request 1" in text
    ours = [event for event in history(desk, "1") if event.kind is EventKind.COMMENTED and not event.echo]
    assert {event.role for event in ours} == {Role.CONNECTOR}


def test_where_no_mail_is_set_up_nothing_piles_up_and_the_reason_is_on_record(
    desk: Deps, tool: FakeTool, mail: FakeChannel, look: Callable[..., None],
) -> None:
    bare = replace(desk, channels={})
    opened(tool, "old")
    look(bare)
    opened(tool, "1")
    look(bare)
    assert [event.data["outcome"] for event in history(desk, "1") if event.kind is EventKind.INFORMED] == [
        "e-mail is not set up"]
    look()
    assert mail.got == []


def test_without_rules_nothing_is_told(
    desk: Deps, tool: FakeTool, mail: FakeChannel, look: Callable[..., None],
) -> None:
    silent = replace(desk, registry=lambda: Registry((), templates=Templates(shipped())))
    opened(tool, "1")
    look(silent)
    opened(tool, "2")
    look(silent)
    assert mail.got == []
