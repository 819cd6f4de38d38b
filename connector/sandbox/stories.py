"""The life of one ticket: who does what when. A story is told step by step, so that it can react to what others do."""

from __future__ import annotations

import random
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from connector.sandbox.catalogue import TOPICS, Topic
from connector.sandbox.model import Person, Ticket
from connector.sandbox.rhythm import lasting, worked
from connector.sandbox.side import ENDED, Side

FRENCH: Final = {
    "ask": "Pouvez-vous préciser depuis quand et sur quel poste ?",
    "reply": "Depuis hier, sur mon portable. Merci de votre aide !",
    "taken": "Bonjour, je m'en occupe.", "sent": "Transmis au niveau {level} : {group}.",
    "supplier": "Ouvert chez {supplier}, en attente de leur retour.", "back": "{supplier} a rétabli le service.",
    "solved": "Rétabli et vérifié avec l'utilisateur.", "again": "Le problème est revenu ce matin.",
}
ENGLISH: Final = {
    "ask": "Could you tell us since when, and on which machine?",
    "reply": "Since yesterday, on my laptop. Thanks for your help!",
    "taken": "Hello, I am looking into it.", "sent": "Passed on to level {level}: {group}.",
    "supplier": "Opened with {supplier}, waiting for their answer.", "back": "{supplier} has restored the service.",
    "solved": "Restored and checked with the user.", "again": "It happened again this morning.",
}
CODES: Final = ("Solution provided", "Workaround provided", "Resolved by request", "User error")
REASSIGNED, ASKED, SUPPLIED, REOPENED, CANCELLED, SPAM = 0.46, 0.22, 0.25, 0.011, 0.015, 0.003
"""Shares: passed on at least once, asked back, given to a supplier (where the topic has one), reopened, and so on."""
Step = datetime
"""A story yields when it goes on; what it then does is done when it is asked to go on."""
Told = Generator[datetime, None, Person]
"""A part of a story that ends with whose turn it is."""


class Over(Exception):
    """Somebody else ended the ticket: the story has nothing more to tell."""


