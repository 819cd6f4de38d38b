"""`connector sla`: explain, replay, compare, apply and try agreements."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click
import orjson

from connector.commands.context import Context, pass_context
from connector.domain.errors import ConfigError, Problem
from connector.domain.problems import did_you_mean, shown

if TYPE_CHECKING:
    from connector.domain.agreements.explain import Explanation
    from connector.wiring import Deployment


LARGEST_REPLAY: Final = 64 * 1024 * 1024


@click.group()
def sla() -> None:
    """Explain due times, replay states, compare, apply and try agreements."""


def _moment(text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise ConfigError([Problem(f"{shown(text)} is not a time with its zone, like 2026-03-02T08:00:00+01:00",
                                   path="--at")])
    return at.astimezone(UTC)


def _json(data: Any) -> None:
    click.echo(orjson.dumps(data, option=orjson.OPT_INDENT_2))


@sla.command()
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False, allow_dash=True))
def replay(file: Path) -> None:
    """Replay the cases of FILE (JSON, - for standard input) through one clock each; prints the readings as JSON."""
    from connector.domain import strict_json
    from connector.domain.agreements.replay import replay as run

    name = "standard input" if str(file) == "-" else str(file)
    try:
        with click.open_file(str(file), "rb") as stream:
            raw = stream.read(LARGEST_REPLAY + 1)
        cases = strict_json.loads(raw.removeprefix(b"\xef\xbb\xbf"), largest=LARGEST_REPLAY)
    except OSError as error:
        raise ConfigError([Problem(f"cannot be read: {error.strerror}", name)]) from None
    except strict_json.BadJson as error:
        raise ConfigError([Problem(f"is not JSON: {error.message}", name, error.line, error.column)]) from None
    _json(run(cases, name))


@sla.command()
@click.argument("ticket")
@click.option("--at", help="As of this moment, such as 2026-03-02T12:00:00+01:00, with what is known today.")
@click.option("--json", "as_json", is_flag=True, help="For machines.")
@pass_context
def explain(context: Context, ticket: str, at: str | None, as_json: bool) -> None:
    """Show the ledger behind every due time of TICKET (a number, TOOL/ID or our key)."""
    from connector.commands.ledger import print_ledger
    from connector.commands.tickets import find
    from connector.domain.agreements.assess import assess
    from connector.domain.agreements.explain import as_dict
    from connector.domain.agreements.explain import explain as tell
    from connector.store.queries import Queries

    with context.deployed() as deployment:
        registry = _registry(deployment)
        detail = find(Queries(deployment.store), ticket)
        now = deployment.deps.now() if at is None else _moment(at)
        result = assess(detail.ticket, detail.events, registry, now).result
        told: list[Explanation] = [tell(named, now) for named in result.clocks]
    if as_json:
        _json({"ticket": str(detail.ticket.ref), "now": now.isoformat(), "problems": list(result.problems),
               "clocks": [as_dict(one) for one in told]})
        return
    print_ledger(detail.ticket, told, result.problems, now)


@sla.command()
@click.option("--profiles", type=click.Path(path_type=Path, exists=True, file_okay=False), required=True,
              help="Folder of the edited agreements.")
@click.option("--json", "as_json", is_flag=True, help="For machines.")
@pass_context
def diff(context: Context, profiles: Path, as_json: bool) -> None:
    """What the agreements in a folder would do to the clocks of all open tickets. Changes nothing."""
    from connector.commands.progress import progress
    from connector.domain.agreements.comparison import headline
    from connector.files.profiles import load
    from connector.flows import agreements

    edited = load(profiles).registry
    with context.deployed() as deployment, progress("open tickets") as tell:
        _registry(deployment)
        changed = list(agreements.differences(deployment.deps, edited, tell))
    counts = headline([difference for one in changed for difference in one.differences])
    if as_json:
        _json({"counts": counts, "tickets": [
            {"ticket": str(one.stored.ticket.ref), "number": one.stored.ticket.number, "clocks": [
                {name: getattr(d, name) for name in d.__slots__} for d in one.differences]} for one in changed]})
        return
    for one in changed:
        for d in one.differences:
            click.echo(f"{one.stored.ticket.number or one.stored.ticket.ref}\t{d.clock}\t{d.what}\t"
                       f"{d.old_due or d.old_state or '-'} -> {d.new_due or d.new_state or '-'}")
    click.echo(", ".join(f"{count} {what}" for what, count in sorted(counts.items())) or "no open clock would change")


@sla.command()
@click.option("--profile", "names", multiple=True, help="Only this profile (may be given several times).")
@click.option("--by", default="command line", show_default=True, help="Who applies it, for the audit trail.")
@click.option("--json", "as_json", is_flag=True, help="For machines.")
@pass_context
def apply(context: Context, names: tuple[str, ...], by: str, as_json: bool) -> None:
    """Bind the clocks of all open tickets to the versions now in force. Recorded in the audit trail."""
    from connector.commands.progress import progress
    from connector.flows import agreements

    with context.deployed() as deployment, progress("open tickets") as tell:
        known = {profile.name for profile in _registry(deployment).profiles}
        unknown = sorted(set(names) - known)
        if unknown:
            raise ConfigError([Problem(f"there is no profile `{name}`{did_you_mean(name, known)}", path="--profile")
                               for name in unknown])
        done = agreements.apply(deployment.deps, by, frozenset(names), tell)
    if as_json:
        _json({"tickets": done.tickets, "versions": done.versions})
        return
    click.echo(f"{done.tickets} tickets bound to new versions")


@sla.command()
@click.option("--profile", "file", type=click.Path(path_type=Path, exists=True, dir_okay=False),
              help="A profile file to try instead of the one of that name (or besides them).")
@click.option("--profiles", "folder", type=click.Path(path_type=Path, exists=True, file_okay=False),
              help="A whole folder of agreements to try.")
@click.option("--from", "since", type=click.DateTime(["%Y-%m-%d"]), help="Tickets opened on or after this date (UTC).")
@click.option("--to", "until", type=click.DateTime(["%Y-%m-%d"]), help="Tickets opened before this date (UTC).")
@click.option("--as-of", type=click.DateTime(["%Y-%m-%d"]), help="Read the clocks at this date instead of now (UTC).")
@click.option("--where", help='Only tickets that match, as YAML: "{tool: uci, group: [Network]}".')
@click.option("--against", help="Compare with a field of the ticket, such as custom.made_sla.")
@click.option("--state", type=click.Path(path_type=Path, dir_okay=False),
              help="Keep the progress in this file: started again with the same question, it goes on.")
@click.option("--workers", type=click.IntRange(1, 64), default=2, show_default=True, help="Processes.")
@click.option("--json", "as_json", is_flag=True, help="For machines.")
@pass_context
def backtest(context: Context, /, **options: Any) -> None:
    """Run agreements over all history in the store: met share, lateness, and what would change."""
    from connector.commands.backtest import run

    run(context, **options)


def _registry(deployment: Deployment) -> Any:
    if deployment.agreements is None:
        folder = Path(deployment.settings.file).parent / "sla_profiles"
        raise ConfigError([Problem(f"there are no agreements: {folder} does not exist")])
    return deployment.agreements.current()
