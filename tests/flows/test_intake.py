"""Reading: everything arrives once, nothing unchanged is written, one bad ticket stops nobody."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import event

from connector.domain.errors import TryLater
from connector.domain.history import EventKind, effective
from connector.domain.syncing.changes import CREATED
from connector.domain.ticket import Comment, State
from connector.flows import backlog, editing, hints, intake
from connector.flows.reading import Report
from connector.ports import Change, Deps, Page
from connector.store import SqlStore
from tests.flows.fake_tool import Clock, FakeTool
from tests.flows.looking import history, stored, told


def writes(store: SqlStore) -> list[str]:
    """The writing statements from now on."""
    seen: list[str] = []

    @event.listens_for(store.engine, "before_cursor_execute")
    def note(conn: object, cursor: object, statement: str, *rest: object) -> None:
        if statement.lstrip().upper().startswith(("INSERT", "UPDATE", "DELETE", "BEGIN IMMEDIATE")):
            seen.append(statement)

    return seen


def test_a_poll_takes_all_pages_and_goes_on_where_it_stopped(deps: Deps, tool: FakeTool, clock: Clock) -> None:
    tool.page = 10
    for _ in range(25):
        tool.opened()
        clock.forward(2)
    seen: list[tuple[int, int | None]] = []
    first = intake.poll(deps, "desk", stop=lambda: len(seen) == 2,
                        progress=lambda report: seen.append((report.seen, report.total)))
    assert seen == [(10, 25), (20, 25)]
    assert (first.new, first.pages) == (20, 2)
    second = intake.poll(deps, "desk")
    assert (second.new, second.unchanged) == (5, 1), "the last second is read again"


def test_a_poll_with_nothing_new_asks_once_and_writes_nothing(
    deps: Deps, tool: FakeTool, clock: Clock, sqlite_store: SqlStore,
) -> None:
    tool.opened("1")
    tool.bad.add(tool.opened("2"))
    intake.poll(deps, "desk")
    tool.calls.clear()
    seen = writes(sqlite_store)
    report = intake.poll(deps, "desk")
    assert (report.seen, report.unchanged, report.rejected) == (1, 1, 1)
    assert tool.calls == ["changed"]
    assert seen == []


def test_reading_everything_again_adds_nothing(deps: Deps, tool: FakeTool, clock: Clock) -> None:
    for _ in range(5):
        tool.opened()
    intake.poll(deps, "desk")
    before = history(deps, "1")
    report = intake.poll(deps, "desk", full=True)
    assert (report.seen, report.unchanged) == (5, 5)
    assert history(deps, "1") == before


def test_what_the_tool_remembers_is_read_with_the_change(deps: Deps, tool: FakeTool, clock: Clock) -> None:
    tool.opened("1", group="a")
    intake.poll(deps, "desk")
    for group in ("b", "c"):
        clock.forward(60)
        tool.edited("1", group=group)
    intake.poll(deps, "desk")
    assert told(deps, "1", "group") == ["b", "c"]
    assert not any(e.inferred for e in effective(history(deps, "1")))


def test_a_tool_without_memory_gives_inferred_events(deps: Deps, tool: FakeTool, clock: Clock) -> None:
    tool.remembers = False
    tool.opened("1", group="a")
    intake.poll(deps, "desk")
    clock.forward(60)
    tool.edited("1", group="b")
    intake.poll(deps, "desk")
    assert told(deps, "1", "group") == ["b"]
    assert [e.inferred for e in history(deps, "1")] == [False, True]
    assert "history" not in tool.calls


def test_the_first_load_leaves_the_memory_to_the_backlog(deps: Deps, tool: FakeTool, clock: Clock) -> None:
    for n in range(60):
        tool.opened(str(n))
    clock.forward(60)
    for n in range(60):
        tool.edited(str(n), state=State.IN_PROGRESS)
    clock.forward(60)
    tool.edited("5", state=State.RESOLVED)
    intake.poll(deps, "desk")
    assert tool.calls == ["changed"]
    assert stored(deps, "5").history_due
    assert told(deps, "5", "state") == ["resolved"]
    clock.forward(5)
    caught = backlog.run(deps, "desk")
    assert caught.tickets == 60
    assert tool.calls[1:] == ["history", "history"]
    assert told(deps, "5", "state") == ["in_progress", "resolved"]
    assert CREATED not in {e.key for e in effective(history(deps, "5"))}
    assert backlog.run(deps, "desk").tickets == 0


def test_a_backlog_stops_when_told_and_keeps_what_it_read(deps: Deps, tool: FakeTool, clock: Clock) -> None:
    tool.page = 200
    for n in range(120):
        tool.opened(str(n))
    intake.poll(deps, "desk")
    clock.forward(5)
    asked = iter([False, True])
    assert backlog.run(deps, "desk", stop=lambda: next(asked)).tickets == 50
    assert backlog.run(deps, "desk").tickets == 70


def test_a_memory_that_cannot_be_read_now_is_read_later(deps: Deps, tool: FakeTool, clock: Clock) -> None:
    tool.opened("1", group="a")
    intake.poll(deps, "desk")
    clock.forward(60)
    tool.edited("1", group="b")

    def down(verb: str, moment: str) -> None:
        if verb == "history":
            raise TryLater("busy")
    tool.at = down
    intake.poll(deps, "desk")
    assert stored(deps, "1").history_due
    assert told(deps, "1", "group") == ["b"]
    tool.at = lambda verb, moment: None
    clock.forward(5)
    backlog.run(deps, "desk")
    assert not stored(deps, "1").history_due
    assert told(deps, "1", "group") == ["b"]
    assert not any(e.inferred for e in effective(history(deps, "1")) if e.field == "group")


def test_an_older_reading_is_ignored(deps: Deps, tool: FakeTool, clock: Clock) -> None:
    tool.opened("1", title="old")
    old = Page(tickets=[tool.tickets["1"]], cursor={})
    clock.forward(60)
    tool.edited("1", title="new")
    intake.poll(deps, "desk")
    tool.changed = lambda since: iter([old])  # type: ignore[method-assign]
    assert intake.poll(deps, "desk").stale == 1 or intake.poll(deps, "desk").unchanged == 1
    assert stored(deps, "1").ticket.title == "new"
    assert told(deps, "1", "title") == ["new"]


def test_a_page_that_waited_does_not_bring_back_an_old_value_of_the_same_second(
    deps: Deps, tool: FakeTool, clock: Clock,
) -> None:
    tool.remembers = False
    tool.opened("1", title="first")
    late = [Page(tickets=[tool.tickets["1"]], cursor={"n": 1})]
    tool.edited("1", title="second, in the same second")
    intake.refresh(deps, "desk", ["1"])
    tool.changed = lambda since: iter(late)  # type: ignore[method-assign]
    intake.poll(deps, "desk")
    assert stored(deps, "1").ticket.title == "second, in the same second"
    assert told(deps, "1", "title") == []


def test_a_reading_overtaken_by_a_write_of_the_same_second_is_read_again(
    deps: Deps, tool: FakeTool, clock: Clock,
) -> None:
    """Another worker writes between what this one read and what it stores."""
    tool.opened("1", title="first")
    intake.poll(deps, "desk")
    tool.edited("1", title="second")

    def overtake(verb: str, moment: str) -> None:
        if verb == "history":
            tool.at = lambda verb, moment: None
            tool.edited("1", title="third")
            intake.refresh(deps, "desk", ["1"])

    tool.at = overtake
    report = intake.refresh(deps, "desk", ["1"])
    assert report.postponed == 1
    assert stored(deps, "1").ticket.title == "third"
    hints.run(deps, "desk")
    assert stored(deps, "1").ticket.title == "third"
    assert told(deps, "1", "title")[-1:] == ["third"]


def test_a_ticket_twice_in_a_page_counts_once_and_the_newer_reading_holds(
    deps: Deps, tool: FakeTool, clock: Clock,
) -> None:
    tool.opened("1", title="old")
    old = tool.tickets["1"]
    clock.forward(60)
    tool.edited("1", title="new")
    tool.changed = lambda since: iter([Page(tickets=[tool.tickets["1"], old], cursor={"n": 1})])  # type: ignore[method-assign]
    report = intake.poll(deps, "desk")
    assert (report.seen, report.new) == (1, 1)
    assert stored(deps, "1").ticket.title == "new"


def test_one_bad_ticket_is_set_aside_and_tried_again_with_growing_waits(
    deps: Deps, tool: FakeTool, clock: Clock,
) -> None:
    tool.bad.add(tool.opened("1"))
    tool.opened("2")
    report = intake.poll(deps, "desk")
    assert (report.new, report.rejected) == (1, 1)
    assert intake.quarantine(deps, "desk").seen == 0
    clock.forward(301)
    assert intake.quarantine(deps, "desk").rejected == 1
    clock.forward(301)
    assert intake.quarantine(deps, "desk").rejected == 0, "the second wait is longer"
    tool.bad.clear()
    clock.forward(601)
    assert intake.quarantine(deps, "desk").new == 1
    with deps.store.read() as tx:
        assert tx.aside("desk", clock() + timedelta(days=9), 9) == []


def test_a_bad_ticket_that_is_well_again_leaves_the_quarantine_with_the_poll(
    deps: Deps, tool: FakeTool, clock: Clock,
) -> None:
    tool.bad.add(tool.opened("1"))
    intake.poll(deps, "desk")
    tool.bad.clear()
    assert intake.poll(deps, "desk").new == 1
    with deps.store.read() as tx:
        assert tx.aside("desk", clock() + timedelta(days=9), 9) == []


def test_a_poll_cut_short_by_the_tool_keeps_what_it_read(deps: Deps, tool: FakeTool, clock: Clock) -> None:
    tool.page = 5
    for _ in range(10):
        tool.opened()
        clock.forward(2)
    pages = tool.changed({})
    first = next(pages)

    def half(since: object) -> object:
        yield first
        raise TryLater("the answer stopped half-way")
    real, tool.changed = tool.changed, half  # type: ignore[method-assign,assignment]
    with pytest.raises(TryLater):
        intake.poll(deps, "desk")
    tool.changed = real  # type: ignore[method-assign]
    assert intake.poll(deps, "desk").new == 5


def test_a_page_that_another_process_was_faster_with_is_taken_again(deps: Deps, tool: FakeTool) -> None:
    tool.opened("1")
    late = intake.prepare

    def meanwhile(deps: Deps, connected: object, tickets: object) -> object:
        prepared = late(deps, connected, tickets)  # type: ignore[arg-type]
        with deps.store.begin() as tx:
            tx.save([Change(ticket=tool.tickets["1"])])
        return prepared
    intake.prepare, undo = meanwhile, late  # type: ignore[assignment]
    try:
        report = intake.poll(deps, "desk")
    finally:
        intake.prepare = undo
    assert (report.new, report.unchanged) == (0, 1)


def test_many_hints_become_one_reading(deps: Deps, tool: FakeTool, clock: Clock) -> None:
    tool.opened("1")
    with deps.store.begin() as tx:
        for _ in range(5):
            tx.hint("desk", ["1"], clock())
    assert hints.run(deps, "desk").new == 1
    assert hints.run(deps, "desk") == Report("desk")
    assert tool.calls.count("get") == 1


def test_hints_wait_while_the_tool_is_down_and_do_not_hammer_it(deps: Deps, tool: FakeTool, clock: Clock) -> None:
    tool.opened("1")
    with deps.store.begin() as tx:
        tx.hint("desk", ["1"], clock())

    def down(verb: str, moment: str) -> None:
        raise TryLater("down")
    tool.at = down
    for _ in range(60):
        hints.run(deps, "desk")
        clock.forward(1)
    assert 2 <= len(tool.calls) <= 10
    tool.at = lambda verb, moment: None
    clock.forward(200)
    assert hints.run(deps, "desk").new == 1


def test_a_hint_given_while_it_is_being_read_is_not_lost(deps: Deps, tool: FakeTool, clock: Clock) -> None:
    tool.opened("1", title="old")

    def change(verb: str, moment: str) -> None:
        if verb == "history":
            tool.at = lambda verb, moment: None
            clock.forward(1)
            tool.edited("1", title="new")
            with deps.store.begin() as tx:
                tx.hint("desk", ["1"], clock())
    tool.at = change
    with deps.store.begin() as tx:
        tx.hint("desk", ["1"], clock())
    hints.run(deps, "desk")
    hints.run(deps, "desk")
    assert stored(deps, "1").ticket.title == "new"


def test_a_ticket_that_a_hint_finds_gone_is_deleted_after_a_second_look(
    deps: Deps, tool: FakeTool, clock: Clock,
) -> None:
    tool.opened("1")
    intake.poll(deps, "desk")
    tool.purged("1")
    with deps.store.begin() as tx:
        tx.hint("desk", ["1"], clock())
    assert hints.run(deps, "desk").gone == 0
    clock.forward(300)
    hints.run(deps, "desk")
    assert not stored(deps, "1").ticket.deleted
    clock.forward(301)
    assert hints.run(deps, "desk").gone == 1
    assert stored(deps, "1").ticket.deleted
    assert effective(history(deps, "1"))[-1].kind is EventKind.DELETED
    clock.forward(3600)
    tool.calls.clear()
    hints.run(deps, "desk")
    assert tool.calls == []


def test_a_ticket_hidden_for_a_moment_is_not_deleted(deps: Deps, tool: FakeTool, clock: Clock) -> None:
    tool.opened("1")
    intake.poll(deps, "desk")
    tool.hidden.add("1")
    intake.refresh(deps, "desk", ["1"])
    tool.hidden.clear()
    intake.refresh(deps, "desk", ["1"])
    assert stored(deps, "1").missing_since is None
    clock.forward(3600)
    tool.hidden.add("1")
    intake.refresh(deps, "desk", ["1"])
    assert not stored(deps, "1").ticket.deleted


def test_a_deleted_ticket_that_reappears_is_restored(deps: Deps, tool: FakeTool, clock: Clock) -> None:
    tool.opened("1")
    intake.poll(deps, "desk")
    tool.hidden.add("1")
    for _ in range(2):
        intake.refresh(deps, "desk", ["1"])
        clock.forward(601)
    assert stored(deps, "1").ticket.deleted
    tool.hidden.clear()
    intake.refresh(deps, "desk", ["1"])
    assert not stored(deps, "1").ticket.deleted
    kinds = [e.kind for e in effective(history(deps, "1"))]
    assert kinds[-2:] == [EventKind.DELETED, EventKind.RESTORED]


def test_deletion_and_return_in_the_trash_bin_are_told(deps: Deps, tool: FakeTool, clock: Clock) -> None:
    tool.opened("1")
    intake.poll(deps, "desk")
    for deleted in (True, False):
        clock.forward(60)
        tool.edited("1", deleted=deleted)
        intake.poll(deps, "desk")
        assert stored(deps, "1").ticket.deleted is deleted


def test_a_comment_by_an_agent_is_read_with_its_ticket(deps: Deps, tool: FakeTool, clock: Clock) -> None:
    tool.opened("1")
    intake.poll(deps, "desk")
    clock.forward(60)
    tool.said("1", "called the customer")
    tool.said("1", "we are on it", public=True)
    intake.poll(deps, "desk")
    said = [(e.kind, e.text) for e in history(deps, "1") if e.text]
    assert said == [(EventKind.NOTED, "called the customer"), (EventKind.COMMENTED, "we are on it")]


def test_what_happens_in_the_second_of_the_last_reading_is_read_too(
    deps: Deps, tool: FakeTool, clock: Clock,
) -> None:
    tool.opened("1")
    intake.poll(deps, "desk")
    clock.forward(60)
    tool.said("1", "first")
    intake.poll(deps, "desk")
    tool.said("1", "second, with the same stamp")
    intake.poll(deps, "desk")
    backlog.run(deps, "desk")
    assert [e.text for e in history(deps, "1") if e.text] == ["first"]
    clock.forward(2)
    backlog.run(deps, "desk")
    assert [e.text for e in history(deps, "1") if e.text] == ["first", "second, with the same stamp"]
    assert backlog.run(deps, "desk").tickets == 0


def test_a_reading_does_not_disturb_an_edit_on_its_way(deps: Deps, tool: FakeTool, clock: Clock) -> None:
    tool.opened("1")
    intake.poll(deps, "desk")
    clock.forward(60)
    key = stored(deps, "1").key
    editing.edit(deps, key, {"title": "ours"}, "anna")
    editing.comment(deps, key, Comment(text="note"), "anna")
    tool.edited("1", description="theirs")
    intake.poll(deps, "desk")
    now = stored(deps, "1")
    assert (now.ticket.title, now.ticket.description) == ("ours", "theirs")
    assert now.base is not None
    assert (now.base.title, now.base.description) == ("ticket 1", "theirs")
