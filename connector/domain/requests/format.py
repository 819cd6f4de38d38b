"""The written form of a catalogue item: sla_profiles/catalogue/*.yaml, told in docs/service-requests.md."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from connector.domain.agreements.conditions import condition
from connector.domain.agreements.durations import Amount, amount
from connector.domain.errors import Problem
from connector.domain.escalations.actions import Reach, Who
from connector.domain.escalations.actions_format import HIGHEST_MANAGER, who
from connector.domain.notices.people import People
from connector.domain.problems import Path, Problems, did_you_mean, missing, shown
from connector.domain.requests.catalogue import Approval, Item, Need, Plan, Task, Unanswered
from connector.domain.saying import Saying

NAME: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,59}")
KEYS: Final = ("item", "title", "description", "applies_to", "calendar", "approvals", "tasks")
APPROVAL: Final = ("approval", "by", "need", "within", "substitute", "unanswered")
TASK: Final = ("task", "title", "group", "level", "handoff", "within", "after")
DOERS: Final = ("group", "level", "handoff")
APPROVERS: Final = (Reach.PERSON, Reach.GROUP, Reach.LEVEL, Reach.ON_DUTY)
ALWAYS_OPEN: Final = "24x7"
MOST: Final = 100


def item(data: Any, problems: Problems) -> Item | None:
    """An item, or None; what is wrong goes to `problems`."""
    if not isinstance(data, Mapping):
        problems.add((), Saying("expected a table of %(names)s", names=", ".join(KEYS)))
        return None
    problems.keys((), data, KEYS)
    name = _name(data, "item", problems, ())
    if "applies_to" not in data:
        problems.add(("applies_to",), "is required: a condition such as {category: Laptop}")
    asked = condition(data.get("applies_to", {}), problems, ("applies_to",))
    calendar = data.get("calendar", ALWAYS_OPEN)
    if not isinstance(calendar, str) or not calendar:
        problems.add(("calendar",), Saying("%(value)s is not the name of a calendar", value=shown(calendar)))
    approvals = _approvals(data.get("approvals", []), problems)
    tasks = _tasks(data.get("tasks"), problems)
    if problems.errors:
        return None
    plan = Plan(name, str(data.get("title", "")), calendar, approvals, tasks)
    return Item(plan, asked, str(data.get("description", "")), problems.file)


def between(items: Iterable[Item], people: People, calendars: Iterable[str], receivers: Iterable[str]) -> list[Problem]:
    """Doubles, and names that lead nowhere. Without teams no name of a person or group can be checked."""
    found: list[Problem] = []
    first: dict[str, str] = {}
    hours, offered = {*calendars, ALWAYS_OPEN}, set(receivers)
    for one in items:
        plan = one.plan

        def add(path: str, message: str, file: str = one.file) -> None:
            if message:
                found.append(Problem(message, file, path=path))

        if plan.item in first:
            add("item", Saying("`%(name)s` is also in %(file)s", name=plan.item, file=first[plan.item]))
        first.setdefault(plan.item, one.file)
        add("calendar", _missing(plan.calendar, hours, Saying("calendar")))
        for i, approval in enumerate(plan.approvals):
            for key, to in (("by", approval.by), ("substitute", approval.substitute)):
                add(f"approvals.{i}.{key}", _unknown(to, people))
            add(f"approvals.{i}.within.calendar", _other(approval.within, hours))
        for i, task in enumerate(plan.tasks):
            add(f"tasks.{i}.{task.to.reach if task.to else 'handoff'}", _unknown(task.to, people))
            if task.receiver:
                add(f"tasks.{i}.handoff", _missing(task.receiver, offered, Saying("receiver")))
            add(f"tasks.{i}.within.calendar", _other(task.within, hours))
    return found


def _other(within: Amount | None, hours: set[str]) -> str:
    return _missing(within.calendar, hours, Saying("calendar")) if within is not None and within.calendar else ""


def _missing(name: str, known: Iterable[str], what: Saying) -> str:
    names = set(known)
    return "" if name in names else missing(what, name, names)


def _unknown(to: Who | None, people: People) -> str:
    if to is None or not people:
        return ""
    if to.reach is Reach.PERSON:
        return _missing(to.name, people.people, Saying("person"))
    if to.name:
        return _missing(to.name, people.groups, Saying("group"))
    known = not to.number or to.number in people.levels
    return "" if known else Saying("no group is of level %(level)s", level=to.number)


def _name(data: Mapping[str, Any], key: str, problems: Problems, at: Path) -> str:
    name = data.get(key)
    if not isinstance(name, str) or not NAME.fullmatch(name):
        problems.add((*at, key), "is required: a name of a-z, 0-9, _ and -")
        return ""
    return name


def _tables(data: Any, key: str, keys: tuple[str, ...], problems: Problems) -> list[tuple[Path, Mapping[str, Any]]]:
    """The tables of a list, each with its place."""
    if not isinstance(data, (list, tuple)):
        problems.add((key,), Saying("expected a list of tables of %(names)s", names=", ".join(keys)))
        return []
    if len(data) > MOST:
        problems.add((key,), Saying("has %(count)s entries: at most %(most)s", count=len(data), most=MOST))
        return []
    found: list[tuple[Path, Mapping[str, Any]]] = []
    for i, given in enumerate(data):
        if isinstance(given, Mapping):
            problems.keys((key, i), given, keys)
            found.append(((key, i), given))
        else:
            problems.add((key, i), Saying(
                "%(value)s is not a table of %(names)s", value=shown(given), names=", ".join(keys)))
    return found


def _within(data: Mapping[str, Any], problems: Problems, at: Path) -> Amount | None:
    return amount(data["within"], problems, (*at, "within")) if data.get("within") is not None else None


def _approvals(data: Any, problems: Problems) -> tuple[Approval, ...]:
    found = [_approval(given, problems, at) for at, given in _tables(data, "approvals", APPROVAL, problems)]
    _twice([one.id for one in found], "approvals", "approval", problems)
    return tuple(found)


def _approval(data: Mapping[str, Any], problems: Problems, at: Path) -> Approval:
    name = _name(data, "approval", problems, at)
    if "by" not in data:
        problems.add((*at, "by"), "is required: who approves, such as {manager: 1}, {person: ana} or {group: Buying}")
    by, up = _approver(data.get("by"), problems, (*at, "by")) if "by" in data else (None, 1)
    substitute = None
    if data.get("substitute") is not None:
        substitute, _ = _approver(data["substitute"], problems, (*at, "substitute"))
        if substitute is None and isinstance(data["substitute"], Mapping) and "manager" in data["substitute"]:
            problems.add((*at, "substitute"), "expected a person, a group, a level or who is on duty")
    within = _within(data, problems, at)
    need, unanswered = data.get("need", Need.ANY.value), data.get("unanswered", Unanswered.WAITS.value)
    for key, value, known in (("need", need, tuple(Need)), ("unanswered", unanswered, tuple(Unanswered))):
        if value not in known:
            problems.add((*at, key), Saying(
                "%(value)s is unknown; expected one of %(names)s", value=shown(value), names=", ".join(known)))
    if within is None and "within" not in data and unanswered == Unanswered.REFUSED:
        problems.add((*at, "unanswered"), "goes with `within`: without it no answer is ever too late")
    if problems.errors:
        return Approval(name)
    return Approval(name, by, up, Need(need), within, substitute, Unanswered(unanswered))


def _approver(data: Any, problems: Problems, at: Path) -> tuple[Who | None, int]:
    """`{manager: 1}` is the requester's manager: (None, how many levels up)."""
    found = who(data, problems, at)
    if found is None:
        return None, 1
    if found.reach is Reach.MANAGER:
        return None, min(found.number, HIGHEST_MANAGER)
    if found.reach not in APPROVERS or found.in_turn:
        problems.add(at, Saying(
            "%(who)s cannot approve; expected the manager, a person, a group, a level or on_duty", who=found.text))
    return found, 0


