"""What may be done to a major incident: each move is checked against the record, and becomes an event."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Final

from connector.domain.errors import Refused
from connector.domain.history import Event, EventKind, Origin, Role
from connector.domain.major.checklist import lines, missing
from connector.domain.major.procedure import Procedure
from connector.domain.major.record import ALLOWED, REPORT, Record, State, What
from connector.domain.ticket import Value

LONGEST: Final = 8000
LONGEST_OWNER: Final = 200
REQUIRED: Final = ("impact", "cause")
"""What a closing report has to say."""
SECTIONS: Final = (*REQUIRED, "resolution", "lessons")
_WORDS: Final[Mapping[What, str]] = {
    What.UPDATE: "what is told", What.DECISION: "what was decided", What.FOLLOW_UP: "what is to be done",
    What.SKIPPED: "why the step is skipped", What.UNDONE: "why the step is open again",
    What.RELAPSED: "what happened", What.STOOD_DOWN: "why it is no major incident",
}


def declare(last: Record | None, now: datetime, actor: str, why: str, rule: str = "", process: str = "",
            role: Role = Role.AGENT) -> Event:
    """The event that makes a ticket a major incident; `last` is its latest record. Raises Refused."""
    if last is not None and last.active:
        raise Refused("it is a major incident already")
    n = 1 if last is None else last.n + 1
    at = now if last is None or last.last_at is None else max(now, last.last_at)
    place = 0 if last is None else last.count
    return _event(What.DECLARED, n, f"major/{n}/declared", at, place, actor, _words(why, "why it is a major incident"),
                  {"rule": rule, "process": process}, role)


def move(record: Record, what: What, now: datetime, actor: str, text: str = "", once: str = "",
         role: Role = Role.AGENT) -> Event:
    """A move that needs words at most. `once` makes two of the same words two; the same twice is one.

    Raises Refused, also for what is done to a step, a child, a role or by a report: those have functions of their own.
    """
    if what in _OWN:
        raise Refused(f"{what} needs more than words")
    return _move(record, what, now, actor, text, {}, once, role)


def mark(record: Record, what: What, step: str, now: datetime, actor: str, note: str = "") -> Event:
    """A step done, skipped, or open again after all. Raises Refused."""
    known = [line.path for line in lines(record, now)]
    if step not in known:
        raise Refused(f"there is no step {step}" + (f"; expected one of {', '.join(known)}" if known else ""))
    if (what is What.UNDONE) is not (step in record.marks):
        raise Refused(f"step {step} is open" if what is What.UNDONE else f"step {step} is ticked already")
    line = next(line for line in lines(record, now) if line.path == step)
    if line.began is None:
        raise Refused(f"step {step} belongs to the recovery, which has not begun")
    return _move(record, what, now, actor, note, {"step": step}, step)


def name(record: Record, role: str, person: str, now: datetime, actor: str) -> Event:
    """Give a role to a person, by id; "" takes it from them. Raises Refused."""
    if not role:
        raise Refused("role: expected such as incident_manager")
    if record.roles.get(role, "") == person:
        raise Refused(f"{person or 'nobody'} has the role {role} already")
    return _move(record, What.ROLE, now, actor, "", {"role": role, "person": person}, f"{role}/{person}")


def link(record: Record, child: str, now: datetime, actor: str, own: str = "") -> Event:
    """Another ticket (tool/id) is about the same. `own` is the incident's own reference. Raises Refused."""
    if child == own:
        raise Refused("a ticket is no child of its own")
    if child in record.children:
        raise Refused(f"{child} is linked already")
    return _move(record, What.LINKED, now, actor, "", {"child": child}, child)


def unlink(record: Record, child: str, now: datetime, actor: str) -> Event:
    """Raises Refused."""
    if child not in record.children:
        raise Refused(f"{child} is not linked")
    return _move(record, What.UNLINKED, now, actor, "", {"child": child}, child)


