"""What a step of a ladder does: to the ticket, to people, to others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from connector.domain.ticket import Value


class Reach(StrEnum):
    """Ways to say who is meant. The first four follow from the ticket."""

    ASSIGNEE = "assignee"
    REQUESTER = "requester"
    TEAM_LEAD = "team_lead"
    """Of the ticket's group."""
    TEAM = "team"
    """Everybody in the ticket's group."""
    MANAGER = "manager"
    """So many levels up the line, from the lead of the ticket's group."""
    ON_DUTY = "on_duty"
    """On duty now: of a group, a level, or the ticket's own group."""
    GROUP = "group"
    LEVEL = "level"
    PERSON = "person"
    ROLE = "role"
    """Who holds a role of the major incident that the ticket is."""


@dataclass(frozen=True, slots=True)
class Who:
    """`name` is a group or person; `number` a level of support, or how many managers up."""

    reach: Reach
    name: str = ""
    number: int = 0
    in_turn: bool = False
    """One of them, each time the next (round robin)."""

    @property
    def text(self) -> str:
        told = {
            Reach.MANAGER: f"manager {self.number}", Reach.LEVEL: f"level {self.number}",
            Reach.GROUP: f"group {self.name}", Reach.PERSON: f"person {self.name}", Reach.ROLE: f"role {self.name}",
            Reach.ON_DUTY: "on duty" + (f" in {self.name}" if self.name else f" at level {self.number}"
                                        if self.number else ""),
        }.get(self.reach, str(self.reach).replace("_", " "))
        return f"{told}, in turn" if self.in_turn else told


@dataclass(frozen=True, slots=True)
class Notify:
    to: tuple[Who, ...]
    template: str = ""
    severity: str = ""
    """"": as the ticket's priority says."""

    @property
    def text(self) -> str:
        return "notify " + ", ".join(who.text for who in self.to)


@dataclass(frozen=True, slots=True)
class Assign:
    """To a group, a level (the group of that level) or a person (one, or in turn of a group)."""

    to: Who

    @property
    def text(self) -> str:
        return f"assign to {self.to.text}"


@dataclass(frozen=True, slots=True)
class SetFields:
    """Canonical fields to values: state (with pending_on), priority, parent."""

    fields: Mapping[str, Value] = field(default_factory=dict)

    @property
    def text(self) -> str:
        return "set " + ", ".join(f"{name} to {value}" for name, value in self.fields.items() if value is not None)


@dataclass(frozen=True, slots=True)
class Raise:
    """The priority, by so many."""

    by: int = 1

    @property
    def text(self) -> str:
        return "raise the priority" + (f" by {self.by}" if self.by > 1 else "")


@dataclass(frozen=True, slots=True)
class Tag:
    names: tuple[str, ...]

    @property
    def text(self) -> str:
        return "tag " + ", ".join(self.names)


@dataclass(frozen=True, slots=True)
class Say:
    """A comment the requester sees, or an internal note: from a template, or the plain text of a template."""

    public: bool
    template: str = ""
    text_given: str = ""

    @property
    def text(self) -> str:
        return "public comment" if self.public else "internal note"


@dataclass(frozen=True, slots=True)
class HandOff:
    """Offer the ticket to a receiver (a supplier, operations, security, field service)."""

    receiver: str
    reason: str = ""

    @property
    def text(self) -> str:
        return f"hand off to {self.receiver}"


@dataclass(frozen=True, slots=True)
class Open:
    """A ticket of its own in the same tool: a child, a problem."""

    kind: str
    title: str = ""
    group: str = ""
    child: bool = True

    @property
    def text(self) -> str:
        return f"open a {self.kind.replace('_', ' ')}"


@dataclass(frozen=True, slots=True)
class Declare:
    """The ticket a major incident."""

    @property
    def text(self) -> str:
        return "declare a major incident"


@dataclass(frozen=True, slots=True)
class Call:
    """A signed webhook, by the name of its receiver in the settings."""

    receiver: str

    @property
    def text(self) -> str:
        return f"call webhook {self.receiver}"


Action = Notify | Assign | SetFields | Raise | Tag | Say | HandOff | Open | Declare | Call
