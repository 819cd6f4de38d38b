"""One history from two sources: what the tool remembers, and what readings prove."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from connector.domain.history import Event, EventKind, Origin, effective, value_at
from connector.domain.mapping import Owner
from connector.domain.syncing.absorb import absorb
from connector.domain.syncing.changes import diff
from connector.domain.syncing.memory import reconcile
from connector.domain.ticket import State, Ticket, value_of
from tests.domain.syncing.test_changes import NOON, minute, ticket

ME = frozenset({"svc"})


def exact(n: int, at: float, field: str, old: Any, new: Any, actor: str = "agent", **more: Any) -> Event:
    return Event(key=f"log/{n}", at=minute(at), kind=EventKind.CHANGED, seq=n, field=field, old=old, new=new,
                 actor=actor, **more)


def own(n: int, at: float, field: str, old: Any, new: Any) -> Event:
    return Event(key=f"own/{n}", at=minute(at), kind=EventKind.CHANGED, seq=n, field=field, old=old, new=new,
                 origin=Origin.CONNECTOR)


def inferred(after: Ticket, before: Ticket | None = None) -> list[Event]:
    return diff(before, after)


def values(events: list[Event], field: str) -> list[tuple[Any, datetime]]:
    return [(e.new, e.at) for e in effective(events) if e.kind is EventKind.CHANGED and e.field == field]


def test_exact_events_replace_inferred_ones() -> None:
    first, second = ticket(0, group="a"), ticket(9, group="c")
    known = inferred(first) + inferred(second, first)
    new = reconcile(known, [exact(1, 2, "group", "a", "b"), exact(2, 5, "group", "b", "c")], second)
    assert values(known + new, "group") == [("b", minute(2)), ("c", minute(5))]


def test_a_second_reading_of_the_memory_adds_nothing() -> None:
    first, second = ticket(0, group="a"), ticket(9, group="c")
    known = inferred(first) + inferred(second, first)
    read = [exact(1, 2, "group", "a", "b"), exact(2, 5, "group", "b", "c")]
    known += reconcile(known, read, second)
    assert reconcile(known, read, second) == []


def test_what_the_memory_does_not_hold_yet_stays_inferred_until_it_does() -> None:
    first, second = ticket(0, group="a"), ticket(9, group="c")
    known = inferred(first) + inferred(second, first)
    known += reconcile(known, [exact(1, 2, "group", "a", "b")], second)
    assert values(known, "group") == [("b", minute(2)), ("c", minute(9))]
    known += reconcile(known, [exact(1, 2, "group", "a", "b"), exact(2, 5, "group", "b", "c")], second)
    assert values(known, "group") == [("b", minute(2)), ("c", minute(5))]


def test_a_gap_before_the_first_reading_is_told_too() -> None:
    seen = ticket(9, group="c")
    known = inferred(seen)
    known += reconcile(known, [exact(1, 2, "group", "a", "b")], seen)
    assert values(known, "group") == [("b", minute(2)), ("c", minute(9))]


def test_a_field_the_memory_does_not_cover_keeps_its_inferred_events() -> None:
    first, second = ticket(0, group="a", title="x"), ticket(9, group="b", title="y")
    known = inferred(first) + inferred(second, first)
    known += reconcile(known, [exact(1, 2, "group", "a", "b")], second)
    assert values(known, "title") == [("y", minute(9))]


def test_a_memory_that_starts_late_does_not_erase_what_was_seen_before() -> None:
    first, second, third = ticket(0, group="a"), ticket(3, group="b"), ticket(9, group="c")
    known = inferred(first) + inferred(second, first) + inferred(third, second)
    known += reconcile(known, [exact(5, 7, "group", "b", "c")], third)
    assert values(known, "group") == [("b", minute(3)), ("c", minute(7))]


def test_a_memory_read_after_the_snapshot_is_no_contradiction() -> None:
    seen = ticket(4, group="a")
    known = inferred(seen)
    known += reconcile(known, [exact(1, 6, "group", "a", "b")], seen)
    assert values(known, "group") == [("b", minute(6))]
    later = ticket(6, group="b")
    known += inferred(later, seen)
    known += reconcile(known, [exact(1, 6, "group", "a", "b")], later)
    assert values(known, "group") == [("b", minute(6))]


def test_the_tools_creation_replaces_the_inferred_one() -> None:
    seen = ticket(9, state=State.IN_PROGRESS)
    known = inferred(seen)
    read = [Event(key="log/0", at=NOON, kind=EventKind.CREATED), exact(1, 2, "state", "new", "in_progress")]
    known += reconcile(known, read, seen)
    assert [e.key for e in effective(known)] == ["log/0", "log/1"]


def test_an_echo_is_known_by_author_and_value_and_never_by_time() -> None:
    known = [own(1, 5, "group", "a", "b")]
    seen = ticket(99, group="b")
    (echo,) = reconcile(known, [exact(1, 99, "group", "a", "b", "svc")], seen, ME)
    assert echo.echo == "own/1"
    (news,) = reconcile(known, [exact(1, 5, "group", "a", "b", "agent")], seen, ME)
    assert not news.echo


def test_our_account_doing_something_we_did_not_ask_for_is_news() -> None:
    known = [own(1, 5, "group", "a", "b")]
    new = reconcile(known, [exact(1, 6, "group", "a", "b", "svc"), exact(2, 7, "group", "b", "x", "svc")],
                    ticket(7, group="x"), ME)
    assert [e.echo for e in new] == ["own/1", ""]


def test_repeated_edits_are_matched_in_order_each_once() -> None:
    known = [own(1, 1, "group", "a", "b"), own(2, 2, "group", "b", "a"), own(3, 3, "group", "a", "b")]
    read = [exact(n, n + 5, "group", old, new, "svc") for n, (old, new) in
            enumerate([("a", "b"), ("b", "a"), ("a", "b"), ("b", "a")], 1)]
    new = reconcile(known, read, ticket(9, group="a"), ME)
    assert [e.echo for e in new] == ["own/1", "own/2", "own/3", ""]
    assert reconcile(known + new, read, ticket(9, group="a"), ME) == []


def test_our_marker_is_enough_to_know_a_comment() -> None:
    said = Event(key="k7", at=minute(1), kind=EventKind.NOTED, text="hello", origin=Origin.CONNECTOR)
    marked = Event(key="log/1", at=minute(2), kind=EventKind.NOTED, text="hello!", data={"key": "k7"}, actor="anyone")
    same_text = Event(key="log/2", at=minute(2), kind=EventKind.NOTED, text="[Anna]  hello\n", actor="svc")
    other = Event(key="log/3", at=minute(2), kind=EventKind.NOTED, text="hello", actor="agent")
    for event, echo in ((marked, "k7"), (same_text, "k7"), (other, "")):
        assert [e.echo for e in reconcile([said], [event], ticket(2), ME)] == [echo]


def test_a_change_we_overwrote_unseen_is_recorded_as_lost() -> None:
    first = ticket(0, group="a")
    known = [*inferred(first), own(1, 5, "group", "a", "b")]
    read = [exact(1, 6, "group", "a", "theirs"), exact(2, 7, "group", "theirs", "b", "svc")]
    new = reconcile(known, read, ticket(7, group="b"), ME)
    assert [(e.old, e.new, e.data["rule"]) for e in new if e.kind is EventKind.CONFLICT] == [
        ("theirs", "b", "overwritten")]
    assert values(known + new, "group") == [("theirs", minute(6)), ("b", minute(7))]
    assert reconcile(known + new, read, ticket(7, group="b"), ME) == []


def test_a_field_on_its_way_is_not_held_against_the_snapshot() -> None:
    known = [*inferred(ticket(0, group="a")), own(1, 5, "group", "a", "b")]
    assert reconcile(known, [], ticket(6, group="a"), ME, {"group"}) == []


def test_deletion_told_by_the_tool_replaces_the_inferred_one() -> None:
    seen = ticket(9, deleted=True)
    known = inferred(ticket(0)) + inferred(seen, ticket(0))
    known += reconcile(known, [Event(key="log/9", at=minute(8), kind=EventKind.DELETED)], seen)
    assert [e.at for e in effective(known) if e.kind is EventKind.DELETED] == [minute(8)]


def test_the_value_at_a_moment_follows_the_effective_history() -> None:
    events = effective([exact(1, 2, "group", "a", "b"), exact(2, 5, "group", "b", "c")])
    assert [value_at(events, "group", minute(n), "c") for n in (1, 2, 6)] == ["a", "b", "c"]


# A life of a ticket in a tool with an audit log, read at any moments, in any order, any of it more than once.

GROUPS = ("a", "b", "c")
STATES = (State.NEW, State.IN_PROGRESS, State.RESOLVED)
step = st.tuples(st.integers(0, 2), st.sampled_from(["group", "state", "title"]), st.integers(0, 2), st.booleans())


def life(steps: list[tuple[int, str, int, bool]]) -> tuple[list[Ticket], list[list[Event]], list[Event]]:
    """Snapshots, the memory at each of them, and our own events among the changes."""
    now, log, ours = ticket(0, group="a", title="0"), [Event(key="log/0", at=NOON, kind=EventKind.CREATED)], []
    snapshots, memories, at = [now], [list(log)], NOON
    for n, (seconds, field, choice, by_us) in enumerate(steps, 1):
        at += timedelta(seconds=seconds)
        value = {"group": GROUPS[choice], "state": STATES[choice], "title": str(choice)}[field]
        old = value_of(now, field)
        if old == value:
            continue
        log.append(Event(key=f"log/{n}", at=at, kind=EventKind.CHANGED, seq=n, field=field, old=old, new=value,
                         actor="svc" if by_us else "agent"))
        if by_us:
            ours.append(Event(key=f"own/{n}", at=at, kind=EventKind.CHANGED, seq=2**30 + n, field=field, old=old,
                              new=value, origin=Origin.CONNECTOR))
        now = Ticket(**{**{f: getattr(now, f) for f in now.__struct_fields__}, field: value, "updated_at": at,
                        "version": str(n)})
        snapshots.append(now)
        memories.append(list(log))
    return snapshots, memories, ours


def read_all(readings: list[tuple[Ticket, list[Event]]], ours: list[Event]) -> list[Event]:
    """Take readings in as intake does: those older than what is stored only bring their memory."""
    stored: Ticket | None = None
    known: list[Event] = list(ours)
    for revision, (snapshot, memory) in enumerate(readings):
        if stored is None:
            fresh = diff(None, snapshot)
            stored = snapshot
        elif int(snapshot.version or 0) <= int(stored.version or 0):
            fresh = []
        else:
            fresh = diff(stored, snapshot, revision=revision)
            stored = snapshot
        known += fresh
        known += reconcile(known, memory, stored, ME)
    return known


@settings(max_examples=200, derandomize=True, deadline=None)
@given(st.lists(step, max_size=8), st.data())
def test_any_split_and_order_of_readings_gives_the_same_history(
    steps: list[tuple[int, str, int, bool]], data: st.DataObject,
) -> None:
    snapshots, memories, _ = life(steps)
    count = len(snapshots)
    picks = data.draw(st.lists(st.tuples(st.integers(0, count - 1), st.integers(-1, count - 1)), max_size=6))
    readings = [(snapshots[s], memories[m] if m >= 0 else []) for s, m in picks]
    last = (snapshots[-1], memories[-1])
    straight = effective(read_all([last], []))
    assert effective(read_all([*readings, last], [])) == straight
    assert [e.key for e in straight] == [e.key for e in sorted(memories[-1], key=lambda e: (e.at, e.seq))]


@settings(max_examples=200, derandomize=True, deadline=None)
@given(st.lists(step, max_size=8), st.data())
def test_the_history_always_ends_in_what_the_last_reading_shows(
    steps: list[tuple[int, str, int, bool]], data: st.DataObject,
) -> None:
    snapshots, memories, ours = life(steps)
    count = len(snapshots)
    picks = sorted(data.draw(st.lists(st.integers(0, count - 1), min_size=1, max_size=6)))
    # Of one second, a memory that lags cannot be told from one that is ahead: that heals with the next reading of it.
    lag = data.draw(st.integers(0, 3)) if all(seconds for seconds, *_ in steps) else 0
    stored, base = snapshots[0], None
    known: list[Event] = diff(None, stored)
    for revision, pick in enumerate(picks, 1):
        known += [e for e in ours if e.at <= snapshots[pick].updated_at and e.key not in {k.key for k in known}]
        done = absorb(stored, base, snapshots[pick], revision=revision, owner=lambda field: Owner.NEWEST,
                      now=snapshots[pick].updated_at, known=known, memory=memories[max(0, pick - lag)], me=ME)
        stored, base = done.ticket, done.base
        known += done.events
    assert stored == snapshots[picks[-1]]
    history = effective(known)
    for field in ("group", "title", "state"):
        changes = [e for e in history if e.kind is EventKind.CHANGED and e.field == field]
        assert not changes or changes[-1].new == value_of(stored, field), (field, changes)
    again = absorb(stored, base, stored, revision=99, owner=lambda field: Owner.NEWEST, now=stored.updated_at,
                   known=known, memory=memories[max(0, picks[-1] - lag)], me=ME)
    assert again.events == []
