"""Random histories, told twice: as events to the engine and as facts to the slow walk."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st

from connector.domain.agreements.engine import NamedClock, clocks
from connector.domain.agreements.profile import Profile
from connector.domain.agreements.registry import Registry
from connector.domain.calendar import ServiceCalendar
from connector.domain.history import Event, EventKind, Origin, Role, effective
from connector.domain.ticket import Kind, State, Ticket
from tests.domain.agreements.slow_engine import Facts, Rules, Seen, walk

M = timedelta(minutes=1)
ZONES = ("Europe/Zurich", "America/Montreal", "Australia/Lord_Howe", "UTC")
NIGHTS = (datetime(2026, 3, 28, 20, tzinfo=UTC), datetime(2026, 10, 24, 20, tzinfo=UTC),
          datetime(2026, 3, 7, 20, tzinfo=UTC), datetime(2026, 4, 4, 9, tzinfo=UTC),
          datetime(2026, 6, 1, 6, tzinfo=UTC))
HOURS = (
    {"mon-sun": [["00:00", "02:30"], ["03:15", "12:00"], ["13:00", "17:30"]]},
    {"mon-sun": [["22:00", "04:00"]]},
    {"mon-sun": [["00:30", "24:00"]]},
)
LENGTH = 16 * 60
"""Minutes of a story."""

STEPS = st.one_of(
    st.tuples(st.just("state"), st.sampled_from(["in_progress", "pending", "resolved", "closed", "cancelled"])),
    st.tuples(st.just("state"), st.sampled_from(["in_progress", "pending", "resolved"])),
    st.tuples(st.just("pending_on"), st.sampled_from(["customer", "supplier", None])),
    st.tuples(st.just("priority"), st.sampled_from(["P1", "P2", "P3", "P5"])),
    st.tuples(st.just("group"), st.sampled_from(["Desk", "Network"])),
    st.tuples(st.just("say"), st.sampled_from(["agent", "requester"])),
    st.tuples(st.just("gone"), st.sampled_from(["deleted", "restored"])),
)
STORIES = st.lists(st.tuples(st.integers(0, LENGTH), STEPS), max_size=14)
Story = list[tuple[int, tuple[str, Any]]]


FIRST: Facts = {
    "state": "new", "pending_on": None, "priority": "P3", "group": "Desk", "assignee": "", "customer": "A",
    "due_at": None, "deleted": False, "acknowledged": False, "responded": False, "awaiting_reply": False, "updates": 0,
    "held_by_connector": False,
}


class Told:
    """One random history, both as events for the engine and as facts for the slow walk."""

    def __init__(self, origin: datetime, story: Story, **first: Any) -> None:
        self.origin = origin
        self.events: list[Event] = []
        facts = {**FIRST, **first}
        facts["acknowledged"] = bool(facts["assignee"])
        self.line: list[tuple[datetime, Facts]] = [(origin, facts)]
        for minute, (what, value) in sorted(story, key=lambda step: step[0]):
            at = origin + M * minute
            facts = dict(facts)
            self._step(at, what, value, facts)
            if self.line[-1][0] == at:
                self.line.pop()
            self.line.append((at, facts))
        last = self.line[-1][1]
        self.ticket = Ticket(
            tool="t", id="1", kind=Kind.INCIDENT, state=State(last["state"]), opened_at=origin, updated_at=origin,
            priority=last["priority"], group=last["group"], pending_on=last["pending_on"], requester="ana",
            assignee=last["assignee"], customer=last["customer"], due_at=last["due_at"], deleted=last["deleted"])

    def _step(self, at: datetime, what: str, value: Any, facts: Facts) -> None:
        if what == "say":
            if value == "agent":
                facts.update(acknowledged=True, responded=True, awaiting_reply=False, updates=facts["updates"] + 1)
            elif facts["responded"]:
                facts["awaiting_reply"] = True
            self._add(at, EventKind.COMMENTED, role=Role(value), actor=value)
        elif what == "gone":
            facts["deleted"] = value == "deleted"
            self._add(at, EventKind(value))
        elif what == "by":
            role, field, new = value
            self._change(at, field, new, facts, Role(role))
        else:
            self._change(at, what, at + M * value if what == "due_at" and value is not None else value, facts)

    def _change(self, at: datetime, field: str, new: Any, facts: Facts, role: Role = Role.AGENT) -> None:
        ours = role is Role.CONNECTOR
        self._add(at, EventKind.CHANGED, role=role, field=field, old=facts[field], new=new,
                  origin=Origin.CONNECTOR if ours else Origin.TOOL)
        if facts[field] != new and field in ("state", "pending_on"):
            facts["held_by_connector"] = ours
        taken = (field == "state" and new != "new") or (field == "assignee" and new)
        if taken and role in (Role.AGENT, Role.UNKNOWN):
            facts["acknowledged"] = True
        facts[field] = new

    def _add(self, at: datetime, kind: EventKind, **more: Any) -> None:
        self.events.append(Event(key=f"e{len(self.events)}", seq=len(self.events), at=at, kind=kind, **more))

    def read(self, one: Profile, now: datetime, calendars: dict[str, Any], **directory: Any) -> list[NamedClock]:
        desk = Registry.checked([one], calendars, directory)
        return list(clocks(self.ticket, effective(self.events), desk, now).clocks)


def agree(told: Told, one: Profile, calendar: dict[str, Any], rules: Rules, now: datetime, **more: Any) -> None:
    """The engine and the walk see the same cycles. `more`: further calendars, or entries of the directory."""
    calendars = {"hours": calendar, **more.pop("calendars", {})}
    seen, slow = told.read(one, now, calendars, **more), walk(told.line, rules, now)
    assert [_fast(named) for named in seen] == [_slow(cycle) for cycle in slow]


def _fast(named: NamedClock) -> tuple[Any, ...]:
    clock = named.clock
    lasting = clock.stopped_at is None and clock.state != "cancelled"
    target = None if clock.fixed is not None else clock.target
    return (str(clock.state), clock.start, clock.active, _utc(clock.breached_at), clock.stopped_at,
            (clock.paused, target) if lasting else None)


def _slow(cycle: Seen) -> tuple[Any, ...]:
    stopped = cycle.stopped_at if cycle.mode == "stop" else None
    lasting = stopped is None and cycle.mode != "cancel"
    target = None if cycle.plan[2] is not None else cycle.plan[1]
    return (cycle.state, cycle.start, cycle.active, _utc(cycle.breached_at), stopped,
            (cycle.paused, target) if lasting else None)


def _utc(at: datetime | None) -> datetime | None:
    """Local times of the hour that comes twice equal none of another zone."""
    return None if at is None else at.astimezone(UTC)


def waiting(facts: Facts) -> bool:
    return bool(facts["state"] == "pending" and facts["pending_on"] == "customer")


def scene(zone: str, hours: int) -> tuple[dict[str, Any], ServiceCalendar]:
    data = {"timezone": zone, "hours": HOURS[hours]}
    return data, ServiceCalendar.from_dict(data)


def amounts(p1: int, p2: int, p3: int) -> tuple[dict[str, str], dict[str, timedelta]]:
    given = {"P1": p1, "P2": p2, "P3": p3}
    return {name: f"{n}m" for name, n in given.items()}, {name: M * n for name, n in given.items()}


SCENES = (st.sampled_from(NIGHTS), st.sampled_from(ZONES), st.integers(0, len(HOURS) - 1))
AMOUNTS = st.tuples(st.integers(0, 90), st.integers(1, 300), st.integers(1, 500))
NOWS = st.integers(0, LENGTH + 120)
checked = settings(max_examples=70, deadline=None, derandomize=True)