@dataclass(slots=True)
class Story:
    side: Side
    rng: random.Random
    at: datetime

    def tell(self) -> Iterator[Step]:
        """Yields the moments; ends when the ticket's life does."""
        yield self.at
        try:
            yield from self._life()
        except Over:
            return

    def _life(self) -> Iterator[Step]:
        rng, desk = self.rng, self.side.desk
        topic = rng.choices(TOPICS, [topic.share for topic in TOPICS])[0]
        requester = rng.choice([p for p in desk.people.values() if p.role == "customer"] or [self.side.agent()])
        words = FRENCH if requester.language == "fr" else ENGLISH
        ticket = self._create(topic, requester)
        if rng.random() < SPAM:
            yield from self._until(ticket, worked(self.at, lasting(rng, 0.5, 0.5)))
            self.side.remove(ticket, self._agent(1).id, self.at)
            return
        yield from self._until(ticket, worked(self.at, lasting(rng, 0.4, 1.0)))
        first = self._agent(1)
        self._move(ticket, first, state="in_progress", assignee=first.id)
        if rng.random() < 0.5:
            self._say(ticket, first, words["taken"], "reply")
        if topic.request:
            yield from self._tasks(ticket, topic)
        if rng.random() < CANCELLED:
            yield from self._until(ticket, worked(self.at, lasting(rng, 3, 1)))
            self._move(ticket, first, state="cancelled", close_code="No resolution provided", resolution="Withdrawn.")
            return
        worker = first
        if rng.random() < REASSIGNED:
            worker = yield from self._hand_on(ticket, topic, first, words)
        if rng.random() < ASKED:
            yield from self._ask(ticket, worker, requester, words)
        if topic.supplier and rng.random() < SUPPLIED:
            worker = yield from self._supplier(ticket, topic, worker, words)
        yield from self._solve(ticket, worker, words)
        if rng.random() < REOPENED:
            yield from self._until(ticket, self.at + lasting(rng, 20, 0.8, 100), ended=True)
            self._say(ticket, requester, words["again"], "message")
            self._move(ticket, worker, state="in_progress")
            yield from self._solve(ticket, worker, words)
        # Closed by itself after five days (the median of the log is 120.5 hours).
        yield from self._until(ticket, self.at + timedelta(hours=120, minutes=rng.randint(5, 55)), ended=True)
        self._move(ticket, self.side.agent(), state="closed")

    def _create(self, topic: Topic, requester: Person) -> Ticket:
        rng, desk = self.rng, self.side.desk
        french = requester.language == "fr"
        texts = [text for text in topic.texts if any(c in "éèêàçô«’" for c in "".join(text)) == french] or topic.texts
        title, description = rng.choice(texts)
        kind = "service_request" if topic.request else "incident"
        if not topic.request and rng.random() < 0.03:
            kind = rng.choice([k for k in self.side.kinds if k in ("problem", "change")] or ["incident"])
        by = requester if rng.random() < 0.4 else self._agent(1)
        scale = ("high", "medium", "low")
        values: dict[str, Any] = {
            "kind": kind, "title": title, "description": description, "requester": requester.id,
            "company": requester.company, "site": requester.site, "service": topic.service,
            "category": next((c.id for c in desk.categories.values() if c.path == topic.category), None),
            "impact": rng.choices(scale, (4, 76, 20))[0], "urgency": rng.choices(scale, (8, 70, 22))[0],
            "group": self._group("Service Desk"),
        }
        return desk.create(by.id, at=self.at, **values)

    def _tasks(self, ticket: Ticket, topic: Topic) -> Iterator[Step]:
        """A request is fulfilled in one to three tasks: records of their own where the make has them."""
        desk = self.side.desk
        for number in range(1, self.rng.randint(1, 3) + 1):
            yield from self._until(ticket, worked(self.at, lasting(self.rng, 1, 0.7)))
            group = self._group(topic.group)
            worker = self._of(group)
            title = f"{ticket.title} ({number})"
            if "task" not in self.side.kinds:
                desk.comment(ticket, worker.id, title, "task", at=self.at, actiontime=1800, users_id_tech=worker.id)
                continue
            task = desk.create(worker.id, at=self.at, kind="task", title=title, parent=ticket.id, group=group,
                               company=ticket.company, assignee=worker.id)
            yield from self._until(ticket, worked(self.at, lasting(self.rng, 3, 0.9)))
            if task.id in desk.tickets and task.state not in ENDED:
                desk.change(task, worker.id, {"state": "closed"}, at=self.at)

    def _hand_on(self, ticket: Ticket, topic: Topic, first: Person, words: dict[str, str]) -> Told:
        worker, group = first, self._group(topic.group)
        hops = self.rng.choices((1, 2, 3), (65, 24, 11))[0]
        names = [topic.group, *self.rng.sample(("Infrastructure", "Applications", "Network", "Workplace"), 3)]
        for name in names[:hops]:
            yield from self._until(ticket, worked(self.at, lasting(self.rng, 0.6, 1.0)))
            group = self._group(name)
            level = self.side.desk.groups[group].level
            self._say(ticket, worker, words["sent"].format(level=level, group=name), "note")
            worker = self._of(group)
            self._move(ticket, worker, group=group, assignee=worker.id)
        return worker

    def _ask(self, ticket: Ticket, worker: Person, requester: Person, words: dict[str, str]) -> Iterator[Step]:
        yield from self._until(ticket, worked(self.at, lasting(self.rng, 0.5, 0.8)))
        self._say(ticket, worker, words["ask"], "reply")
        self._move(ticket, worker, state="pending", pending_on="customer")
        yield from self._until(ticket, self.at + lasting(self.rng, 40, 1.1, 500))
        self._say(ticket, requester, words["reply"], "message")
        self._move(ticket, worker, state="in_progress")

    def _supplier(self, ticket: Ticket, topic: Topic, worker: Person, words: dict[str, str]) -> Told:
        yield from self._until(ticket, worked(self.at, lasting(self.rng, 1, 0.8)))
        supplier = next(s for s in self.side.desk.suppliers.values() if s.name == topic.supplier)
        manager = self._of(group := self._group("Vendor Management"))
        self._move(ticket, worker, group=group, assignee=manager.id, supplier=supplier.id)
        self._say(ticket, manager, words["supplier"].format(supplier=supplier.name), "note")
        self._move(ticket, manager, state="pending", pending_on="supplier")
        yield from self._until(ticket, self.at + lasting(self.rng, 30, 1.0, 700))
        self._say(ticket, manager, words["back"].format(supplier=supplier.name), "note")
        self._move(ticket, manager, state="in_progress")
        return manager

    def _solve(self, ticket: Ticket, worker: Person, words: dict[str, str]) -> Iterator[Step]:
        yield from self._until(ticket, worked(self.at, lasting(self.rng, 1.5, 1.3, 80)))
        self._move(ticket, worker, state="resolved", close_code=self.rng.choice(CODES), resolution=words["solved"])

    # ---- helpers

    def _until(self, ticket: Ticket, at: datetime, ended: bool = False) -> Iterator[Step]:
        """Wait; then go on only if the ticket is still there and in the course of things."""
        self.at = at
        yield at
        if self.side.desk.tickets.get(ticket.id) is not ticket or ticket.trashed:
            raise Over
        if (ticket.state in ENDED) != ended or ticket.state == "closed":
            raise Over

    def _move(self, ticket: Ticket, by: Person, **changes: Any) -> None:
        self.side.move(ticket, by.id, changes, self.at)

    def _say(self, ticket: Ticket, by: Person, text: str, kind: str) -> None:
        self.side.desk.comment(ticket, by.id, text, kind, at=self.at)

    def _group(self, name: str) -> int:
        return next((g.id for g in self.side.desk.groups.values() if g.name == name), 1)

    def _of(self, group: int) -> Person:
        people = [p for p in self.side.desk.people.values() if group in p.groups and p.login != "agent"]
        return self.rng.choice(people or [self.side.agent()])

    def _agent(self, group: int) -> Person:
        return self._of(group)