def attach(record: Record, procedure: Procedure, now: datetime, actor: str, role: Role = Role.AGENT) -> Event:
    """A continuity procedure, as it is now. Raises Refused."""
    if any(one.name == procedure.name for one in record.procedures):
        raise Refused(f"{procedure.name} is attached already")
    data: dict[str, Value] = {"procedure": procedure.written(), "version": procedure.version}
    return _move(record, What.PROCEDURE, now, actor, "", data, procedure.name, role)


def follow_up(record: Record, text: str, owner: str, due: date | None, now: datetime, actor: str,
              once: str = "") -> Event:
    """Something to do after the incident, also once it is closed. Raises Refused."""
    if len(owner) > LONGEST_OWNER:
        raise Refused(f"owner: longer than {LONGEST_OWNER} letters")
    data: dict[str, Value] = {"owner": owner, "due": due.isoformat() if due else ""}
    return _move(record, What.FOLLOW_UP, now, actor, text, data, once)


def followed_up(record: Record, item: str, now: datetime, actor: str, text: str = "") -> Event:
    """A follow-up (by the key of its event) is done, or with words that say so not needed. Raises Refused."""
    if not any(one.said.key == item and one.done is None for one in record.follow_ups):
        raise Refused("follow-up: there is none such, or it is done already")
    return _move(record, What.FOLLOWED_UP, now, actor, text, {"item": item}, item)


def close(record: Record, report: Mapping[str, str], now: datetime, actor: str) -> Event:
    """The end, with the words of the closing report (SECTIONS). Raises Refused with everything that is missing."""
    wrong = [f"report: unknown part {part}; expected {', '.join(SECTIONS)}" for part in report if part not in SECTIONS]
    wrong += [f"report: {part} is required" for part in REQUIRED if not report.get(part, "").strip()]
    wrong += [f"report: {part} is longer than {LONGEST} letters" for part in report if len(report[part]) > LONGEST]
    wrong += [f"step {line.path} was neither done nor skipped" for line in missing(lines(record, now))]
    if record.state is not State.RECOVERED:
        wrong.insert(0, f"it is {record.state.replace('_', ' ')}: only what is recovered can be closed")
    if wrong:
        raise Refused("; ".join(wrong))
    data: dict[str, Value] = {REPORT + part: words.strip() for part, words in report.items() if words.strip()}
    return _move(record, What.CLOSED, now, actor, "", data)


_OWN: Final = frozenset({What.DECLARED, What.ROLE, What.FOLLOW_UP, What.FOLLOWED_UP, What.LINKED, What.UNLINKED,
                         What.PROCEDURE, What.DONE, What.SKIPPED, What.UNDONE, What.CLOSED})
_ONCE: Final = frozenset({What.UPDATE, What.DECISION, What.FOLLOW_UP})
"""Their key is the caller's `once`; the others' that of the moment in the record, so that two at once are one."""


def _move(record: Record, what: What, now: datetime, actor: str, text: str, data: Mapping[str, Value],
          subject: str = "", role: Role = Role.AGENT) -> Event:
    if record.state not in ALLOWED[what]:
        raise Refused(f"{what.replace('_', ' ')}: not while it is {record.state.replace('_', ' ')}")
    if what in _WORDS:
        text = _words(text, _WORDS[what])
    at = max(now, record.last_at or now)
    place = subject if what in _ONCE and subject else f"{record.count}/{subject}" if subject else str(record.count)
    return _event(what, record.n, f"major/{record.n}/{what}/{place}", at, record.count, actor, text, data, role)


def _words(text: str, expected: str) -> str:
    text = text.strip()
    if not text:
        raise Refused(f"words are required: {expected}")
    if len(text) > LONGEST:
        raise Refused(f"{len(text)} letters are too many: at most {LONGEST}")
    return text


def _event(what: What, n: int, key: str, at: datetime, seq: int, actor: str, text: str, data: Mapping[str, Value],
           role: Role) -> Event:
    kept = {name: value for name, value in data.items() if value not in ("", None)}
    if what is What.ROLE:
        kept.setdefault("person", "")
    return Event(key=key, at=at, kind=EventKind.MAJOR, seq=seq, actor=actor, role=role, origin=Origin.CONNECTOR,
                 text=text, data={"what": what.value, "n": n, **kept})
