"""`connector major`: declare, lead and close major incidents from the command line."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import click

from connector.commands.context import Context, pass_context
from connector.domain.errors import NotFound, Refused
from connector.domain.major import moves
from connector.domain.major.procedure import COMMUNICATIONS, MANAGER
from connector.domain.major.record import What

if TYPE_CHECKING:
    from connector.domain.history import Event
    from connector.domain.major.record import Record
    from connector.ports import Stored
    from connector.wiring import Deployment

_by = click.option("--by", default="command line", show_default=True, help="Who does it, for the history.")
_once = click.option("--once", default="", help="A name for these words: with the same name they are said once.")
PLAIN = {"recovering": What.RECOVERING, "recovered": What.RECOVERED, "relapsed": What.RELAPSED,
         "stand-down": What.STOOD_DOWN, "decision": What.DECISION}
MARKS = {"done": What.DONE, "skip": What.SKIPPED, "undo": What.UNDONE}


@click.group()
def major() -> None:
    """Major incidents: declare, inform, tick steps, close and report. TICKET is a number, TOOL/ID or our key."""


@major.command("list")
@click.option("--all", "every", is_flag=True, help="Those that ended as well.")
@click.option("--days", type=click.IntRange(1, 3660), default=90, show_default=True, help="Touched so lately.")
@pass_context
def list_(context: Context, every: bool, days: int) -> None:
    """Number, state, since when, who leads, and the next step."""
    from connector.domain.major.checklist import following, lines
    from connector.domain.major.record import latest
    from connector.store.processes import found

    with context.deployed() as deployment:
        now = deployment.deps.now()
        rows = found(deployment.store, "major", now - timedelta(days=days))
    for stored, line in rows:
        record = latest(line)
        if record is None or not (every or record.active):
            continue
        step = following(lines(record, now), record.state) if record.active else None
        click.echo("\t".join((stored.ticket.number or str(stored.ticket.ref), record.state, _at(record.declared_at),
                              record.roles.get(MANAGER, "-"), step.path if step else "-")))


@major.command()
@click.argument("ticket")
@pass_context
def show(context: Context, ticket: str) -> None:
    """State, roles, steps with their times, updates."""
    from connector.flows.majors import standing

    with context.deployed() as deployment:
        seen, now = standing(deployment.deps, _key(deployment, ticket)), deployment.deps.now()
    if seen.record is None:
        raise NotFound(f"{ticket} never was a major incident")
    _print(seen.record, now)


@major.command()
@click.argument("ticket")
@click.option("--why", required=True, help="Why it is a major incident.")
@_by
@pass_context
def declare(context: Context, ticket: str, why: str, by: str) -> None:
    """Make TICKET a major incident: roles and procedures are attached, stakeholders told."""
    from connector.flows.majors import declare as flow

    with context.deployed() as deployment:
        _print(flow(deployment.deps, _key(deployment, ticket), by, why), deployment.deps.now())


@major.command()
@click.argument("ticket")
@click.argument("text")
@_once
@_by
@pass_context
def update(context: Context, ticket: str, text: str, once: str, by: str) -> None:
    """Tell stakeholders and the requesters of the incident and its children."""
    _act(context, ticket, by, lambda record, stored, now: moves.move(
        record, What.UPDATE, now, by, text, once or uuid4().hex))


@major.command()
@click.argument("ticket")
@click.argument("what", type=click.Choice(sorted(PLAIN)))
@click.option("--text", default="", help="Why, or what was decided.")
@_once
@_by
@pass_context
def move(context: Context, ticket: str, what: str, text: str, once: str, by: str) -> None:
    """Say that it is recovering, recovered, relapsed or none after all, or what was decided."""
    _act(context, ticket, by, lambda record, stored, now: moves.move(record, PLAIN[what], now, by, text,
                                                                     once or uuid4().hex))


@major.command()
@click.argument("ticket")
@click.argument("step")
@click.argument("what", type=click.Choice(sorted(MARKS)), default="done")
@click.option("--note", default="", help="Why it is skipped or open again.")
@_by
@pass_context
def step(context: Context, ticket: str, step: str, what: str, note: str, by: str) -> None:
    """Tick a STEP (procedure/step) of the continuity procedure, skip it, or open it again."""
    _act(context, ticket, by, lambda record, stored, now: moves.mark(record, MARKS[what], step, now, by, note))


@major.command()
@click.argument("ticket")
@click.argument("person")
@click.option("--as", "role", default=COMMUNICATIONS, show_default=True, help=f"Such as {MANAGER}.")
@_by
@pass_context
def role(context: Context, ticket: str, person: str, role: str, by: str) -> None:
    """Give a role to PERSON (an id of teams/*.yaml; "" takes it away)."""
    def make(record: Record, stored: Stored, now: datetime) -> Event:
        if people and person and person not in people:
            raise Refused(f"there is no person {person}")
        return moves.name(record, role, person, now, by)

    with context.deployed() as deployment:
        registry = deployment.deps.registry() if deployment.deps.registry is not None else None
        people = registry.people.people if registry is not None else {}
        _do(deployment, ticket, by, make)


@major.command()
@click.argument("ticket")
@click.argument("child")
@click.option("--undo", is_flag=True, help="CHILD is about something else after all.")
@_by
@pass_context
def link(context: Context, ticket: str, child: str, undo: bool, by: str) -> None:
    """CHILD is about the same: its requester hears the updates."""
    from connector.commands.tickets import find
    from connector.store.queries import Queries

    with context.deployed() as deployment:
        ref = str(find(Queries(deployment.store), child).ticket.ref)
        _do(deployment, ticket, by, lambda record, stored, now: moves.unlink(record, ref, now, by) if undo
            else moves.link(record, ref, now, by, str(stored.ticket.ref)))


@major.command("follow-up")
@click.argument("ticket")
@click.argument("text")
@click.option("--owner", default="", help="Who does it.")
@click.option("--due", type=click.DateTime(["%Y-%m-%d"]), help="Until when.")
@_once
@_by
@pass_context
def follow_up(context: Context, ticket: str, text: str, owner: str, due: datetime | None, once: str, by: str) -> None:
    """Something to be done after the incident."""
    _act(context, ticket, by, lambda record, stored, now: moves.follow_up(
        record, text, owner, due.date() if due else None, now, by, once or uuid4().hex))


@major.command()
@click.argument("ticket")
@click.option("--impact", default="", help="Who could not do what, for how long.")
@click.option("--cause", default="", help="Why it happened.")
@click.option("--resolution", default="", help="What brought the service back.")
@click.option("--lessons", default="", help="What is done differently from now on.")
@_by
@pass_context
def close(context: Context, ticket: str, impact: str, cause: str, resolution: str, lessons: str, by: str) -> None:
    """The end of what is recovered, with the words of the report."""
    given = {"impact": impact, "cause": cause, "resolution": resolution, "lessons": lessons}
    report = {part: words for part, words in given.items() if words}
    _act(context, ticket, by, lambda record, stored, now: moves.close(record, report, now, by))


@major.command()
@click.argument("ticket")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--zone", help="Time zone of the report (default: the desk's).")
@pass_context
def report(context: Context, ticket: str, file: Path, zone: str | None) -> None:
    """Write the report of TICKET to FILE, as PDF."""
    from connector.domain.major.closing import closing
    from connector.flows.majors import standing
    from connector.paper.pdf import render
    from connector.web.papers.major import document

    with context.deployed() as deployment:
        seen, now, settings = standing(deployment.deps, _key(deployment, ticket)), deployment.deps.now(), \
            deployment.settings
        registry = deployment.deps.registry() if deployment.deps.registry is not None else None
    if seen.record is None:
        raise NotFound(f"{ticket} never was a major incident")
    names = {id: person.name for id, person in registry.people.people.items()} if registry is not None else {}
    told = closing(seen.stored.ticket, seen.events, seen.record, now)
    file.write_bytes(render(document(seen.stored.ticket, told, settings.name, settings.languages[0],
                                     zone or settings.timezone, names)))
    click.echo(f"written to {file}")


def _act(context: Context, ticket: str, by: str, make: Callable[[Record, Stored, datetime], Event]) -> None:
    with context.deployed() as deployment:
        _do(deployment, ticket, by, make)


def _do(deployment: Deployment, ticket: str, by: str, make: Callable[[Record, Stored, datetime], Event]) -> None:
    from connector.flows.majors import act

    _print(act(deployment.deps, _key(deployment, ticket), make, by), deployment.deps.now())


def _key(deployment: Deployment, ticket: str) -> int:
    from connector.commands.tickets import find
    from connector.store.queries import Queries

    return find(Queries(deployment.store), ticket).key


def _print(record: Record, now: datetime) -> None:
    from connector.domain.major.checklist import following, lines

    every = lines(record, now)
    step = following(every, record.state) if record.active else None
    click.echo(f"{record.state.upper()}  declared {_at(record.declared_at)} by {record.declared_by}: {record.why}")
    for name, person in sorted(record.roles.items()):
        click.echo(f"  {name}: {person}")
    for line in every:
        mark = line.mark.what if line.mark else "next" if line == step else "open"
        times: list[Any] = [f"due {_at(line.due)}" if line.due and line.open else "",
                            f"{_at(line.mark.at)} by {line.mark.by}" if line.mark else "", "LATE" if line.late else ""]
        click.echo(f"  {mark:<8} {line.path:<28} {line.step.text}  {'  '.join(filter(None, times))}".rstrip())
    for said in record.updates:
        click.echo(f"  update   {_at(said.at)} by {said.by}: {said.text}")
    if record.children:
        click.echo(f"  children {', '.join(record.children)}")


def _at(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
