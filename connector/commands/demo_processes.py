"""The demo's processes: one major incident from its declaration to its report, one service request to its end."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeVar

from connector.domain.errors import ConnectorError
from connector.domain.history import Event
from connector.domain.major import moves as major_moves
from connector.domain.major.checklist import lines as steps_of
from connector.domain.major.checklist import missing
from connector.domain.major.closing import closing
from connector.domain.major.record import State as MajorState
from connector.domain.major.record import What
from connector.domain.requests.record import Record, TaskState
from connector.domain.ticket import ENDED
from connector.flows import approving, majors, requests
from connector.flows.request_tasks import child_of, once_of
from connector.paper.pdf import render
from connector.ports import Deps, Stored
from connector.sandbox import Handle

TOOL: Final = "servicenow"
SERVICE: Final = "E-mail"
CHILDREN: Final = 3
WANTED: Final = "New badge for the lift"
APPROVER: Final = "lead-support"
BY: Final = "demo-lead"
ITEM: Final = f"""\
# Only in the demo: an approval, two tasks of the supplier side by side, and one of our own.
item: badge
title: A new badge
applies_to: {{kind: service_request, title: {{like: "{WANTED}*"}}}}
approvals: [{{approval: manager, by: {{person: {APPROVER}}}, within: 1h}}]
tasks:
  - {{task: print, title: Print the badge, handoff: %s, within: 30m}}
  - {{task: lift, title: Open the lift for it, handoff: %s, within: 30m, after: []}}
  - {{task: hand-over, title: Hand it over, level: 1, within: 1h, after: [print, lift]}}
