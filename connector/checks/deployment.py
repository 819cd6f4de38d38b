"""Everything that is wrong with a deployment's files, at once; and, on demand, what the tools themselves say."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from connector import settings, vendors
from connector.checks import people as people_check
from connector.checks.suppliers import supplier_problems
from connector.domain.address import AddressPolicy
from connector.domain.errors import ConfigError, ConnectorError, Problem
from connector.domain.mapping import Mapping as FieldMapping
from connector.domain.mappings.rules import Rule
from connector.files import between, profiles
from connector.files import escalations as escalation_files
from connector.files import processes as process_files
from connector.ports import Capability, Diagnosis, FieldInfo, Vendor
from connector.settings import Settings, ToolSettings
from connector.settings.channels import ChannelSettings

SKEW_SECONDS = 5
"""Tool clocks further off than this are worth a warning."""


@dataclass(slots=True)
class Found:
    """Problems of all files (errors and warnings), and what could be read in spite of them."""

    problems: list[Problem] = field(default_factory=list)
    settings: Settings | None = None
    mappings: dict[str, FieldMapping] = field(default_factory=dict)
    """Tool -> its mapping, where it could be read."""

    @property
    def errors(self) -> list[Problem]:
        return [problem for problem in self.problems if problem.severity == "error"]


def files(path: Path, environ: Mapping[str, str]) -> Found:
    """Settings, mappings and agreements of a deployment."""
    found = Found()
    folder = path.resolve().parent
    try:
        found.settings = settings.load(path, environ, vendors.schemas)
    except ConfigError as error:
        found.problems.extend(error.problems)
    if found.settings is not None:
        read: dict[Path, FieldMapping | None] = {}
        for tool in found.settings.tools.values():
            mapping = _mapping(tool, read, found)
            if mapping is not None:
                found.mappings[tool.name] = mapping
    agreements = folder / "sla_profiles"
    if agreements.is_dir():
        try:
            loaded = profiles.load(agreements)
            now = datetime.now(UTC)
            found.problems.extend(loaded.told(now))
            channels = ChannelSettings() if found.settings is None else found.settings.channels
            found.problems.extend(people_check.problems(loaded.registry, channels, environ, folder, now))
            policy = AddressPolicy() if found.settings is None else found.settings.suppliers.policy
            found.problems.extend(supplier_problems(loaded.registry, policy, environ))
        except ConfigError as error:
            found.problems.extend(error.problems)
        found.problems.extend(_unread(agreements))
    return found


def _unread(agreements: Path) -> Iterator[Problem]:
    """Files that look like agreements, but lie where nobody reads them: their promises would count for nothing."""
    folders = (between.CALENDARS, *between.PROFILE_FOLDERS, between.TEAMS, between.MESSAGES, between.INFORMING,
               *process_files.FOLDERS, escalation_files.FOLDER)
    for file in sorted(path for path in agreements.rglob("*") if path.suffix.lower() in (".yaml", ".yml")):
        place = file.relative_to(agreements)
        read = file.suffix == ".yaml" and len(place.parts) == 2 and place.parts[0] in folders
        if not read and str(place) != profiles.DIRECTORY:
            yield Problem(f"is not read: expected NAME.yaml in {', '.join(folders)}, or {profiles.DIRECTORY}",
                          str(file), severity="warning")


def _mapping(tool: ToolSettings, read: dict[Path, FieldMapping | None], found: Found) -> FieldMapping | None:
    if tool.mapping not in read:
        read[tool.mapping] = None
        try:
            read[tool.mapping] = settings.load_mapping(tool.mapping)
        except ConfigError as error:
            found.problems.extend(error.problems)
    mapping = read[tool.mapping]
    if mapping is not None and mapping.vendor != tool.vendor:
        found.problems.append(Problem(f"is for {mapping.vendor}, but tool `{tool.name}` is a {tool.vendor}",
                                      str(tool.mapping), path="vendor"))
    return mapping


@dataclass(frozen=True, slots=True)
class Answer:
    """What one tool said. `diagnosis` is None when it could not be asked."""

    tool: str
    diagnosis: Diagnosis | None
    problems: tuple[Problem, ...]


def live(tool: ToolSettings, mapping: FieldMapping, build: Callable[[], Vendor]) -> Answer:
    """Ask a tool for version, rights, fields and states, and hold the mapping against them."""
    problems: list[Problem] = []
    diagnosis: Diagnosis | None = None
    try:
        vendor = build()
        try:
            diagnosis = vendor.diagnose()
            problems.extend(_remarks(tool, diagnosis))
            problems.extend(_against(tool, mapping, vendor.fields(), diagnosis.capabilities))
        finally:
            vendor.close()
    except ConfigError as error:
        problems.extend(error.problems)
    except ConnectorError as error:
        problems.append(Problem(str(error), path=f"tools.{tool.name}"))
    return Answer(tool.name, diagnosis, tuple(problems))


def _remarks(tool: ToolSettings, diagnosis: Diagnosis) -> Iterator[Problem]:
    for remark in diagnosis.remarks:
        yield Problem(remark, path=f"tools.{tool.name}", severity="warning")
    skew = diagnosis.skew
    if skew is not None and abs(skew.total_seconds()) > SKEW_SECONDS:
        yield Problem(f"its clock is {skew.total_seconds():+.0f} s off ours; times are corrected, but set it right",
                      path=f"tools.{tool.name}", severity="warning")
    if Capability.READ not in diagnosis.capabilities:
        yield Problem("tickets cannot be read with this account and version", path=f"tools.{tool.name}")


def _against(
    tool: ToolSettings, mapping: FieldMapping, listed: list[FieldInfo], capabilities: frozenset[Capability]
) -> Iterator[Problem]:
    """Nothing is said of a tool that does not list its fields."""
    known = {info.name: info for info in listed}
    for rule in mapping.rules():
        for source in rule.sources:
            if source not in known and known and not source.startswith(("_", "@")):
                yield Problem(f"reads `{source}`, which the tool does not have (or hides from our account)",
                              str(tool.mapping), path=f"fields.{rule.name}", severity="warning")
        if Capability.UPDATE in capabilities:
            for target in rule.targets:
                info = known.get(target)
                if info is not None and not info.writable:
                    yield Problem(f"writes `{target}`, which our account may not write", str(tool.mapping),
                                  path=f"fields.{rule.name}")
    yield from _values(tool, mapping.rules(), known)


def _values(tool: ToolSettings, rules: list[Rule], known: Mapping[str, FieldInfo]) -> Iterator[Problem]:
    """Values the tool offers that the mapping could not read: the first ticket with one would be set aside.

    A mapping may tell kinds of tickets apart, and the tool lists the values of all of them together.
    """
    asked: dict[tuple[str, str], list[Rule]] = {}
    for rule in rules:
        if rule.table is not None and rule.sources and not rule.steps:
            asked.setdefault((rule.name, rule.sources[0]), []).append(rule)
    for (name, source), many in asked.items():
        info = known.get(source)
        if info is None or info.choices is None or any(rule.reads_anything for rule in many):
            continue
        missing = [f"{raw} ({label})" for raw, label in info.choices.items()
                   if not any(rule.table is not None and rule.table.knows(str(raw)) for rule in many)]
        if missing:
            yield Problem(f"the tool has values of `{source}` that the mapping lacks: {', '.join(missing)}",
                          str(tool.mapping), path=f"fields.{name}")
