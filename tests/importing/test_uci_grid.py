"""The page on the UCI backtest says what a plain count says, for every agreement it lists as tried."""

from __future__ import annotations

import re
from typing import Any, Final

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from tests.importing.conftest import DATA, ROOT

Numbers = np.ndarray[Any, np.dtype[Any]]

PAGE: Final = (ROOT / "docs/backtest-uci.md").read_text(encoding="utf-8")
ROW: Final = re.compile(r"\| Mon-(Fri|Sat|Sun) (\d\d)-(\d\d) \| first (closed|resolved) \| ([a-z ]+) \| ([\d.]+) % \|")
FIRST: Final = np.datetime64("2016-01-01T00:00", "m")  # a Friday
MINUTES: Final = np.arange(600 * 1440)
PAUSES: Final = {
    "never": (), "waiting for the user": ("Awaiting User Info",),
    "any waiting": ("Awaiting User Info", "Awaiting Vendor", "Awaiting Problem", "Awaiting Evidence"),
}


def spent(days: int, start: int, end: int) -> Numbers:
    """Minutes of the calendar before each minute since `FIRST`."""
    minute, weekday = MINUTES % 1440, (MINUTES // 1440 + 4) % 7
    on = (minute >= start * 60) & (minute < end * 60) & (weekday < days)
    return np.concatenate([[0], np.cumsum(on)])


def most_right(elapsed: Numbers, made: Numbers) -> int:
    """How many outcomes the best of all targets explains."""
    order = np.argsort(elapsed, kind="stable")
    elapsed, made = elapsed[order], made[order]
    right = np.concatenate([[0], np.cumsum(made)]) + np.concatenate([np.cumsum(~made[::-1])[::-1], [0]])
    between = np.concatenate([[True], elapsed[1:] != elapsed[:-1], [True]])
    return int(right[between].max())


class Log:
    """The rows in order of incident, time and file; `ends` are the places after each incident's last row."""

    def __init__(self) -> None:
        table = pq.read_table(DATA / "uci_incident_event_log.parquet").sort_by(
            [("number", "ascending"), ("sys_updated_at", "ascending"), ("row_no", "ascending")])
        number = table["number"].to_numpy()
        self.state = table["incident_state"].to_numpy().copy()
        for place in np.flatnonzero(self.state == "-100"):
            self.state[place] = self.state[place - 1]
        self.begins = np.flatnonzero(np.concatenate([[True], number[1:] != number[:-1]]))
        self.ends = np.append(self.begins[1:], len(number))
        self.incident = np.repeat(np.arange(len(self.begins)), self.ends - self.begins)
        self.at = self._minutes(table["sys_updated_at"])
        self.opened = self._minutes(table["opened_at"])[self.begins]
        self.made_sla = table["made_sla"].to_numpy().astype(bool)
        self.made = self.made_sla[self.ends - 1]
        self.priority = pc.utf8_slice_codeunits(table["priority"], 0, 1).to_numpy()[self.ends - 1]
        closed = self._first("Closed", self.at[self.ends - 1])
        self.done = {"closed": closed, "resolved": self._first("Resolved", closed)}

    @staticmethod
    def _minutes(column: Any) -> Numbers:
        return np.asarray((column.to_numpy().astype("datetime64[m]") - FIRST).astype(int))

    def _first(self, state: str, otherwise: Numbers) -> Numbers:
        found, places = otherwise.copy(), np.flatnonzero(self.state == state)[::-1]
        found[self.incident[places]] = self.at[places]
        return found

    def agreement(self, calendar: Numbers, end: str, pauses: tuple[str, ...]) -> float:
        done = self.done[end]
        elapsed = calendar[done] - calendar[self.opened]
        since, until = self.at.copy(), np.append(self.at[1:], 0)
        since[self.begins], until[self.ends - 1] = self.opened, done
        until = np.maximum(np.minimum(until, done[self.incident]), since)
        paused = (calendar[until] - calendar[since]) * np.isin(self.state, pauses)
        elapsed = elapsed - np.add.reduceat(paused, self.begins)
        right = sum(most_right(elapsed[self.priority == p], self.made[self.priority == p]) for p in "1234")
        return 100 * right / len(self.made)


@pytest.fixture(scope="module")
def log() -> Log:
    return Log()


def test_there_are_enough_of_them() -> None:
    assert len(ROW.findall(PAGE)) >= 12


@pytest.mark.parametrize("row", ROW.findall(PAGE), ids=lambda row: "-".join(row[:5]))
def test_what_was_tried_agrees_as_often_as_the_page_says(log: Log, row: tuple[str, ...]) -> None:
    days, start, end, done, pauses, said = row
    calendar = spent({"Fri": 5, "Sat": 6, "Sun": 7}[days], int(start), int(end))
    assert f"{log.agreement(calendar, done, PAUSES[pauses]):.2f}" == said


def test_made_sla_turns_false_with_the_closing(log: Log) -> None:
    within = log.incident[1:] == log.incident[:-1]
    turned = np.flatnonzero(log.made_sla[:-1] & ~log.made_sla[1:] & within) + 1
    at_closing = np.count_nonzero((log.state[turned] == "Closed") & (log.state[turned - 1] == "Resolved"))
    assert f"({at_closing:,} of {len(turned):,} times)" in PAGE