def _tasks(data: Any, problems: Problems) -> tuple[Task, ...]:
    if not data:
        problems.add(("tasks",), "is required: what is to be done, such as [{task: order, title: Order it, level: 2}]")
        return ()
    found: list[Task] = []
    entries = _tables(data, "tasks", TASK, problems)
    names = {str(given.get("task")) for _, given in entries}
    for at, given in entries:
        before = (found[-1].id,) if found else ()
        found.append(_task(given, before, names, problems, at))
    _twice([one.id for one in found], "tasks", "task", problems)
    if not problems.errors:
        _circles(found, problems)
    return tuple(found)


def _task(data: Mapping[str, Any], before: tuple[str, ...], names: set[str], problems: Problems, at: Path) -> Task:
    name = _name(data, "task", problems, at)
    title = data.get("title")
    if not isinstance(title, str) or not title.strip():
        problems.add((*at, "title"), "is required: what is to be done")
    given = [key for key in DOERS if data.get(key) is not None]
    if len(given) != 1:
        problems.add(at, Saying("expected one of %(names)s: who does it", names=", ".join(DOERS)))
    to, receiver = None, ""
    if given and given[0] == "handoff":
        receiver = data["handoff"] if isinstance(data["handoff"], str) else ""
        if not receiver:
            problems.add((*at, "handoff"), Saying(
                "%(value)s is not the name of a receiver", value=shown(data["handoff"])))
    elif given:
        inner = Problems()
        to = who({given[0]: data[given[0]]}, inner, ())
        for problem in inner.found:
            problems.add((*at, given[0]), problem.message)
    return Task(name, str(title).strip(), to, receiver, _within(data, problems, at),
                _after(data.get("after"), before, names, problems, (*at, "after")))


def _after(data: Any, before: tuple[str, ...], names: set[str], problems: Problems, at: Path) -> tuple[str, ...]:
    """Without a word tasks come one after the other; `after: []` starts one at once."""
    if data is None:
        return before
    data = [data] if isinstance(data, str) else data
    if not isinstance(data, (list, tuple)):
        problems.add(at, "expected names of tasks, or [] to start at once")
        return ()
    for i, name in enumerate(data):
        if not isinstance(name, str) or name not in names:
            problems.add((*at, i), Saying(
                "there is no task %(value)s%(hint)s", value=shown(name), hint=did_you_mean(str(name), names)))
    return tuple(str(name) for name in data)


def _twice(names: list[str], key: str, what: str, problems: Problems) -> None:
    for i, name in enumerate(names):
        if name and name in names[:i]:
            problems.add((key, i, what), Saying("`%(name)s` is given twice", name=name))


def _circles(tasks: list[Task], problems: Problems) -> None:
    """Tasks that wait for each other would never start."""
    settled: set[str] = set()
    while ready := [task for task in tasks if task.id not in settled and settled.issuperset(task.after)]:
        settled.update(task.id for task in ready)
    stuck = [task.id for task in tasks if task.id not in settled]
    for i, task in enumerate(tasks):
        if task.id in stuck:
            problems.add(("tasks", i, "after"), Saying(
                "never starts: %(names)s wait for each other", names=", ".join(stuck)))
