"""Steps whose actions start, directly or by way of others, the same step again.

What we do to a ticket is no happening of it; but what a ticket's state is may be our doing, a ticket we open is a
ticket like others, and a tool's own rules may answer us: then a loop would turn.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from connector.domain.agreements.conditions import Condition, condition
from connector.domain.agreements.profile import Profile
from connector.domain.errors import Problem
from connector.domain.escalations.actions import Action, Assign, HandOff, Open, Raise, Reach, SetFields, Tag
from connector.domain.escalations.rules import (
    Happening,
    OnClock,
    OnHandoff,
    OnHappening,
    OnSilence,
    OnState,
    Rule,
    Step,
)
from connector.domain.problems import Problems
from connector.domain.saying import Saying

Facts = dict[str, Any]
"""What is sure of a ticket; what is not named may be anything."""
_ASSIGNED: Final = ("group", "assignee")


def loops(rules: Sequence[Rule], profiles: Sequence[Profile]) -> Iterator[Problem]:
    """Each loop once, at its first step."""
    steps = [(rule, step) for rule in rules for step in rule.steps]
    kinds = {rule.name: [one for one in (rule.applies_to, *(p.applies_to for p in profiles if p.escalate == rule.name))
                         if one is not None] for rule in rules}
    after = {i: [j for j, (rule, other) in enumerate(steps) if _leads(step, other, kinds[rule.name], i == j)]
             for i, (_, step) in enumerate(steps)}
    for i, (rule, step) in enumerate(steps):
        way = _way_back(i, after)
        if way is not None and i == min(way):
            names = " -> ".join(f"`{steps[j][1].name}`" for j in [*way, i])
            opens = any(isinstance(action, Open) for j in way for action in steps[j][1].actions)
            told = Saying(
                "its action starts it again: %(names)s; the ticket that is opened climbs the ladder too: say by "
                "`applies_to` and `kind` for which tickets it is", names=names,
            ) if opens else Saying("its action starts it again: %(names)s", names=names)
            yield Problem(told, rule.file, path=f"steps.{step.place}")


def _way_back(start: int, after: dict[int, list[int]]) -> list[int] | None:
    """The shortest way from a step back to itself."""
    ways, seen = [[start]], set[int]()
    while ways:
        way = ways.pop(0)
        for following in after[way[-1]]:
            if following == start:
                return way
            if following not in seen:
                seen.add(following)
                ways.append([*way, following])
    return None


def _leads(step: Step, other: Step, reach: Sequence[Condition], itself: bool) -> bool:
    """Whether what a step does is what another one waits for, under its conditions. `reach`: whose ladder that is."""
    done = _after(step)
    here = any(_starts(action, other, done, itself) for action in step.actions) and _met(other, done)
    return here or any(isinstance(action, Open) and _opens(action, other, reach) for action in step.actions)


def _after(step: Step) -> Facts:
    """What is sure of the ticket when a step is done: what it asked for, and what it set."""
    asked = [step.when, *([step.trigger.when] if isinstance(step.trigger, OnState) else [])]
    sure: Facts = {}
    for one in asked:
        sure |= _sure(one.shape)
    for action in step.actions:
        if isinstance(action, SetFields):
            sure |= action.fields
        elif isinstance(action, Assign):
            sure = {name: value for name, value in sure.items() if name not in _ASSIGNED}
            if action.to.reach is Reach.GROUP and not action.to.in_turn:
                sure["group"] = action.to.name
        elif isinstance(action, Raise):
            sure.pop("priority", None)
        elif isinstance(action, Tag):
            sure.pop("tags", None)
    return sure


def _sure(shape: tuple[Any, ...]) -> Facts:
    if shape[0] == "all":
        return {name: value for part in shape[1:] for name, value in _sure(part).items()}
    return {shape[1]: shape[2]} if shape[0] == "=" else {}


def _starts(action: Action, step: Step, done: Facts, itself: bool) -> bool:
    trigger = step.trigger
    if isinstance(trigger, OnHappening):
        return _happens(action, trigger.what)
    if isinstance(trigger, OnState):
        if itself:
            # What holds and is set again goes on holding: only a step that says nothing else is a mistake.
            asked = trigger.when.fields
            return isinstance(action, SetFields) and asked <= action.fields.keys() and trigger.when.holds(action.fields)
        return bool(_touched(action) & trigger.when.fields) and may(trigger.when.shape, done)
    return isinstance(trigger, OnHandoff) and isinstance(action, HandOff) and \
        trigger.receiver in ("", action.receiver)


def _happens(action: Action, what: Happening) -> bool:
    if what is Happening.REASSIGNED:
        return isinstance(action, Assign)
    if what is Happening.RAISED:
        return isinstance(action, Raise) or (isinstance(action, SetFields) and "priority" in action.fields)
    return what is Happening.REOPENED and isinstance(action, SetFields) and \
        action.fields.get("state") in ("new", "in_progress", "pending")


def _touched(action: Action) -> frozenset[str]:
    if isinstance(action, SetFields):
        return frozenset(action.fields)
    if isinstance(action, Assign):
        return frozenset(_ASSIGNED)
    return frozenset({"priority"} if isinstance(action, Raise) else {"tags"} if isinstance(action, Tag) else ())


def _opens(action: Open, step: Step, reach: Sequence[Condition]) -> bool:
    """Whether a ticket that is opened comes, by the passing of time alone, to a step. Many at once it never is."""
    fresh: Facts = {"kind": action.kind}
    trigger = step.trigger
    if not any(may(one.shape, fresh) for one in reach) or not _met(step, fresh):
        return False
    if isinstance(trigger, OnState):
        return may(trigger.when.shape, fresh)
    return isinstance(trigger, (OnClock, OnSilence)) or \
        (isinstance(trigger, OnHappening) and trigger.what is Happening.OPENED)


def _met(step: Step, sure: Facts) -> bool:
    return may(step.when.shape, sure) and may(("not", step.unless.shape), sure)


def may(shape: tuple[Any, ...], sure: Mapping[str, Any], wanted: bool = True) -> bool:
    """Whether a condition of this shape can come out as `wanted` for a ticket of which that much is sure."""
    kind, *rest = shape
    if kind in ("always", "never"):
        return wanted is (kind == "always")
    if kind == "not":
        return may(rest[0], sure, not wanted)
    if kind in ("all", "any"):
        every = (kind == "all") is wanted
        found = [may(part, sure, wanted) for part in rest]
        return all(found) if every else any(found)
    field = "tags" if kind == "has" else rest[0]
    return field not in sure or _leaf(kind, field, rest).holds(sure) is wanted


def _leaf(kind: str, field: str, rest: Sequence[Any]) -> Condition:
    value: Any = None if kind == "unknown" else rest[-1]
    if kind == "in":
        value = list(value)
    elif kind == "like":
        value = {"like": value}
    elif kind in (">=", "<=", ">", "<"):
        value = f"{kind} {value:g}"
    return condition({field: value}, Problems())
