"""`connector handoffs`: work given to suppliers and operations, from the command line."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import orjson

from connector.commands.context import Context, pass_context
from connector.domain.errors import ConfigError, NotFound, Problem
from connector.domain.handoffs.handoff import Choice
from connector.domain.handoffs.moves import Move
from connector.domain.ticket import PRIORITIES

if TYPE_CHECKING:
    from connector.domain.agreements.profile import Profile
    from connector.domain.handoffs.clocks import Reading
    from connector.domain.handoffs.handoff import Handoff
    from connector.domain.handoffs.receiver import Receiver
    from connector.wiring import Deployment

VIEWS = ("open", "offered", "late", "ours", "theirs", "customer", "disputed", "closed")
_ACTOR = "command line"
_by = click.option("--by", default=_ACTOR, show_default=True, help="Who does it, for the history.")
_reason = click.option("--reason", required=True, help="Why.")


@click.group()
def handoffs() -> None:
    """List, show, offer, accept, reject and prove work given to suppliers and operations."""


@handoffs.command("list")
@click.option("--view", type=click.Choice(VIEWS), default="open", show_default=True)
@click.option("--receiver", "receivers", multiple=True, help="Only these (may be given several times).")
@click.option("--text", default="", help="Beginning of our id, our number or theirs.")
@click.option("--limit", type=click.IntRange(1, 1000), default=100, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="For machines.")
@pass_context
def list_(context: Context, view: str, receivers: tuple[str, ...], text: str, limit: int, as_json: bool) -> None:
    """Last changed first: id, our number, receiver, their number, state, whose turn, what is late."""
    from connector.store.handoff_queries import HandoffQueries

    with context.deployed() as deployment:
        rows = HandoffQueries(deployment.store).board(view, only=list(receivers) or None, text=text, limit=limit).items
    if as_json:
        click.echo(orjson.dumps([_plain(row.handoff) for row in rows], option=orjson.OPT_INDENT_2))
        return
    for one in (row.handoff for row in rows):
        late = ",".join([*one.late, *(["silent"] if one.silent else []), *(["decide"] if one.decision_due else [])])
        click.echo("\t".join((one.id, one.ours, one.receiver, one.theirs or "-", str(one.state), one.turn or "-",
                              late or "-")))


@handoffs.command()
@click.argument("id")
@click.option("--json", "as_json", is_flag=True, help="For machines.")
@pass_context
def show(context: Context, id: str, as_json: bool) -> None:
    """Record, clocks with their ledgers and history of a handoff (ID: ours, or either side's number)."""
    from connector.commands.handoff_text import print_handoff
    from connector.domain.handoffs.chain import broken

    with context.deployed() as deployment:
        handoff = _read(deployment, id)
        with deployment.store.read() as tx:
            entries = tx.entries([handoff.id])[handoff.id]
        told, _, receiver = _reading(deployment, handoff)
        now = deployment.deps.now()
    problem = broken(handoff.id, entries, handoff.head)
    if as_json:
        from connector.domain.agreements.explain import as_dict, explain

        clocks = [as_dict(explain(one, now)) for one in told.clocks]
        click.echo(orjson.dumps({"handoff": _plain(handoff), "problem": problem, "clocks": clocks,
                                 "entries": [_plain(entry) for entry in entries]}, option=orjson.OPT_INDENT_2))
        return
    print_handoff(handoff, entries, told, problem, now, receiver)


@handoffs.command()
@click.argument("ticket")
@click.argument("receiver")
@_reason
@click.option("--tried", default="", help="What was tried already.")
@click.option("--contact", default="", help="Whom they may ask.")
@click.option("--priority", type=click.Choice(PRIORITIES), help="Default: the ticket's.")
@click.option("--data-class", default="", help="How the data has to be handled, such as internal.")
@click.option("--reply-by", type=click.DateTime(["%Y-%m-%dT%H:%M"]), help="UTC; an offer not answered then expires.")
@click.option("--once", default="", help="A name for this offer: with the same name it is made once.")
@_by
@pass_context
def offer(context: Context, /, ticket: str, receiver: str, reason: str, tried: str, contact: str, priority: str | None,
          data_class: str, reply_by: Any, once: str, by: str) -> None:
    """Hand TICKET (a number, TOOL/ID or our key) to RECEIVER."""
    from datetime import UTC

    from connector.commands.tickets import find
    from connector.flows import handoffs as flow
    from connector.store.queries import Queries

    with context.deployed() as deployment:
        key = find(Queries(deployment.store), ticket).key
        what = flow.Offer(receiver=receiver, reason=reason, tried=tried, contact=contact, priority=priority or "",
                          data_class=data_class, reply_by=None if reply_by is None else reply_by.replace(tzinfo=UTC))
        _tell(flow.offer(deployment.deps, key, what, by, once))


@handoffs.command()
@click.argument("id")
@click.option("--reason", default="", help="What is to be said with it.")
@_by
@pass_context
def accept(context: Context, id: str, reason: str, by: str) -> None:
    """Accept the resolution they propose."""
    _act(context, id, Move.ACCEPT, reason, by)


@handoffs.command()
@click.argument("id")
@_reason
@_by
@pass_context
def reject(context: Context, id: str, reason: str, by: str) -> None:
    """Reject the resolution they propose: the work is theirs again."""
    _act(context, id, Move.REJECT, reason, by)


@handoffs.command()
@click.argument("id")
@_reason
@_by
@pass_context
def withdraw(context: Context, id: str, reason: str, by: str) -> None:
    """Call the work back."""
    _act(context, id, Move.WITHDRAW, reason, by)


@handoffs.command()
@click.argument("id")
@click.argument("choice", type=click.Choice([str(one) for one in Choice]))
@_reason
@_by
@pass_context
def decide(context: Context, id: str, choice: str, reason: str, by: str) -> None:
    """Decide about work that came back too often."""
    from connector.flows import handoffs as flow

    with context.deployed() as deployment:
        handoff = _find(deployment, id)
        _tell(flow.decide(deployment.deps, handoff.id, Choice(choice), by, reason))


@handoffs.command()
@click.option("--receiver", "receivers", multiple=True, help="Only these (may be given several times).")
@pass_context
def drift(context: Context, receivers: tuple[str, ...]) -> None:
    """What differs now between our tickets and what receivers hold: id, number, field, values, since, rule, why."""
    from connector.flows.handoff_fields import drifts
    from connector.store.handoff_queries import HandoffQueries

    with context.deployed() as deployment:
        found = HandoffQueries(deployment.store).exchanging(list(receivers) or None)
        for handoff, one in drifts(deployment.deps, found):
            click.echo("\t".join((handoff.id, handoff.ours, one.field, str(one.ours or "-"), str(one.theirs or "-"),
                                  one.since.isoformat(), one.rule, str(one.held) or "-")))


@handoffs.command()
@click.option("--profiles", type=click.Path(path_type=Path, exists=True, file_okay=False), required=True,
              help="Folder of the edited agreements.")
@click.option("--receiver", "receivers", multiple=True, help="Only these (may be given several times).")
@pass_context
def trial(context: Context, profiles: Path, receivers: tuple[str, ...]) -> None:
    """What other contracts would have made of all handoffs so far. Changes nothing.

    Prints receiver, target, kept and broken by the contracts they were offered under, kept and broken by the edited
    ones, and the penalties of both.
    """
    from connector.commands.handoff_trial import compared
    from connector.files.profiles import load

    edited = load(profiles).registry
    with context.deployed() as deployment:
        for line in compared(deployment, edited, receivers):
            click.echo("\t".join(line))


@handoffs.command()
@click.argument("id")
@click.argument("field")
@click.argument("kept", type=click.Choice(["ours", "theirs"]))
@_by
@pass_context
def settle(context: Context, id: str, field: str, kept: str, by: str) -> None:
    """Decide whose value of FIELD stands, where both sides differ and a person has to say."""
    from connector.domain.handoffs.exchange import Kept
    from connector.flows.handoff_fields import decide_field

    with context.deployed() as deployment:
        handoff = _find(deployment, id)
        _tell(decide_field(deployment.deps, handoff.id, field, Kept(kept), by))


@handoffs.command()
@click.argument("id", required=False)
@click.option("--verify", "verify_", type=click.Path(path_type=Path, exists=True, dir_okay=False),
              help="Check this proof pack instead. Exit code 1 when it was changed.")
@click.option("--key", help="Fingerprint of the key that should have signed it.")
@click.option("--pdf", is_flag=True, help="On paper; the JSON is the proof.")
@click.option("--output", "-o", type=click.Path(path_type=Path, dir_okay=False), help="Default: standard output.")
@pass_context
def proof(context: Context, id: str | None, verify_: Path | None, key: str | None, pdf: bool,
          output: Path | None) -> None:
    """The signed proof pack of a handoff: contract, clocks, correspondence, hash-linked history."""
    from connector.commands.handoff_proof import packed, verified

    if (id is None) == (verify_ is None):
        raise click.UsageError("give ID, or --verify FILE")
    if verify_ is not None:
        raise SystemExit(verified(verify_, key))
    with context.deployed() as deployment:
        handoff = _read(deployment, str(id))
        raw = packed(deployment, handoff, *_reading(deployment, handoff), pdf=pdf)
    if output is None:
        click.echo(raw, nl=False)
    else:
        output.write_bytes(raw)
        click.echo(f"{output}: {len(raw):,} bytes")


def _act(context: Context, id: str, what: Move, reason: str, by: str) -> None:
    from connector.flows import handoffs as flow

    with context.deployed() as deployment:
        handoff = _find(deployment, id)
        _tell(flow.act(deployment.deps, handoff.id, what, by, reason=reason))


def _read(deployment: Deployment, name: str) -> Handoff:
    """The handoff, after the look at it was recorded where looks are."""
    from connector.flows import handoffs as flow

    handoff = _find(deployment, name)
    return handoff if deployment.agreements is None else flow.looked(deployment.deps, handoff.id, _ACTOR)


def _find(deployment: Deployment, name: str) -> Handoff:
    """By our id, or by the number one side gives it. Raises NotFound, also when there are several."""
    from connector.store.handoff_queries import HandoffQueries

    queries = HandoffQueries(deployment.store)
    exact = queries.one(name)
    if exact is not None:
        return exact.handoff
    rows = [row.handoff for view in ("open", "closed") for row in queries.board(view, text=name, limit=2).items]
    if len(rows) > 1:
        raise NotFound(f"{name} names several handoffs: {', '.join(one.id for one in rows)}")
    if not rows:
        raise NotFound(f"there is no handoff {name} (give its id, our number or theirs)")
    return rows[0]


def _reading(deployment: Deployment, handoff: Handoff) -> tuple[Reading, Profile | None, Receiver | None]:
    from connector.domain.handoffs.clocks import reading
    from connector.domain.handoffs.look import contract_of

    if deployment.agreements is None:
        raise ConfigError([Problem("there are no agreements: sla_profiles does not exist")])
    registry = deployment.agreements.current()
    contract = contract_of(handoff, registry)
    with deployment.store.read() as tx:
        entries = tx.entries([handoff.id])[handoff.id]
        ticket = tx.by_key([handoff.ticket])[handoff.ticket].ticket
    told = reading(handoff, entries, contract, registry, ticket, deployment.deps.now())
    return told, contract, registry.receivers.get(handoff.receiver)


def _tell(handoff: Handoff) -> None:
    due = " (a decision is due)" if handoff.decision_due else ""
    click.echo(f"{handoff.id}: {handoff.state}{due}, {handoff.receiver}, {handoff.ours}")


def _plain(value: Any) -> Any:
    import msgspec

    return msgspec.to_builtins(value)
