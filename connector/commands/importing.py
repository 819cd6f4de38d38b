"""`connector import`: an export into the store."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click
import orjson

from connector.commands.context import Context, pass_context
from connector.commands.progress import progress
from connector.domain.errors import ConfigError, Problem
from connector.flows.importing import Import, Rejected, Report

SHOWN = 20
"""Bad rows told on the screen; all of them are in the file of rejects."""


@click.command("import")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--mapping", "mapping_file", type=click.Path(path_type=Path, exists=True, dir_okay=False), required=True,
              help="How its columns make tickets (docs/mappings.md).")
@click.option("--tool", help="Name under which the tickets are kept (default: the mapping's rows.tool).")
@click.option("--rejects", type=click.Path(path_type=Path, dir_okay=False),
              help="Where rows that could not be understood go, as JSON lines (default: FILE.rejects.jsonl).")
@click.option("--dry-run", is_flag=True, help="Read and check everything, keep nothing.")
@pass_context
def importing(
    context: Context, file: Path, mapping_file: Path, tool: str | None, rejects: Path | None, dry_run: bool
) -> None:
    """Import tickets and their history from FILE (CSV, Parquet, JSON lines, xlsx).

    May be stopped at any time; started again on the same file it goes on. The same file twice adds nothing.
    """
    from connector.settings import load_mapping

    mapping = load_mapping(mapping_file)
    if mapping.rows is None:
        raise ConfigError([Problem("has no `rows` section: it says what a row is", str(mapping_file), path="rows")])
    name = tool or mapping.rows.tool
    if not name:
        raise ConfigError([Problem("name the tool: rows.tool in the mapping, or --tool", str(mapping_file))])
    with _rejecting(rejects or file.with_name(file.name + ".rejects.jsonl")) as reject:
        work = Import(mapping, name, reject)
        if dry_run:
            ended = _dry(work, file)
        else:
            with context.deployed() as deployment:
                if name in deployment.settings.tools:
                    raise ConfigError([Problem(f"`{name}` is a connected tool: import under another name")])
                ended = _keep(work, file, deployment.deps)
    _tell(work.report, ended, dry_run)
    raise SystemExit(0 if ended and not work.report.rejected else 1)


def _keep(work: Import, file: Path, deps: object) -> bool:
    from connector.importers import digest, read
    from connector.importers.staging import grouped
    from connector.ports import Deps

    assert isinstance(deps, Deps)
    stop = _on_interrupt()
    rows = read(file, work.rows)
    with progress("tickets") as tell:
        def told(report: Report) -> None:
            tell(report.tickets, report.tickets)

        if not work.rows.audit:
            return work.keep(deps, work.tickets(rows), stop=stop, progress=told)
        with grouped(work.entries(rows)) as groups:
            return work.keep(deps, work.histories(groups), resume=f"import/{digest(file)}", stop=stop, progress=told)


def _dry(work: Import, file: Path) -> bool:
    from connector.importers import read
    from connector.importers.staging import grouped

    rows = read(file, work.rows)
    if not work.rows.audit:
        for one in work.tickets(rows):
            _count(work.report, len(one.events))
        return True
    with grouped(work.entries(rows)) as groups:
        for one in work.histories(groups):
            _count(work.report, len(one.events))
    return True


def _count(report: Report, events: int) -> None:
    report.tickets += 1
    report.events += events


@contextmanager
def _rejecting(path: Path) -> Iterator[Callable[[Rejected], None]]:
    """A function that takes rows set aside; the file is only made when there is one."""
    told = 0
    with path.with_name(path.name + ".part").open("wb") as stream:
        def reject(rejected: Rejected) -> None:
            nonlocal told
            told += 1
            stream.write(orjson.dumps(rejected) + b"\n")
            if told <= SHOWN:
                where = f"row {rejected.row}" + (f" (ticket {rejected.ticket})" if rejected.ticket else "")
                click.echo(f"{where}: {'; '.join(rejected.reasons)}", err=True)

        try:
            yield reject
        finally:
            stream.flush()
            part = Path(stream.name)
            if told:
                part.replace(path)
                click.echo(f"{told} rows set aside in {path}", err=True)
            else:
                part.unlink()


def _on_interrupt() -> Callable[[], bool]:
    """Ctrl-C ends after the batch under way."""
    ended = threading.Event()
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, lambda *_: ended.set())
    return ended.is_set


def _tell(report: Report, ended: bool, dry_run: bool) -> None:
    click.echo(f"{report.rows:,} rows, {report.rejected:,} set aside")
    if dry_run:
        click.echo(f"{report.tickets:,} tickets with {report.events:,} events would be kept")
        return
    click.echo(f"{report.tickets:,} tickets: {report.new:,} new, {report.changed:,} changed, "
               f"{report.unchanged:,} as they were; {report.events:,} events added")
    if not ended:
        click.echo("stopped: start again to go on")
