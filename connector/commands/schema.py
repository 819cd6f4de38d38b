"""`connector schema`: JSON Schemas for editors."""

from __future__ import annotations

import click
import orjson

from connector.schemas.published import SCHEMAS


@click.command()
@click.argument("name", type=click.Choice(sorted(SCHEMAS)))
def schema(name: str) -> None:
    """Print the JSON Schema of the files called NAME."""
    click.echo(orjson.dumps(SCHEMAS[name](), option=orjson.OPT_INDENT_2))
