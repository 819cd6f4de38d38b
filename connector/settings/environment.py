"""Settings from the environment: each CONNECTOR_ variable stands over one entry of connector.yaml."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from typing import Any, Final

from connector.domain.errors import Problem
from connector.domain.problems import Path

PREFIX: Final = "CONNECTOR_"
OVERRIDES: Final[Mapping[str, Path]] = {
    "CONNECTOR_NAME": ("name",),
    "CONNECTOR_TIMEZONE": ("timezone",),
    "CONNECTOR_LANGUAGES": ("languages",),
    "CONNECTOR_PUBLIC_URL": ("web", "public_url"),
    "CONNECTOR_HOST": ("web", "host"),
    "CONNECTOR_PORT": ("web", "port"),
    "CONNECTOR_SESSION_SECRET": ("web", "session_secret"),
    "CONNECTOR_STORE_URL": ("store", "url"),
    "CONNECTOR_STORE_PASSWORD": ("store", "password"),
}
OF_A_TOOL: Final = ("url", "timezone", "poll_every", "sweep_every", "page", "concurrency", "per_minute")
ELSEWHERE: Final = frozenset({"CONNECTOR_SETTINGS"})
"""Read by the command line, before there are settings."""
_NUMBERS: Final = frozenset({"port", "page", "concurrency", "per_minute"})
_SECRETS: Final = frozenset({"session_secret", "password"})


def overlay(data: dict[str, Any], environ: Mapping[str, str]) -> dict[Path, str]:
    """Put the variables over `data`, in place; gives back which path came from which variable.

    An empty variable counts as not set.
    """
    taken: dict[Path, str] = {}
    for variable, path in overrides(data):
        value = environ.get(variable, "")
        if value and _put(data, path, _typed(path, variable, value)):
            taken[path] = variable
    return taken


def overrides(data: Mapping[str, Any]) -> Iterator[tuple[str, Path]]:
    """Every variable that has a meaning with these tools."""
    yield from OVERRIDES.items()
    tools = data.get("tools")
    for tool in tools if isinstance(tools, Mapping) else ():
        name = str(tool).upper().replace("-", "_")
        for key in OF_A_TOOL:
            yield f"{PREFIX}TOOL_{name}_{key.upper()}", ("tools", tool, key)


def _typed(path: Path, variable: str, value: str) -> Any:
    key = path[-1]
    if key in _SECRETS:
        return {"env": variable}
    if key in _NUMBERS and value.strip().isdigit() and len(value) < 12:
        return int(value)
    return [part.strip() for part in value.split(",") if part.strip()] if key == "languages" else value


def _put(data: dict[str, Any], path: Path, value: Any) -> bool:
    for part in path[:-1]:
        inner = data.setdefault(str(part), {}) if data.get(str(part)) is not None else _fresh(data, str(part))
        if not isinstance(inner, dict):
            return False
        data = inner
    data[str(path[-1])] = value
    return True


def _fresh(data: dict[str, Any], key: str) -> dict[str, Any]:
    inner: dict[str, Any] = {}
    data[key] = inner
    return inner


def misspelt(environ: Mapping[str, str], data: Mapping[str, Any], referenced: set[str]) -> list[Problem]:
    """Variables that are nearly ours: a misspelt one would be ignored without a word."""
    known = {variable for variable, _ in overrides(data)} | ELSEWHERE
    problems = []
    for variable in sorted(environ):
        if variable.startswith(PREFIX) and variable not in known | referenced:
            near = difflib.get_close_matches(variable, known, 1, 0.9)
            if near:
                problems.append(Problem(f"unknown variable {variable}, did you mean {near[0]}?", "environment"))
    return problems
