"""The written form of actions: `{notify: {manager: 1}}`. The format is in docs/escalations.md."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from connector.domain.errors import Refused
from connector.domain.escalations.actions import (
    Action,
    Assign,
    Call,
    Declare,
    HandOff,
    Notify,
    Open,
    Raise,
    Reach,
    Say,
    SetFields,
    Tag,
    Who,
)
from connector.domain.problems import Path, Problems, did_you_mean, shown
from connector.domain.saying import Saying
from connector.domain.ticket import PRIORITIES, Kind, Ticket, Value
from connector.domain.values import checked

PLAIN: Final = (Reach.ASSIGNEE, Reach.REQUESTER, Reach.TEAM_LEAD, Reach.TEAM, Reach.ON_DUTY)
SEVERITIES: Final = ("critical", "high", "normal", "low")
HIGHEST_MANAGER: Final = 20
LEVELS: Final = (1, 2, 3, 4)
KEYED: Final = ("manager", "on_duty", "group", "level", "person", "role")


def actions(data: Any, problems: Problems, path: Path) -> tuple[Action, ...]:
    """A list of actions; what is wrong goes to `problems`."""
    if not isinstance(data, (list, tuple)) or not data:
        problems.add(path, "expected a list of actions such as [{notify: assignee}]")
        return ()
    found = [_action(item, problems, (*path, i)) for i, item in enumerate(data)]
    return tuple(one for one in found if one is not None)


def _action(data: Any, problems: Problems, path: Path) -> Action | None:
    if isinstance(data, str):
        data = {data: None}
    if not isinstance(data, Mapping) or len(data) != 1:
        problems.add(path, Saying(
            "%(value)s is not an action; expected one such as {notify: assignee}", value=shown(data)))
        return None
    name, given = next(iter(data.items()))
    reader = _READERS.get(name)
    if reader is None:
        problems.add((*path, name), Saying(
            "unknown action `%(name)s`%(hint)s", name=name, hint=did_you_mean(str(name), _READERS)))
        return None
    return reader(given, problems, (*path, name))


def _notify(data: Any, problems: Problems, path: Path) -> Action | None:
    template = severity = ""
    if isinstance(data, Mapping) and "to" in data:
        problems.keys(path, data, ("to", "template", "severity"))
        template = _text(data.get("template", ""), problems, (*path, "template"))
        severity = _text(data.get("severity", ""), problems, (*path, "severity"))
        if severity and severity not in SEVERITIES:
            problems.add((*path, "severity"), Saying(
                "%(value)s is unknown%(expected)s", value=shown(severity), expected=did_you_mean(severity, SEVERITIES)))
        path, data = (*path, "to"), data["to"]
    many = data if isinstance(data, (list, tuple)) else [data]
    to = [who(one, problems, (*path, i) if many is data else path) for i, one in enumerate(many)]
    if not to:
        problems.add(path, "names nobody")
    return Notify(tuple(one for one in to if one is not None), template, severity)


def who(data: Any, problems: Problems, path: Path) -> Who | None:
    """`assignee`, `{manager: 1}`, `{on_duty: {level: 2}}`, `{group: Network, in_turn: true}`."""
    if isinstance(data, str):
        if data in PLAIN:
            return Who(Reach(data))
        problems.add(path, Saying(
            "%(value)s is nobody%(hint)s",
            value=shown(data), hint=did_you_mean(data, [*PLAIN, "manager", "group", "level"])))
        return None
    if not isinstance(data, Mapping):
        problems.add(path, Saying(
            "%(value)s is nobody; expected a word such as assignee, or {manager: 1}", value=shown(data)))
        return None
    turn = data.get("in_turn", False)
    if not isinstance(turn, bool):
        problems.add((*path, "in_turn"), Saying("%(value)s is not true or false", value=shown(turn)))
    rest = {key: value for key, value in data.items() if key != "in_turn"}
    if len(rest) != 1:
        problems.add(path, "expected one of manager, on_duty, group, level, person, role")
        return None
    key, value = next(iter(rest.items()))
    found = _one(str(key), value, problems, (*path, key))
    if found is not None and turn and found.reach not in (Reach.GROUP, Reach.LEVEL, Reach.TEAM):
        problems.add((*path, "in_turn"), "goes with a group, a level or the team only")
    return None if found is None else Who(found.reach, found.name, found.number, turn is True)


def _one(key: str, value: Any, problems: Problems, path: Path) -> Who | None:
    if key == Reach.MANAGER:
        return _numbered(Reach.MANAGER, value, 1, HIGHEST_MANAGER, problems, path)
    if key == Reach.LEVEL:
        return _numbered(Reach.LEVEL, value, LEVELS[0], LEVELS[-1], problems, path)
    if key in (Reach.GROUP, Reach.PERSON, Reach.ROLE):
        name = _text(value, problems, path)
        return Who(Reach(key), name) if name else None
    if key == Reach.TEAM and value is True:
        return Who(Reach.TEAM)
    if key == Reach.ON_DUTY:
        if value is True:
            return Who(Reach.ON_DUTY)
        if isinstance(value, Mapping) and len(value) == 1 and next(iter(value)) in (Reach.GROUP, Reach.LEVEL):
            inner = _one(str(next(iter(value))), next(iter(value.values())), problems, (*path, next(iter(value))))
            return None if inner is None else Who(Reach.ON_DUTY, inner.name, inner.number)
        problems.add(path, "expected {level: 2} or {group: name}")
        return None
    problems.add(path, Saying("unknown `%(key)s`%(hint)s", key=key, hint=did_you_mean(key, KEYED)))
    return None


def _numbered(reach: Reach, value: Any, least: int, most: int, problems: Problems, path: Path) -> Who | None:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        problems.add(path, Saying(
            "%(value)s: expected a number from %(least)s to %(most)s", value=shown(value), least=least, most=most))
        return None
    return Who(reach, number=value)


def _assign(data: Any, problems: Problems, path: Path) -> Action | None:
    found = who(data, problems, path) if isinstance(data, Mapping) else None
    if not isinstance(data, Mapping):
        problems.add(path, "expected {group: name}, {level: 2}, {person: name} or {group: name, in_turn: true}")
    if found is None:
        return None
    if found.reach not in (Reach.GROUP, Reach.LEVEL, Reach.PERSON, Reach.ON_DUTY):
        problems.add(path, Saying(
            "a ticket cannot be assigned to %(who)s; expected a group, level or person", who=found.text))
        return None
    return Assign(found)


_BLANK: Final = {"tool": "", "id": "", "opened_at": None, "updated_at": None}


def _fields(patch: Mapping[str, Any], problems: Problems, path: Path) -> Action | None:
    """Fields as a ticket would take them."""
    values: dict[str, Value] = {}
    for name, value in patch.items():
        try:
            blank: Any = Ticket(**{**_BLANK, "kind": Kind.INCIDENT, "state": ""})  # type: ignore[arg-type]
            values |= checked(blank, {name: value} if name != "pending_on" else {"state": "pending", name: value})
        except Refused as error:
            problems.add(path, str(error))
            return None
    if patch.get("pending_on") is None and values.get("state") == "pending":
        problems.add(path, "a pending ticket waits for somebody: expected {state: pending, pending_on: customer}")
    return SetFields(values)


def _state(data: Any, problems: Problems, path: Path) -> Action | None:
    if isinstance(data, Mapping):
        problems.keys(path, data, ("state", "pending_on"))
        return _fields(dict(data), problems, path)
    return _fields({"state": data}, problems, path)


def _priority(data: Any, problems: Problems, path: Path) -> Action | None:
    if data not in PRIORITIES:
        problems.add(path, Saying(
            "%(value)s is no priority; expected %(names)s", value=shown(data), names=", ".join(PRIORITIES)))
        return None
    return SetFields({"priority": str(data)})


def _raise(data: Any, problems: Problems, path: Path) -> Action | None:
    if data in (None, "priority"):
        return Raise()
    if isinstance(data, bool) or not isinstance(data, int) or not 1 <= data < len(PRIORITIES):
        problems.add(path, Saying(
            "%(value)s: expected by how many priorities, from 1 to %(count)s",
            value=shown(data), count=len(PRIORITIES) - 1))
        return None
    return Raise(data)


def _tag(data: Any, problems: Problems, path: Path) -> Action | None:
    names = data if isinstance(data, (list, tuple)) else [data]
    if not names or not all(isinstance(name, str) and name.strip() for name in names):
        problems.add(path, "expected a tag, or a list of tags")
        return None
    return Tag(tuple(names))


def _link(data: Any, problems: Problems, path: Path) -> Action | None:
    parent = data.get("parent") if isinstance(data, Mapping) and len(data) == 1 else None
    if not isinstance(parent, str) or not parent:
        problems.add(path, "expected {parent: id of the ticket above}")
        return None
    return SetFields({"parent": parent})


def _comment(data: Any, problems: Problems, path: Path) -> Action | None:
    table = {"to": data} if isinstance(data, str) else data
    if not isinstance(table, Mapping):
        problems.add(path, "expected internal, public or {to: internal, template: name}")
        return None
    problems.keys(path, table, ("to", "template", "text"))
    to = table.get("to")
    if to not in ("internal", "public"):
        problems.add((*path, "to"), Saying("%(value)s is unknown; expected internal or public", value=shown(to)))
    if "template" in table and "text" in table:
        problems.add(path, "has a template and a text: one of them")
    return Say(to == "public", _text(table.get("template", ""), problems, (*path, "template")),
               _text(table.get("text", ""), problems, (*path, "text")))


def _handoff(data: Any, problems: Problems, path: Path) -> Action | None:
    table = {"to": data} if isinstance(data, str) else data
    if not isinstance(table, Mapping) or not isinstance(table.get("to"), str):
        problems.add(path, "expected the name of a receiver, or {to: name, reason: text}")
        return None
    problems.keys(path, table, ("to", "reason"))
    return HandOff(table["to"], _text(table.get("reason", ""), problems, (*path, "reason")))


def _open(data: Any, problems: Problems, path: Path) -> Action | None:
    table = {"kind": data} if isinstance(data, str) else data
    if not isinstance(table, Mapping):
        problems.add(path, "expected a kind such as problem, or {kind: problem, title: text, group: name}")
        return None
    problems.keys(path, table, ("kind", "title", "group", "child"))
    kind = "task" if table.get("kind") == "child" else table.get("kind")
    if kind not in tuple(Kind):
        problems.add((*path, "kind"), Saying(
            "%(value)s is unknown%(expected)s", value=shown(kind), expected=did_you_mean(str(kind), Kind)))
        return None
    child = table.get("child", True)
    if not isinstance(child, bool):
        problems.add((*path, "child"), Saying("%(value)s is not true or false", value=shown(child)))
    return Open(str(kind), _text(table.get("title", ""), problems, (*path, "title")),
                _text(table.get("group", ""), problems, (*path, "group")), child is True)


def _declare(data: Any, problems: Problems, path: Path) -> Action | None:
    if data not in (None, True):
        problems.add(path, Saying("%(value)s: expected true", value=shown(data)))
    return Declare()


def _call(data: Any, problems: Problems, path: Path) -> Action | None:
    name = _text(data, problems, path)
    return Call(name) if name else None


def _text(data: Any, problems: Problems, path: Path) -> str:
    if isinstance(data, str):
        return data
    problems.add(path, Saying("%(value)s is not a text", value=shown(data)))
    return ""


_READERS: Final[dict[str, Callable[[Any, Problems, Path], Action | None]]] = {
    "notify": _notify, "assign": _assign, "state": _state, "priority": _priority, "raise": _raise, "tag": _tag,
    "link": _link, "comment": _comment, "handoff": _handoff, "open": _open, "declare_major_incident": _declare,
    "webhook": _call,
}
