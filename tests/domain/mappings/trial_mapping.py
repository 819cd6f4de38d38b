"""A mapping to try things on, its record, and ways to change it."""

from __future__ import annotations

from collections.abc import Mapping as Table
from datetime import UTC, datetime
from typing import Any

from connector import yaml12
from connector.domain.mapping import Mapping
from connector.domain.ticket import Ticket

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)

GLPI = """\
mapping: trial
vendor: glpi
id: id
fields:
  number: id
  kind: {from: type, values: {1: incident, 2: service_request}}
  title: {from: name, owner: newest, write: name}
  description: content
  state:
    from: status
    values: {1: new, 2: in_progress, 3: in_progress, 4: {state: pending, pending_on: customer}, 5: resolved, 6: closed}
    write: {in_progress: 2}
  impact: {from: impact, values: {5: very_high, 4: high, 3: medium, 2: low, 1: very_low}, owner: manual, write: true}
  priority: {from: priority, values: {6: P1, 5: P1, 4: P2, 3: P3, 2: P4, 1: P5}}
  group: {from: _group, owner: connector, write: true}
  level: {from: _group, values: {Service Desk: 1, Network: 2}, else: null}
  tags: {from: labels, transform: {split: ","}, owner: set, write: true}
  due_at: {from: due, write: true}
  opened_at: date
  updated_at: date_mod
  deleted: is_deleted
  custom.cost_centre: {from: plugin_x, transform: [strip, upper]}
"""
RECORD = {
    "id": 7, "type": 1, "name": "Mail is slow", "content": "since noon", "status": 4, "impact": "5", "priority": 5,
    "_group": "Service Desk", "labels": "mail, exchange", "date": "2026-03-02 12:00:00",
    "date_mod": "2026-03-02 12:00:00", "is_deleted": 0, "plugin_x": " ab ",
}


def when(raw: str) -> datetime | None:
    """As an adapter's: this tool writes UTC."""
    return None if raw.startswith("0000") else datetime.fromisoformat(raw).replace(tzinfo=UTC)


def load(text: str) -> Mapping:
    document = yaml12.parse(text.encode(), "m.yaml")
    return Mapping.from_dict(document.data, document.file, document.where)


def changed(**fields: str) -> Mapping:
    """The trial mapping with some of its fields written anew."""
    data = yaml12.parse(GLPI.encode()).data
    for name, spec in fields.items():
        data["fields"][name] = yaml12.parse(spec.encode()).data
    return Mapping.from_dict(data)


def read(record: Table[str, Any], mapping: Mapping | None = None) -> Ticket:
    return (mapping or load(GLPI)).read("hq", {**RECORD, **record}, when)
