"""What the targets do where a profile says nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from connector.domain.agreements.conditions import ALWAYS, NEVER, Condition, condition, either
from connector.domain.agreements.profile import Conditions, TargetName
from connector.domain.problems import Problems


def _where(text: dict[str, Any]) -> Condition:
    problems = Problems()
    made = condition(text, problems)
    problems.stop()
    return made


_INHERENT: Final[Mapping[TargetName, Condition]] = {
    TargetName.ACKNOWLEDGE: _where({"any": [{"acknowledged": True}, {"responded": True}]}),
    TargetName.FIRST_RESPONSE: _where({"responded": True}),
    TargetName.NEXT_RESPONSE: _where({"awaiting_reply": False}),
}
"""What stops a target by its nature, besides what stops every clock of the profile."""


def _with_inherent_stop(name: TargetName, conditions: Conditions) -> Conditions:
    inherent = _INHERENT.get(name)
    if inherent is None or conditions.stop is None:
        return conditions
    return replace(conditions, stop=either(inherent, conditions.stop))


_GONE: Final = _where({"deleted": True})
"""Deleted, or merged into another ticket: no promise is left to keep, whatever a profile says."""
DEFAULTS: Final[Mapping[TargetName, Conditions]] = {
    name: _with_inherent_stop(name, Conditions(
        start=_where({"awaiting_reply": True}) if name is TargetName.NEXT_RESPONSE else ALWAYS,
        pause=(), stop=_where({"state": ["resolved", "closed"]}), reset=NEVER, cancel=_where({"state": "cancelled"}),
    ))
    for name in TargetName
}
"""What each target does where a profile says nothing."""


def complete(name: TargetName, own: Conditions, profile: Conditions) -> Conditions:
    """A target's own conditions, else its profile's, else its own nature's."""
    made = own.over(_with_inherent_stop(name, profile)).over(DEFAULTS[name])
    return replace(made, cancel=either(made.cancel or NEVER, _GONE))
