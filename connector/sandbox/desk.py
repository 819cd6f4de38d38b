"""A simulated service desk: who works there, its tickets, and the one way to change them.

Every make shows the same desk in its own words. Each change moves `updated_at` and `revision`, writes the audit log and
tells the listeners. All of it happens under `lock`; whoever reads several things together holds the lock meanwhile.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from connector.sandbox.clock import Clock
from connector.sandbox.model import (
    ACTORS,
    Actor,
    Category,
    Change,
    Comment,
    Company,
    Deletion,
    File,
    Group,
    Happening,
    Person,
    Site,
    Supplier,
    Ticket,
)

Rule = Callable[[Ticket, dict[str, Any], datetime], dict[str, Any]]
"""A make's own rules: may add to the changes or correct them; raises to refuse."""
_FIELDS = frozenset(Ticket.__dataclass_fields__) - {"id", "actors", "extra", "comments", "files", "log", "revision"}


class Desk:
    def __init__(self, seed: int = 1, clock: Clock | None = None) -> None:
        self.seed = seed
        self.clock = clock or Clock()
        self.lock = threading.RLock()
        self.people: dict[int, Person] = {}
        self.groups: dict[int, Group] = {}
        self.suppliers: dict[int, Supplier] = {}
        self.companies: dict[int, Company] = {}
        self.sites: dict[int, Site] = {}
        self.categories: dict[int, Category] = {}
        self.services: dict[int, str] = {}
        self.tickets: dict[int, Ticket] = {}
        self.deletions: list[Deletion] = []
        self.generation = 0
        """Counts every change of anything: what was worked out for one generation holds until the next."""
        self.rule: Rule = lambda ticket, changes, at: changes
        self.first_ticket = 1
        self._listeners: list[Callable[[Happening], None]] = []
        self._ids: dict[str, int] = {}
        self._uids: dict[str, tuple[str, int]] = {}
        self._given: dict[tuple[str, int], str] = {}

    def next_id(self, kind: str) -> int:
        with self.lock:
            self._ids[kind] = self._ids.get(kind, self.first_ticket - 1 if kind == "ticket" else 0) + 1
            return self._ids[kind]

    def uid(self, kind: str, number: int) -> str:
        """A stable 32-digit id, the same for the same seed."""
        known = self._given.get((kind, number))
        if known is not None:
            return known
        text = hashlib.md5(f"{self.seed}/{kind}/{number}".encode(), usedforsecurity=False).hexdigest()
        if kind in _LASTING or kind in ("task", "file"):
            self._uids[text] = (kind, number)
        if kind in _LASTING:
            self._given[kind, number] = text
        return text

    def by_uid(self, uid: str) -> tuple[str, int] | None:
        """What an id given out by `uid` stands for."""
        return self._uids.get(uid)

    def listen(self, listener: Callable[[Happening], None]) -> None:
        self._listeners.append(listener)

    def person(self, login: str) -> Person:
        for person in self.people.values():
            if person.login == login:
                return person
        raise KeyError(f"nobody is called {login!r} at this desk")

    def add_person(self, login: str, **known: Any) -> Person:
        with self.lock:
            number = known.pop("id", None) or self.next_id("person")
            known.setdefault("first", "")
            known.setdefault("last", "")
            known.setdefault("email", f"{login}@example.com")
            person = self.people[number] = Person(number, login, **known)
            self._ids["person"] = max(self._ids.get("person", 0), number)
            self.generation += 1
            return person

    # ---- tickets

    def create(self, by: int, *, at: datetime | None = None, extra: Mapping[str, Any] | None = None,
               **values: Any) -> Ticket:
        """A new ticket. `requester`, `assignee`, `group`, `supplier` are ids; unknown names go to `extra`."""
        with self.lock:
            now = at or self.clock.now()
            ticket = Ticket(self.next_id("ticket"), values.pop("kind", "incident"), now, now, now, by, by)
            ticket.extra.update(extra or {})
            for name, value in self.rule(ticket, dict(values), now).items():
                if name in ACTORS:
                    if value is not None:
                        role, kind = ACTORS[name]
                        ticket.actors.append(Actor(self.next_id(f"actor_{kind}"), role, kind, value))
                elif name in _FIELDS:
                    setattr(ticket, name, value)
                else:
                    ticket.extra[name] = value
            self.tickets[ticket.id] = ticket
            self._log(ticket, now, by, "created", None, [(a.role, a.kind, a.who) for a in ticket.actors])
            self._tell("created", ticket, now, by)
            return ticket

    def change(self, ticket: Ticket, by: int, changes: Mapping[str, Any], *, at: datetime | None = None,
               quiet: bool = False) -> list[Change]:
        """Set fields; what is already so is no change. `quiet` leaves stamps alone, as scripts in tools may do."""
        with self.lock:
            now = at or self.clock.now()
            wanted = self.rule(ticket, dict(changes), now)
            done: list[tuple[str, Any, Any]] = []
            for name, value in wanted.items():
                old = self._set(ticket, name, value)
                if old is not _SAME:
                    done.append((name, old, value))
            if not done:
                return []
            if not quiet:
                self._touch(ticket, now, by)
            lines = [self._log(ticket, now, by, name, old, new) for name, old, new in done]
            self._tell("changed", ticket, now, by, ",".join(name for name, _, _ in done))
            return lines

    def _set(self, ticket: Ticket, name: str, value: Any) -> Any:
        if name in ACTORS:
            role, kind = ACTORS[name]
            old = ticket.first(role, kind)
            if old == value:
                return _SAME
            kept = [a for a in ticket.actors if not (a.role == role and a.kind == kind and a.who == old)]
            if value is not None:
                kept.append(Actor(self.next_id(f"actor_{kind}"), role, kind, value))
            ticket.actors = kept
            return old
        if name in _FIELDS:
            old = getattr(ticket, name)
            if old == value:
                return _SAME
            setattr(ticket, name, value)
            return old
        old = ticket.extra.get(name)
        if old == value and (value is not None or name in ticket.extra):
            return _SAME
        ticket.extra[name] = value
        return old

    def add_actor(self, ticket: Ticket, by: int, role: str, kind: str, who: int, email: str = "") -> Actor:
        """One more actor beside those there. Raises ValueError when it is there already."""
        with self.lock:
            for actor in ticket.actors:
                if (actor.role, actor.kind, actor.who, actor.email) == (role, kind, who, email):
                    raise ValueError("already an actor of this ticket")
            now = self.clock.now()
            added = Actor(self.next_id(f"actor_{kind}"), role, kind, who, email)
            ticket.actors.append(added)
            self._touch(ticket, now, by)
            self._log(ticket, now, by, f"actor:{role}:{kind}", None, who or email)
            self._tell("changed", ticket, now, by, "actors")
            return added

    def drop_actor(self, ticket: Ticket, by: int, actor: Actor) -> None:
        with self.lock:
            now = self.clock.now()
            ticket.actors = [a for a in ticket.actors if a.id != actor.id or a.kind != actor.kind]
            self._touch(ticket, now, by)
            self._log(ticket, now, by, f"actor:{actor.role}:{actor.kind}", actor.who or actor.email, None)
            self._tell("changed", ticket, now, by, "actors")

    def comment(self, ticket: Ticket, by: int, text: str, kind: str = "reply", *, at: datetime | None = None,
                **extra: Any) -> Comment:
        with self.lock:
            now = at or self.clock.now()
            comment = Comment(self.next_id("comment"), ticket.id, now, by, text, kind, extra=extra)
            ticket.comments.append(comment)
            self._touch(ticket, now, by)
            self._log(ticket, now, by, "comment", None, comment.id)
            self._tell("commented", ticket, now, by, kind, comment.id)
            return comment

    def edit_comment(self, ticket: Ticket, by: int, comment: Comment, text: str) -> None:
        with self.lock:
            now = self.clock.now()
            old, comment.text, comment.edited_at = comment.text, text, now
            self._touch(ticket, now, by)
            self._log(ticket, now, by, f"comment:{comment.id}", old, text)
            self._tell("commented", ticket, now, by, comment.kind, comment.id)

    def attach(self, ticket: Ticket, by: int, name: str, media_type: str, data: bytes, *, touch: bool = True,
               comment: int | None = None, number: int | None = None, note: str = "") -> File:
        """`number` gives the file an id taken earlier."""
        with self.lock:
            now = self.clock.now()
            file = File(number or self.next_id("file"), ticket.id, now, by, name, media_type, data, comment, note)
            ticket.files.append(file)
            if touch:
                self._touch(ticket, now, by)
            self._log(ticket, now, by, "file", None, file.id)
            self._tell("attached", ticket, now, by, "", file.id)
            return file

    def trash(self, ticket: Ticket, by: int, trashed: bool = True, *, at: datetime | None = None) -> None:
        """Into the trash bin or out of it (GLPI). Taking out leaves `updated_at` as it is."""
        with self.lock:
            if ticket.trashed == trashed:
                return
            now = at or self.clock.now()
            ticket.trashed = trashed
            if trashed:
                self._touch(ticket, now, by)
            self._log(ticket, now, by, "trashed", not trashed, trashed)
            self._tell("trashed" if trashed else "changed", ticket, now, by)

    def delete(self, ticket: Ticket, by: int, *, at: datetime | None = None) -> Deletion:
        """Gone for good, with its log; only the list of deletions remembers it."""
        with self.lock:
            now = at or self.clock.now()
            del self.tickets[ticket.id]
            gone = Deletion(self.next_id("deletion"), ticket.id, ticket.kind, now, by, ticket.title, dict(ticket.extra))
            self.deletions.append(gone)
            self._tell("deleted", ticket, now, by)
            return gone

    def _touch(self, ticket: Ticket, at: datetime, by: int) -> None:
        ticket.updated_at, ticket.updated_by = at, by
        ticket.revision += 1

    def _log(self, ticket: Ticket, at: datetime, by: int, field: str, old: Any, new: Any) -> Change:
        line = Change(self.next_id("log"), ticket.id, at, by, field, old, new, ticket.revision)
        ticket.log.append(line)
        return line

    def _tell(self, kind: str, ticket: Ticket, at: datetime, by: int, detail: str = "", sub: int = 0) -> None:
        self.generation += 1
        if self._listeners:
            happening = Happening(kind, ticket.id, at, by, detail, sub)
            for listener in self._listeners:
                listener(happening)


_SAME = object()
_LASTING = frozenset({"person", "group", "supplier", "company", "site", "service"})
"""Few things, asked for again and again."""
