"""`connector demo`: three stand-in tools and the service, filled, kept busy from both sides, and checked at the end."""

from __future__ import annotations

import secrets
import shutil
import signal
import socket
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from types import FrameType

    from connector.settings import Settings

LOGIN = "demo"


@click.command()
@click.option("--seconds", type=click.IntRange(0, 86_400), default=0, show_default=True,
              help="End by itself after this long (0: run until Ctrl-C).")
@click.option("--tickets", type=click.IntRange(0, 100_000), default=300, show_default=True, help="In each tool.")
@click.option("--port", type=int, default=8080, show_default=True, help="Of the service; another one when it is taken.")
@click.option("--folder", type=click.Path(path_type=Path, file_okay=False), default=Path("var/demo"), show_default=True,
              help="Where settings and store go. Emptied first.")
def demo(seconds: int, tickets: int, port: int, folder: Path) -> None:
    """Run the main job on stand-in tools: sync three of them both ways, and show it."""
    from connector.commands import demo_ladder, demo_processes, demo_supplier
    from connector.commands.demo_desk import MAKES, Busy, Tools, check, summary
    from connector.jobs.local import Worker
    from connector.sandbox.mailbox import Mailbox
    from connector.sandbox.supplier import Supplier
    from connector.store import admin
    from connector.web.app import create_app
    from connector.web.server import Server
    from connector.web.services import Services
    from connector.wiring import deployed

    began = time.monotonic()
    port = _free(port)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    _logs(folder)
    click.echo(f"starting {', '.join(MAKES)} with {tickets} tickets each ...")
    hook = f"http://127.0.0.1:{port}/api/v1/webhooks/suppliers/{demo_supplier.NAME}"
    with (Tools(tickets, port) as tools, Mailbox(folder / "mail") as mailbox,
          Supplier(demo_supplier.NAME, hook) as supplier):
        path = tools.write(folder, port, mailbox.port)
        demo_supplier.join(supplier, folder)
        climbs = demo_ladder.join(folder)
        led = demo_processes.join(folder, demo_supplier.NAME)
        settings = _settings(path)
        admin.upgrade(settings.store_url)
        with deployed(settings, out=supplier.way()) as deployment:
            worker = Worker(deployment.deps)
            parts = Services.of(deployment.store, deployment.deps, settings, deployment.agreements)
            server = Server(create_app(parts), settings.host, port)
            web = threading.Thread(target=server.run, name="web", daemon=True)
            web.start()
            password = _user(deployment.store, deployment.deps.now())
            processes = demo_processes.Processes(deployment.deps, tools.handles[demo_processes.TOOL], folder)
            busy = Busy(deployment.deps, tools)
            integrator = demo_supplier.Integrator(deployment.deps, supplier, processes.handed if led else None)
            worker.start()
            click.echo(f"\n  http://127.0.0.1:{port}/    sign in as {LOGIN} with {password}\n")
            click.echo(f"what people are sent comes to {mailbox.folder} as files")
            click.echo(f"settings, store and log are in {folder}; other commands: connector -c {folder}/connector.yaml")
            click.echo("both sides are now editing tickets, and the tools misbehave now and then" +
                       (f"; ends in {seconds} s" if seconds else "; Ctrl-C ends it"))
            busy.start()
            integrator.start()
            if led:
                processes.start()
            if climbs:
                demo_ladder.begin(deployment.deps)
            _wait(seconds - (time.monotonic() - began) - 20 if seconds else None)
            busy.stop()
            if led:
                processes.stop()
            integrator.stop()
            verdict = check(deployment.deps, tools, busy)
            worker.stop()
            server.end()
            web.join(15)
            click.echo(summary(deployment, tools, busy, verdict))
            click.echo(demo_ladder.figures(deployment.deps))
            if led:
                click.echo(processes.figures())
            click.echo(f"messages to people: {mailbox.count}, in {mailbox.folder}")
            states = ", ".join(f"{count} {state}" for state, count in integrator.states().most_common())
            click.echo(f"handed to a supplier: {states or 'nothing'}")
    raise SystemExit(0 if verdict.good else 1)


def _logs(folder: Path) -> None:
    from connector import logs

    logs.configure(folder.joinpath("log.jsonl").open("a", encoding="utf-8"))


def _settings(path: Path) -> Settings:
    from connector import settings, vendors

    return settings.load(path, {}, vendors.schemas)


def _user(store: object, now: object) -> str:
    from connector.store.accounts import Accounts
    from connector.web.auth.passwords import hash_password

    password = secrets.token_urlsafe(9)
    Accounts(store).create_user(LOGIN, hash_password(password), "admin", now, name="Demo")  # type: ignore[arg-type]
    return password


def _free(port: int) -> int:
    for wanted in (port, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", wanted))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise click.ClickException("no free port on 127.0.0.1")


def _wait(seconds: float | None) -> None:
    ended = threading.Event()

    def end(_number: int, _frame: FrameType | None) -> None:
        ended.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)
    ended.wait(None if seconds is None else max(1.0, seconds))
    sys.stdout.flush()
