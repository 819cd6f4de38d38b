"""`connector import`: an export into the store."""

from __future__ import annotations

import hashlib
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace as change
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any, BinaryIO

import click
import orjson

from connector.commands.context import Context, pass_context
from connector.commands.progress import progress
from connector.domain.errors import ConfigError, Problem
from connector.domain.importing.exported import Rejected, Row
from connector.flows.importing import Import, Report, Stopped

if TYPE_CHECKING:
    from connector.domain.mapping import Mapping

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
    name = _name(mapping, mapping_file, tool)
    rejects = rejects or file.with_name(file.name + ".rejects.jsonl")
    if rejects.resolve() in (file.resolve(), mapping_file.resolve()):
        raise ConfigError([Problem("would be overwritten with the rows set aside: name another file", str(rejects))])
    with _rejecting(rejects) as reject, _interruptible() as stop:
        work = Import(mapping, name, reject, stop)
        if dry_run:
            ended = _through(work, file, _count)
        else:
            with context.deployed() as deployment:
                if name in deployment.settings.tools:
                    raise ConfigError([Problem(f"`{name}` is a connected tool, whose history would count twice: "
                                               "import under another name (--tool)")])
                deps, resume = deployment.deps, f"import/{_digest(file, mapping_file)}"
                ended = _through(work, file, lambda work, tickets: work.keep(deps, tickets, resume))
    _tell(work.report, ended, dry_run)
    raise SystemExit(0 if ended and not work.report.rejected else 1)


def _name(mapping: Mapping, file: Path, asked: str | None) -> str:
    from connector.settings.shape import TOOL_NAME

    if mapping.rows is None:
        raise ConfigError([Problem("has no `rows` section: it says what a row is", str(file), path="rows")])
    name = asked or mapping.rows.tool
    if not name:
        raise ConfigError([Problem("name the tool: rows.tool in the mapping, or --tool", str(file))])
    if not TOOL_NAME.match(name):
        raise ConfigError([Problem(f"`{name}` is not a name for a tool: expected a short one of a-z, 0-9, - and _")])
    return name


def _through(work: Import, file: Path, use: Callable[[Import, Iterator[Any]], bool]) -> bool:
    """Read the whole file, then `use` its tickets one by one. Says whether the end was reached."""
    from connector.importers import count, read
    from connector.importers.staging import staged

    total = count(file) or 0
    with ExitStack() as stack:
        with progress("rows") as tell:
            work.progress = lambda report: tell(report.rows, max(total, report.rows))
            try:
                found = stack.enter_context(staged(work.entries(_first(work, file, read(file, work.rows)))))
            except Stopped:
                return False
        _complete(work, file)
        with progress("tickets") as tell:
            work.progress = lambda report: tell(report.tickets, found.tickets)
            return use(work, work.tickets(found.groups()))


def _first(work: Import, file: Path, rows: Iterator[Row]) -> Iterator[Row]:
    """Where every row has all columns the first one tells at once which are missing."""
    from connector.importers.packed import ending

    told = "json" in ending(file)
    for row in rows:
        if not told and row.values:
            told = True
            if missing := work.export.missing(row.values, str(file)):
                raise ConfigError(missing)
        yield row


def _complete(work: Import, file: Path) -> None:
    """JSON leaves out what is empty, so that a column no row has may be no mistake."""
    if not work.report.rows:
        click.echo(f"{file}: has no rows", err=True)
        return
    for problem in work.export.missing(work.columns, str(file)):
        click.echo(f"{problem} in any row", err=True)


def _count(work: Import, tickets: Iterator[Any]) -> bool:
    for one in tickets:
        work.report.tickets += 1
        work.report.events += len(one.events)
        if work.stop():
            return False
    return True


def _digest(*files: Path) -> str:
    """Names what is imported and how, so that an import stopped half-way is only taken up for the same."""
    from connector.importers import digest

    return hashlib.sha256("".join(digest(file) for file in files).encode()).hexdigest()[:32]


@contextmanager
def _rejecting(path: Path) -> Iterator[Callable[[Rejected], None]]:
    """A function that takes rows set aside; the file is only made when there is one."""
    told = 0
    part = path.with_name(path.name + ".part")
    with _written(part) as stream:

        def reject(rejected: Rejected) -> None:
            nonlocal told
            told += 1
            stream.write(_line(rejected) + b"\n")
            if told <= SHOWN:
                where = f"row {rejected.row}" + (f" (ticket {_plain(rejected.ticket)})" if rejected.ticket else "")
                click.echo(f"{where}: {'; '.join(rejected.reasons)}", err=True)

        try:
            yield reject
        finally:
            stream.flush()
            if told:
                part.replace(path)
                click.echo(f"{told} rows set aside in {path}", err=True)
            else:
                part.unlink()


def _plain(word: str) -> str:
    """What a file says, safe for a terminal."""
    word = word if len(word) <= 80 else f"{word[:80]}..."
    return word if word.isprintable() else ascii(word)


def _written(path: Path) -> BinaryIO:
    """A new file that only its owner may read."""
    try:
        return open(path, "wb", opener=lambda name, flags: os.open(name, flags, 0o600))
    except OSError as error:
        raise ConfigError([Problem(f"cannot be written (--rejects says where): {error.strerror}", str(path))]) from None


def _line(rejected: Rejected) -> bytes:
    try:
        return orjson.dumps(rejected, default=str, option=orjson.OPT_NON_STR_KEYS)
    except TypeError:  # numbers of more than 64 bits, text that is no Unicode
        values = {ascii(name): ascii(value) for name, value in rejected.values.items()}
        return orjson.dumps(change(rejected, values=values, ticket=ascii(rejected.ticket)))


@contextmanager
def _interruptible() -> Iterator[Callable[[], bool]]:
    """Ctrl-C and SIGTERM end after the batch under way."""
    ended = threading.Event()

    def end(number: int, frame: FrameType | None) -> None:
        ended.set()

    if threading.current_thread() is not threading.main_thread():
        yield ended.is_set
        return
    before = {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield ended.is_set
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _tell(report: Report, ended: bool, dry_run: bool) -> None:
    click.echo(f"{report.rows:,} rows, {report.rejected:,} set aside")
    if dry_run:
        click.echo(f"{report.tickets:,} tickets with {report.events:,} events would be kept")
    else:
        click.echo(f"{report.tickets:,} tickets: {report.new:,} new, {report.changed:,} changed, "
                   f"{report.unchanged:,} as they were; {report.events:,} events added")
    if not ended:
        click.echo("stopped: start again to go on")
