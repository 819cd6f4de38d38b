"""Collecting every mistake of a file a person wrote, each with its place, before giving up."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from connector.domain.errors import ConfigError, Problem
from connector.domain.saying import Saying

Path = tuple[str | int, ...]
Where = Callable[[Path], tuple[int, int]]
"""Line and column (both from 1) of a path inside a file; (0, 0) when not known."""


def nowhere(path: Path) -> tuple[int, int]:
    return 0, 0


class Problems:
    """The mistakes found so far in one file."""

    def __init__(self, file: str = "", where: Where = nowhere) -> None:
        self.file = file
        self.found: list[Problem] = []
        self._where = where

    def add(self, path: Path, message: str, severity: str = "error") -> None:
        line, column = self._where(path)
        self.found.append(Problem(message, self.file, line, column, dotted(path), severity))

    @property
    def errors(self) -> list[Problem]:
        return [problem for problem in self.found if problem.severity == "error"]

    def stop(self) -> None:
        """Raises ConfigError if there was an error."""
        if self.errors:
            raise ConfigError(sorted(self.found, key=lambda p: (p.file, p.line, p.column)))

    def keys(self, path: Path, data: Mapping[Any, Any], known: Iterable[str]) -> None:
        """Report keys outside `known`, with the nearest known one."""
        names = list(known)
        for key in data:
            if key not in names:
                self.add((*path, key), Saying("unknown key `%(key)s`%(hint)s", key=key,
                                              hint=did_you_mean(str(key), names)))


def dotted(path: Path) -> str:
    return ".".join(str(part) for part in path)


def did_you_mean(word: str, choices: Iterable[str]) -> str:
    """A remark with the nearest choice, or with all of them when none is near and they are few."""
    names = [str(choice) for choice in choices]
    near = difflib.get_close_matches(word, names, 1, 0.6) or difflib.get_close_matches(word.lower(), names, 1, 0.6)
    if near:
        return Saying(", did you mean `%(near)s`?", near=near[0])
    return one_of(sorted(names)) if 0 < len(names) <= 12 else ""


def missing(what: Saying, name: object, known: Iterable[object]) -> Saying:
    """A name that leads nowhere; `what` is the kind of thing it should be."""
    return Saying("there is no %(what)s `%(name)s`%(hint)s", what=what, name=name,
                  hint=did_you_mean(str(name), map(str, known)))


def one_of(names: Iterable[str]) -> Saying:
    return Saying(" (expected one of %(names)s)", names=", ".join(names))


def shown(value: Any, length: int = 60) -> str:
    """A value for an error message: quoted, on one line, cut."""
    try:
        text = repr(value) if isinstance(value, str) else str(value)
    except RecursionError:
        text = "what is nested too deep"
    return text if len(text) <= length else text[: length - 3] + "..."
