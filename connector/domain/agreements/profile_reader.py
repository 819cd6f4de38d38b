"""The parts of a written profile, read one by one."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from connector.domain.agreements.conditions import NEVER, Condition, condition
from connector.domain.agreements.defaults import complete
from connector.domain.agreements.durations import Amount, amount, duration
from connector.domain.agreements.profile import (
    SOURCE_FIELDS,
    Agreement,
    Chain,
    Conditions,
    PauseRule,
    Responder,
    StartFrom,
    Target,
    TargetName,
)
from connector.domain.history import Role
from connector.domain.problems import Path, Problems, did_you_mean, one_of, shown
from connector.domain.saying import Saying
from connector.domain.ticket import PRIORITIES, Scale

_NAMES: Final = ("start", "pause", "resume", "stop", "reset", "cancel")


def choice(value: Any, choices: tuple[str, ...], problems: Problems, path: Path) -> str | None:
    if isinstance(value, str) and value in choices:
        return str(value)
    names = [str(choice) for choice in choices]
    hint = did_you_mean(str(value), names) if value is not None else ""
    expected = hint or one_of(names)
    problems.add(path, Saying("is required%(expected)s", expected=expected) if value is None
                 else Saying("%(value)s is unknown%(expected)s", value=shown(value), expected=expected))
    return None


class Reader:
    def __init__(self, problems: Problems, agreement: Agreement) -> None:
        self.problems = problems
        self.agreement = agreement

    def table(self, data: Any, path: Path, keys: tuple[str, ...]) -> Mapping[str, Any]:
        if data is None:
            return {}
        if not isinstance(data, Mapping):
            self.problems.add(path, Saying("%(value)s is not a table; expected %(keys)s", value=shown(data),
                                          keys=", ".join(keys)))
            return {}
        self.problems.keys(path, data, keys)
        return data

    def text(self, data: Any, path: Path) -> str:
        if isinstance(data, (str, int, float)) and not isinstance(data, bool):
            return str(data)
        self.problems.add(path, Saying("%(value)s is not a text", value=shown(data)))
        return ""

    def chain(self, data: Any, path: Path) -> Chain:
        if isinstance(data, str) and data:
            return Chain(data)
        if isinstance(data, Mapping):
            self.problems.keys(path, data, ("from", "else"))
            sources = data.get("from", ())
            sources = (sources,) if isinstance(sources, str) else sources
            if not isinstance(sources, (list, tuple)):
                self.problems.add((*path, "from"), "expected a list of sources")
                sources = ()
            named = [choice(source, tuple(SOURCE_FIELDS), self.problems, (*path, "from", i))
                     for i, source in enumerate(sources)]
            if isinstance(data.get("else"), str) and data["else"]:
                return Chain(data["else"], tuple(source for source in named if source is not None))
            self.problems.add((*path, "else"), "is required: what holds when no source knows one")
        elif data is None:
            self.problems.add(path, "is required: a name, or {from: [contract, customer, service, site], else: name}")
        else:
            self.problems.add(path, Saying("%(value)s is not a name or {from, else}", value=shown(data)))
        return Chain("")

    def targets(self, data: Any, conditions: Conditions) -> tuple[Target, ...]:
        if not isinstance(data, Mapping) or not data:
            self.problems.add(("targets",), Saying("is required: at least one of %(names)s",
                                                       names=", ".join(TargetName)))
            return ()
        found: list[Target] = []
        for key, value in data.items():
            name = choice(key, tuple(TargetName), self.problems, ("targets", key))
            if name:
                found.append(self._target(TargetName(name), value, ("targets", key), conditions))
        return tuple(found)

    def _target(self, name: TargetName, data: Any, path: Path, conditions: Conditions) -> Target:
        own = Conditions()
        if isinstance(data, Mapping) and "conditions" in data:
            own, _ = self.conditions(data["conditions"], (*path, "conditions"), reopen=False)
            data = {key: value for key, value in data.items() if key != "conditions"}
        whole = complete(name, own, conditions)
        if not isinstance(data, Mapping) or "within" in data:
            return Target(name, {}, self._amount(data, path), whole)
        amounts: dict[str, Amount] = {}
        otherwise: Amount | None = None
        if not data:
            self.problems.add(path, "expected a duration, or durations by priority")
        for key, value in data.items():
            if key == "else":
                otherwise = self._amount(value, (*path, key))
            elif key in PRIORITIES:
                found = self._amount(value, (*path, key))
                if found:
                    amounts[str(key)] = found
            else:
                self.problems.add((*path, key), Saying("`%(key)s` is no priority; expected %(names)s or else", key=key,
                                                       names=", ".join(PRIORITIES)))
        return Target(name, amounts, otherwise, whole)

    def _amount(self, data: Any, path: Path) -> Amount | None:
        return amount(data, self.problems, path)

    def conditions(
        self, data: Any, path: Path = ("conditions",), *, reopen: bool = True
    ) -> tuple[Conditions, timedelta | None]:
        table = self.table(data, path, (*_NAMES, "reopen") if reopen else _NAMES)
        plain: dict[str, Condition | None] = {
            name: condition(table[name], self.problems, (*path, name)) if name in table else None
            for name in _NAMES if name != "pause"
        }
        pause = self._pauses(table["pause"], (*path, "pause")) if "pause" in table else None
        within = self.reopen(table["reopen"], (*path, "reopen")) if "reopen" in table else None
        return Conditions(pause=pause, **plain), within

    def _pauses(self, data: Any, path: Path) -> tuple[PauseRule, ...]:
        if not isinstance(data, (list, tuple)):
            found = condition(data, self.problems, path)
            return (PauseRule(found, found.text),)
        return tuple(self._pause(item, (*path, i)) for i, item in enumerate(data))

    def _pause(self, data: Any, path: Path) -> PauseRule:
        if not isinstance(data, Mapping) or "when" not in data:
            self.problems.add(path, "expected {when: condition, reason, at_most, times}")
            return PauseRule(NEVER, "")
        self.problems.keys(path, data, ("when", "reason", "at_most", "times"))
        when = condition(data["when"], self.problems, (*path, "when"))
        times = data.get("times")
        if times is not None and (not isinstance(times, int) or isinstance(times, bool) or times < 1):
            self.problems.add((*path, "times"), Saying("%(value)s is not a number of pauses", value=shown(times)))
            times = None
        limit = self._duration(data["at_most"], (*path, "at_most")) if "at_most" in data else None
        return PauseRule(when, self.text(data.get("reason", when.text), (*path, "reason")), limit, times)

    def _duration(self, data: Any, path: Path) -> timedelta | None:
        try:
            return duration(data)
        except ValueError as error:
            self.problems.add(path, error.args[0])
            return None

    def reopen(self, data: Any, path: Path) -> timedelta | None:
        """How long after a stop a reopening still goes on with the old clock; None for ever."""
        table = self.table(data, path, ("within", "then", "else"))
        then, other = table.get("then", "resume"), table.get("else", "new cycle")
        for key, value in (("then", then), ("else", other)):
            choice(value, ("resume", "new cycle"), self.problems, (*path, key))
        if then == "new cycle":
            if other == "resume":
                self.problems.add(path, "a late reopening cannot resume what an early one begins anew")
            return timedelta(0)
        if other == "resume":
            return None
        if "within" not in table:
            self.problems.add((*path, "within"), "is required: until when a reopening resumes, such as 5d")
            return None
        return self._duration(table["within"], (*path, "within"))

    def classification(self, data: Any) -> tuple[dict[tuple[str, str], str], Condition]:
        table = self.table(data, ("classification",), ("matrix", "major_incident"))
        matrix: dict[tuple[str, str], str] = {}
        rows = self.table(table.get("matrix"), ("classification", "matrix"), tuple(Scale))
        for impact, row in rows.items():
            path: Path = ("classification", "matrix", impact)
            for urgency, priority in self.table(row, path, tuple(Scale)).items():
                if choice(priority, PRIORITIES, self.problems, (*path, urgency)):
                    matrix[str(impact), str(urgency)] = str(priority)
        major = self.table(table.get("major_incident"), ("classification", "major_incident"), ("when",))
        if "when" not in major:
            return matrix, NEVER
        where: Path = ("classification", "major_incident", "when")
        when = condition(major["when"], self.problems, where)
        if "major_incident" in when.fields:
            self.problems.add(where, "a major incident cannot be one because it is one")
        return matrix, when

    def retroactive(self, data: Any) -> tuple[StartFrom, bool]:
        table = self.table(data, ("retroactive",), ("start", "set_start_to", "pauses"))
        default = StartFrom.OPENED if self.agreement is Agreement.SLA else StartFrom.ATTACHED
        key = "set_start_to" if "set_start_to" in table else "start"
        start = table.get(key, default)
        if key == "set_start_to" and table.get("start", True) is not True:
            self.problems.add(("retroactive", "start"), Saying(
                "%(value)s is unknown%(expected)s", value=shown(table["start"]), expected=one_of(["true"])))
        elif start is True:
            start = StartFrom.OPENED
        elif start is False and key == "start":
            start = StartFrom.ATTACHED
        start = StartFrom.OPENED if start == "created" else start
        found = choice(start, tuple(StartFrom), self.problems, ("retroactive", key))
        kept = table.get("pauses", "kept")
        choice(kept, ("kept", "dropped"), self.problems, ("retroactive", "pauses"))
        return StartFrom(found) if found else default, kept == "kept"

    def responder(self, data: Any) -> Responder:
        path: Path = ("responder",)
        table = self.table(data, path, ("roles", "internal_notes", "automatic", "requester"))
        roles = table.get("roles", (Role.AGENT,))
        if not isinstance(roles, (list, tuple)):
            self.problems.add((*path, "roles"), "expected a list of roles")
            roles = ()
        allowed = (Role.AGENT, Role.SUPPLIER, Role.SYSTEM)
        for i, role in enumerate(roles):
            choice(role, allowed, self.problems, (*path, "roles", i))
        flags = {key: table.get(key, False) for key in ("internal_notes", "automatic", "requester")}
        for key, value in flags.items():
            if not isinstance(value, bool):
                self.problems.add((*path, key), Saying("%(value)s is not true or false", value=shown(value)))
        return Responder(frozenset(Role(role) for role in roles if role in allowed), *map(bool, flags.values()))

    def floor(self, data: Any) -> timedelta:
        table = self.table(data, ("on_change",), ("floor",))
        return (self._duration(table["floor"], ("on_change", "floor")) if "floor" in table else None) or timedelta(0)

    def flag(self, data: Mapping[str, Any], key: str, yes: str, no: str) -> bool:
        value = data.get(key, yes)
        choice(value, (yes, no), self.problems, (key,))
        return bool(value == yes)

    def coverage(self, data: Any) -> dict[str, str]:
        table = self.table(data, ("coverage",), ("included", "excluded", "billed"))
        return {str(key): self.text(value, ("coverage", key)) for key, value in table.items()}
