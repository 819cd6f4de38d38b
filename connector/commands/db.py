"""`connector db`: make and move the store."""

from __future__ import annotations

from pathlib import Path

import click

from connector.commands.context import Context, pass_context
from connector.store import admin


@click.group()
def db() -> None:
    """Make, back up, restore and verify the store."""


def _where(context: Context) -> tuple[str, str | None]:
    password = context.settings.store_password
    return context.settings.store_url, None if password is None else password.reveal()


@db.command()
@pass_context
def upgrade(context: Context) -> None:
    """Make the tables, or bring them to this version."""
    admin.upgrade(*_where(context))
    click.echo("the store is at this version")


@db.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@pass_context
def backup(context: Context, file: Path) -> None:
    """Write everything to FILE, while the service runs. It restores into SQLite and PostgreSQL alike."""
    url, password = _where(context)
    admin.backup(url, file, password)
    click.echo(f"{file}: {file.stat().st_size:,} bytes")


@db.command()
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--force", is_flag=True, help="Replace what a store that is not empty holds.")
@pass_context
def restore(context: Context, file: Path, force: bool) -> None:
    """Fill the store from FILE. Refuses a store that is not empty."""
    url, password = _where(context)
    admin.restore(url, file, password, force=force)
    click.echo("restored")


@db.command()
@pass_context
def verify(context: Context) -> None:
    """Look for damage: exit code 1 and one line each when there is any."""
    problems = admin.verify(*_where(context))
    for problem in problems:
        click.echo(problem)
    if problems:
        raise SystemExit(1)
    click.echo("the store is sound")
