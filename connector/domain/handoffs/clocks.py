"""The clocks of a handoff, by the targets and calendars of its contract: a fold over its entries, like a ticket's.

The resolution clock runs while the receiver has the work: from acknowledgement, through a rejection, until a resolution
is proposed. It pauses while they wait for the customer only for reasons that the contract lists, never for a hold of
their own; work handed back keeps what is left of its time until it is offered to them again. Approval is our time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from msgspec.structs import replace

from connector.domain.agreements.clock import ClockState, Mode, Plan, Turn, read
from connector.domain.agreements.engine import NamedClock, soon_after
from connector.domain.agreements.profile import SOURCE_FIELDS, Profile, Target, TargetName
from connector.domain.agreements.registry import Registry
from connector.domain.agreements.turns import Segment
from connector.domain.calendar import CalendarError
from connector.domain.errors import ConfigError
from connector.domain.handoffs.chain import Entry, EntryKind
from connector.domain.handoffs.course import Step, steps
from connector.domain.handoffs.handoff import Handoff
from connector.domain.handoffs.moves import UNDONE, WITH_THEM, HandoffState, Move, Side, turn
from connector.domain.ticket import Ticket, value_of

_S: Final = HandoffState
_DROPPED: Final = (Move.WITHDRAW, Move.EXPIRE, Move.CLOSE)


@dataclass(frozen=True, slots=True)
class Reading:
    """`silent_since` and `silent_at`: since when nothing was heard from a receiver whose turn it is, and when that is
    too long by the contract. `next_at` is when the passing of time alone changes something."""

    clocks: tuple[NamedClock, ...] = ()
    silent_since: datetime | None = None
    silent_at: datetime | None = None
    next_at: datetime | None = None
    problems: tuple[str, ...] = ()


def reading(handoff: Handoff, entries: Sequence[Entry], contract: Profile | None, registry: Registry, ticket: Ticket,
            now: datetime) -> Reading:
    """Every clock of a handoff as of `now`. Without a contract there is none."""
    if contract is None:
        return Reading()
    line = [step for step in steps(entries, handoff.priority) if step.at <= now]
    facts = {name: value_of(ticket, name) for name in SOURCE_FIELDS.values()}
    clocks: list[NamedClock] = []
    problems: list[str] = []
    for target in contract.targets:
        walk = _Walk(contract, target, registry, facts)
        try:
            _WALKS[target.name](walk, line)
            clocks.extend(walk.clocks(now))
        except (CalendarError, ConfigError) as error:
            problems.append(f"{contract.name}/{target.name} cannot be computed: {error}")
    since = _quiet_since(handoff, line)
    silent_at = None
    try:
        silent_at = None if since is None else _too_long(contract, registry, facts, since)
    except (CalendarError, ConfigError) as error:
        problems.append(f"{contract.name}/silent_after cannot be computed: {error}")
    ahead = [soon_after(max(one.clock.due, now)) for one in clocks
             if one.clock.state is ClockState.RUNNING and one.clock.due is not None]
    ahead += [at for at in (silent_at,) if at is not None and at > now]
    return Reading(tuple(clocks), since, silent_at, min(ahead, default=None), tuple(problems))


@dataclass(slots=True)
class _Walk:
    """Notes the turns of one target, run by run."""

    contract: Profile
    target: Target
    registry: Registry
    facts: dict[str, Any]
    segments: list[Segment] = field(default_factory=list)
    open: bool = False
    priority: str | None = None
    plan: Plan | None = None

    def begin(self, step: Step, why: str = "") -> None:
        self.segments.append(Segment())
        self.open, self.priority, self.plan = True, None, None
        self.turn(step, Mode.RUN, why)

    def turn(self, step: Step, mode: Mode, why: str = "") -> None:
        """Go on in this mode; a stop or cancel that may yet be undone leaves the run open."""
        plan = self._plan(step)
        if plan is None or not self.segments:
            return
        turns = self.segments[-1].turns
        if turns and turns[-1].mode is mode and turns[-1].plan == plan:
            return
        turns.append(Turn(step.at, mode, plan, why or (str(step.move) if step.move else "")))

    def end(self, step: Step, mode: Mode, why: str = "") -> None:
        if self.open:
            self.turn(step, mode, why)
            self.open = False

    def _plan(self, step: Step) -> Plan | None:
        if self.plan is not None and step.priority == self.priority:
            return self.plan
        amount = self.target.amount(step.priority or None)
        if amount is None or not self.segments:
            return self.plan
        segment = self.segments[-1]
        hours = self.registry.hours(self.contract, self.facts, amount.calendar)
        start = segment.turns[0].at if segment.turns else step.at
        segment.amount, segment.hours, segment.priority = amount, hours, step.priority or None
        self.priority = step.priority
        self.plan = Plan(hours.calendar, amount.from_start(start, hours.calendar), self.contract.floor, amount.text)
        return self.plan

    def clocks(self, now: datetime) -> Iterable[NamedClock]:
        count = 0
        for segment in self.segments:
            for clock in read(segment.turns, now):
                count += 1
                yield NamedClock(self.contract, self.target.name, replace(clock, cycle=count), segment)


def _acknowledge(walk: _Walk, line: Sequence[Step]) -> None:
    """From each offer to their first answer, whatever it is."""
    for step in line:
        if step.move is Move.OFFER:
            walk.begin(step)
        elif step.move in _DROPPED:
            walk.end(step, Mode.CANCEL)
        elif step.state is not _S.OFFERED:
            walk.end(step, Mode.STOP)
        elif walk.open:
            walk.turn(step, Mode.PAUSE if step.frozen else Mode.RUN, "disputed" if step.frozen else "")


def _first_response(walk: _Walk, line: Sequence[Step]) -> None:
    """From each offer to the first word or work of theirs; a mere acknowledgement is none."""
    for step in line:
        if step.move is Move.OFFER:
            walk.begin(step)
        elif step.move in _DROPPED:
            walk.end(step, Mode.CANCEL)
        elif step.heard:
            walk.end(step, Mode.STOP)
        elif walk.open:
            walk.turn(step, Mode.PAUSE if step.frozen else Mode.RUN, "disputed" if step.frozen else "")


def _next_response(walk: _Walk, line: Sequence[Step]) -> None:
    """From a question of ours to their next word."""
    for step in line:
        if step.heard:
            walk.end(step, Mode.STOP)
        elif step.move in _DROPPED:
            walk.end(step, Mode.CANCEL)
        elif (step.kind is EntryKind.COMMENT and step.side is Side.OURS and not walk.open
              and step.state not in (_S.DRAFT, _S.CLOSED)):
            walk.begin(step, "message of ours")


def _update(walk: _Walk, line: Sequence[Step]) -> None:
    """From each word of theirs to the next, while they have the work."""
    for step in line:
        if step.state in WITH_THEM and not step.frozen:
            if step.heard or not walk.open:
                walk.end(step, Mode.STOP)
                walk.begin(step)
        else:
            walk.end(step, Mode.CANCEL if step.move in _DROPPED else Mode.STOP)


def _resolution(walk: _Walk, line: Sequence[Step]) -> None:
    """While they have the work. See the top of this file."""
    receiver = walk.contract.receiver
    for step in line:
        mode, why = _resolution_mode(step, receiver.pauses_for if receiver else _never)
        if not walk.segments:
            if mode is Mode.RUN:
                walk.begin(step)
        elif mode is Mode.CANCEL:
            last = walk.segments[-1].turns[-1:]
            if last and last[0].mode is not Mode.STOP:
                walk.end(step, mode)
        else:
            walk.turn(step, mode, why)


def _resolution_mode(step: Step, pauses_for: Callable[[str], bool]) -> tuple[Mode, str]:
    state = step.state
    if state is _S.CLOSED:
        return Mode.CANCEL, ""
    if state in (_S.RESOLVED_PROPOSED, _S.ACCEPTED):
        return Mode.STOP, ""
    if state in UNDONE or state in (_S.OFFERED, _S.DRAFT):
        return Mode.PAUSE, "not with them"
    if step.frozen:
        return Mode.PAUSE, "disputed"
    if state is _S.WAITING_CUSTOMER:
        if pauses_for(step.waiting_for):
            return Mode.PAUSE, step.waiting_for
        return Mode.RUN, "the contract does not pause for this reason"
    return Mode.RUN, ""


def _never(_: str) -> bool:
    return False


def _hand_back(walk: _Walk, line: Sequence[Step]) -> None:
    """Work given back, measured from its offer. It exists only once it was: time alone does not break it."""
    offered: Step | None = None
    for step in line:
        if step.move is Move.OFFER:
            offered = step
        elif step.move in (Move.HAND_BACK, Move.DECLINE) and offered is not None:
            walk.begin(offered)
            walk.end(step, Mode.STOP)


def _approval(walk: _Walk, line: Sequence[Step]) -> None:
    """Ours: from a proposed resolution until we accept or reject it."""
    for step in line:
        if step.move is Move.PROPOSE:
            walk.begin(step)
        elif step.move in (Move.ACCEPT, Move.REJECT):
            walk.end(step, Mode.STOP)
        elif step.move in _DROPPED:
            walk.end(step, Mode.CANCEL)
        elif walk.open:
            walk.turn(step, Mode.PAUSE if step.frozen else Mode.RUN, "disputed" if step.frozen else "")


_WALKS: Final[dict[TargetName, Callable[[_Walk, Sequence[Step]], None]]] = {
    TargetName.ACKNOWLEDGE: _acknowledge, TargetName.FIRST_RESPONSE: _first_response,
    TargetName.NEXT_RESPONSE: _next_response, TargetName.UPDATE: _update, TargetName.RESOLUTION: _resolution,
    TargetName.HAND_BACK: _hand_back, TargetName.APPROVAL: _approval,
}


def _quiet_since(handoff: Handoff, line: Sequence[Step]) -> datetime | None:
    """Since when a receiver whose turn it is has not been heard; None when it is not its turn."""
    if handoff.ended or not line or line[-1].frozen or turn(line[-1].state) != Side.THEIRS:
        return None
    since, was = None, ""
    for step in line:
        now = turn(step.state)
        if step.side is Side.THEIRS or (now == Side.THEIRS and was != Side.THEIRS):
            since = step.at
        was = now
    return since


def _too_long(contract: Profile, registry: Registry, facts: dict[str, Any], since: datetime) -> datetime | None:
    amount = contract.receiver.silent_after if contract.receiver is not None else None
    if amount is None:
        return None
    calendar = registry.hours(contract, facts, amount.calendar).calendar
    return calendar.add(since, amount.from_start(since, calendar))
