"""The ladder of the demo: an agreement of one minute, so that one can watch it climb up to the director."""

from __future__ import annotations

import time
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Final

from connector.domain.errors import ConnectorError
from connector.domain.escalations.escalated import FIRED, SKIPPED
from connector.domain.history import EventKind
from connector.domain.ticket import Draft, Kind
from connector.flows import editing
from connector.ports import Deps
from connector.store import SqlStore
from connector.store.board import BoardQueries
from connector.store.queries import Queries
from connector.store.views import TicketFilter

PATIENCE: Final = 10.0
"""Seconds to wait for the first reading of a tool."""
TITLE: Final = "Watch the ladder"
PROFILE: Final = f"""\
# Only in the demo: one minute, day and night.
profile: demo-minute
agreement: sla
description: Tickets that show the ladder
applies_to: {{kind: incident, title: {{like: "{TITLE}*"}}}}
calendar: 24x7
targets: {{resolution: 1m}}
conditions: {{stop: {{state: [resolved, closed]}}}}
escalate: demo-ladder
"""
LADDER: Final = """\
# The standard ladder in a minute: docs/escalations.md
escalation: demo-ladder
description: Warned at half a minute, handed on, then up to the director
steps:
  - {clock: resolution, at: 50%, do: [{notify: assignee}]}
  - {clock: resolution, at: 75%, do: [{assign: {group: Network}}, {notify: {on_duty: {level: 2}}}]}
  - {clock: resolution, at: breach, do: [{notify: {manager: 1}}, {comment: internal}],
     repeat: {every: 1m, at_most: 3, hours: wall, climb: manager}}
"""


def join(folder: Path) -> bool:
    """Put the agreement and its ladder beside the others; False where there are none."""
    place = folder / "sla_profiles"
    if not place.is_dir():
        return False
    for part, name, text in (("customers", "demo-minute", PROFILE), ("escalations", "demo-ladder", LADDER)):
        (place / part).mkdir(exist_ok=True)
        (place / part / f"{name}.yaml").write_text(text, encoding="utf-8")
    return True


def begin(deps: Deps) -> int:
    """One ticket in each tool that climbs it, once the tool has been read; how many could be made."""
    made = 0
    for tool, connected in deps.tools.items():
        fields = {"title": f"{TITLE} in {tool}", "group": "Service Desk", **_somebody(deps, tool)}
        draft = Draft(kind=Kind.INCIDENT, fields={k: v for k, v in fields.items() if connected.mapping.writable(k)})
        try:
            editing.create(deps, tool, draft, "ladder", "demo")
        except ConnectorError:
            continue
        made += 1
    return made


def _somebody(deps: Deps, tool: str) -> dict[str, str]:
    """A requester whom the tool knows: some tools take no ticket without one."""
    assert isinstance(deps.store, SqlStore)
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        rows = Queries(deps.store).tickets(TicketFilter(tool=(tool,)), limit=50).items
        with deps.store.read() as tx:
            for stored in tx.by_key([row.key for row in rows]).values():
                if stored.ticket.requester_email:
                    return {"requester": stored.ticket.requester, "requester_email": stored.ticket.requester_email}
        time.sleep(0.2)
    return {}


def figures(deps: Deps) -> str:
    """What the ladders did so far, in one line."""
    assert isinstance(deps.store, SqlStore)
    counts = Counter[str]()
    keys = set[tuple[int, str]]()
    for stored, events in BoardQueries(deps.store).signalled(deps.now() - timedelta(days=1), 500):
        for event in events:
            if event.kind is EventKind.ESCALATED:
                counts[str(event.data["what"])] += 1
                keys.add((stored.key, event.key))
    others = "".join(f", {count} {what}" for what, count in sorted(counts.items()) if what not in (FIRED, SKIPPED))
    twice = counts.total() - len(keys)
    return f"steps of ladders: {counts[FIRED]} done, {counts[SKIPPED]} skipped{others}; twice: {twice}"
