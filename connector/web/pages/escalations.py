"""Escalations: the board of tickets that need somebody, the ladders in force, and what they would have done."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

from flask import Blueprint, Flask, abort, render_template, request
from flask.typing import ResponseReturnValue

from connector.domain.escalations.rehearsal import Tally
from connector.domain.escalations.rules import Rule
from connector.files import escalations as escalation_files
from connector.files.editing import id_of
from connector.flows.rehearse import simulate as rehearse
from connector.web import escalation_board, ladders
from connector.web.pages.agreements import held, problems_of
from connector.web.rights import Right, door
from connector.web.services import services

SECONDS: Final = 8.0
"""How long a page waits for a simulation. `connector escalations simulate` has no such limit."""
MONTH: Final = timedelta(days=30)


@door(Right.TICKETS_READ)
def board() -> ResponseReturnValue:
    found = escalation_board.read(services())
    shown = request.args.get("show", "breached")
    if shown not in escalation_board.LISTS:
        abort(404)
    return render_template(
        "escalations/board.html", board=found, shown=shown, lines=found.part(shown), now=services().now(),
        counts={name: len(found.part(name)) for name in escalation_board.LISTS},
        without=services().agreements is None,
    )


@door(Right.AGREEMENTS_READ)
def index() -> ResponseReturnValue:
    agreements = held()
    problems = [(id, problem) for id, problem in problems_of(agreements) if id.startswith(escalation_files.PREFIX)]
    return render_template("escalations/index.html", rules=[(_file(rule), rule) for rule in ladders.rules()],
                           problems=problems, profiles=agreements.current().profiles)


@door(Right.AGREEMENTS_READ)
def show(name: str) -> ResponseReturnValue:
    rule = _rule(name)
    return render_template("escalations/rule.html", rule=rule, file=_file(rule), **_used(rule))


@door(Right.AGREEMENTS_READ)
def simulate(name: str) -> ResponseReturnValue:
    """What this ladder would have done on the tickets opened in the last month, as far as a page can wait."""
    rule, parts = _rule(name), services()
    now, until = parts.now(), time.monotonic() + SECONDS
    cut = False

    def late() -> bool:
        nonlocal cut
        cut = cut or time.monotonic() > until
        return cut

    only = replace(held().current(), escalations={rule.name: rule})
    tally = rehearse(parts.deps.store, only, now - MONTH, now, stop=late)
    return render_template("escalations/rule.html", rule=rule, file=_file(rule), tally=tally, cut=cut,
                           days=_days(tally, now), **_used(rule))


def _days(tally: Tally, now: datetime) -> list[dict[str, Any]]:
    """The days of the last month as bars: date, count, share of the busiest."""
    most = max(tally.days.values(), default=1)
    first = (now - MONTH).date()
    days = [first + timedelta(days=n) for n in range(MONTH.days + 1)]
    return [{"day": day, "count": tally.days.get(day, 0), "share": tally.days.get(day, 0) / most} for day in days]


def _used(rule: Rule) -> dict[str, Any]:
    return {"profiles": [profile for profile in held().current().profiles if profile.escalate == rule.name]}


def _rule(name: str) -> Rule:
    found = next((rule for rule in ladders.rules() if rule.name == name), None)
    if found is None:
        abort(404)
    return found


def _file(rule: Rule) -> str:
    return id_of(held().folder, rule.file)


def install(app: Flask) -> None:
    env: Any = app.jinja_env
    env.filters.update(step_trigger=ladders.trigger, step_action=ladders.action, event_step=ladders.event_step,
                       event_why=ladders.why)
    env.globals.update(event_actions=ladders.event_actions)


def blueprint() -> Blueprint:
    page = Blueprint("escalations", __name__)
    page.get("/escalations")(board)
    page.get("/escalations/rules")(index)
    page.get("/escalations/rules/<name>")(show)
    page.get("/escalations/rules/<name>/simulation")(simulate)
    return page
