"""Changes from `metric_instance`, for accounts that may not read the audit: only fields with a metric, and no actor.

A "field value duration" metric keeps one row for each value a field had, with its start: the starts are the changes.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any, Final

from connector.domain.errors import Refused
from connector.domain.history import Event
from connector.vendors.servicenow.changes import People, Step, Translator
from connector.vendors.servicenow.choices import labels
from connector.vendors.servicenow.desk import Desk
from connector.vendors.servicenow.paging import Pager
from connector.vendors.servicenow.query import one_of
from connector.vendors.servicenow.records import bare

METRICS: Final = "metric_instance"
FIELDS: Final = ("id", "field", "value", "start", "end", "definition", "definition.type")
DURATION: Final = "field_value_duration"
LIFE: Final = timedelta(hours=1)
Row = dict[str, Any]


class Metrics:
    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.translator = Translator(desk)
        self._lock = threading.Lock()
        self._labels: dict[tuple[str, str], dict[str, str]] | None = None
        self._read_at = desk.now()

    def events(self, tickets: Mapping[str, tuple[str, Row]], people: People) -> Iterator[tuple[str, Event]]:
        rows = self._rows(tickets)
        for id, own in rows.items():
            table, ticket = tickets[id]
            for event in self.translator.events(table, self._steps(table, own), ticket, people):
                yield id, event

    def _rows(self, tickets: Mapping[str, tuple[str, Row]]) -> dict[str, list[Row]]:
        pager = Pager(self.desk.client, METRICS, FIELDS, key="sys_created_on", only=one_of("id", tickets))
        found: dict[str, dict[str, Row]] = {}
        for part in pager.read():
            for row in part.rows:
                id, kind = bare(row.get("id")), row.get("definition.type")
                if id in tickets and row.get("field") in self.translator.bases and kind in (None, "", DURATION):
                    found.setdefault(id, {})[row["sys_id"]] = row
        return {id: list(own.values()) for id, own in found.items()}

    def _steps(self, table: str, rows: list[Row]) -> list[Step]:
        """One definition per field counts: a second metric on the same field repeats the first."""
        chosen: dict[str, str] = {}
        for row in sorted(rows, key=lambda row: bare(row.get("definition"))):
            chosen.setdefault(bare(row["field"]), bare(row.get("definition")))
        rows = [row for row in rows if chosen[bare(row["field"])] == bare(row.get("definition"))]
        last: dict[str, str] = {}
        steps: list[Step] = []
        for seq, row in enumerate(sorted(rows, key=lambda row: (bare(row.get("start")), row["sys_id"]))):
            field = bare(row["field"])
            value = self._stored(table, field, bare(row.get("value")))
            old, last[field] = last.get(field), value
            try:
                at = self.desk.when(bare(row.get("start")))
            except ValueError:
                at = None
            if old is None or at is None:
                continue  # the first value a field had is no change
            names = {source for rule in self.translator.rules[table] for source in rule.sources
                     if source == field or source.startswith(field + ".")}
            steps.append(Step(f"metric:{row['sys_id']}", at, seq, "", dict.fromkeys(names, (old, value))))
        return steps

    def _stored(self, table: str, field: str, value: str) -> str:
        """Metrics keep what was shown (a label, a name); choices are turned back into what is stored."""
        known = self._choices().get((table, field)) or self._choices().get(("task", field)) or {}
        return known.get(value, value)

    def _choices(self) -> dict[tuple[str, str], dict[str, str]]:
        with self._lock:
            if self._labels is None or self.desk.now() - self._read_at > LIFE:
                try:
                    self._labels = labels(self.desk.client, self.desk.options.tables, self.translator.bases)
                except Refused:
                    self._labels = {}
                self._read_at = self.desk.now()
            return self._labels
