"""Ladders in the reader's words: steps, actions, what was done and what comes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from connector.domain.agreements.assess import assess
from connector.domain.agreements.registry import Registry
from connector.domain.escalations import actions as act
from connector.domain.escalations.coming import Coming, Standing
from connector.domain.escalations.ladder import outlook
from connector.domain.escalations.rules import (
    Base,
    OnClock,
    OnHandoff,
    OnHappening,
    OnSilence,
    OnState,
    OnSurge,
    Rule,
    Step,
    Trigger,
)
from connector.domain.history import Event, EventKind, effective
from connector.store.views import TicketDetail
from connector.web import i18n, sayings, words
from connector.web.auth.identity import Who
from connector.web.i18n import _, ngettext
from connector.web.pages import clocks
from connector.web.services import services

SHOWN: Final = frozenset({Standing.DUE, Standing.AHEAD, Standing.PAUSED, Standing.UNMET, Standing.CLOSED,
                          Standing.SILENCED, Standing.MISSED})


@dataclass(frozen=True, slots=True)
class Past:
    """A step on record. `step` is None when its version is no longer kept."""

    event: Event
    step: Step | None

    @property
    def what(self) -> str:
        return str(self.event.data["what"])


@dataclass(frozen=True, slots=True)
class Ladders:
    past: tuple[Past, ...]
    coming: tuple[Coming, ...]
    problems: tuple[str, ...]


def of(detail: TicketDetail, asking: Who) -> Ladders | None:
    """The ladders of a ticket; None where there are none, and for a supplier's user: how we escalate is our business.
    """
    parts = services()
    if parts.agreements is None or asking.supplier is not None:
        return None
    registry, now = parts.agreements.current(), parts.now()
    if not registry.escalations:
        return None
    found = assess(detail.ticket, detail.events, registry, now)
    line = effective([*detail.events, *found.events])
    seen = outlook(detail.ticket, line, found.result, registry, now)
    coming = sorted((one for one in seen.coming if one.standing in SHOWN),
                    key=lambda one: (one.standing is not Standing.AHEAD, one.at or now, one.step.place))
    past = [Past(event, step_of(event, registry)) for event in line if event.kind is EventKind.ESCALATED]
    return Ladders(tuple(reversed(past)), tuple(coming), seen.problems)


def step_of(event: Event, registry: Registry) -> Step | None:
    data = event.data
    rule = registry.escalation(str(data["rule"]), str(data["version"]), event.at)
    return next((step for step in rule.steps if step.name == data.get("step")), None) if rule else None


def event_step(event: Event) -> str:
    """The step an event is about, in words."""
    held = services().agreements
    step = step_of(event, held.current()) if held is not None else None
    return trigger(step.trigger) if step is not None else str(event.data.get("step", ""))


def event_actions(event: Event) -> list[str]:
    """What a step did, in words; as recorded where its version is no longer kept."""
    held, data = services().agreements, event.data
    step = step_of(event, held.current()) if held is not None else None
    if step is None:
        done = data.get("do")
        return list(done) if isinstance(done, tuple) else []
    n = int(str(data["n"]))
    return [action(one) for one in (step.fallback if data["what"] == "fallback" else step.link(n).actions)]


def trigger(one: Trigger) -> str:
    if isinstance(one, OnClock):
        return f"{words.word('targets', one.target)} {_moment(one)}"
    if isinstance(one, OnHappening):
        said = words.word("happenings", one.what)
        times = ngettext("%(num)s time", "%(num)s times", one.times) % {"num": i18n.number(one.times)}
        return said if one.times == 1 else f"{said}, {times}"
    if isinstance(one, OnSilence):
        return _("no update for %(time)s") % {"time": sayings.amount(one.amount)}
    if isinstance(one, OnState):
        return _("%(state)s for %(time)s") % {"state": sayings.rule(one.when), "time": sayings.amount(one.amount)}
    if isinstance(one, OnHandoff):
        return _handoff(one)
    assert isinstance(one, OnSurge)
    like = ", ".join(words.field_name(name) for name in one.same)
    return _("%(count)s tickets alike (%(like)s) within %(time)s") % {
        "count": i18n.number(one.count), "like": like, "time": i18n.span(one.within)}


def _moment(one: OnClock) -> str:
    if one.share is not None:
        return _("at %(share)s") % {"share": f"{one.share:.2%}".rstrip("0%").rstrip(".") + "\u202f%"}
    base = {Base.START: _("at the start"), Base.DUE: _("when due"), Base.BREACH: _("at the breach")}[one.base]
    if not one.sign:
        return base
    time = sayings.amount(one.offset)
    if one.base is Base.START:
        return _("%(time)s after the start") % {"time": time}
    return (_("%(time)s before due") if one.sign < 0 else _("%(time)s after due")) % {"time": time}


def _handoff(one: OnHandoff) -> str:
    who = one.receiver or _("any receiver")
    if one.state == "silent":
        return _("no word from %(who)s for %(time)s") % {"who": who, "time": sayings.amount(one.amount)}
    return _("handoff to %(who)s: %(state)s") % {"who": who, "state": words.word("handoff_states", one.state)}


def action(one: act.Action) -> str:
    said: Callable[[Any], str] = _ACTIONS[type(one)]
    return said(one)


def _who(one: act.Who) -> str:
    plain = {
        act.Reach.ASSIGNEE: _("the assignee"), act.Reach.REQUESTER: _("the requester"),
        act.Reach.TEAM_LEAD: _("the team lead"), act.Reach.TEAM: _("the team"),
        act.Reach.GROUP: _("group %(name)s") % {"name": one.name}, act.Reach.PERSON: one.name,
        act.Reach.ROLE: _("role %(name)s") % {"name": one.name},
        act.Reach.LEVEL: _("level %(n)s") % {"n": one.number},
        act.Reach.MANAGER: _("manager %(n)s") % {"n": one.number},
    }
    said = plain.get(one.reach) or _on_duty(one)
    return _("%(who)s, in turn") % {"who": said} if one.in_turn else said


def _on_duty(one: act.Who) -> str:
    if one.name:
        return _("who is on duty in %(name)s") % {"name": one.name}
    return _("who is on duty at level %(n)s") % {"n": one.number} if one.number else _("who is on duty")


def _set(one: act.SetFields) -> str:
    said = [f"{words.field_name(name)}{_(':')} {words.value_name(name, value)}"
            for name, value in one.fields.items() if value is not None]
    return _("set %(fields)s") % {"fields": ", ".join(said)}


_ACTIONS: Final[dict[type, Callable[[Any], str]]] = {
    act.Notify: lambda one: _("tell %(who)s") % {"who": ", ".join(map(_who, one.to))},
    act.Assign: lambda one: _("assign to %(who)s") % {"who": _who(one.to)},
    act.SetFields: _set,
    act.Raise: lambda one: _("raise the priority"),
    act.Tag: lambda one: _("tag %(names)s") % {"names": ", ".join(one.names)},
    act.Say: lambda one: _("public comment") if one.public else _("internal note"),
    act.HandOff: lambda one: _("hand over to %(who)s") % {"who": one.receiver},
    act.Open: lambda one: _("open a ticket (%(kind)s)") % {"kind": words.word("kinds", one.kind)},
    act.Declare: lambda one: _("declare a major incident"),
    act.Call: lambda one: _("call the webhook of %(who)s") % {"who": one.receiver},
}


def why(event: Event) -> str:
    """The values behind a firing."""
    data, said = event.data, []
    used, target = data.get("used_s"), data.get("target_s")
    if isinstance(used, int) and isinstance(target, int):
        said.append(_("%(used)s of %(target)s used") % {"used": _seconds(used), "target": _seconds(target)})
    if data.get("due"):
        said.append(_("due %(at)s") % {"at": clocks.local(datetime.fromisoformat(str(data["due"])))})
    late = data.get("late")
    if isinstance(late, int) and late:
        said.append(_("%(time)s late") % {"time": _seconds(late)})
    return ", ".join(said)


def _seconds(seconds: int) -> str:
    return i18n.span(timedelta(seconds=seconds))


def rules() -> tuple[Rule, ...]:
    held = services().agreements
    return () if held is None else tuple(held.current().escalations.values())
