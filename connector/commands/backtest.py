"""The work of `connector sla backtest`: parts in several processes, progress kept in a file, a table at the end."""

from __future__ import annotations

import gc
import hashlib
import multiprocessing
import os
import re
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import orjson

from connector import yaml12
from connector.commands.context import Context
from connector.commands.progress import progress
from connector.domain.agreements.backtest import Tally
from connector.domain.agreements.conditions import ALWAYS, Condition, condition
from connector.domain.errors import ConfigError, Problem
from connector.domain.problems import Problems, did_you_mean
from connector.domain.ticket import FIELDS
from connector.files.profiles import Folder, load, load_with
from connector.flows.backtest import Question, measure, parts
from connector.ports import Store
from connector.settings import Settings
from connector.wiring import open_store

Range = tuple[int, int]
"""First and last key of a part."""
SAVE_EVERY = 5.0
"""Seconds between two savings of the progress."""


def run(
    context: Context, *, file: Path | None, folder: Path | None, since: datetime | None, until: datetime | None,
    as_of: datetime | None, where: str | None, against: str | None, state: Path | None, workers: int, as_json: bool,
) -> None:
    settings = context.settings
    asked = _Asked(settings, file, folder, since, until, as_of or _begun(state) or datetime.now(UTC), where, against)
    asked.question()  # every mistake is told before any work begins
    store = open_store(settings)
    try:
        ranges = parts(store)
    finally:
        store.close()
    total = _measured(asked, ranges, state, workers)
    result = {"profiles": asked.versions(), **total.as_dict()}
    if as_json:
        click.echo(orjson.dumps(result, option=orjson.OPT_INDENT_2))
    else:
        _print(result)


def _measured(asked: _Asked, ranges: list[Range], state: Path | None, workers: int) -> Tally:
    """All parts together. What was done is kept in `state` every few seconds, and when somebody stops it."""
    name = asked.name(ranges)
    total, left = _resumed(state, name, ranges)
    saved = time.monotonic()
    try:
        with progress("tickets, in parts") as tell:
            tell(len(ranges) - len(left), len(ranges))
            for part, tally in _parts(asked, left, workers):
                total.merge(tally)
                left = [one for one in left if one != part]
                tell(len(ranges) - len(left), len(ranges))
                if state is not None and (not left or time.monotonic() - saved >= SAVE_EVERY):
                    _save(state, name, asked.as_of, total, left)
                    saved = time.monotonic()
    except KeyboardInterrupt:
        done = f"stopped after {len(ranges) - len(left)} of {len(ranges)} parts"
        if state is None:
            click.echo(f"{done}; with --state FILE it could go on from there", err=True)
        else:
            _save(state, name, asked.as_of, total, left)
            click.echo(f"{done}, which {state} keeps: start the same again to go on", err=True)
        raise
    return total


class _Asked:
    """The question as given on the command line: small enough to be sent to other processes, which read it anew."""

    def __init__(self, settings: Settings, file: Path | None, folder: Path | None, since: datetime | None,
                 until: datetime | None, as_of: datetime, where: str | None, against: str | None) -> None:
        self.settings, self.file, self.folder = settings, file, folder
        self.since, self.until = (None if t is None else t.replace(tzinfo=UTC) for t in (since, until))
        self.as_of = as_of.replace(tzinfo=UTC)
        self.where, self.against = where, against
        self._problems().stop()

    def _problems(self) -> Problems:
        found = Problems()
        if self.file is not None and self.folder is not None:
            found.add(("--profiles",), "goes without --profile: try one file or a whole folder")
        if self.file is None and self.folder is None and not self._own().is_dir():
            found.add(("--profiles",), f"is required: {self._own()} does not exist")
        if self.since is not None and self.until is not None and self.since >= self.until:
            found.add(("--to",), f"{self.until:%Y-%m-%d} is not after --from {self.since:%Y-%m-%d}")
        known = ("tool", *(field for field in FIELDS if field != "custom"))
        if self.against is not None and self.against not in known and not re.fullmatch(r"custom\..+", self.against):
            found.add(("--against",), f"there is no field `{self.against}`{did_you_mean(self.against, known)}")
        return found

    def _own(self) -> Path:
        return Path(self.settings.file).resolve().parent / "sla_profiles"

    def candidate(self) -> Folder:
        if self.folder is not None:
            return load(self.folder)
        return load(self._own()) if self.file is None else load_with(self._own(), self.file)

    def question(self) -> Question:
        trying = self.file is not None or self.folder is not None
        current = load(self._own()).registry if trying and self._own().is_dir() else None
        return Question(self.candidate().registry, self.as_of, current, self.since, self.until, self._condition(),
                        self.against)

    def _condition(self) -> Condition:
        if self.where is None:
            return ALWAYS
        document = yaml12.parse(self.where.encode(), "--where")
        problems = document.problems()
        found = condition(document.data, problems)
        problems.stop()
        return found

    def versions(self) -> dict[str, str]:
        return {profile.name: profile.version for profile in self.candidate().registry.profiles}

    def name(self, ranges: list[Range]) -> str:
        """The same for the same question over the same tickets."""
        held = self.question().current
        current = {} if held is None else {profile.name: profile.version for profile in held.profiles}
        told = [self.versions(), current, str(self.as_of), str(self.since), str(self.until), self.where, self.against,
                ranges]
        return hashlib.sha256(orjson.dumps(told, option=orjson.OPT_SORT_KEYS)).hexdigest()


