"""`connector sla`: explain, replay, compare and try agreements."""

from __future__ import annotations

import sys
from pathlib import Path

import click
import orjson


@click.group()
def sla() -> None:
    """Explain due times, replay states, try a profile on history."""


@sla.command()
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False, allow_dash=True))
def replay(file: Path) -> None:
    """Replay the cases of FILE (JSON, - for standard input) through one clock each; prints the readings as JSON."""
    from connector.domain.errors import ConfigError, Problem
    from connector.domain.replay import replay as run

    name = "standard input" if str(file) == "-" else str(file)
    try:
        cases = orjson.loads(sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes())
    except orjson.JSONDecodeError as error:
        raise ConfigError([Problem(f"is not JSON: {error.msg}", name, error.lineno, error.colno)]) from None
    click.echo(orjson.dumps(run(cases, name), option=orjson.OPT_INDENT_2))
