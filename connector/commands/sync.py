"""`connector sync`: read a tool now, with a progress bar: the first load of a large one, or everything anew."""

from __future__ import annotations

import signal
import threading
import time

import click

from connector import logs
from connector.commands.context import Context, pass_context
from connector.commands.progress import progress
from connector.domain.errors import ConfigError, Problem, TryLater
from connector.domain.problems import did_you_mean
from connector.flows import backlog, intake
from connector.flows.reading import Report
from connector.ports import Deps

LONGEST_WAIT = 60.0
"""Seconds between two tries when a tool cannot answer and does not say when to come back."""


@click.command()
@click.argument("tools", nargs=-1)
@click.option("--full", is_flag=True, help="Everything again, not only what changed (after a change of the mapping).")
@click.option("--history/--no-history", default=True, show_default=True, help="Also read histories still due.")
@pass_context
def sync(context: Context, tools: tuple[str, ...], full: bool, history: bool) -> None:
    """Read TOOLS (default: all) until nothing is new. May be stopped at any time; started again it goes on."""
    logs.configure(level=30)
    ended = threading.Event()
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, lambda *_: ended.set())
    with context.deployed() as deployment:
        known = deployment.deps.tools
        unknown = [name for name in tools if name not in known]
        if unknown:
            raise ConfigError([Problem(f"there is no tool `{name}`{did_you_mean(name, known)}") for name in unknown])
        for name in tools or tuple(known):
            _one(deployment.deps, name, full, ended)
            if history and not ended.is_set():
                _history(deployment.deps, name, ended)
    raise SystemExit(130 if ended.is_set() else 0)


def _one(deps: Deps, name: str, full: bool, ended: threading.Event) -> None:
    with progress(f"{name}: tickets") as tell:
        def told(report: Report) -> None:
            tell(report.seen, report.total or report.seen)

        while True:
            try:
                report = intake.poll(deps, name, ended.is_set, told, full=full)
                break
            except TryLater as error:
                wait = error.wait.total_seconds() if error.wait is not None else LONGEST_WAIT / 6
                click.echo(f"{name}: {error.reason}; goes on in {min(wait, LONGEST_WAIT):.0f} s", err=True)
                if ended.wait(min(wait, LONGEST_WAIT)):
                    return
    click.echo(f"{name}: {report.seen:,} tickets read, {report.new:,} new, {report.changed:,} changed, "
               f"{report.rejected:,} set aside, {report.events:,} events")


def _history(deps: Deps, name: str, ended: threading.Event) -> None:
    began, done = time.monotonic(), 0
    with progress(f"{name}: histories") as tell:
        while not ended.is_set():
            try:
                caught = backlog.run(deps, name, stop=ended.is_set)
            except TryLater as error:
                click.echo(f"{name}: {error.reason}; the histories are left to the worker", err=True)
                break
            if not caught.tickets:
                break
            done += caught.tickets
            tell(done, done)
    if done:
        click.echo(f"{name}: histories of {done:,} tickets read in {time.monotonic() - began:.0f} s")
