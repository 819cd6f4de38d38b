"""What is wrong between the files of a folder of agreements, also when some of them have mistakes or cannot be read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from connector.domain.agreements.profile import Profile
from connector.domain.agreements.registry_checks import doubles, same_receivers, ties, unknown_calendars, unknown_nests
from connector.domain.errors import Problem
from connector.domain.escalations.checks import checks, unknown_ladders
from connector.domain.escalations.rules import Rule
from connector.domain.notices.informing import Informing
from connector.domain.notices.people import Group, People, Person
from connector.domain.notices.people_checks import checked
from connector.domain.notices.template import Templates
from connector.files import escalations as escalation_files
from connector.files import messages as message_files
from connector.files import processes as process_files
from connector.files.processes import Processes

CALENDARS: Final = "calendars"
PROFILE_FOLDERS: Final = ("customers", "operations", "suppliers")
TEAMS: Final = "teams"
MESSAGES: Final = "messages"
INFORMING: Final = "informing"


@dataclass(slots=True)
class Gaps:
    """Folders of which not everything is known: a name that leads nowhere may be one of theirs, and is not told."""

    nameless: set[str] = field(default_factory=set)
    """With a file that could not even be asked for the names it gives."""
    wrong: set[str] = field(default_factory=set)
    """With a file that has a mistake."""

    def names(self, *folders: str) -> bool:
        """Whether every name these folders give is known."""
        return self.nameless.isdisjoint(folders)

    def all(self, *folders: str) -> bool:
        """Whether all that these folders hold is known."""
        return self.names(*folders) and self.wrong.isdisjoint(folders)


@dataclass(frozen=True, slots=True)
class Parts:
    """What was read of each folder. `drafts` are the profiles as far as they could be read, mistakes or not."""

    calendars: Mapping[str, Any]
    profiles: Sequence[Profile]
    drafts: Sequence[Profile]
    rules: Sequence[Rule]
    team: tuple[Sequence[Person], Sequence[Group]]
    templates: Templates
    informing: Sequence[Informing]
    processes: Processes


def problems(parts: Parts, gaps: Gaps) -> tuple[People, list[Problem]]:
    """Everybody, and what is wrong between the files as far as that can be said; warnings only when nothing is missing
    that they could come from."""
    calendars = parts.calendars
    people, found = checked(*parts.team, calendars)
    if not gaps.all(TEAMS) or not gaps.names(CALENDARS):
        people, found = People(), []
    if gaps.all(MESSAGES):
        found += message_files.between(parts.informing, parts.templates)
    return people, [*found, *_profiles(parts, gaps), *_ladders(parts, gaps, people), *_processes(parts, gaps, people)]


def _profiles(parts: Parts, gaps: Gaps) -> Iterable[Problem]:
    yield from (*doubles(parts.drafts), *same_receivers(parts.drafts), *ties(parts.profiles))
    if gaps.names(CALENDARS):
        yield from unknown_calendars(parts.drafts, parts.calendars)
    if gaps.names(*PROFILE_FOLDERS):
        yield from unknown_nests(parts.drafts)


def _ladders(parts: Parts, gaps: Gaps, people: People) -> Iterable[Problem]:
    receivers = {one.receiver.name: one.receiver for one in parts.drafts if one.receiver is not None}
    known = escalation_files.known(
        people, receivers if gaps.all(*PROFILE_FOLDERS) else None,
        parts.calendars if gaps.names(CALENDARS) else None, parts.templates.by_name if gaps.all(MESSAGES) else None)
    if gaps.all(escalation_files.FOLDER):
        yield from unknown_ladders(parts.rules, parts.drafts)
    complete = gaps.all(escalation_files.FOLDER, *PROFILE_FOLDERS)
    yield from (problem for problem in checks(parts.rules, parts.profiles, known)
                if complete or problem.severity == "error")


def _processes(parts: Parts, gaps: Gaps, people: People) -> Iterable[Problem]:
    receivers = [one.receiver.name for one in parts.drafts if one.receiver is not None]
    if gaps.all(MESSAGES, process_files.MAJOR):
        yield from process_files.between_majors(parts.processes, people, parts.templates)
    if gaps.names(CALENDARS) and gaps.all(*PROFILE_FOLDERS):
        yield from process_files.between_items(parts.processes, people, parts.calendars, receivers)
