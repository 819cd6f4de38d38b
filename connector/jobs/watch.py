"""Notices that the machine's clock was set back: what is due by it would otherwise wait until it is late again."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Final

import structlog

from connector.domain.errors import ConnectorError

log = structlog.get_logger("connector.jobs")
LOOK_EVERY: Final = 2.0
"""Seconds."""
LEAST: Final = timedelta(seconds=5)
"""Less than that is a clock being corrected slowly, and nobody waits long for it."""


class Watch:
    """Calls `mend` with how far the clock was set back, until that works. Wall time and a time that only goes on."""

    def __init__(self, mend: Callable[[timedelta], None], wall: Callable[[], float] = time.time,
                 steady: Callable[[], float] = time.monotonic) -> None:
        self._mend, self._wall, self._steady = mend, wall, steady
        self._ahead = wall() - steady()
        self._owed = timedelta(0)
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="clock-watch", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def end(self) -> None:
        self._ending.set()
        if self._thread.is_alive():
            self._thread.join()

    def look(self) -> None:
        ahead = self._wall() - self._steady()
        back, self._ahead = timedelta(seconds=self._ahead - ahead), ahead
        if back > LEAST:
            log.warning("clock_set_back", by_s=round(back.total_seconds()))
            self._owed += back
        if not self._owed:
            return
        try:
            self._mend(self._owed)
        except ConnectorError as error:
            log.warning("clock_not_mended", reason=str(error))
        else:
            self._owed = timedelta(0)

    def _run(self) -> None:
        while not self._ending.wait(LOOK_EVERY):
            self.look()
