"""`connector db`: make and move the store."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from connector.commands.context import Context, pass_context
from connector.store import admin
from connector.store.verify import verify as look_for_damage

Where = tuple[str, str | None]


def _store(command: Callable[..., Any]) -> Callable[..., Any]:
    text = "Address of another store than the one in the settings. Its password comes with the settings."
    return click.option("--store", "address", metavar="URL", help=text)(command)


def _where(context: Context, address: str | None) -> Where:
    if address is not None and not context.config.exists():
        return address, None
    password = context.settings.store_password
    return address or context.settings.store_url, None if password is None else password.reveal()


@click.group()
def db() -> None:
    """Make, back up, restore and verify the store."""


@db.command()
@_store
@pass_context
def upgrade(context: Context, address: str | None) -> None:
    """Make the tables, or bring them to this version."""
    admin.upgrade(*_where(context, address))
    click.echo("the store is at this version")


@db.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@_store
@pass_context
def backup(context: Context, file: Path, address: str | None) -> None:
    """Write everything to FILE, while the service runs. It restores into SQLite and PostgreSQL alike."""
    url, password = _where(context, address)
    try:
        admin.backup(url, file, password)
    except FileExistsError as error:
        raise click.ClickException(str(error)) from None
    click.echo(f"{file}: {file.stat().st_size:,} bytes")


@db.command()
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--force", is_flag=True, help="Replace what a store that is not empty holds.")
@_store
@pass_context
def restore(context: Context, file: Path, force: bool, address: str | None) -> None:
    """Fill the store from FILE. Refuses a store that is not empty."""
    url, password = _where(context, address)
    admin.restore(url, file, password, force=force)
    click.echo("restored")


@db.command()
@_store
@pass_context
def verify(context: Context, address: str | None) -> None:
    """Look for damage: exit code 1 and one line each when there is any."""
    found = look_for_damage(*_where(context, address))
    for problem in found.problems:
        click.echo(problem)
    if found.problems:
        raise SystemExit(1)
    click.echo("the store is sound")
