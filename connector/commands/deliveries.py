"""`connector deliveries`: what goes out, and what could not."""

from __future__ import annotations

import click

from connector.commands.context import Context, pass_context
from connector.flows import switch
from connector.flows.breaker import Gate
from connector.flows.deliver import STREAM
from connector.store.queries import Queries


@click.group()
def deliveries() -> None:
    """List deliveries; try dead ones again; enable what was switched off."""


@deliveries.command("list")
@click.option("--state", "states", multiple=True, type=click.Choice(["waiting", "leased", "done", "dead", "dropped"]),
              default=("waiting", "leased", "dead"), show_default=True)
@click.option("--target", help="Only those to this tool or channel.")
@click.option("--limit", type=click.IntRange(1, 1000), default=100, show_default=True)
@pass_context
def list_(context: Context, states: tuple[str, ...], target: str | None, limit: int) -> None:
    """Newest first: id, state, target, verb, tries, reason."""
    with context.deployed() as deployment:
        rows = Queries(deployment.store).deliveries(state=states, target=target, limit=limit).items
        for row in rows:
            click.echo(f"{row.id}\t{row.state}\t{row.target}\t{row.verb}\t{row.attempts}\t{row.reason}")


@deliveries.command()
@click.argument("ids", nargs=-1, type=int)
@click.option("--target", help="All dead ones to this tool or channel.")
@pass_context
def retry(context: Context, ids: tuple[int, ...], target: str | None) -> None:
    """Put dead deliveries back in the queue: those with these IDS, or all to one target."""
    if bool(ids) == bool(target):
        raise click.UsageError("give ids, or --target")
    with context.deployed() as deployment, deployment.store.begin() as tx:
        count = tx.revive(list(ids) or None, target, deployment.deps.now())
        tx.audit(deployment.deps.now(), "command line", "deliveries.retry", target or "", {"ids": list(ids)})
    click.echo(f"{count} put back")


@deliveries.command()
@pass_context
def targets(context: Context) -> None:
    """Each tool and channel: what is sent to it now (closed: all, open: nothing, half-open: one, disabled), and why."""
    with context.deployed() as deployment:
        deps, now = deployment.deps, deployment.deps.now()
        with deps.store.read() as tx:
            kept, off = tx.cursors(STREAM), switch.disabled(tx)
        for name in (*sorted(deps.tools), *sorted(deps.channels)):
            gate = Gate.load(kept.get(name, {}))
            click.echo(f"{name}\t{'disabled' if name in off else gate.state(now)}\t{off.get(name) or gate.reason}")


@deliveries.command()
@click.argument("target")
@pass_context
def enable(context: Context, target: str) -> None:
    """Send again to a TARGET that asked to be left alone (410 Gone)."""
    with context.deployed() as deployment:
        was_off = switch.enable(deployment.deps, target, "command line")
    click.echo(f"{target} is enabled" if was_off else f"{target} was not disabled")
