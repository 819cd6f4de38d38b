"""Changes from `sys_audit`: one row per field and update, exact to the second and to the number of the update."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from connector.domain.history import Event
from connector.vendors.servicenow.changes import People, Step, Translator
from connector.vendors.servicenow.desk import Desk
from connector.vendors.servicenow.paging import Pager
from connector.vendors.servicenow.query import both, one_of
from connector.vendors.servicenow.records import bare

AUDIT: Final = "sys_audit"
FIELDS: Final = ("tablename", "documentkey", "fieldname", "oldvalue", "newvalue", "user", "record_checkpoint")
Row = dict[str, Any]


class Audit:
    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.translator = Translator(desk)

    def events(self, tickets: Mapping[str, tuple[str, Row]], people: People) -> Iterator[tuple[str, Event]]:
        steps = self.translator.named(self.steps(tickets))
        for id, own in steps.items():
            table, ticket = tickets[id]
            for event in self.translator.events(table, own, ticket, people):
                yield id, event

    def steps(self, tickets: Mapping[str, tuple[str, Row]]) -> dict[str, list[Step]]:
        """Per ticket, its updates in order. Always asked by `documentkey`: the table is huge, and that its index."""
        classes = sorted({name for table, row in tickets.values()
                          for name in (table, bare(row.get("sys_class_name"))) if name})
        pager = Pager(self.desk.client, AUDIT, FIELDS, key="sys_created_on",
                      only=both(one_of("tablename", classes), one_of("documentkey", tickets)))
        found: dict[str, dict[tuple[str, int], tuple[str, dict[str, tuple[str, str]]]]] = {}
        seen: set[str] = set()
        for part in pager.read():
            for row in part.rows:
                id, name = bare(row.get("documentkey")), bare(row.get("fieldname"))
                if id not in tickets or name not in self.translator.bases or row["sys_id"] in seen:
                    continue
                seen.add(row["sys_id"])
                place = (row["sys_created_on"], _number(row.get("record_checkpoint")))
                _, changed = found.setdefault(id, {}).setdefault(place, (bare(row.get("user")), {}))
                old = changed[name][0] if name in changed else bare(row.get("oldvalue"))
                changed[name] = (old, bare(row.get("newvalue")))
        return {id: [step for (at, count), (user, changed) in sorted(own.items(), key=lambda item: item[0])
                     if (step := self._step(at, count, user, changed)) is not None] for id, own in found.items()}

    def _step(self, at: str, count: int, user: str, changed: dict[str, tuple[str, str]]) -> Step | None:
        try:
            when = self.desk.when(at)
        except ValueError:
            return None
        return Step(f"audit:{at}:{count}", when, count, user, changed) if when is not None else None


def _number(raw: Any) -> int:
    text = bare(raw)
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0
