"""Leases that say which process does the work of a tool: renewed at half time, expired by a crash."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta
from typing import Final

from connector.ports import Deps

LEASE: Final = timedelta(seconds=60)


class Leases:
    """Thread-safe. A lease is not asked for again before half of it has passed: an idle poll writes nothing."""

    def __init__(self, deps: Deps) -> None:
        self._deps = deps
        self._until: dict[str, datetime] = {}
        self._lock = threading.Lock()

    def hold(self, name: str) -> bool:
        """Whether this process may do the work now."""
        now = self._deps.now()
        with self._lock:
            until = self._until.get(name)
        if until is not None and until - now > LEASE / 2:
            return True
        with self._deps.store.begin() as tx:
            got = tx.lease(name, self._deps.owner, now, now + LEASE)
        with self._lock:
            if got:
                self._until[name] = now + LEASE
            else:
                self._until.pop(name, None)
        return got

    def end(self) -> None:
        """Give all back, so that another process goes on at once."""
        with self._lock:
            names, self._until = list(self._until), {}
        with self._deps.store.begin() as tx:
            for name in names:
                tx.end_lease(name, self._deps.owner)
