"""From a tool field's change to events in our fields and values: shared by the audit and the metrics."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from connector.domain.errors import Refused
from connector.domain.history import Event, EventKind, Role
from connector.domain.mappings.rules import Rule
from connector.domain.ticket import Value
from connector.vendors.servicenow.desk import Desk
from connector.vendors.servicenow.records import bare

Row = dict[str, Any]


SYSTEM: Final = frozenset({"system", "guest"})
CALLERS: Final = ("caller_id.user_name", "requested_for.user_name", "request.requested_for.user_name",
                  "requested_by.user_name")
"""Who a ticket is for, in the tables of the base system."""


class People:
    """Who an actor is, seen from a ticket."""

    def __init__(self, mine: Callable[[], frozenset[str]]) -> None:
        self._mine = mine

    def role(self, actor: str, ticket: Row) -> Role:
        if not actor:
            return Role.UNKNOWN
        if actor in self._mine():
            return Role.CONNECTOR
        if actor.lower() in SYSTEM:
            return Role.SYSTEM
        return Role.REQUESTER if actor in {ticket.get(name) for name in CALLERS} else Role.AGENT


@dataclass(frozen=True, slots=True)
class Step:
    """Some fields of one ticket that changed at once: name -> (old, new), as stored."""

    key: str
    at: datetime
    seq: int
    actor: str
    changed: Mapping[str, tuple[str, str]]


class Translator:
    """Turns steps into events, by the rules of the mapping."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.rules: dict[str, list[Rule]] = {table: self._rules(table) for table in desk.options.tables}
        self.bases = frozenset(source.partition(".")[0] for rules in self.rules.values() for rule in rules
                               for source in rule.sources)

    def _rules(self, table: str) -> list[Rule]:
        """The rules for tickets of this table, each field once, those that history can speak of."""
        mapping = self.desk.mapping
        kind = self.desk.kinds[table]
        rules = {rule.name: mapping.rule(rule.name, kind) for rule in mapping.rules()}
        skipped = ("kind", "number", "updated_at", "version")
        return [rule for name, rule in rules.items() if rule is not None and rule.sources and name not in skipped]

    @property
    def joined(self) -> list[str]:
        """Tool fields that make one of ours together with others, so that their present value is needed, too."""
        return sorted({source for rules in self.rules.values() for rule in rules if len(rule.sources) > 1
                       for source in rule.sources})

    def events(self, table: str, steps: Sequence[Step], ticket: Row, people: People) -> Iterable[Event]:
        """Steps come in order. A value the mapping does not know gives no event: where it still stands, the ticket
        itself is set aside, which says so."""
        after = {name: bare(ticket.get(name)) for name in self.joined}
        for step in reversed(steps):
            after.update({name: old for name, (old, _) in step.changed.items()})
        for step in steps:
            before = {**after, **{name: old for name, (old, _) in step.changed.items()}}
            after = {**before, **{name: new for name, (_, new) in step.changed.items()}}
            role = people.role(step.actor, ticket)
            for rule in self.rules[table]:
                if any(source in step.changed for source in rule.sources):
                    yield from self._one(table, step, rule, before, after, role)

    def _one(self, table: str, step: Step, rule: Rule, before: Mapping[str, str], after: Mapping[str, str],
             role: Role) -> Iterable[Event]:
        names = ("state", "pending_on") if rule.name == "state" and rule.table is not None else (rule.name,)
        for name in names:
            old, new = self._value(table, name, rule, before), self._value(table, name, rule, after)
            old = None if old is _UNKNOWN else old
            if new is _UNKNOWN or old == new:
                continue
            yield Event(key=f"{step.key}:{name}", at=step.at, seq=step.seq, kind=EventKind.CHANGED, field=name,
                        old=old, new=new, actor=step.actor, role=role)

    def _value(self, table: str, name: str, rule: Rule, known: Mapping[str, str]) -> Any:
        raw: Any = tuple(known.get(source, "") for source in rule.sources)
        if len(rule.sources) == 1:
            raw = raw[0]
        try:
            value: Value = self.desk.mapping.value(name, raw, self.desk.when, self.desk.kinds[table])
        except ValueError:
            return _UNKNOWN
        return value

    def named(self, steps: Mapping[str, list[Step]]) -> dict[str, list[Step]]:
        """The steps with ids of references also under the names the mapping reads: `assignment_group.name`."""
        dotted = sorted({source for rules in self.rules.values() for rule in rules for source in rule.sources
                         if source.count(".") == 1})
        for source in dotted:
            field, _, by = source.partition(".")
            ids = {id for own in steps.values() for step in own for id in step.changed.get(field, ()) if id}
            if not ids or self.desk.references.table_of(field) is None:
                continue
            try:
                names = self.desk.references.values_of(field, by, ids)
            except Refused:
                continue
            steps = {ticket: [_with_name(step, field, source, names) for step in own] for ticket, own in steps.items()}
        return dict(steps)


class _Unknown:
    """A value that the mapping does not know."""


_UNKNOWN = _Unknown()


def _with_name(step: Step, field: str, source: str, names: Mapping[str, str]) -> Step:
    if field not in step.changed:
        return step
    old, new = step.changed[field]
    if any(id and id not in names for id in (old, new)):
        return step  # half a name would be a wrong change
    pair = (names.get(old, ""), names.get(new, ""))
    return Step(step.key, step.at, step.seq, step.actor, {**step.changed, source: pair})
