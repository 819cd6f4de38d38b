"""The folder of agreements: every file read and checked, all problems at once, as one Registry."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import orjson

from connector import yaml12
from connector.domain.agreements.advice import day_problems, horizon_problems
from connector.domain.agreements.nesting import nesting_problems
from connector.domain.agreements.profile import Profile
from connector.domain.agreements.profile_format import draft, parse
from connector.domain.agreements.registry import Registry
from connector.domain.calendar import ServiceCalendar
from connector.domain.errors import ConfigError, Problem
from connector.domain.escalations.format import parse as parse_ladder
from connector.domain.escalations.rules import Rule
from connector.domain.problems import Problems, Where
from connector.domain.saying import Saying
from connector.files import calendars as calendar_files
from connector.files import directory as directory_file
from connector.files import escalations as escalation_files
from connector.files import messages as message_files
from connector.files import processes as process_files
from connector.files.between import CALENDARS, INFORMING, MESSAGES, PROFILE_FOLDERS, TEAMS, Gaps, Parts, problems

RECEIVER_TERMS: Final = ("name", "pause_reasons", "penalties", "silent_after", "dispute_clock")
DIRECTORY: Final = "directory.yaml"
Older = Mapping[tuple[str, str], Profile]


@dataclass(slots=True)
class Folder:
    """What was read: the registry, what deserves a warning, and each profile's file and text (for archiving)."""

    registry: Registry
    warnings: list[Problem] = field(default_factory=list)
    documents: dict[str, dict[str, Any]] = field(default_factory=dict)
    calendars: Mapping[str, Problem] = field(default_factory=dict)
    """Where the holidays of each calendar stand: an empty problem at that place."""

    def told(self, now: datetime) -> list[Problem]:
        """The warnings, and those that come with the time: holidays that end before a target begun now is due."""
        late = ((self.calendars.get(problem.path.removeprefix("calendar ")), problem)
                for problem in horizon_problems(self.registry, now))
        return [*self.warnings, *(problem if place is None else replace(place, message=problem.message)
                                  for place, problem in late)]


def load_with(folder: Path, file: Path) -> Folder:
    """The agreements under `folder`, with one profile file in the place of the profile of its name, or besides."""
    return load(folder, extra=file)


def load(
    folder: Path, older: Older | None = None, extra: Path | None = None, ladders: escalation_files.Kept | None = None,
    now: datetime | None = None,
) -> Folder:
    """Every agreement under `folder`. Raises ConfigError with every problem of every file.

    Layout: calendars/*.yaml, customers/*.yaml, operations/*.yaml, suppliers/*.yaml (profiles),
    escalations/*.yaml (ladders), teams/*.yaml (people and groups), messages/*.yaml (templates),
    informing/*.yaml, major/*.yaml, continuity/*.yaml, catalogue/*.yaml, directory.yaml.
    `ladders` are the versions kept, and one not among them is in force since `now`.
    """
    reader = _Reader(folder)
    calendars = reader.calendars()
    directory = reader.directory(calendars)
    profiles = reader.profiles(calendars, directory, extra)
    rules = escalation_files.since(reader.escalations(calendars, directory), ladders or {}, now)
    team = message_files.team(reader.files_of(TEAMS))
    templates = message_files.templates(reader.files_of(MESSAGES))
    informing = message_files.informing(reader.files_of(INFORMING))
    processes = process_files.read(reader.files_of)
    parts = Parts(calendars, profiles, reader.drafts, rules, team, templates, informing, processes)
    people, between = problems(parts, reader.gaps)
    found = [*reader.errors, *reader.placed(between)]
    registry = None
    if reader.gaps.all(CALENDARS, DIRECTORY, *PROFILE_FOLDERS):
        try:
            registry = Registry.checked(profiles, calendars, directory, older, people, templates, rules,
                                        {**(ladders or {}), **{(rule.name, rule.version): rule for rule in rules}})
            found += reader.placed(nesting_problems(registry))
        except ConfigError as error:
            found += reader.placed(problem for problem in error.problems if problem not in between)
    errors = [problem for problem in found if problem.severity == "error"]
    if errors or registry is None:
        raise ConfigError(sorted(errors, key=lambda p: (p.file, p.line, p.column)))
    registry = replace(registry, informing=tuple(informing), majors=processes.majors, continuity=processes.continuity,
                       catalogue=processes.catalogue)
    return Folder(registry, [*reader.warnings, *found, *reader.placed(day_problems(registry))], reader.documents,
                  reader.holidays())


