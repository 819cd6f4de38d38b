"""The written forms: sla_profiles/major/*.yaml (the process) and sla_profiles/continuity/*.yaml (procedures).

Both are told in docs/major-incidents.md.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any, Final

from connector.domain.agreements.conditions import ALWAYS, Condition, condition
from connector.domain.agreements.durations import duration
from connector.domain.errors import Problem
from connector.domain.escalations.actions import Reach, Who
from connector.domain.escalations.actions_format import who
from connector.domain.major.procedure import ROLES, Continuity, Procedure, Process, Step
from connector.domain.notices.people import People
from connector.domain.notices.template import Audience, Templates
from connector.domain.problems import Path, Problems, did_you_mean, missing, shown
from connector.domain.saying import Saying

NAME: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,59}")
ALIKE: Final = ("service", "category", "customer", "site", "group", "supplier")
MOST_STEPS: Final = 200
LONGEST_WINDOW: Final = timedelta(days=7)
TEMPLATES: Final = ("declared", "update", "ended", "requester_update", "requester_ended")
REQUESTERS: Final = "requester_"
"""Begins the keys of templates that requesters read."""
_PROCESS: Final = Process()


def process(data: Any, problems: Problems) -> Process | None:
    """How major incidents are treated, or None; what is wrong goes to `problems`."""
    keys = ("major", "description", "applies_to", "roles", "stakeholders", "templates", "children")
    if not isinstance(data, Mapping):
        problems.add((), Saying("expected a table of %(names)s", names=", ".join(keys)))
        return None
    problems.keys((), data, keys)
    name = _name(data, "major", problems)
    asked = _asked(data, problems)
    roles = _roles(data.get("roles", {}), problems)
    stakeholders = _people(data.get("stakeholders", []), problems)
    templates = _templates(data.get("templates", {}), problems)
    alike, window = _children(data.get("children", {}), problems)
    if problems.errors:
        return None
    return Process(name, asked, roles, stakeholders, **templates, alike=alike, window=window, file=problems.file)


def continuity(data: Any, problems: Problems) -> Continuity | None:
    """A procedure and what it is for, or None; what is wrong goes to `problems`."""
    keys = ("continuity", "description", "applies_to", "degraded", "recovery")
    if not isinstance(data, Mapping):
        problems.add((), Saying("expected a table of %(names)s", names=", ".join(keys)))
        return None
    problems.keys((), data, keys)
    name = _name(data, "continuity", problems)
    if "applies_to" not in data:
        problems.add(("applies_to",), "is required: a condition such as {service: E-mail}")
    asked = _asked(data, problems)
    known: set[str] = set()
    degraded = _steps(data.get("degraded", []), "degraded", known, problems)
    recovery = _steps(data.get("recovery", []), "recovery", known, problems)
    if not degraded and not recovery and not problems.errors:
        problems.add((), "has no steps: expected degraded, recovery or both")
    if problems.errors:
        return None
    return Continuity(Procedure(name, degraded, recovery), asked, str(data.get("description", "")), problems.file)


def between(
    processes: Iterable[Process], procedures: Iterable[Continuity], people: People, templates: Templates,
) -> list[Problem]:
    """Names that lead nowhere, doubles, and roles of steps that nobody gives."""
    found: list[Problem] = []
    every = list(processes)
    found += _doubles([(one.name, one.file) for one in every], "major")
    steps = list(procedures)
    found += _doubles([(one.procedure.name, one.file) for one in steps], "continuity")
    for one in every:
        for path, to in [*((f"roles.{role}", to) for role, to in one.roles.items()),
                         *((f"stakeholders.{i}", to) for i, to in enumerate(one.stakeholders))]:
            wrong = _unknown(to, people)
            if wrong:
                found.append(Problem(wrong, one.file, path=path))
        for key in TEMPLATES:
            wrong = _template(key, getattr(one, key), templates)
            if wrong:
                found.append(Problem(wrong, one.file, path=f"templates.{key}"))
    roles = {*ROLES, *(role for one in every for role in one.roles)}
    for entry in steps:
        for phase, listed in entry.procedure.phases():
            found += [Problem(Saying(
                "no process has a role `%(role)s`%(hint)s",
                role=step.role, hint=did_you_mean(step.role, roles)), entry.file,
                              path=f"{phase}.{i}.role")
                      for i, step in enumerate(listed) if step.role and step.role not in roles]
    return found


def _doubles(named: Iterable[tuple[str, str]], key: str) -> list[Problem]:
    first: dict[str, str] = {}
    found = []
    for name, file in named:
        if name in first:
            found.append(Problem(Saying(
                "`%(name)s` is also in %(file)s", name=name, file=first[name]), file, path=key))
        first.setdefault(name, file)
    return found


def _unknown(to: Who, people: People) -> str:
    """Without teams no name can be checked."""
    if not people:
        return ""
    if to.reach is Reach.PERSON:
        known = to.name in people.people
        return "" if known else missing(Saying("person"), to.name, people.people)
    if to.name and to.name not in people.groups:
        return missing(Saying("group"), to.name, people.groups)
    if to.number and to.reach is not Reach.MANAGER and to.number not in people.levels:
        return Saying("no group is of level %(level)s", level=to.number)
    return ""


def _template(key: str, name: str, templates: Templates) -> str:
    found = templates.get(name)
    if found is None:
        return missing(Saying("template"), name, templates.names)
    wanted = Audience.REQUESTER if key.startswith(REQUESTERS) else Audience.INTERNAL
    return "" if found.audience is wanted else Saying(
        "template `%(name)s` is for %(audience)s, not for %(wanted)s", name=name, audience=found.audience,
        wanted=wanted)


def _name(data: Mapping[str, Any], key: str, problems: Problems) -> str:
    name = data.get(key)
    if not isinstance(name, str) or not NAME.fullmatch(name):
        problems.add((key,), "is required: a name of a-z, 0-9, _ and -")
        return ""
    return name


def _asked(data: Mapping[str, Any], problems: Problems) -> Condition:
    return condition(data["applies_to"], problems, ("applies_to",)) if "applies_to" in data else ALWAYS


def _roles(data: Any, problems: Problems) -> dict[str, Who]:
    if not isinstance(data, Mapping):
        problems.add(("roles",), "expected a table such as {incident_manager: {person: ana}}")
        return {}
    found = {}
    for role, given in data.items():
        if not isinstance(role, str) or not NAME.fullmatch(role):
            problems.add(("roles", role), Saying(
                "%(value)s is not the name of a role: expected a-z, 0-9, _ and -", value=shown(role)))
            continue
        to = who(given, problems, ("roles", role))
        if to is not None and to.reach is Reach.ROLE:
            problems.add(("roles", role), "names a role; expected a person, a group or who is on duty")
        elif to is not None:
            found[role] = to
    return found


def _people(data: Any, problems: Problems) -> tuple[Who, ...]:
    if not isinstance(data, (list, tuple)):
        problems.add(("stakeholders",), "expected a list such as [{group: Service Desk}, {person: ana}]")
        return ()
    found = []
    for i, given in enumerate(data):
        to = who(given, problems, ("stakeholders", i))
        if to is not None and to.reach is Reach.REQUESTER:
            problems.add(("stakeholders", i), "the requester is told every update anyway")
        elif to is not None and to.reach is Reach.ROLE:
            problems.add(("stakeholders", i), "who holds a role is told anyway")
        elif to is not None:
            found.append(to)
    return tuple(found)


def _templates(data: Any, problems: Problems) -> dict[str, str]:
    found = {key: getattr(_PROCESS, key) for key in TEMPLATES}
    if not isinstance(data, Mapping):
        problems.add(("templates",), Saying("expected a table of %(names)s", names=", ".join(TEMPLATES)))
        return found
    problems.keys(("templates",), data, TEMPLATES)
    for key in TEMPLATES:
        if key in data:
            if not isinstance(data[key], str) or not data[key]:
                problems.add(("templates", key), Saying(
                    "%(value)s is not the name of a template", value=shown(data[key])))
            else:
                found[key] = data[key]
    return found


def _children(data: Any, problems: Problems) -> tuple[tuple[str, ...], timedelta]:
    at: Path = ("children",)
    if not isinstance(data, Mapping):
        problems.add(at, "expected {same: [service], within: 2h}")
        return _PROCESS.alike, _PROCESS.window
    problems.keys(at, data, ("same", "within"))
    given = data.get("same", list(_PROCESS.alike))
    given = [given] if isinstance(given, str) else given
    if not isinstance(given, (list, tuple)) or not given:
        problems.add((*at, "same"), Saying("expected one or more of %(names)s", names=", ".join(ALIKE)))
        given = ()
    for i, field in enumerate(given):
        if field not in ALIKE:
            problems.add((*at, "same", i), Saying(
                "%(value)s is unknown%(expected)s", value=shown(field), expected=did_you_mean(str(field), ALIKE)))
    window = _duration(data["within"], problems, (*at, "within")) if "within" in data else _PROCESS.window
    if window is not None and not timedelta(0) < window <= LONGEST_WINDOW:
        problems.add((*at, "within"), "expected more than nothing and at most 7 days")
    return tuple(given), window or _PROCESS.window


def _steps(data: Any, phase: str, known: set[str], problems: Problems) -> tuple[Step, ...]:
    if not isinstance(data, (list, tuple)):
        problems.add((phase,), "expected a list of steps such as [{step: tell, do: Tell the users, within: 15m}]")
        return ()
    if len(data) > MOST_STEPS:
        problems.add((phase,), Saying(
            "has %(count)s steps: at most %(most)s", count=len(data), most=MOST_STEPS))
        return ()
    found = [_step(given, known, problems, (phase, i)) for i, given in enumerate(data)]
    return tuple(step for step in found if step is not None)


def _step(data: Any, known: set[str], problems: Problems, at: Path) -> Step | None:
    if not isinstance(data, Mapping):
        problems.add(at, Saying(
            "%(value)s is not a step; expected {step: name, do: text, within: 15m}", value=shown(data)))
        return None
    problems.keys(at, data, ("step", "do", "within", "role"))
    name, text, role = data.get("step"), data.get("do"), data.get("role", "")
    if not isinstance(name, str) or not NAME.fullmatch(name):
        problems.add((*at, "step"), "is required: a name of a-z, 0-9, _ and -")
    elif name in known:
        problems.add((*at, "step"), Saying("`%(name)s` is the name of another step", name=name))
    else:
        known.add(name)
    if not isinstance(text, str) or not text.strip():
        problems.add((*at, "do"), "is required: what is to be done")
    if not isinstance(role, str):
        problems.add((*at, "role"), Saying("%(value)s is not the name of a role", value=shown(role)))
    within = _duration(data["within"], problems, (*at, "within")) if data.get("within") is not None else None
    if within is not None and within <= timedelta(0):
        problems.add((*at, "within"), "expected more than nothing")
    return Step(str(name), str(text).strip(), within, str(role))


def _duration(value: Any, problems: Problems, at: Path) -> timedelta | None:
    try:
        return duration(value)
    except ValueError as error:
        problems.add(at, error.args[0])
        return None
