"""The messages that come with the connector, one file each, in English and French. docs/notifications.md lists them.

A file of the same name of template in sla_profiles/messages/ stands in its place.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from connector import yaml12
from connector.domain.notices.template import Template, parse

FOLDER = Path(__file__).parent


@cache
def shipped() -> dict[str, Template]:
    """Raises ConfigError if one of them is broken."""
    found = {}
    for path in sorted(FOLDER.glob("*.yaml")):
        document = yaml12.load(path)
        problems = document.problems()
        template = parse(document.data, problems)
        problems.stop()
        assert template is not None
        found[template.name] = template
    return found