def version_of(data: Mapping[str, Any], calendars: Mapping[str, Any], directory: Mapping[str, Any]) -> str:
    """Names content: the same profile on the same calendars and entries has the same version, wherever it is read."""
    raw = orjson.dumps([data, calendars, directory], option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(raw).hexdigest()[:12]


def terms(data: Mapping[str, Any]) -> Mapping[str, Any]:
    """What both sides agreed: how a receiver is reached and what may leave can change without a new version."""
    receiver = data.get("receiver")
    if not isinstance(receiver, Mapping):
        return data
    return {**data, "receiver": {key: receiver[key] for key in RECEIVER_TERMS if key in receiver}}


def revive(document: Mapping[str, Any], version: str) -> Profile | None:
    """A profile from an archived document; None when this program can no longer read it."""
    profile = parse(document["data"], Problems(str(document.get("file", ""))), version)
    if profile is None:
        return None
    return replace(profile, calendars=document["calendars"], directory=document["directory"])


def used_calendars(profile: Profile, directory: Mapping[str, Any]) -> set[str]:
    """Names of the calendars that can decide a due time of this profile."""
    amounts = [a for t in profile.targets for a in (*t.amounts.values(), t.otherwise) if a is not None]
    if profile.receiver is not None:
        amounts.extend(profile.receiver.amounts.values())
    named = {profile.calendar.otherwise, *(a.calendar for a in amounts if a.calendar)}
    for source in profile.calendar.sources:
        named.update(str(entry["calendar"]) for entry in directory.get(source, {}).values() if "calendar" in entry)
    return named


class _Reader:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.errors: list[Problem] = []
        self.warnings: list[Problem] = []
        self.documents: dict[str, dict[str, Any]] = {}
        self.places: dict[str, Where] = {}
        self.drafts: list[Profile] = []
        """Profiles as far as they could be read, mistakes or not."""
        self.calendar_files: dict[str, str] = {}
        self.gaps = Gaps()

    def holidays(self) -> dict[str, Problem]:
        places = self.placed(Problem("", file, path="holidays", severity="warning")
                             for file in self.calendar_files.values())
        return dict(zip(self.calendar_files, places, strict=True))

    def _document(self, path: Path) -> tuple[Any, Problems] | None:
        try:
            document = yaml12.load(path, str(path), go_on=True)
        except ConfigError as error:
            self.errors.extend(error.problems)
            self.gaps.nameless.add(self._part(path))
            return None
        self.places[str(path)] = document.where
        problems = document.problems()
        problems.found += document.wrong
        return document.data, problems

    def _part(self, path: Path) -> str:
        """The folder a file belongs to; a file from elsewhere is a profile that is tried."""
        return path.relative_to(self.folder).parts[0] if path.is_relative_to(self.folder) else PROFILE_FOLDERS[0]

    def _take(self, problems: Problems) -> None:
        for problem in problems.found:
            (self.errors if problem.severity == "error" else self.warnings).append(problem)
        if problems.errors:
            self.gaps.wrong.add(self._part(Path(problems.file)))

    def calendars(self) -> dict[str, dict[str, Any]]:
        found: dict[str, dict[str, Any]] = {}
        for path in sorted((self.folder / CALENDARS).glob("*.yaml")):
            read = self._document(path)
            if read is None:
                continue
            data, problems = read
            name = data.get("calendar") if isinstance(data, dict) else None
            if isinstance(data, dict):
                data = calendar_files.with_ical(data, path, self.folder, problems)
                with suppress(ConfigError):
                    ServiceCalendar.from_dict(data, problems=problems)
            if not isinstance(name, str):
                problems.add(("calendar",), "is required: the name of this calendar")
                self.gaps.nameless.add(CALENDARS)
            elif name in found:
                problems.add(("calendar",), Saying("`%(name)s` is also the name of another calendar", name=name))
            else:
                found[name] = data
                self.calendar_files[name] = str(path)
            self._take(problems)
        return found

    def directory(self, calendars: Mapping[str, Any]) -> directory_file.Directory:
        path = self.folder / DIRECTORY
        read = self._document(path) if path.exists() else None
        if read is None:
            return {}
        found = directory_file.read(*read, calendars if self.gaps.names(CALENDARS) else None)
        self._take(read[1])
        return found

    def files_of(self, part: str) -> Iterator[tuple[Any, Problems]]:
        """Every readable file of a part; what its reader finds wrong is taken when the next one is asked for."""
        for path in sorted((self.folder / part).glob("*.yaml")):
            read = self._document(path)
            if read is not None:
                yield read
                self._take(read[1])

    def placed(self, problems: Iterable[Problem]) -> list[Problem]:
        """Problems between files, with the line and column of the place they name."""
        found: list[Problem] = []
        for problem in problems:
            where = self.places.get(problem.file)
            path = tuple(int(part) if part.isdigit() else part for part in problem.path.split("."))
            line, column = where(path) if where else (0, 0)
            found.append(replace(problem, line=line, column=column))
        return found

    def profiles(
        self, calendars: Mapping[str, Any], directory: Mapping[str, Any], extra: Path | None
    ) -> list[Profile]:
        """All profiles; that of `extra` takes the place of the one of its name."""
        paths = [path for part in PROFILE_FOLDERS for path in sorted((self.folder / part).glob("*.yaml"))]
        found = [profile for path in paths if (profile := self._profile(path, calendars, directory)) is not None]
        if extra is None:
            return found
        before, self.drafts = self.drafts, []
        tried = self._profile(extra, calendars, directory)
        named = {draft.name for draft in self.drafts}
        self.drafts = [*(draft for draft in before if draft.name not in named), *self.drafts]
        return [*(profile for profile in found if profile.name not in named), *([] if tried is None else [tried])]

    def escalations(self, calendars: Mapping[str, Any], directory: Mapping[str, Any]) -> list[Rule]:
        found: list[Rule] = []
        for path in sorted((self.folder / escalation_files.FOLDER).glob("*.yaml")):
            read = self._document(path)
            if read is None:
                continue
            data, problems = read
            rule = parse_ladder(data, problems)
            self._take(problems)
            if rule is not None:
                used = {name: calendars[name] for name in sorted(
                    escalation_files.used_calendars(rule, directory) & set(calendars))}
                asked = escalation_files.sources(rule)
                entries = {name: directory[name] for name in sorted(asked) if name in directory}
                self.documents[escalation_files.PREFIX + rule.name] = {
                    "file": str(path), "data": data, "calendars": used, "directory": entries}
                version = version_of(data, used, entries)
                found.append(escalation_files.with_content(rule, version, used, entries))
        return found

    def _profile(self, path: Path, calendars: Mapping[str, Any], directory: Mapping[str, Any]) -> Profile | None:
        read = self._document(path)
        if read is None:
            return None
        data, problems = read
        profile = draft(data, problems)
        self._take(problems)
        if profile is None or not isinstance(data.get("profile"), str):
            self.gaps.nameless.add(self._part(path))
            return None
        self.drafts.append(profile)
        if problems.errors:
            return None
        used = {name: calendars[name] for name in sorted(used_calendars(profile, directory) & set(calendars))}
        sources = {*profile.calendar.sources, *(profile.timezone.sources if profile.timezone else ())}
        entries = {source: directory[source] for source in sorted(sources) if source in directory}
        self.documents[profile.name] = {"file": str(path), "data": data, "calendars": used, "directory": entries}
        return replace(profile, version=version_of(terms(data), used, entries), calendars=used, directory=entries)
