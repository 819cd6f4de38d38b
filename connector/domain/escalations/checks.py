"""Ladders checked against each other and what is known: names that lead nowhere, steps that start each other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from connector.domain.agreements.profile import Profile
from connector.domain.calendars.reader import is_zone
from connector.domain.errors import Problem
from connector.domain.escalations.actions import (
    Action,
    Assign,
    Call,
    HandOff,
    Notify,
    Open,
    Reach,
    Say,
    Who,
)
from connector.domain.escalations.format import all_actions
from connector.domain.escalations.loops import loops
from connector.domain.escalations.rules import OnHandoff, Rule
from connector.domain.notices.template import Audience, Template, written
from connector.domain.problems import Path, Problems, dotted, missing, shown
from connector.domain.saying import Saying

NOBODY: Final = frozenset[str]()


@dataclass(frozen=True, slots=True)
class Known:
    """Names that rules may use. None: nothing of that kind is known at all, so that nothing can be checked."""

    groups: frozenset[str] | None = None
    people: frozenset[str] | None = None
    levels: frozenset[int] | None = None
    templates: Mapping[str, Template] | None = None
    receivers: frozenset[str] | None = None
    webhooks: frozenset[str] | None = None
    calendars: frozenset[str] | None = field(default_factory=frozenset)


def checks(rules: Sequence[Rule], profiles: Iterable[Profile], known: Known) -> list[Problem]:
    """Every problem between the files, with the file and the path of its place."""
    agreed = list(profiles)
    found = [*_doubles(rules), *_unclimbed(rules, agreed), *loops(rules, agreed)]
    for rule in rules:
        found += _names(rule, known)
        found += _calendars(rule, known)
    return found


def unknown_ladders(rules: Sequence[Rule], profiles: Iterable[Profile]) -> Iterator[Problem]:
    """Profiles that name a ladder that is not there."""
    names = [rule.name for rule in rules]
    for profile in profiles:
        if profile.escalate and profile.escalate not in names:
            yield Problem(missing(Saying("escalation"), profile.escalate, names), profile.file, path="escalate")


def _doubles(rules: Sequence[Rule]) -> Iterator[Problem]:
    seen: dict[str, Rule] = {}
    for rule in rules:
        if rule.name in seen:
            yield Problem(Saying(
                "`%(name)s` is also in %(file)s", name=rule.name,
                file=seen[rule.name].file or Saying("another file")), rule.file,
                          path="escalation")
        seen[rule.name] = rule


def _unclimbed(rules: Sequence[Rule], profiles: Iterable[Profile]) -> Iterator[Problem]:
    named = {profile.escalate for profile in profiles}
    for rule in rules:
        if rule.applies_to is None and rule.name not in named:
            yield Problem(Saying(
                "no profile says `escalate: %(name)s` and it has no `applies_to`: it does nothing", name=rule.name),
                          rule.file, path="escalation", severity="warning")


def _names(rule: Rule, known: Known) -> Iterator[Problem]:
    for path, action in all_actions(rule):
        yield from _words(action, known, rule, path)
        for kind, name, names in _mentions(action, known):
            if names is not None and name not in names:
                yield Problem(missing(kind, name, names), rule.file, path=dotted(path))
    for step in rule.steps:
        trigger = step.trigger
        if isinstance(trigger, OnHandoff) and trigger.receiver and known.receivers is not None \
                and trigger.receiver not in known.receivers:
            yield Problem(missing(Saying("receiver"), trigger.receiver, known.receivers), rule.file,
                          path=f"steps.{step.place}.receiver")


def _words(action: Action, known: Known, rule: Rule, path: Path) -> Iterator[Problem]:
    """A template that is not for its readers; variables that readers of a written text may not see."""
    if isinstance(action, Say):
        audience = Audience.REQUESTER if action.public else Audience.INTERNAL
        template = known.templates.get(action.template) if known.templates is not None else None
        if template is not None and template.audience is not audience:
            yield Problem(Saying(
                "template `%(name)s` is for %(audience)s, not for %(wanted)s",
                name=action.template, audience=template.audience, wanted=audience), rule.file,
                          path=dotted(path))
        if action.text_given:
            found = Problems(rule.file)
            written(action.text_given, audience, found)
            for problem in found.found:
                yield Problem(problem.message, rule.file, path=dotted(path))


def _mentions(action: Action, known: Known) -> Iterator[tuple[Saying, Any, frozenset[Any] | None]]:
    """What an action names: its kind, the name, and the names there are."""
    if isinstance(action, Notify):
        for who in action.to:
            yield from _people(who, known)
    elif isinstance(action, Assign):
        yield from _people(action.to, known)
    elif isinstance(action, HandOff):
        yield Saying("receiver"), action.receiver, known.receivers
    elif isinstance(action, Call):
        yield Saying("webhook"), action.receiver, known.webhooks
    elif isinstance(action, Open) and action.group:
        yield Saying("group"), action.group, known.groups
    if isinstance(action, (Notify, Say)) and action.template:
        yield Saying("template"), action.template, None if known.templates is None else frozenset(known.templates)


def _people(who: Who, known: Known) -> Iterator[tuple[Saying, Any, frozenset[Any] | None]]:
    if who.reach is Reach.PERSON:
        yield Saying("person"), who.name, known.people
    elif who.name and who.reach is not Reach.ROLE:
        yield Saying("group"), who.name, known.groups
    elif who.reach in (Reach.LEVEL, Reach.ON_DUTY) and who.number:
        yield Saying("level"), who.number, known.levels


def _calendars(rule: Rule, known: Known) -> Iterator[Problem]:
    places = [("calendar", rule.calendar)]
    places += [(f"steps.{step.place}.during", step.during) for step in rule.steps]
    for path, chain in places:
        if chain is not None and known.calendars is not None and chain.otherwise not in (*known.calendars, "24x7"):
            yield Problem(missing(Saying("calendar"), chain.otherwise, known.calendars), rule.file, path=path)
    if rule.timezone is not None and not is_zone(rule.timezone.otherwise):
        yield Problem(Saying(
            "%(value)s is not a known time zone; expected an IANA name such as Europe/Zurich",
            value=shown(rule.timezone.otherwise)), rule.file, path="timezone")
