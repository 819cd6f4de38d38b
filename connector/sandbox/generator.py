"""placeholder"""

from __future__ import annotations

from datetime import datetime


class Life:
    def advance(self, now: datetime) -> None: ...
