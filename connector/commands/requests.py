"""`connector requests`: service requests, their approvals and tasks, from the command line."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import click

from connector.commands.context import Context, pass_context
from connector.domain.requests import moves

if TYPE_CHECKING:
    from connector.domain.history import Event
    from connector.domain.requests.record import Record
    from connector.wiring import Deployment

_by = click.option("--by", default="command line", show_default=True, help="Who does it, for the history.")
TASKS = ("done", "failed", "again", "drop")


@click.group()
def requests() -> None:
    """Service requests: what is approved, what is done. TICKET is a number, TOOL/ID or our key."""


@requests.command("list")
@click.option("--all", "every", is_flag=True, help="Those that ended as well.")
@click.option("--days", type=click.IntRange(1, 3660), default=90, show_default=True, help="Touched so lately.")
@pass_context
def list_(context: Context, every: bool, days: int) -> None:
    """Number, item, state, and what it waits for."""
    from connector.domain.requests.record import record
    from connector.store.processes import found

    with context.deployed() as deployment:
        now = deployment.deps.now()
        rows = found(deployment.store, "request", now - timedelta(days=days))
    for stored, line in rows:
        one = record(line)
        if one is not None and (every or one.active):
            click.echo("\t".join((stored.ticket.number or str(stored.ticket.ref), one.plan.item, one.state,
                                  _waits(one) or "-")))


@requests.command()
@click.argument("ticket")
@pass_context
def show(context: Context, ticket: str) -> None:
    """Approvals and tasks, each with its time."""
    from connector.flows.requests import standing

    with context.deployed() as deployment:
        _, record = standing(deployment.deps, _key(deployment, ticket))
        _print(record, deployment.deps.now())


@requests.command()
@click.argument("ticket")
@click.argument("approval")
@click.option("--person", required=True, help="Whose answer it is: one of those asked.")
@click.option("--refuse", default="", metavar="WHY", help="Refuse it, for this reason.")
@_by
@pass_context
def approve(context: Context, ticket: str, approval: str, person: str, refuse: str, by: str) -> None:
    """Answer an APPROVAL for PERSON."""
    _act(context, ticket, by, lambda record, now: moves.answer(record, approval, person, not refuse, now, by, refuse,
                                                             "command line", True))


@requests.command()
@click.argument("ticket")
@click.argument("task")
@click.argument("what", type=click.Choice(TASKS))
@click.option("--text", default="", help="Why it failed or is not needed.")
@_by
@pass_context
def task(context: Context, ticket: str, task: str, what: str, text: str, by: str) -> None:
    """A TASK is done, failed, starts again, or is not needed."""
    def make(record: Record, now: datetime) -> Event:
        if what == "again":
            return moves.again(record, task, now, by, text)
        if what == "drop":
            return moves.drop(record, task, now, by, text)
        return moves.settle(record, task, what == "done", now, by, text)

    _act(context, ticket, by, make)


@requests.command()
@click.argument("ticket")
@click.option("--why", required=True, help="Why it is not fulfilled.")
@_by
@pass_context
def cancel(context: Context, ticket: str, why: str, by: str) -> None:
    """End a request without fulfilling it."""
    _act(context, ticket, by, lambda record, now: moves.cancel(record, now, by, why))


def _act(context: Context, ticket: str, by: str, make: Callable[[Record, datetime], Event]) -> None:
    from connector.flows.requests import act

    with context.deployed() as deployment:
        _print(act(deployment.deps, _key(deployment, ticket), make, by), deployment.deps.now())


def _key(deployment: Deployment, ticket: str) -> int:
    from connector.commands.tickets import find
    from connector.store.queries import Queries

    return find(Queries(deployment.store), ticket).key


def _waits(record: Record) -> str:
    pending = record.pending()
    if pending is not None:
        asked = record.approvals.get(pending.id)
        return f"{pending.id}: {', '.join(asked.everybody) or 'nobody'}" if asked else pending.id
    return ", ".join(id for id, doing in record.tasks.items() if doing.state in ("started", "failed"))


def _print(record: Record, now: datetime) -> None:
    click.echo(f"{record.plan.item}  {record.state.upper()}  started {_at(record.started_at)}"
               + (f"  {record.why}" if record.why else ""))
    for approval in record.plan.approvals:
        asked = record.approvals.get(approval.id)
        if asked is None:
            click.echo(f"  approval {approval.id}: not asked yet")
            continue
        state = "given" if asked.granted(approval.need) else "open"
        due = f", until {_at(asked.due)}" if asked.due and state == "open" else ""
        click.echo(f"  approval {approval.id}: {state}, asked {', '.join(asked.everybody) or 'nobody'}{due}")
        for answer in asked.answers:
            said = f": {answer.text}" if answer.text else ""
            click.echo(f"    {_at(answer.at)} {answer.person} {'yes' if answer.yes else 'no'}{said}")
    for one in record.plan.tasks:
        doing = record.doing(one.id)
        due = f", until {_at(doing.due)}" if doing.due else ""
        ended = f", {_at(doing.ended)} by {doing.by}" if doing.ended else ""
        late = "  LATE" if doing.late(now) else ""
        click.echo(f"  task {one.id}: {doing.state}{due}{ended}{f': {doing.text}' if doing.text else ''}{late}")


def _at(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