_question: Question
_store: Store


def end_with_parent() -> None:
    """A worker whose first process was killed would wait for work for ever, and hold its connection to the store."""
    parent = multiprocessing.parent_process()

    def watch() -> None:
        if parent is not None:
            parent.join()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _begin(asked: _Asked) -> None:
    """Ctrl-C reaches every process of a terminal; the first of them decides."""
    end_with_parent()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Hundreds of objects per ticket, and hardly a cycle among them: looking for some less often saves a tenth.
    gc.set_threshold(50_000)
    global _question, _store
    _question, _store = asked.question(), open_store(asked.settings)


def _one(part: Range) -> dict[str, Any]:
    return measure(_store, _question, *part).save()


def _parts(asked: _Asked, left: list[Range], workers: int) -> Iterator[tuple[Range, Tally]]:
    """Parts as they are finished. No more are handed out than there are processes, so that memory stays flat."""
    if not left:
        return
    pool = ProcessPoolExecutor(min(workers, len(left)), initializer=_begin, initargs=(asked,))
    try:
        waiting = iter(left)
        running: dict[Future[dict[str, Any]], Range] = {}
        for part in waiting:
            running[pool.submit(_one, part)] = part
            if len(running) >= 2 * workers:
                break
        while running:
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                done = running.pop(future)
                following = next(waiting, None)
                if following is not None:
                    running[pool.submit(_one, following)] = following
                yield done, Tally.load(future.result())
    finally:
        pool.shutdown(cancel_futures=True)


def _resumed(state: Path | None, name: str, ranges: list[Range]) -> tuple[Tally, list[Range]]:
    if state is None or not state.exists():
        return Tally(), ranges
    try:
        kept = orjson.loads(state.read_bytes())
        if kept["question"] != name:
            raise ConfigError([Problem("is the progress of another question: remove it, or name another", str(state))])
        return Tally.load(kept["tally"]), [(first, last) for first, last in kept["left"]]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ConfigError([Problem(f"is not the progress of a backtest ({error})", str(state))]) from None


def _begun(state: Path | None) -> datetime | None:
    """The moment the clocks are read at, where a backtest was begun before; its parts are all read at that moment."""
    if state is None or not state.exists():
        return None
    try:
        return datetime.fromisoformat(orjson.loads(state.read_bytes())["as_of"])
    except (ValueError, KeyError, TypeError):
        return None  # told when the progress is read


def _save(state: Path, name: str, as_of: datetime, total: Tally, left: list[Range]) -> None:
    """Whole or not at all."""
    beside = state.with_name(state.name + ".part")
    beside.write_bytes(orjson.dumps({"question": name, "as_of": as_of, "tally": total.save(), "left": left}))
    os.replace(beside, state)


def _print(result: dict[str, Any]) -> None:
    click.echo(f"{result['tickets']:,} tickets, {result['unmatched']:,} without a clock")
    for target, dimensions in result["targets"].items():
        for dimension, values in dimensions.items():
            click.echo(f"\n{target} by {dimension}")
            click.echo(f"  {'':<28}{'met':>9}{'breached':>10}{'open':>8}{'met %':>8}{'late p50':>12}{'late p90':>12}")
            for value, cell in values.items():
                share = "-" if cell["met_share"] is None else f"{100 * cell['met_share']:.1f}"
                click.echo(f"  {value[:27]:<28}{cell['met']:>9,}{cell['breached']:>10,}{cell['open']:>8,}{share:>8}"
                           f"{_hours(cell['lateness_p50_s']):>12}{_hours(cell['lateness_p90_s']):>12}")
    changed = [c for c in result["compared"] if c["before"] != c["now"]]
    if result["compared"]:
        click.echo("\nagainst the profiles in force: " + ("no ticket changes" if not changed else ""))
        for c in changed:
            click.echo(f"  {c['target']}: {c['before']} -> {c['now']}: {c['tickets']:,}")
    if result["confusion"]:
        click.echo("\ncompared with the field: value, outcome of resolution, tickets")
        for c in result["confusion"]:
            click.echo(f"  {c['value']:<10}{c['outcome']:<10}{c['tickets']:>9,}")


def _hours(seconds: float | None) -> str:
    return "-" if seconds is None else f"{seconds / 3600:.1f} h"
