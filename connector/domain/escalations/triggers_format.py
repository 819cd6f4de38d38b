"""The written form of triggers: what makes a step of a ladder come."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from connector.domain.agreements.conditions import condition
from connector.domain.agreements.durations import EXPECTED, Amount, amount, duration
from connector.domain.agreements.profile import TargetName
from connector.domain.escalations.rules import (
    Base,
    Happening,
    Hours,
    OnClock,
    OnHandoff,
    OnHappening,
    OnSilence,
    OnState,
    OnSurge,
    Trigger,
)
from connector.domain.handoffs.moves import HandoffState
from connector.domain.problems import Path, Problems, did_you_mean, shown
from connector.domain.saying import Saying

TRIGGERS: Final = ("clock", "on", "no_update", "in_state", "handoff", "tickets")
ALLOWED: Final[Mapping[str, tuple[str, ...]]] = {
    "clock": ("at", "hours", "agreement"), "on": ("times",), "no_update": ("hours",), "in_state": ("for", "hours"),
    "handoff": ("for", "hours", "receiver"), "tickets": ("within", "same", "again"),
}
"""Keys that belong to one kind of trigger only."""
SILENT: Final = "silent"
MOST_PERCENT: Final = 1000
LIKE: Final = ("service", "customer", "group", "supplier", "priority", "tool")
HANDOFFS: Final = (SILENT, *map(str, HandoffState))
_OFFSET: Final = re.compile(r"(.+?) (before|after) (start|due|breach)")
_PERCENT: Final = re.compile(r"(\d{1,4}(?:\.\d{1,2})?) ?%")


class TriggerReader:
    def __init__(self, problems: Problems) -> None:
        self.problems = problems

    def trigger(self, data: Mapping[str, Any], path: Path) -> Trigger | None:
        kinds = [key for key in TRIGGERS if key in data]
        if len(kinds) != 1:
            names = ", ".join(TRIGGERS)
            self.problems.add(path, Saying(
                "has %(given)s; expected one of %(names)s", given=", ".join(kinds), names=names,
            ) if kinds else Saying("has no trigger; expected one of %(names)s", names=names))
            return None
        (kind,) = kinds
        others = {key for keys in ALLOWED.values() for key in keys} - set(ALLOWED[kind])
        for key in data:
            if key in others:
                self.problems.add((*path, key), Saying("`%(key)s` does not go with `%(kind)s`", key=key, kind=kind))
        hours = self.hours(data, path)
        if kind == "clock":
            return self.clock(data, path, hours)
        if kind == "on":
            return self.happening(data, path)
        if kind == "no_update":
            found = self.amount(data["no_update"], (*path, "no_update"))
            return None if found is None else OnSilence(found, hours)
        if kind == "in_state":
            when = condition(data["in_state"], self.problems, (*path, "in_state"))
            found = self.amount(data.get("for"), (*path, "for"))
            return None if found is None else OnState(when, found, hours)
        return self.handoff(data, path, hours) if kind == "handoff" else self.surge(data, path)

    def clock(self, data: Mapping[str, Any], path: Path, hours: Hours) -> Trigger | None:
        target, at = data["clock"], data.get("at")
        if target not in tuple(TargetName):
            self.problems.add((*path, "clock"), Saying(
                "unknown clock %(value)s%(hint)s", value=shown(target), hint=did_you_mean(str(target), TargetName)))
            return None
        target, where = TargetName(target), (*path, "at")
        text = str(at) if isinstance(at, (str, int, float)) else ""
        percent, offset = _PERCENT.fullmatch(text), _OFFSET.fullmatch(text)
        if percent:
            share = float(percent[1]) / 100
            if not 0 <= share <= MOST_PERCENT / 100:
                self.problems.add(where, Saying(
                    "%(value)s: expected from 0%% to %(most)s%%", value=text, most=MOST_PERCENT))
            return OnClock(target, share=share)
        if text in tuple(Base):
            return OnClock(target, base=Base(text), hours=hours)
        if offset:
            found = self.amount(offset[1], where)
            base, sign = Base(offset[3]), -1 if offset[2] == "before" else 1
            if base is Base.START and sign < 0:
                self.problems.add(where, Saying("%(value)s: nothing is known before the start of a clock", value=text))
            return None if found is None else OnClock(target, None, base, sign, found, hours)
        self.problems.add(where, Saying(
            "%(value)s is no moment of a clock; expected 50%%, breach, due, 1h before due, 30m after due or "
            "15m after start",
            value=shown(at)))
        return None

    def happening(self, data: Mapping[str, Any], path: Path) -> Trigger | None:
        what, times = data["on"], data.get("times", 1)
        if what not in tuple(Happening):
            self.problems.add((*path, "on"), Saying(
                "%(value)s is unknown%(expected)s", value=shown(what), expected=did_you_mean(str(what), Happening)))
            return None
        counted = what in (Happening.REASSIGNED, Happening.REOPENED)
        if isinstance(times, bool) or not isinstance(times, int) or not 1 <= times <= 1000:
            self.problems.add((*path, "times"), Saying(
                "%(value)s: expected a number from %(least)s to %(most)s", value=shown(times), least=1, most=1000))
        elif not counted and "times" in data:
            self.problems.add((*path, "times"), "goes with reassigned and reopened only")
        return OnHappening(Happening(what), times if isinstance(times, int) else 1)

    def handoff(self, data: Mapping[str, Any], path: Path, hours: Hours) -> Trigger | None:
        state = data["handoff"]
        if state not in HANDOFFS:
            self.problems.add((*path, "handoff"), Saying(
                "%(value)s is no state of a handoff%(hint)s",
                value=shown(state), hint=did_you_mean(str(state), HANDOFFS)))
            return None
        found = self.amount(data["for"], (*path, "for")) if "for" in data else Amount()
        if state == SILENT and "for" not in data:
            self.problems.add((*path, "for"), Saying("is required with silent; %(expected)s", expected=EXPECTED))
        return None if found is None else OnHandoff(state, str(data.get("receiver", "")), found, hours)

    def surge(self, data: Mapping[str, Any], path: Path) -> Trigger | None:
        count = data["tickets"]
        if isinstance(count, bool) or not isinstance(count, int) or not 2 <= count <= 100_000:
            self.problems.add((*path, "tickets"), Saying(
                "%(value)s: expected how many tickets, at least 2", value=shown(count)))
            return None
        within = self.duration(data.get("within"), (*path, "within"))
        again = self.duration(data.get("again", "1h"), (*path, "again"))
        same = data.get("same", "service")
        same = (same,) if isinstance(same, str) else same
        if not isinstance(same, (list, tuple)) or not same:
            self.problems.add((*path, "same"), "expected a field, or a list of fields, in which the tickets are alike")
            same = ()
        for field in same:
            if field not in LIKE:
                hint = did_you_mean(str(field), LIKE)
                self.problems.add((*path, "same"), Saying(
                    "%(value)s cannot be counted by%(hint)s", value=shown(field), hint=hint))
        if within is not None and not timedelta(0) < within <= timedelta(days=7):
            self.problems.add((*path, "within"), "expected a time up to 7d")
        if within is None or again is None:
            return None
        return OnSurge(count, within, tuple(map(str, same)), again)

    def hours(self, data: Mapping[str, Any], path: Path) -> Hours:
        value = data.get("hours", Hours.BUSINESS)
        if value not in tuple(Hours):
            self.problems.add((*path, "hours"), Saying(
                "%(value)s is unknown; expected business or wall", value=shown(value)))
            return Hours.BUSINESS
        return Hours(value)

    def amount(self, data: Any, path: Path) -> Amount | None:
        if isinstance(data, Mapping):
            self.problems.add(path, Saying("is a table; %(expected)s", expected=EXPECTED))
            return None
        return amount(data, self.problems, path)

    def duration(self, data: Any, path: Path) -> timedelta | None:
        try:
            return duration(data)
        except ValueError as error:
            required = Saying("is required: %(expected)s", expected=EXPECTED)
            self.problems.add(path, required if data is None else error.args[0])
            return None
