"""GLPI's local times. They carry no zone: it is the zone of the user that owns the token (or of the server).

In the hour that the end of daylight saving time repeats, a local time means two instants. GLPI does not say which, so
the first is taken: such a time can be one hour early. Reading never depends on it (`before`, `repeated`).
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

FORM = "%Y-%m-%d %H:%M:%S"


class Zone:
    """Conversions between GLPI's local text and aware UTC."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._zone = ZoneInfo(name)

    def utc(self, text: str) -> datetime | None:
        """The instant of a local time; a time with an offset keeps its own. None for unset. Raises ValueError."""
        text = text.strip()
        if not text or text.startswith("0000"):
            return None
        at = datetime.fromisoformat(text)
        return (at if at.tzinfo else at.replace(tzinfo=self._zone)).astimezone(UTC)

    def local(self, at: datetime) -> str:
        return at.astimezone(self._zone).strftime(FORM)

    def repeated(self, text: str) -> bool:
        """Whether this local time happens twice."""
        return self._step(self._parse(text)) > timedelta(0)

    def before(self, text: str, overlap: timedelta) -> str:
        """A local time such that everything GLPI stamps from `overlap` before `text` on is later, on either side of
        a change of the clock."""
        low = (self._parse(text).astimezone(UTC) - overlap).astimezone(self._zone)
        return (low.replace(tzinfo=None, fold=0) - max(self._step(low), timedelta(0))).strftime(FORM)

    def shifted(self, text: str, seconds: int) -> str:
        """The local time so many seconds away by the tool's own clock face."""
        return (datetime.fromisoformat(text) + timedelta(seconds=seconds)).strftime(FORM)

    def steady(self, year: int) -> bool:
        """Whether the zone keeps one offset all year."""
        offsets = {datetime(year, month, 1, tzinfo=self._zone).utcoffset() for month in range(1, 13)}
        return len(offsets) == 1

    def offset(self, at: datetime) -> timedelta:
        return at.astimezone(self._zone).utcoffset() or timedelta(0)

    def _parse(self, text: str) -> datetime:
        return datetime.fromisoformat(text).replace(tzinfo=self._zone)

    @staticmethod
    def _step(at: datetime) -> timedelta:
        """By how much the clock is set back during the hour around `at`; negative in a skipped hour, else zero."""
        first, second = at.replace(fold=0).utcoffset(), at.replace(fold=1).utcoffset()
        return (first or timedelta(0)) - (second or timedelta(0))
