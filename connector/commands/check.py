"""`connector check`: every mistake of every file, and what the tools say of them."""

from __future__ import annotations

import os
from collections.abc import Callable

import click

from connector.commands.context import Context, pass_context
from connector.domain.errors import Problem
from connector.ports import Vendor


@click.command()
@click.option("--live", is_flag=True, help="Also ask each tool for its version, rights, fields and states.")
@pass_context
def check(context: Context, live: bool) -> None:
    """Print every problem of settings, mappings and agreements with file, line and column. Exit code 1 on errors."""
    from connector.checks import deployment as checks

    found = checks.files(context.config, os.environ)
    _print(found.problems)
    failed = bool(found.errors)
    if live:
        failed = _ask(found) or failed
    if not failed:
        tools = len(found.settings.tools) if found.settings is not None else 0
        click.echo(f"no errors ({tools} tools)")
    raise SystemExit(1 if failed else 0)


def _ask(found: object) -> bool:
    """Whether a tool answered with an error."""
    from connector import vendors
    from connector.checks import deployment as checks
    from connector.wiring import utc_now

    assert isinstance(found, checks.Found)
    if found.settings is None:
        click.echo("the tools were not asked: first mend the settings", err=True)
        return True
    failed = False
    for name, tool in found.settings.tools.items():
        mapping = found.mappings.get(name)
        if mapping is None:
            click.echo(f"{name}: not asked, its mapping cannot be read", err=True)
            continue
        build: Callable[[], Vendor] = lambda tool=tool, mapping=mapping: vendors.build(tool, mapping, utc_now)  # type: ignore[misc] # noqa: E731
        answer = checks.live(tool, mapping, build)
        if answer.diagnosis is not None:
            can = ", ".join(sorted(answer.diagnosis.capabilities))
            plugin = f", plugin {answer.diagnosis.plugin}" if answer.diagnosis.plugin else ""
            click.echo(f"{name}: {tool.vendor} {answer.diagnosis.version}{plugin}, account {answer.diagnosis.account}, "
                       f"can {can}")
        _print(list(answer.problems))
        failed = failed or any(problem.severity == "error" for problem in answer.problems)
    return failed


def _print(problems: list[Problem]) -> None:
    for problem in problems:
        click.echo(str(problem), err=True)