"""
Found = TypeVar("Found")


def join(folder: Path, supplier: str) -> bool:
    """Put the item into the catalogue; False where there are no agreements."""
    place = folder / "sla_profiles"
    if not place.is_dir():
        return False
    (place / "catalogue").mkdir(exist_ok=True)
    (place / "catalogue" / "demo-badge.yaml").write_text(ITEM % (supplier, supplier), encoding="utf-8")
    return True


class Ended(Exception):
    """The demo is over."""


class Processes:
    """Two people at the desk, each in a thread: one leads a major incident, one sees a service request through."""

    def __init__(self, deps: Deps, handle: Handle, folder: Path, zone: str = "UTC") -> None:
        self._deps, self._handle, self._folder, self._zone = deps, handle, folder, zone
        self._stopped = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(work,), name=name, daemon=True)
                         for name, work in (("major", self._lead), ("request", self._fulfil))]
        self.handed = threading.Event()
        """The supplier has the tasks of the request: other work may come after them."""
        self.incident = 0
        self.request = 0

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._stopped.set()
        for thread in self._threads:
            thread.join(10)

    def _run(self, work: Callable[[], None]) -> None:
        try:
            work()
        except Ended:
            return

    def _until(self, ready: Callable[[], Found | None]) -> Found:
        """What `ready` gives once it gives something: tools misbehave here, so it is asked until the demo ends."""
        while not self._stopped.wait(0.3):
            try:
                found = ready()
            except (ConnectorError, KeyError):
                continue
            if found is not None:
                return found
        raise Ended

    def _read(self, id: str) -> Stored:
        def known() -> Stored | None:
            with self._deps.store.read() as tx:
                return tx.tickets(TOOL, [id]).get(id)

        return self._until(known)

    def _lead(self) -> None:
        made = [self._read(self._handle.create(title=title, service=SERVICE)) for title in
                ("No mail in Geneva", *(f"I cannot read mail, number {n + 1}" for n in range(CHILDREN)))]
        key = made[0].key
        self._until(lambda: majors.declare(self._deps, key, BY, "nobody in Geneva has mail"))
        self.incident = key
        for child in made[1:]:
            self._link(key, str(child.ticket.ref))
        self._does(key, lambda r, s, now: major_moves.move(
            r, What.UPDATE, now, BY, "A disk of the mail store is full. We expect mail back in an hour.", "demo-1"))
        self._does(key, lambda r, s, now: major_moves.move(r, What.RECOVERING, now, BY))
        self._tick_off(key)
        self._does(key, lambda r, s, now: major_moves.move(r, What.RECOVERED, now, BY, "Mail works again."))
        self._does(key, lambda r, s, now: major_moves.follow_up(
            r, "Watch the disks of all mail stores.", "lead-infrastructure", None, now, BY, "demo-1"))
        self._does(key, lambda r, s, now: major_moves.close(
            r, {"impact": "No mail for the people of Geneva.", "cause": "A disk was full."}, now, BY))

    def _does(self, key: int, make: majors.Make) -> None:
        self._until(lambda: majors.act(self._deps, key, make, BY))

    def _link(self, key: int, child: str) -> None:
        self._does(key, lambda r, s, now: major_moves.link(r, child, now, BY))

    def _tick_off(self, key: int) -> None:
        record = majors.standing(self._deps, key).record
        for line in missing(steps_of(record, self._deps.now())) if record is not None else ():
            self._done(key, line.path)

    def _done(self, key: int, step: str) -> None:
        self._does(key, lambda r, s, now: major_moves.mark(r, What.DONE, step, now, BY))

    def _fulfil(self) -> None:
        stored = self._read(self._handle.create(title=WANTED, kind="service_request"))
        key = self.request = stored.key
        self._until(lambda: self._record(key))
        self._until(lambda: approving.answer(self._deps, key, APPROVER, "request/approval/manager/asked", True, "",
                                             f"person:{APPROVER}", "link"))
        self._until(lambda: self._handed(key))
        self.handed.set()
        child = self._until(lambda: self._child(key))
        self._until(lambda: self._closes(child))

    def _closes(self, child: str) -> bool:
        self._handle.edit(child, state="closed")
        return True

    def _handed(self, key: int) -> bool | None:
        found = requests.standing(self._deps, key)[1]
        return True if any(doing.state is not TaskState.WAITING for doing in found.tasks.values()) else None

    def _record(self, key: int) -> Record | None:
        return requests.standing(self._deps, key)[1]

    def _child(self, key: int) -> str | None:
        """The id of the task of our own in its tool, once the others are done."""
        stored, found = requests.standing(self._deps, key)
        doing = found.doing("hand-over")
        if doing.state is not TaskState.STARTED:
            return None
        with self._deps.store.read() as tx:
            child = child_of(tx, stored, once_of(stored, "hand-over", doing.tries))
        return child.ticket.id if child is not None and child.ticket.id[:1] != "~" else None

    def figures(self) -> str:
        """What became of both, in two lines; writes the report."""
        return f"major incident: {self._told_major()}\nservice request: {self._told_request()}"

    def _told_major(self) -> str:
        if not self.incident:
            return "not declared"
        seen, now = majors.standing(self._deps, self.incident), self._deps.now()
        assert seen.record is not None
        told = closing(seen.stored.ticket, seen.events, seen.record, now)
        with self._deps.store.read() as tx:
            informed = sum(_heard(tx.history([stored.key])[stored.key]) for ref in seen.record.children
                           for stored in tx.tickets(TOOL, [ref.partition("/")[2]]).values())
        path = self._report(seen.stored, told)
        lasted = f" after {told.durations.to_recover.total_seconds():.0f} s" if told.durations.to_recover else ""
        ended = "closed" if seen.record.state is MajorState.CLOSED else str(seen.record.state)
        return (f"{seen.stored.ticket.number} {ended}, recovered{lasted}; {len(seen.record.updates)} update, "
                f"{informed} comments on {len(seen.record.children)} children; report in {path}")

    def _report(self, stored: Stored, told: object) -> Path:
        from connector.web.papers.major import document

        path = self._folder / "major-incident.pdf"
        path.write_bytes(render(document(stored.ticket, told, "demo", "en", self._zone, {})))  # type: ignore[arg-type]
        return path

    def _told_request(self) -> str:
        if not self.request:
            return "not asked for"
        stored, found = requests.standing(self._deps, self.request)
        done = sum(doing.state is TaskState.DONE for doing in found.tasks.values())
        answers = [answer for asked in found.approvals.values() for answer in asked.answers]
        ended = "" if stored.ticket.state in ENDED else " (its ticket is still open)"
        return (f"{stored.ticket.number} {found.state}{ended}; approved by "
                f"{', '.join(answer.person for answer in answers if answer.yes) or 'nobody'}, "
                f"{done} of {len(found.plan.tasks)} tasks done")


def _heard(line: list[Event]) -> int:
    return sum(event.kind == "commented" and event.actor == BY for event in line)
