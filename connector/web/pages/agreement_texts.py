"""Texts around the files of agreements: what a new one begins with, and a kept version as YAML."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any, Final

from ruamel.yaml import YAML

STARTERS: Final[dict[str, str]] = {
    "customers": """\
profile: NAME
agreement: sla
applies_to: {customer: NAME, kind: incident}
calendar: weekdays
targets:
  first_response: {P1: 15m, P2: 1h, else: 4h}
  resolution: {P1: 4h, P2: 8h, else: 3 working days}
conditions:
  pause: {state: pending, pending_on: [customer]}
  stop: {state: [resolved, closed]}
  reopen: {within: 5d, then: resume, else: new cycle}
""",
    "operations": """\
profile: NAME
agreement: ola
applies_to: {group: NAME}
calendar: weekdays
targets:
  acknowledge: {P1: 15m, else: 1h}
  resolution: {P1: 3h, else: 8h}
""",
    "suppliers": """\
profile: NAME
agreement: uc
applies_to: {supplier: NAME}
calendar: weekdays
targets:
  resolution: {P1: 2h, else: 8h}
""",
    "calendars": """\
calendar: NAME
timezone: Europe/Zurich
hours:
  mon-fri: [["08:00", "12:00"], ["13:00", "17:30"]]
holidays:
  - {country: CH}
""",
    "escalations": """\
escalation: NAME
applies_to: {kind: incident}
steps:
  - {clock: resolution, at: 50%, do: [{notify: assignee}]}
  - {clock: resolution, at: breach, do: [{notify: {manager: 1}}],
     repeat: {every: 2h, at_most: 6, climb: manager}}
""",
    "teams": """\
people:
  NAME-lead:
    name: Name and surname
    email: lead@example.org
    timezone: Europe/Zurich
groups:
  NAME:
    level: 2
    lead: NAME-lead
    members: [NAME-lead]
""",
    "messages": """\
template: NAME
audience: internal
en:
  subject: "[{number}] {title}"
  short: "{number} {title}: {reason}"
  text: |
    Hello {recipient},

    {reason}

    {url}
    Acknowledge: {ack_url}
fr:
  subject: "[{number}] {title}"
  short: "{number} {title} : {reason}"
  text: |
    Bonjour {recipient},

    {reason}

    {url}
    Accuser réception : {ack_url}
""",
    "informing": """\
informing: NAME
applies_to: {customer: NAME}
tell: [received, taken, waiting, resolved]
by: mail
""",
}


def as_yaml(document: Mapping[str, Any]) -> str:
    """A kept version: the profile, and the calendars and directory entries it counts on."""
    yaml = YAML()
    yaml.default_flow_style = None
    yaml.width = 100
    out = io.StringIO()
    told = {"profile": document.get("data"), "calendars": document.get("calendars"),
            "directory": document.get("directory")}
    yaml.dump({name: part for name, part in told.items() if part}, out)
    return out.getvalue()
