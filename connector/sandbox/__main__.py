"""Stand-ins by themselves: `python -m connector.sandbox --tool glpi=8101 --tool servicenow --tickets 500`."""

from __future__ import annotations

import json
import signal
import threading
from pathlib import Path
from typing import Any

import click

from connector.sandbox import MAKES, Handle, start
from connector.settings import Secret


def _tools(context: click.Context, parameter: click.Parameter, values: tuple[str, ...]) -> list[tuple[str, int]]:
    found = []
    for value in values:
        make, _, port = value.partition("=")
        if make not in MAKES or (port and not (port.isdigit() and int(port) < 65_536)):
            raise click.BadParameter(f"{value!r} (expected {' | '.join(MAKES)}, optionally =PORT)")
        found.append((make, int(port or 0)))
    return found


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--tool", "tools", multiple=True, required=True, callback=_tools, metavar="MAKE[=PORT]",
              help="A tool to stand in for; may be repeated. Without a port a free one is taken.")
@click.option("--tickets", type=click.IntRange(0), default=500, show_default=True, help="Tickets of the back-history.")
@click.option("--days", type=click.FloatRange(0.01), default=30.0, show_default=True,
              help="Length of the back-history.")
@click.option("--seed", type=int, default=1, show_default=True, help="The same seed gives the same desk.")
@click.option("--speed", type=click.FloatRange(0), default=1.0, show_default=True,
              help="How many times faster the tools' clocks run (the Date header follows).")
@click.option("--rate", type=click.FloatRange(0.001), default=1.0, show_default=True,
              help="How many times busier the desk is than its back-history.")
@click.option("--webhook", default="", metavar="URL", help="Where webhooks go; {make} stands for the tool.")
@click.option("--webhook-secret", default="", envvar="SANDBOX_WEBHOOK_SECRET", help="Their secret (else one per seed).")
@click.option("--version", default="", help="The version the tools claim to be.")
@click.option("--details", type=click.Path(path_type=Path, dir_okay=False), default=None,
              help="Write addresses and credentials to this file as JSON (readable by its owner only).")
def main(tools: list[tuple[str, int]], tickets: int, days: float, seed: int, speed: float, rate: float, webhook: str,
         webhook_secret: str, version: str, details: Path | None) -> None:
    """Run stand-in tools on 127.0.0.1 until stopped."""
    over = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: over.set())
    handles: list[Handle] = []
    try:
        for make, port in tools:
            handle = start(make, seed=seed, tickets=tickets, days=days, clock=speed, port=port, version=version,
                           live=True, rate=rate,
                           webhook=(webhook.replace("{make}", make), webhook_secret) if webhook else None)
            handles.append(handle)
            click.echo(f"{make}: {handle.url} ({len(handle.desk.tickets)} tickets), control at "
                       f"{handle.side.url}/_sandbox/")
        if details is not None:
            _write(details, [described(handle) for handle in handles])
        over.wait()
    finally:
        for handle in handles:
            handle.stop()


def described(handle: Handle) -> dict[str, Any]:
    """What connects to a stand-in, secrets in the clear: they protect nothing but made-up tickets."""
    known = handle.settings(handle.make, Path())
    auth = {name: value.reveal() if isinstance(value, Secret) else value for name, value in known.auth.items()}
    return {"make": handle.make, "url": handle.url, "auth": auth, "timezone": known.timezone,
            "options": dict(known.options), "webhook_secret": known.webhook_secrets[0].reveal()}


def _write(path: Path, data: Any) -> None:
    path.touch(mode=0o600)
    path.write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
