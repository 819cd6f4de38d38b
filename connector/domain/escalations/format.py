"""The written form of a ladder: parsing and checking, all problems at once. The format is in docs/escalations.md."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

from connector.domain.agreements.conditions import ALWAYS, NEVER, Condition, condition
from connector.domain.agreements.profile import SOURCE_FIELDS, Agreement, Chain
from connector.domain.escalations.actions import Action
from connector.domain.escalations.actions_format import actions
from connector.domain.escalations.rules import Hours, Link, OnClock, OnHandoff, OnSilence, OnState, Repeat, Rule, Step
from connector.domain.escalations.triggers_format import TRIGGERS, TriggerReader
from connector.domain.problems import Path, Problems, did_you_mean, shown
from connector.domain.saying import Saying

KEYS: Final = ("escalation", "description", "applies_to", "calendar", "timezone", "steps")
STEP_KEYS: Final = (
    "name", *TRIGGERS, "at", "times", "for", "hours", "within", "same", "again", "receiver", "agreement", "when",
    "unless", "during", "do", "then", "repeat", "fallback", "acknowledgement",
)
MOST_REPEATS: Final = 100
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._%-]{0,79}")


def parse(data: Any, problems: Problems, version: str = "") -> Rule | None:
    """A rule from its table, or None; what is wrong goes to `problems`."""
    if not isinstance(data, Mapping):
        problems.add((), Saying("%(value)s is not an escalation; expected a table", value=shown(data)))
        return None
    problems.keys((), data, KEYS)
    reader = _Reader(problems)
    name = data.get("escalation")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        problems.add(("escalation",), "is required: the name of this ladder (letters, digits, spaces, . _ -)")
    rule = Rule(
        name=str(name),
        description=str(data.get("description", "")),
        applies_to=condition(data["applies_to"], problems, ("applies_to",)) if "applies_to" in data else None,
        calendar=reader.chain(data, "calendar"),
        timezone=reader.chain(data, "timezone"),
        steps=reader.steps(data.get("steps")),
        version=version,
        file=problems.file,
    )
    reader.calendars(rule)
    return None if problems.errors else rule


class _Reader(TriggerReader):

    def chain(self, data: Mapping[str, Any], key: str, path: Path = ()) -> Chain | None:
        given, path = data.get(key), (*path, key)
        if key not in data:
            return None
        if isinstance(given, str) and given:
            return Chain(given)
        if isinstance(given, Mapping) and isinstance(given.get("else"), str):
            self.problems.keys(path, given, ("from", "else"))
            sources = given.get("from", ())
            sources = (sources,) if isinstance(sources, str) else sources
            for source in sources if isinstance(sources, (list, tuple)) else (sources,):
                if source not in SOURCE_FIELDS:
                    self.problems.add((*path, "from"), Saying(
                        "%(value)s is unknown%(expected)s",
                        value=shown(source), expected=did_you_mean(str(source), SOURCE_FIELDS)))
            return Chain(given["else"], tuple(map(str, sources)))
        self.problems.add(path, "expected a name, or {from: [contract, customer, service, site], else: name}")
        return None

    def steps(self, data: Any) -> tuple[Step, ...]:
        if not isinstance(data, (list, tuple)) or not data:
            self.problems.add(("steps",), "is required: a list of steps")
            return ()
        found: list[Step] = []
        names: dict[str, int] = {}
        for i, item in enumerate(data):
            step = self.step(item, ("steps", i))
            if step is None:
                continue
            if step.name in names:
                self.problems.add(("steps", i), Saying(
                    "step %(n)s is also called `%(name)s`; give one of them a `name`",
                    n=names[step.name] + 1, name=step.name))
            names[step.name] = i
            found.append(replace(step, place=i))
        return tuple(found)

    def step(self, data: Any, path: Path) -> Step | None:
        if not isinstance(data, Mapping):
            self.problems.add(path, Saying(
                "%(value)s is not a step; expected {clock: resolution, at: 50%%, do: [...]}", value=shown(data)))
            return None
        self.problems.keys(path, data, STEP_KEYS)
        trigger = self.trigger(data, path)
        links = self.links(data, path)
        repeat = self.repeat(data["repeat"], (*path, "repeat")) if "repeat" in data else None
        fallback = actions(data["fallback"], self.problems, (*path, "fallback")) if "fallback" in data else ()
        silenced = data.get("acknowledgement", "stops")
        if silenced not in ("stops", "goes on"):
            self.problems.add((*path, "acknowledgement"), Saying(
                "%(value)s is unknown; expected stops or goes on", value=shown(silenced)))
        agreement = str(data.get("agreement", ""))
        if agreement and agreement not in tuple(Agreement):
            hint = did_you_mean(agreement, Agreement)
            self.problems.add((*path, "agreement"), Saying(
                "%(value)s is unknown%(expected)s", value=shown(agreement), expected=hint))
        if trigger is None:
            return None
        name = data.get("name", trigger.text)
        if not isinstance(name, str) or not name or "/" in name:
            self.problems.add((*path, "name"), Saying("%(value)s is not a name (a text without /)", value=shown(name)))
            name = trigger.text
        return Step(
            name=name.replace("/", " "), trigger=trigger, links=links, repeat=repeat,
            when=self.condition(data, "when", path, ALWAYS), unless=self.condition(data, "unless", path, NEVER),
            during=self.chain(data, "during", path), fallback=fallback, silenced=silenced == "stops",
            agreement=agreement,
        )

    def condition(self, data: Mapping[str, Any], key: str, path: Path, default: Condition) -> Condition:
        return condition(data[key], self.problems, (*path, key)) if key in data else default

    def links(self, data: Mapping[str, Any], path: Path) -> tuple[Link, ...]:
        found = [Link(actions(data.get("do"), self.problems, (*path, "do")))]
        then = data.get("then", [])
        if not isinstance(then, (list, tuple)):
            self.problems.add((*path, "then"), "expected a list such as [{wait: 30m, do: [...]}]")
            then = ()
        for i, item in enumerate(then):
            here = (*path, "then", i)
            if not isinstance(item, Mapping):
                self.problems.add(here, Saying(
                    "%(value)s is not a link; expected {wait: 30m, do: [...]}", value=shown(item)))
                continue
            self.problems.keys(here, item, ("wait", "hours", "do"))
            wait = self.duration(item.get("wait"), (*here, "wait"))
            if wait is not None and not wait:
                self.problems.add((*here, "wait"), "is nothing: put the actions into one `do`")
            found.append(Link(actions(item.get("do"), self.problems, (*here, "do")), wait or timedelta(0),
                              self.hours(item, here)))
        return tuple(found)

    def repeat(self, data: Any, path: Path) -> Repeat | None:
        if not isinstance(data, Mapping):
            self.problems.add(path, "expected {every: 2h, at_most: 6}")
            return None
        self.problems.keys(path, data, ("every", "at_most", "hours", "climb"))
        every = self.duration(data.get("every"), (*path, "every"))
        most = data.get("at_most")
        if most is None:
            self.problems.add((*path, "at_most"), "is required: a chain without an end is not allowed")
        elif isinstance(most, bool) or not isinstance(most, int) or not 1 <= most <= MOST_REPEATS:
            self.problems.add((*path, "at_most"), Saying(
                "%(value)s: expected a number from %(least)s to %(most)s",
                value=shown(most), least=1, most=MOST_REPEATS))
            most = None
        if every is not None and every < timedelta(minutes=1):
            self.problems.add((*path, "every"), "is less than a minute")
        climb = data.get("climb")
        if climb not in (None, "manager"):
            self.problems.add((*path, "climb"), Saying("%(value)s is unknown; expected manager", value=shown(climb)))
        if every is None or most is None:
            return None
        return Repeat(every, most, self.hours(data, path), climb == "manager")

    def calendars(self, rule: Rule) -> None:
        """Business time needs a calendar: a clock has its own, anything else that of the rule."""
        if rule.calendar is not None:
            return
        for step in rule.steps:
            if not isinstance(step.trigger, OnClock) and _counts(step):
                self.problems.add(("steps", step.place), "counts business time, so the rule needs a `calendar`; "
                                                         "or write `hours: wall`")


def _counts(step: Step) -> bool:
    trigger = step.trigger
    waits = [link.hours for link in step.links[1:]] + ([step.repeat.hours] if step.repeat else [])
    if isinstance(trigger, (OnSilence, OnState)) or (isinstance(trigger, OnHandoff) and trigger.amount.text):
        waits.append(trigger.hours)
    return Hours.BUSINESS in waits


def all_actions(rule: Rule) -> list[tuple[Path, Action]]:
    """Every action with its place, for checks."""
    found: list[tuple[Path, Action]] = []
    for step in rule.steps:
        where: Path = ("steps", step.place)
        for n, link in enumerate(step.links):
            path = (*where, "do") if n == 0 else (*where, "then", n - 1, "do")
            found += [((*path, i), action) for i, action in enumerate(link.actions)]
        found += [((*where, "fallback", i), action) for i, action in enumerate(step.fallback)]
    return found
