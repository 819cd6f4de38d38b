"""`connector deliveries`: what goes out, and what could not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import click
import orjson

from connector.commands.context import Context, pass_context
from connector.domain.attempt import Attempt, Outcome
from connector.flows import redeliver as repeats
from connector.flows import sent, switch
from connector.flows.breaker import Gate
from connector.flows.deliver import STREAM
from connector.store.queries import Queries
from connector.store.sql import SqlStore
from connector.store.views import DeliveryRow

ACTOR: Final = "command line"
SHOWN: Final = ("id", "state", "target", "verb", "key", "ticket", "attempts", "created_at", "finished_at", "reason")


@click.group()
def deliveries() -> None:
    """List deliveries and their tries; send again; enable what was switched off."""


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
@click.argument("id", type=int)
@click.option("--sent", "body", is_flag=True, help="With what was sent; a look at a security team's is recorded.")
@pass_context
def show(context: Context, id: int, body: bool) -> None:
    """One delivery with its tries: time, duration, what was asked, what was answered."""
    with context.deployed() as deployment:
        row = _row(deployment.store, id)
        for name in SHOWN:
            value = getattr(row, name)
            click.echo(f"{name + ':':<13}{value if value is not None else '-'}")
        with deployment.store.read() as tx:
            tries = tx.attempts(id)
        for one in tries:
            click.echo("")
            for line in told(one):
                click.echo(line)
        if body:
            sent.looked(deployment.deps, id, row.target, row.payload or {}, ACTOR)
            found = sent.content(row.key, row.target, row.verb, row.payload or {}, deployment.settings.public_url)
            click.echo("\n" + orjson.dumps(found, option=orjson.OPT_INDENT_2).decode())


def told(one: Attempt) -> Iterator[str]:
    """A try in a few lines of text."""
    took = "" if one.ms is None else f", {one.ms} ms"
    yield f"try {one.n}: {one.started_at.isoformat(timespec='milliseconds')}, {one.outcome}{took}"
    if one.calls > len(one.exchanges):
        yield f"  ({one.calls} requests; the last {len(one.exchanges)}:)"
    for each in one.exchanges:
        took = "" if each.ms is None else f" in {each.ms} ms"
        yield f"  {each.method} {each.address}: {each.status or each.error or 'no answer'}{took}"
        if each.size:
            digest = f", SHA-256 {each.sha256}" if each.sha256 else ""
            yield f"    sent {each.content_type or 'no content type'}, {each.size} bytes{digest}"
        for name, text in (*each.headers.items(), *each.answer_headers.items()):
            yield f"    {name}: {text}"
        if each.answer:
            yield f"    answered: {each.answer}"
    if one.reason:
        yield f"  {one.reason}"
    if one.outcome is Outcome.LOST:
        yield "  the process ended before it knew an answer; it may have been sent"


@deliveries.command()
@click.argument("id", type=int)
@pass_context
def redeliver(context: Context, id: int) -> None:
    """Send a supplier the message ID again: a new delivery, with the same message id."""
    with context.deployed() as deployment:
        row = _row(deployment.store, id)
        order = {"target": row.target, "verb": row.verb, "lane": row.lane, "payload": row.payload, "ticket": row.ticket}
        if not repeats.again(deployment.deps, id, row.key, row.state, order, ACTOR):
            raise click.ClickException("only what was sent to a supplier can be sent again")
        key = repeats.repeat_key(id, row.key, row.payload or {})
        click.echo(f"delivery {Queries(deployment.store).delivery_of(key)} sends it again")


def _row(store: SqlStore, id: int) -> DeliveryRow:
    row = Queries(store).delivery(id)
    if row is None:
        raise click.ClickException(f"there is no delivery {id}")
    return row


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
        tx.audit(deployment.deps.now(), ACTOR, "delivery retried", f"deliveries/{target or ''}", {"ids": list(ids)})
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
        was_off = switch.enable(deployment.deps, target, ACTOR)
    click.echo(f"{target} is enabled" if was_off else f"{target} was not disabled")
