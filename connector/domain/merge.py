"""Three-way merge of a ticket between a tool and a partner, field by field, by owner rules.

The partner is whoever is on the other side: our own change on its way, or a supplier's ticket. Nothing is read or
written here: the plan says what each side would have to be told.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from connector.domain.mapping import Owner
from connector.domain.values import empty, fields, same, units

Values = Mapping[str, Any]
"""Canonical field -> value. A field that is absent is not known on that side: it is never taken as cleared."""


Rules = Callable[[str], Owner] | Mapping[str, Owner | str]
"""Who wins a field that both sides changed: by name of the field. In a table `partner` says what `connector` does."""


class Side(StrEnum):
    TOOL = "tool"
    PARTNER = "partner"


@dataclass(frozen=True, slots=True)
class Clash:
    """Both sides changed a field to different values. `winner` None: a person has to decide."""

    field: str
    base: Any
    tool: Any
    partner: Any
    rule: Owner
    winner: Side | None
    kept: Any

    @property
    def lost(self) -> Any:
        """The value that nobody will have any more; the kept one when nothing is lost (lists are united)."""
        if self.rule is Owner.SET:
            return self.kept
        return self.partner if self.winner in (Side.TOOL, None) else self.tool


@dataclass(frozen=True, slots=True)
class Rejection:
    """A change that may not be passed on to `side`."""

    field: str
    side: Side
    value: Any
    reason: str


@dataclass(frozen=True, slots=True)
class Context:
    """What a merge needs to know besides the values.

    `times`: when each side last changed a field, both by the same clock. `moves`: per side, the states that may follow
    a state (absent: all). `closed`: per side, fields that cannot be written there. `claimed`: fields in which the
    partner's value stands although only the tool moved (owner `connector`).
    """

    times: Mapping[Side, Mapping[str, datetime]] = field(default_factory=dict)
    moves: Mapping[Side, Mapping[str, frozenset[str]]] = field(default_factory=dict)
    closed: Mapping[Side, frozenset[str]] = field(default_factory=dict)
    claimed: frozenset[str] = frozenset()

    def at(self, side: Side, name: str) -> datetime | None:
        return self.times.get(side, {}).get(name)


@dataclass(slots=True)
class Plan:
    """What to write to each side, and what could not be passed on.

    `suppressed`: fields both sides changed to the same value, so that neither is told.
    """

    tool: dict[str, Any] = field(default_factory=dict)
    partner: dict[str, Any] = field(default_factory=dict)
    conflicts: list[Clash] = field(default_factory=list)
    rejected: list[Rejection] = field(default_factory=list)
    suppressed: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def plan(base: Values, tool: Values, partner: Values, rules: Rules, context: Context | None = None) -> Plan:
    """What makes both sides agree again, given what they agreed on last (`base`).

    `state` and `pending_on` are one value. Of equal times the tool's change is the newer one; so is a tool's change of
    unknown time. A field without a rule is left alone, with a warning. Raises ValueError for a rule nobody knows.
    """
    merge = _Merge(rules if callable(rules) else _listed(rules), context or Context())
    known, left, right = units(base), units(tool), units(partner)
    for name in sorted(left.keys() | right.keys()):
        if name not in left or name not in right:
            if name in known and not same(left.get(name, right.get(name)), known[name]):
                where = Side.PARTNER if name in left else Side.TOOL
                merge.plan.warnings.append(f"{name} is not readable in the {where}: a change was not passed on to it")
            continue
        merge.field(name, known.get(name), name in known, left[name], right[name])
    found = merge.plan
    found.tool, found.partner = fields(found.tool), fields(found.partner)
    return found


def _listed(rules: Mapping[str, Owner | str]) -> Callable[[str], Owner | None]:
    known = {name: Owner.CONNECTOR if rule == Side.PARTNER else Owner(rule) for name, rule in rules.items()}
    return known.get


class _Merge:
    def __init__(self, rules: Callable[[str], Owner | None], context: Context) -> None:
        self.rules, self.context, self.plan = rules, context, Plan()

    def field(self, name: str, base: Any, has_base: bool, tool: Any, partner: Any) -> None:
        if same(tool, partner):
            if has_base and not same(tool, base):
                self.plan.suppressed.append(name)
            return
        rule = self.rules(name)
        if rule is None:
            self.plan.warnings.append(f"{name} differs, and no rule says who wins: it was left alone")
            return
        moved = (not same(tool, base), not same(partner, base)) if has_base else _unset(tool, partner)
        tool_moved, partner_moved = moved
        if tool_moved and partner_moved:
            self._clash(name, rule, base if has_base else None, tool, partner)
        elif tool_moved:
            if name in self.context.claimed and rule is Owner.CONNECTOR:
                self._clash(name, rule, base, tool, partner)
            else:
                self._write(Side.PARTNER, name, tool, partner)
        elif rule is Owner.TOOL:
            self.plan.rejected.append(Rejection(name, Side.TOOL, partner, "the tool owns this field"))
            if has_base or not _blank(tool):
                self._write(Side.PARTNER, name, tool, partner)
        else:
            self._write(Side.TOOL, name, partner, tool)

    def _clash(self, name: str, rule: Owner, base: Any, tool: Any, partner: Any) -> None:
        winner, kept = self._decide(name, rule, base, tool, partner)
        self.plan.conflicts.append(Clash(name, base, tool, partner, rule, winner, kept))
        if rule is Owner.MANUAL:
            return
        if not same(kept, tool):
            self._write(Side.TOOL, name, kept, tool)
        if not same(kept, partner):
            self._write(Side.PARTNER, name, kept, partner)

    def _decide(self, name: str, rule: Owner, base: Any, tool: Any, partner: Any) -> tuple[Side | None, Any]:
        if rule is Owner.MANUAL:
            return None, tool
        if rule is Owner.CONNECTOR:
            return Side.PARTNER, partner
        if rule is Owner.SET and name != "state" and _lists(base, tool, partner):
            return None, united(base or (), tool or (), partner or ())
        if rule is Owner.NEWEST:
            theirs, ours = self.context.at(Side.TOOL, name), self.context.at(Side.PARTNER, name)
            if theirs is not None and ours is not None and ours > theirs:
                return Side.PARTNER, partner
        return Side.TOOL, tool

    def _write(self, side: Side, name: str, value: Any, now: Any) -> None:
        reason = self._forbidden(side, name, value, now)
        if reason:
            self.plan.rejected.append(Rejection(name, side, value, reason))
        else:
            (self.plan.tool if side is Side.TOOL else self.plan.partner)[name] = value

    def _forbidden(self, side: Side, name: str, value: Any, now: Any) -> str:
        if name in self.context.closed.get(side, ()):
            return f"{name} cannot be written there"
        moves = self.context.moves.get(side)
        if name == "state" and moves is not None and value[0] != now[0] and value[0] not in moves.get(now[0], ()):
            return f"no move from {now[0]} to {value[0]} there"
        return ""


def united(base: tuple[str, ...], tool: tuple[str, ...], partner: tuple[str, ...]) -> tuple[str, ...]:
    """Additions and removals of both sides, in the tool's order, what the partner added after it."""
    gone = {item for item in base if item not in tool or item not in partner}
    return tuple(dict.fromkeys(item for item in (*tool, *partner) if item not in gone))


def _unset(tool: Any, partner: Any) -> tuple[bool, bool]:
    """Without a base an empty value is not a cleared one: the other side's value passes."""
    return not _blank(tool), not _blank(partner)


def _blank(value: Any) -> bool:
    return empty(value) or (isinstance(value, tuple) and all(item is None for item in value))


def _lists(*values: Any) -> bool:
    return all(value is None or isinstance(value, tuple) for value in values)
