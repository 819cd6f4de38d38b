"""`connector escalations`: list ladders, rehearse them on open tickets and on the past, bind tickets to a version."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click
import orjson

from connector.commands.context import Context, pass_context
from connector.commands.sla import _registry as registry_of
from connector.domain.errors import ConfigError, Problem

if TYPE_CHECKING:
    from connector.domain.agreements.conditions import Condition
    from connector.domain.escalations.rehearsal import Fired, Tally


@click.group()
def escalations() -> None:
    """Ladders: what is in force, what would fire and why, what would have fired."""


@escalations.command("list")
@click.option("--json", "as_json", is_flag=True, help="For machines.")
@pass_context
def list_(context: Context, as_json: bool) -> None:
    """The ladders in force, their versions and steps."""
    with context.deployed() as deployment:
        rules = registry_of(deployment).escalations.values()
    if as_json:
        _json([{"rule": rule.name, "version": rule.version, "since": rule.since.isoformat(),
                "steps": [{"step": step.name, "do": [one.text for one in step.actions]} for step in rule.steps]}
               for rule in rules])
        return
    for rule in rules:
        click.echo(f"{rule.name}  version {rule.version}  since {rule.since:%Y-%m-%d %H:%M} UTC")
        for step in rule.steps:
            click.echo(f"  {step.name}: {'; '.join(one.text for one in step.actions)}")


@escalations.command("dry-run")
@click.option("--ticket", help="One ticket (a number, TOOL/ID or our key).")
@click.option("--where", help='Open tickets that match, as YAML: "{priority: P1}".')
@click.option("--until", default="7d", show_default=True, help="A date (UTC) or how far from now (8h, 7d).")
@click.option("--json", "as_json", is_flag=True, help="For machines.")
@pass_context
def dry_run(context: Context, ticket: str | None, where: str | None, until: str, as_json: bool) -> None:
    """What would fire, when and why, if nobody did anything. Writes nothing, tells nobody."""
    from connector.commands.progress import progress
    from connector.commands.tickets import find
    from connector.domain.escalations.rehearsal import ahead
    from connector.flows.rehearse import coming
    from connector.store.queries import Queries

    if ticket is not None and where is not None:
        raise click.UsageError("give --ticket or --where, not both")
    with context.deployed() as deployment:
        registry, now = registry_of(deployment), deployment.deps.now()
        ends, condition = _until(until, now), _condition(where)
        if ticket is not None:
            detail = find(Queries(deployment.store), ticket)
            found = [(detail.ticket, list(ahead(detail.ticket, detail.events, registry, now, ends)))]
        else:
            with progress("tickets, in parts") as tell:
                found = [(one.stored.ticket, list(one.fired)) for one in coming(
                    deployment.store, registry, now, ends, condition, tell)]
    told = ((fired.at.astimezone(UTC), one.number or str(one.ref), fired) for one, many in found for fired in many)
    lines = sorted(told, key=lambda line: line[:2])
    if as_json:
        _json({"until": ends.isoformat(), "firings": [_told(number, fired) for _, number, fired in lines]})
        return
    for at, number, fired in lines:
        firing = fired.firing
        late = f" ({firing.what})" if firing.what != "fired" else ""
        click.echo(f"{at:%Y-%m-%d %H:%M:%S} UTC  {number}  "
                   f"{firing.rule}: {firing.step} #{firing.n}{late}  "
                   f"{'; '.join(one.text for one in firing.actions)}")
        if ticket is not None:
            click.echo(f"    why: {_why(fired)}")
    click.echo(f"{len(lines)} steps on {len({line[1] for line in lines})} tickets until {ends:%Y-%m-%d %H:%M} UTC")


@escalations.command()
@click.option("--from", "since", type=click.DateTime(["%Y-%m-%d"]), required=True, help="Opened on or after (UTC).")
@click.option("--to", "until", type=click.DateTime(["%Y-%m-%d"]), required=True, help="Opened before (UTC).")
@click.option("--where", help='Only tickets that match, as YAML: "{tool: uci}".')
@click.option("--json", "as_json", is_flag=True, help="For machines.")
@pass_context
def simulate(context: Context, since: datetime, until: datetime, where: str | None, as_json: bool) -> None:
    """How often each step would have fired on tickets of the past, to whom, per day."""
    from connector.commands.progress import progress
    from connector.flows.rehearse import simulate as run

    with context.deployed() as deployment, progress("tickets, in parts") as tell:
        tally = run(deployment.store, registry_of(deployment), since.replace(tzinfo=UTC), until.replace(tzinfo=UTC),
                    _condition(where), tell)
    if as_json:
        _json(tally.as_dict())
    else:
        _print(tally)


@escalations.command()
@click.argument("rule")
@click.option("--by", default="command line", show_default=True, help="Who applies it, for the audit trail.")
@pass_context
def apply(context: Context, rule: str, by: str) -> None:
    """Bind running ladders of open tickets to the version of RULE now in force. Recorded in the audit trail."""
    from connector.flows.rebind import rebind

    with context.deployed() as deployment:
        rules = registry_of(deployment).escalations
        if rule not in rules:
            raise ConfigError([Problem(f"there is no escalation `{rule}`")])
        count = rebind(deployment.deps, rules[rule], by)
    click.echo(f"{count} tickets bound to version {rules[rule].version}")


def _until(text: str, now: datetime) -> datetime:
    from connector.domain.agreements.durations import duration

    try:
        return datetime.fromisoformat(text).replace(tzinfo=UTC) if text[:4].isdigit() and "-" in text else \
            now + duration(text)
    except ValueError:
        says = f"--until {text}: expected a date such as 2026-03-31, or a duration such as 8h"
        raise click.UsageError(says) from None


def _condition(text: str | None) -> Condition:
    from connector import yaml12
    from connector.domain.agreements.conditions import ALWAYS, condition

    if text is None:
        return ALWAYS
    document = yaml12.parse(text.encode(), "--where")
    problems = document.problems()
    found = condition(document.data, problems)
    problems.stop()
    return found


def _told(number: str, fired: Fired) -> dict[str, Any]:
    firing = fired.firing
    return {"at": fired.at.astimezone(UTC).isoformat(), "ticket": number, "rule": firing.rule,
            "version": firing.version,
            "step": firing.step, "subject": firing.subject, "n": firing.n, "what": firing.what,
            "do": [one.text for one in firing.actions], "why": firing.why, **firing.values}


def _why(fired: Fired) -> str:
    firing, values = fired.firing, fired.firing.values
    used = f", {values['used_s']} of {values['target_s']} s used, due {values['due']}" if "clock" in values else ""
    return f"{firing.why} on {firing.subject}{used}; rule {firing.rule} version {firing.version}"


def _json(data: Any) -> None:
    click.echo(orjson.dumps(data, option=orjson.OPT_INDENT_2))


def _print(tally: Tally) -> None:
    click.echo(f"{tally.tickets:,} tickets, {tally.escalated:,} escalated, {tally.fired:,} steps fired")
    for (rule, step, what), count in sorted(tally.steps.items()):
        click.echo(f"  {rule:<24}{step:<32}{what:<10}{count:>8,}")
    click.echo("\nto whom")
    for name, count in sorted(tally.people.items(), key=lambda item: -item[1]):
        click.echo(f"  {name:<40}{count:>8,}")
    if tally.unable:
        click.echo(f"  could not be done (nobody, no such group): {tally.unable:,}")
    if tally.days:
        counts = sorted(tally.days.values())
        click.echo(f"\nper day: median {counts[len(counts) // 2]:,}, most {counts[-1]:,}")
