"""The `connector` command. Each command lives in a file of its own under commands/, imported when it is called."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path
from typing import Any, Final

import click

from connector import __version__
from connector.commands.context import CONFIG_VARIABLE, Context
from connector.domain.errors import ConfigError, ConnectorError

COMMANDS: Final = {
    "run": "run:run",
    "web": "run:web",
    "worker": "run:worker",
    "health": "health:health",
    "demo": "demo:demo",
    "db": "db:db",
    "check": "check:check",
    "schema": "schema:schema",
    "sync": "sync:sync",
    "import": "importing:importing",
    "user": "user:user",
    "sla": "sla:sla",
    "escalations": "escalations:escalations",
    "major": "major:major",
    "requests": "requests:requests",
    "people": "people:people",
    "deliveries": "deliveries:deliveries",
    "handoffs": "handoffs:handoffs",
    "supplier": "supplier:supplier",
}
"""Command -> module and name, so that `connector --help` loads nothing it does not need."""


class Commands(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        place = COMMANDS.get(cmd_name)
        if place is None:
            return None
        module, _, name = place.partition(":")
        command: click.Command = getattr(import_module(f"connector.commands.{module}"), name)
        return command

    def invoke(self, ctx: click.Context) -> Any:
        """Errors of ours are told in words, not as a traceback."""
        try:
            return super().invoke(ctx)
        except ConfigError as error:
            for problem in error.problems:
                click.echo(str(problem), err=True)
            ctx.exit(1)
        except ConnectorError as error:
            click.echo(f"connector: {error}", err=True)
            ctx.exit(1)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option("--config", "-c", type=click.Path(path_type=Path, dir_okay=False), envvar=CONFIG_VARIABLE,
              default=Path("connector.yaml"), show_default=True, help="The settings file.")
@click.version_option(__version__, prog_name="connector")
@click.pass_context
def main(ctx: click.Context, config: Path) -> None:
    """Promises kept on top of ServiceNow, GLPI and osTicket."""
    ctx.obj = Context(config)


if __name__ == "__main__":
    sys.exit(main())
