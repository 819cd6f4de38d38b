"""`connector run`, `web`, `worker`: the service itself."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from types import FrameType
from typing import TYPE_CHECKING, Any

import click
import structlog

from connector import logs
from connector.commands.context import Context, pass_context

if TYPE_CHECKING:
    from connector.jobs.local import Worker
    from connector.wiring import Deployment

log = structlog.get_logger("connector.run")

_host = click.option("--host", help="Address to listen on (default: from the settings).")
_port = click.option("--port", type=int, help="Port to listen on (default: from the settings).")


@click.command()
@_host
@_port
@pass_context
def run(context: Context, host: str | None, port: int | None) -> None:
    """Web and worker in one process. Makes the SQLite store when there is none."""
    _prepare(context)
    with context.deployed() as deployment, _working(deployment):
        _serve(deployment, host, port)


@click.command()
@_host
@_port
@pass_context
def web(context: Context, host: str | None, port: int | None) -> None:
    """Pages, REST API and webhooks only."""
    logs.configure()
    with context.deployed() as deployment:
        _serve(deployment, host, port)


@click.command()
@pass_context
def worker(context: Context) -> None:
    """Polls, deliveries and clocks only. As many as you like may run on one PostgreSQL store."""
    logs.configure()
    with context.deployed() as deployment, _working(deployment) as working:
        ended = threading.Event()
        on_end(lambda: ended.set())
        while not ended.wait(1) and not working.outdated.is_set():
            pass
    if working.outdated.is_set():
        raise click.ClickException("the store was brought to another version; start the program of that version")


def _prepare(context: Context) -> None:
    logs.configure()
    if context.settings.store_url.startswith("sqlite"):
        from connector.store import admin

        admin.upgrade(context.settings.store_url)


@contextmanager
def _working(deployment: Deployment) -> Iterator[Worker]:
    from connector.jobs.local import Worker

    tools = deployment.settings.tools
    worker = Worker(deployment.deps, lambda tool: tools[tool].sweep_every)
    worker.start()
    try:
        yield worker
    finally:
        worker.stop()


def _serve(deployment: Deployment, host: str | None, port: int | None) -> None:
    from connector.web.app import create_app
    from connector.web.server import Server
    from connector.web.services import Services

    settings = replace(
        deployment.settings, host=host or deployment.settings.host,
        port=deployment.settings.port if port is None else port,
    )
    app = create_app(Services.of(deployment.store, deployment.deps, settings, deployment.agreements))
    server = Server(app, settings.host, settings.port)
    on_end(server.end)
    click.echo(f"{settings.name}: http://{settings.host}:{server.port}/", err=True)
    server.run()


def on_end(end: Callable[[], Any]) -> None:
    """Call `end` once when the process is asked to stop; what is under way is finished."""

    def handle(number: int, _frame: FrameType | None) -> None:
        log.info("ending", signal=signal.Signals(number).name)
        threading.Thread(target=end, daemon=True).start()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, handle)
