"""The agreements in force: read from their folder, read again when a file changes, never replaced by a bad file."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import structlog

from connector.domain.errors import ConfigError, Problem
from connector.domain.registry import Registry
from connector.profiles import Folder, Older, load

log = structlog.get_logger("connector.agreements")
Stamp = tuple[tuple[str, int, int], ...]


class Agreements:
    """Thread-safe. `older` gives the versions that running clocks still hold."""

    def __init__(self, folder: Path, older: Callable[[], Older] = dict) -> None:
        self.folder = folder
        self._older = older
        self._lock = threading.Lock()
        self._stamp = self._look()
        self._held: Folder = load(folder, older())
        self.problems: tuple[Problem, ...] = ()
        """What is wrong with the files as they are now, while the last good ones stay in force."""

    def current(self) -> Registry:
        """Looks at the files' names, times and sizes, and reads them only when those changed."""
        with self._lock:
            stamp = self._look()
            if stamp != self._stamp:
                self._stamp = stamp
                self._read()
            return self._held.registry

    @property
    def folder_read(self) -> Folder:
        self.current()
        return self._held

    def _read(self) -> None:
        try:
            self._held = load(self.folder, self._older())
        except ConfigError as error:
            self.problems = tuple(error.problems)
            log.error("agreements_not_taken", problems=len(self.problems), first=str(self.problems[0]))
        else:
            self.problems = ()
            log.info("agreements_read", profiles=len(self._held.registry.profiles))

    def _look(self) -> Stamp:
        found = []
        for path in sorted(self.folder.rglob("*")):
            if path.suffix in (".yaml", ".ics"):
                stat = path.stat()
                found.append((str(path), stat.st_mtime_ns, stat.st_size))
        return tuple(found)
