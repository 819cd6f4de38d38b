"""Calendar operations over numpy arrays: the same answers as ServiceCalendar, for millions of tickets at once."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from connector.domain.calendar import ServiceCalendar

Micros = NDArray[np.int64]
CHUNK: Final = 1 << 15
"""Values worked on at a time, so that every intermediate array stays in the processor's cache."""
TABLE: Final = 1 << 22
NEVER: Final = np.iinfo(np.int64).max


class _Search:
    """`np.searchsorted(edges, x, side="right")` for a fixed, sorted array: one table look-up and one comparison.

    Buckets are a power of two of microseconds and no wider than the narrowest gap, so a bucket holds one edge at most.
    """

    def __init__(self, edges: Micros) -> None:
        self.edges = edges
        self.shift = -1
        if len(edges) < 2:
            return
        narrowest = int(np.diff(edges).min())
        shift = narrowest.bit_length() - 1
        buckets = (int(edges[-1] - edges[0]) >> shift) + 2
        if buckets > TABLE:
            return
        self.shift = shift
        self.first = int(edges[0])
        self.base = np.searchsorted(edges, self.first + (np.arange(buckets, dtype=np.int64) << shift), side="right")
        self.next_edge = np.append(edges, NEVER)[self.base]

    def __call__(self, at: Micros) -> NDArray[np.intp]:
        if self.shift < 0:
            return self.edges.searchsorted(at, side="right")
        bucket = (at - self.first) >> self.shift
        np.clip(bucket, -1, len(self.base) - 1, out=bucket)
        found: NDArray[np.intp] = self.base[bucket]
        found += at >= self.next_edge[bucket]
        found[at < self.first] = 0
        return found


class BatchCalendar:
    """A stretch of a calendar, [first, last] in microseconds since the epoch, laid out for arrays.

    Results that lie beyond the stretch raise ValueError: choose it wide enough for the longest target.
    """

    def __init__(self, calendar: ServiceCalendar, first: int, last: int) -> None:
        opens, closes, total = calendar.grid(first, last)
        self.first, self.last = first, last
        self._opens = np.array(opens, dtype=np.int64)
        self._closes = np.array(closes, dtype=np.int64)
        self._total = np.array(total, dtype=np.int64)
        self._shut = np.concatenate(([np.int64(first)], self._closes))
        self._find_open = _Search(self._opens)
        self._find_total = _Search(self._total)

    def passed(self, at: Micros) -> Micros:
        """Open time from the start of the stretch to each instant."""
        if len(at) and not (self.first <= int(at.min()) and int(at.max()) <= self.last):
            raise ValueError("an instant lies outside the stretch this batch calendar was made for")
        i = self._find_open(at)
        left = self._shut[i] - at
        np.maximum(left, 0, out=left)
        left[i == 0] = 0
        return self._total[i] - left

    def elapsed(self, start: Micros, end: Micros) -> Micros:
        """Business microseconds between pairs of instants; negative where `end` is earlier."""
        result = np.empty(len(start), dtype=np.int64)
        for at in range(0, len(start), CHUNK):
            part = slice(at, at + CHUNK)
            result[part] = self.passed(end[part]) - self.passed(start[part])
        return result

    def add(self, start: Micros, duration: Micros) -> Micros:
        """The instants at which positive amounts of business time have passed; a closing instant is a result."""
        if len(duration) and int(duration.min()) <= 0:
            raise ValueError("batch add takes positive durations only")
        result = np.empty(len(start), dtype=np.int64)
        for at in range(0, len(start), CHUNK):
            part = slice(at, at + CHUNK)
            wanted = self.passed(start[part]) + duration[part]
            i = self._find_total(wanted - 1)
            if len(i) and int(i.max()) > len(self._closes):
                raise ValueError("a due time lies outside the stretch this batch calendar was made for")
            result[part] = self._shut[i] - self._total[i] + wanted
        return result
