"""Ladders as files: read with the calendars they use, named by their content, kept with when they came into force."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from connector.domain.escalations.checks import Known
from connector.domain.escalations.format import parse
from connector.domain.escalations.rules import BEGINNING, Rule
from connector.domain.handoffs.receiver import Receiver
from connector.domain.notices.people import People
from connector.domain.notices.template import Template
from connector.domain.problems import Problems

FOLDER: Final = "escalations"
PREFIX: Final = f"{FOLDER}/"
"""Before the name of a ladder where versions of profiles and ladders are kept together."""
Kept = Mapping[tuple[str, str], Rule]
"""Versions of ladders that were ever in force, by (name, version)."""


def used_calendars(rule: Rule, directory: Mapping[str, Any]) -> set[str]:
    """Names of the calendars that can decide a moment of this ladder."""
    named = {chain.otherwise for chain in rule.chains}
    for chain in rule.chains:
        for source in chain.sources:
            named.update(str(entry["calendar"]) for entry in directory.get(source, {}).values() if "calendar" in entry)
    return named


def with_content(rule: Rule, version: str, calendars: Mapping[str, Any], directory: Mapping[str, Any]) -> Rule:
    return replace(rule, version=version, calendars=calendars, directory=directory)


def sources(rule: Rule) -> set[str]:
    """Parts of the directory that its chains look into."""
    return {source for chain in rule.chains for source in chain.sources}


def known(
    people: People, receivers: Mapping[str, Receiver] | None, calendars: Iterable[str] | None,
    templates: Mapping[str, Template] | None,
) -> Known:
    """The names that ladders may use; None where not all are known. Without teams nobody's name can be checked."""
    hooks = None
    if receivers is not None:
        hooks = frozenset(name for name, receiver in receivers.items() if receiver.reach.webhook is not None)
    found = Known(calendars=None if calendars is None else frozenset(calendars), templates=templates, webhooks=hooks,
                  receivers=None if receivers is None else frozenset(receivers))
    if people:
        found = replace(found, groups=frozenset(people.groups), people=frozenset(people.people), levels=people.levels)
    return found


def since(rules: Iterable[Rule], kept: Kept, now: datetime | None) -> list[Rule]:
    """The rules in force with the moment they first were: now, for those never seen; always, where nothing is kept."""
    def begun(rule: Rule) -> datetime:
        known = kept.get((rule.name, rule.version))
        return known.since if known is not None else BEGINNING if now is None else now

    return [replace(rule, since=begun(rule)) for rule in rules]


def document(rule: Rule, written: Mapping[str, Any]) -> dict[str, Any]:
    """What is kept of a version."""
    return {**written, "since": rule.since.isoformat()}


def revived(kept: Mapping[tuple[str, str], Mapping[str, Any]]) -> Iterator[Rule]:
    """Kept versions of ladders; one that this program can no longer read is left out."""
    for (name, version), written in kept.items():
        if name.startswith(PREFIX):
            rule = parse(written["data"], Problems(str(written.get("file", ""))), version)
            if rule is not None:
                yield replace(with_content(rule, version, written["calendars"], written["directory"]),
                              since=datetime.fromisoformat(written["since"]))
