"""Who works here: groups with who is on duty until when, and people with how they are reached."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from connector.domain.notices.people import Group, People, Person, Severity, Way
from connector.web.rights import Right, door
from connector.web.services import services


@dataclass(frozen=True, slots=True)
class GroupRow:
    group: Group
    lead: Person | None
    members: tuple[Person, ...]
    on_duty: tuple[Person, ...]
    until: datetime | None


@dataclass(frozen=True, slots=True)
class PersonRow:
    person: Person
    groups: tuple[Group, ...]
    critical: tuple[Way, ...]
    others: tuple[Way, ...]
    quiet_until: datetime | None
    line: tuple[Person, ...]


@door(Right.AGREEMENTS_READ)
def index() -> ResponseReturnValue:
    parts = services()
    known = parts.deps.registry().people if parts.deps.registry is not None else People()
    now = parts.now()
    return render_template("people.html", groups=[_group(known, one, now) for one in known.groups.values()],
                           people=[_person(known, one, now) for one in known.people.values()],
                           channels=frozenset(parts.deps.channels))


def _group(known: People, group: Group, now: datetime) -> GroupRow:
    return GroupRow(group, known.lead(group), known.members(group), known.on_duty(group, at=now),
                    group.duty.changes(now) if group.duty is not None else None)


def _person(known: People, person: Person, now: datetime) -> PersonRow:
    groups = tuple(group for group in known.groups.values() if person.id in (*group.members, group.lead))
    return PersonRow(person, groups, person.ways(Severity.CRITICAL), person.ways(Severity.NORMAL),
                     person.quiet_until(now), known.line(person))


def blueprint() -> Blueprint:
    people = Blueprint("people", __name__)
    people.get("/people")(index)
    return people
