"""What a firing leads to on one ticket: fields to change, words to say, people to tell, others to call. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from connector.domain.escalations.actions import (
    Action,
    Assign,
    Call,
    Declare,
    HandOff,
    Notify,
    Open,
    Raise,
    Reach,
    Say,
    SetFields,
    Tag,
    Who,
)
from connector.domain.escalations.escalated import Firing
from connector.domain.notices.people import Group, People, Person
from connector.domain.ticket import PRIORITIES, Ticket, Value

Turn = Callable[[str, int], int]
"""Whose turn it is of so many under a name; asking is taking it."""


@dataclass(frozen=True, slots=True)
class Telling:
    """Somebody is to be told. `requester`: the ticket's requester, by other templates; `people` then is empty."""

    people: tuple[Person, ...]
    template: str
    severity: str
    requester: bool = False


@dataclass(slots=True)
class Effects:
    """`unable`: what could not be done, in words, for the ticket's page."""

    fields: dict[str, Value] = field(default_factory=dict)
    says: list[Say] = field(default_factory=list)
    tells: list[Telling] = field(default_factory=list)
    offers: list[HandOff] = field(default_factory=list)
    opens: list[Open] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    declares: bool = False
    unable: list[str] = field(default_factory=list)


def effects(
    firing: Firing, ticket: Ticket, people: People, now: datetime, turn: Turn, roles: Mapping[str, str] | None = None,
) -> Effects:
    """All actions of a firing, in their order; of one field the last value counts.

    `roles`: who holds those of the major incident that the ticket is.
    """
    found = Effects()
    where = _Place(ticket, people, now, turn, firing, roles or {})
    for action in firing.actions:
        _add(action, found, where)
    return found


def meant(to: Who, ticket: Ticket, people: People, now: datetime) -> tuple[Person, ...]:
    """The people meant outside of any ladder; in turn means the first."""
    return _Place(ticket, people, now, lambda name, count: 0, Firing("", "", "", "", 0, now), {}).who(to)


def _add(action: Action, found: Effects, where: _Place) -> None:
    ticket = where.ticket
    match action:
        case Assign():
            _assign(action.to, found, where)
        case SetFields():
            found.fields.update(action.fields)
        case Raise():
            if ticket.priority in PRIORITIES:
                found.fields["priority"] = PRIORITIES[max(0, PRIORITIES.index(ticket.priority) - action.by)]
            else:
                found.unable.append("the ticket has no priority to raise")
        case Tag():
            old = found.fields.get("tags", ticket.tags)
            found.fields["tags"] = tuple(dict.fromkeys([*(old if isinstance(old, tuple) else ()), *action.names]))
        case Say():
            found.says.append(action)
        case Notify():
            _notify(action, found, where)
        case HandOff():
            found.offers.append(action)
        case Open():
            found.opens.append(action)
        case Call():
            found.calls.append(action)
        case Declare():
            found.declares = True


def _assign(to: Who, found: Effects, where: _Place) -> None:
    tool, people = where.ticket.tool, where.people
    if to.in_turn or to.reach in (Reach.PERSON, Reach.ON_DUTY):
        chosen = where.who(to)
        person = chosen[0] if chosen else None
        login = person.logins.get(tool, "") if person is not None else ""
        if login:
            found.fields["assignee"] = login
        else:
            found.unable.append(f"nobody to assign to: {to.text}" if person is None else f"{person.name} has no login "
                                                                                         f"in {tool}")
        return
    groups = where.groups(to)
    group = where.nearest(groups)
    if group is None:
        # Without teams a group is what the tool calls so; a level is nothing.
        if to.reach is Reach.GROUP:
            found.fields["group"] = to.name
        else:
            found.unable.append(f"no group is of {to.text}")
        return
    found.fields["group"] = group.name_in(tool)
    assignee = people.by_login(tool, where.ticket.assignee) if where.ticket.assignee else None
    if assignee is not None and assignee.id not in group.members:
        found.fields["assignee"] = ""


def _notify(action: Notify, found: Effects, where: _Place) -> None:
    told: list[Person] = []
    for who in action.to:
        if who.reach is Reach.REQUESTER:
            found.tells.append(Telling((), action.template, action.severity, requester=True))
            continue
        people = where.who(who)
        if not people:
            found.unable.append(f"nobody to tell: {who.text}")
        told += people
    unique = tuple({person.id: person for person in told}.values())
    if unique:
        found.tells.append(Telling(unique, action.template, action.severity))


@dataclass(frozen=True, slots=True)
class _Place:
    ticket: Ticket
    people: People
    now: datetime
    turn: Turn
    firing: Firing
    roles: Mapping[str, str]

    @property
    def group(self) -> Group | None:
        return self.people.group_in(self.ticket.tool, self.ticket.group) if self.ticket.group else None

    @property
    def assignee(self) -> Person | None:
        return self.people.by_login(self.ticket.tool, self.ticket.assignee) if self.ticket.assignee else None

    def groups(self, who: Who) -> tuple[Group, ...]:
        if who.name:
            group = self.people.groups.get(who.name)
            return (group,) if group else ()
        if who.number and who.reach is not Reach.MANAGER:
            return self.people.of_level(who.number)
        return (self.group,) if self.group else ()

    def nearest(self, groups: tuple[Group, ...]) -> Group | None:
        """Of several groups of a level: the one the ticket is with, else one under the same lead, else the first."""
        own = self.group
        if own in groups:
            return own
        return next((one for one in groups if own is not None and one.lead == own.lead), groups[0] if groups else None)

    def who(self, who: Who) -> tuple[Person, ...]:
        """The people meant; whoever has nobody of that kind reaches those who are there for the ticket's group."""
        if who.reach is Reach.PERSON:
            person = self.people.people.get(who.name)
            return (person,) if person else ()
        if who.reach is Reach.ROLE:
            person = self.people.people.get(self.roles.get(who.name, ""))
            return (person,) if person else self._there()
        if who.reach is Reach.ASSIGNEE:
            return (self.assignee,) if self.assignee else self._there()
        if who.reach is Reach.MANAGER:
            return self._manager(who.number + self.firing.climbed)
        if who.reach is Reach.TEAM_LEAD:
            lead = self.people.lead(self.group) if self.group else None
            return (lead,) if lead else self._there()
        groups = self.groups(who)
        if who.reach is Reach.ON_DUTY:
            return self.people.reachable(*groups, at=self.now)
        members = self.people.members(*groups) or self.people.reachable(*groups, at=self.now)
        return self._one(who, members) if who.in_turn else members

    def _there(self) -> tuple[Person, ...]:
        return self.people.reachable(self.group, at=self.now) if self.group else ()

    def _manager(self, up: int) -> tuple[Person, ...]:
        lead = self.people.lead(self.group) if self.group else None
        for person, level in ((self.assignee, up), (lead, up - 1)):
            if person is not None:
                found = person if level == 0 else self.people.manager(person, level) or person
                return (found,)
        return ()

    def _one(self, who: Who, members: tuple[Person, ...]) -> tuple[Person, ...]:
        if not members:
            return ()
        place = self.turn(f"{self.firing.rule}/{self.firing.step}/{who.text}", len(members))
        return (members[place % len(members)],)
