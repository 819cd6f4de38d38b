"""Files of major incidents (major/, continuity/) and of the service catalogue (catalogue/)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from connector.domain.errors import Problem
from connector.domain.major import format as majors
from connector.domain.major.procedure import Continuity, Process
from connector.domain.notices.people import People
from connector.domain.notices.template import Templates
from connector.domain.problems import Problems
from connector.domain.requests import format as requests
from connector.domain.requests.catalogue import Item

MAJOR: Final = "major"
CONTINUITY: Final = "continuity"
CATALOGUE: Final = "catalogue"
FOLDERS: Final = (MAJOR, CONTINUITY, CATALOGUE)
Files = Callable[[str], Iterable[tuple[Any, Problems]]]
"""The readable files of a folder."""
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Processes:
    majors: tuple[Process, ...] = ()
    continuity: tuple[Continuity, ...] = ()
    catalogue: tuple[Item, ...] = ()


def read(files: Files) -> Processes:
    """What could be read; what is wrong goes to each file's problems."""
    return Processes(_every(files(MAJOR), majors.process), _every(files(CONTINUITY), majors.continuity),
                     _every(files(CATALOGUE), requests.item))


def _every(files: Iterable[tuple[Any, Problems]], parse: Callable[[Any, Problems], T | None]) -> tuple[T, ...]:
    found = [parse(data, problems) for data, problems in files]
    return tuple(one for one in found if one is not None)


def between_majors(found: Processes, people: People, templates: Templates) -> list[Problem]:
    """What is wrong between the files of major incidents and everything they name."""
    return majors.between(found.majors, found.continuity, people, templates)


def between_items(
    found: Processes, people: People, calendars: Iterable[str], receivers: Iterable[str]
) -> list[Problem]:
    """What is wrong between the service catalogue and everything it names."""
    return requests.between(found.catalogue, people, calendars, receivers)
