"""The agreements in force: read from their folder, read again when a file changes, never replaced by a bad file."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

import structlog

from connector.domain.agreements.profile import Profile
from connector.domain.agreements.registry import Registry
from connector.domain.errors import ConfigError, Problem
from connector.files import escalations as escalation_files
from connector.files.profiles import Folder, Older, load, revive
from connector.ports import Store

log = structlog.get_logger("connector.files.in_force")
Stamp = tuple[tuple[str, int, int], ...]


def older_of(kept: Mapping[tuple[str, str], Mapping[str, Any]]) -> Older:
    """Kept versions as profiles; one that this program can no longer read is left out and told."""
    found: dict[tuple[str, str], Profile] = {}
    for (name, version), document in kept.items():
        if name.startswith(escalation_files.PREFIX):
            continue
        profile = revive(document, version)
        if profile is None:
            log.warning("kept_version_unreadable", profile=name, version=version)
        else:
            found[name, version] = profile
    return found


class Agreements:
    """Thread-safe. With a store, every version that comes into force is kept there, for clocks that still hold it."""

    def __init__(self, folder: Path, store: Store | None = None, now: Callable[[], datetime] | None = None) -> None:
        self.folder = folder
        self._store = store
        self._now = now
        self._lock = threading.Lock()
        self._stamp = self._look()
        self._held: Folder = self._load()
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

    def _load(self) -> Folder:
        if self._store is None or self._now is None:
            return load(self.folder)
        with self._store.read() as tx:
            kept = tx.kept_agreements()
        ladders = {(rule.name, rule.version): rule for rule in escalation_files.revived(kept)}
        folder = load(self.folder, older_of(kept), ladders=ladders, now=self._now())
        registry = folder.registry
        found = {(one.name, one.version): folder.documents[one.name] for one in registry.profiles}
        for rule in registry.escalations.values():
            name = escalation_files.PREFIX + rule.name
            found[name, rule.version] = escalation_files.document(rule, folder.documents[name])
        new = {key: written for key, written in found.items() if key not in kept}
        if new:
            with self._store.begin() as tx:
                tx.keep_agreements(new, self._now())
        return folder

    def _read(self) -> None:
        try:
            self._held = self._load()
        except ConfigError as error:
            self.problems = tuple(error.problems)
            log.error("agreements_not_taken", problems=len(self.problems), first=str(self.problems[0]))
        else:
            self.problems = ()
            log.info("agreements_read", profiles=len(self._held.registry.profiles))

    def _look(self) -> Stamp:
        return tuple(sorted(_files(str(self.folder))))


def _files(folder: str) -> Iterator[tuple[str, int, int]]:
    """Name, time and size of every file that is read. scandir: this runs with every request and message."""
    # What goes away meanwhile is not there: the next look sees the same.
    with suppress(FileNotFoundError), os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                yield from _files(entry.path)
            elif entry.name.endswith((".yaml", ".ics")):
                with suppress(FileNotFoundError):
                    stat = entry.stat()
                    yield entry.path, stat.st_mtime_ns, stat.st_size
