"""From GLPI's log, followups, tasks, solutions and documents to events in our vocabulary.

Log values are display strings: codes for `status`, local times for dates, `Name (id)` for what a ticket points at.
Actors are logged one by one; each line gives the whole new set, so that an event says what the field then was.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from collections.abc import Mapping as Table
from datetime import datetime
from typing import Final

from connector.domain.history import Event, EventKind, Role
from connector.domain.mapping import Mapping
from connector.domain.ticket import Value
from connector.vendors.glpi.inputs import ACTORS
from connector.vendors.glpi.names import Names
from connector.vendors.glpi.options import SEVERAL, TICKET
from connector.vendors.glpi.timeline import (
    CREATED,
    DELETED,
    FIELD,
    LINKED,
    RESTORED,
    UNLINKED,
    File,
    Line,
    Post,
    Timeline,
    shown,
)
from connector.vendors.glpi.zone import Zone

_FIELDS: Final = {number: field for field, number in TICKET.items()}
_LISTS: Final = frozenset({"itilcategories_id", "entities_id", "locations_id", "requesttypes_id", "pendingreasons_id"})
_COLUMNS: Final = {"User": "users_id", "Group": "groups_id", "Supplier": "suppliers_id"}
_WHOLE: Final = {DELETED: EventKind.DELETED, RESTORED: EventKind.RESTORED}
_TEXT_LIMIT: Final = 20_000


class Historian:
    """Turns timelines into events. `me` are the names under which GLPI shows our own account."""

    def __init__(self, mapping: Mapping, names: Names, zone: Zone, me: Callable[[], frozenset[str]]) -> None:
        self._mapping = mapping
        self._names = names
        self._zone = zone
        self._me = me
        self._fed: dict[str, list[str]] = {}
        for rule in mapping.rules():
            if len(rule.sources) >= 1 and rule.sources[0] in TICKET:
                fed = self._fed.setdefault(rule.sources[0], [])
                fed.extend(name for name in ((rule.name, "pending_on") if rule.name == "state" else (rule.name,))
                           if name not in fed)

    def events(self, timeline: Timeline) -> list[Event]:
        made: list[Event] = []
        sets: dict[str, set[str]] = {}
        for line in timeline.lines:
            made.extend(self._line(line, sets, timeline.requesters))
        made.extend(event for post in timeline.posts for event in self._post(post, timeline.requesters))
        made.extend(event for file in timeline.files for event in self._file(file, timeline.requesters))
        return made

    def _line(self, line: Line, sets: dict[str, set[str]], requesters: frozenset[str]) -> Iterator[Event]:
        at = self._at(line.at)
        if at is None:
            return
        who = self._role(line.actor, requesters)
        if line.action == CREATED:
            yield Event(key=f"log/{line.id}", at=at, kind=EventKind.CREATED, seq=line.id, actor=line.actor, role=who)
        elif line.action in _WHOLE:
            yield Event(key=f"log/{line.id}", at=at, kind=_WHOLE[line.action], seq=line.id, actor=line.actor, role=who)
        elif (change := self._change(line, sets)) is not None:
            field, old, new = change
            for name, before, after in self._canonical(field, old, new):
                yield Event(key=f"log/{line.id}/{name}", at=at, kind=EventKind.CHANGED, seq=line.id, field=name,
                            old=before, new=after, actor=line.actor, role=who)

    def _change(self, line: Line, sets: dict[str, set[str]]) -> tuple[str, str, str] | None:
        """The tool field a line changes, with its old and new raw value."""
        field = _FIELDS.get(line.option, "")
        if line.action == FIELD and not line.link and field:
            return field, self._raw(field, line.old), self._raw(field, line.new)
        if line.action not in (LINKED, UNLINKED) or line.link not in _COLUMNS:
            return None
        who = self._actor(line.link, line.new if line.action == LINKED else line.old)
        if line.action == UNLINKED:
            field = _left(line.link, who, sets)
        if field not in ACTORS:
            return None
        have = sets.setdefault(field, set())
        old = SEVERAL.join(sorted(have | ({who} if line.action == UNLINKED else set())))
        have.add(who) if line.action == LINKED else have.discard(who)
        return field, old, SEVERAL.join(sorted(have))

    def _raw(self, field: str, value: str) -> str:
        if field not in _LISTS:
            return value
        text, id = shown(value)
        return "" if id == "0" else (self._names.name(field, id) or text)

    def _actor(self, link: str, value: str) -> str:
        text, id = shown(value)
        if link == "User":
            return self._names.people([id])[id].login if id and id != "0" else text
        return self._names.name(_COLUMNS[link], id) or text

    def _canonical(self, field: str, old: str, new: str) -> Iterator[tuple[str, Value, Value]]:
        for name in self._fed.get(field, ()):
            before, after = self._value(name, old), self._value(name, new)
            if before != after:
                yield name, before, after

    def _value(self, name: str, raw: str) -> Value:
        """A value of the past that the mapping does not know any more is not known, rather than a lost history."""
        try:
            return self._mapping.value(name, raw, self._zone.utc)
        except ValueError:
            return None

    def _post(self, post: Post, requesters: frozenset[str]) -> Iterator[Event]:
        at = self._at(post.at)
        if at is None:
            return
        data: dict[str, Value] = {"id": str(post.id), "type": post.itemtype}
        yield Event(key=comment_key(post.itemtype, post.id), at=at, seq=post.id, actor=post.actor,
                    kind=EventKind.COMMENTED if post.public else EventKind.NOTED, text=post.text[:_TEXT_LIMIT],
                    role=self._role(post.actor, requesters), data=data)

    def _file(self, file: File, requesters: frozenset[str]) -> Iterator[Event]:
        at = self._at(file.at)
        if at is not None:
            yield Event(key=f"Document/{file.id}", at=at, kind=EventKind.ATTACHED, actor=file.actor, text=file.name,
                        role=self._role(file.actor, requesters), data={"id": file.id, "media_type": file.media_type})

    def _at(self, text: str) -> datetime | None:
        try:
            return self._zone.utc(text)
        except ValueError:
            return None

    def _role(self, actor: str, requesters: Iterable[str]) -> Role:
        if not actor:
            return Role.SYSTEM
        if actor in self._me():
            return Role.CONNECTOR
        return Role.REQUESTER if actor in requesters else Role.AGENT


def _left(kind: str, who: str, sets: Table[str, set[str]]) -> str:
    """The field an actor was taken from. GLPI logs a removal without saying which, so it is the one where he was;
    of several the assignment, which is what changes in practice."""
    held = [field for field, (holds, _) in ACTORS.items() if holds == kind and who in sets.get(field, ())]
    assign = next(field for field, (holds, type) in ACTORS.items() if holds == kind and type == 2)
    return assign if not held or assign in held else held[0]


def comment_key(itemtype: str, id: int | str) -> str:
    return f"{itemtype}/{id}"
