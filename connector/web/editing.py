"""Which fields of a ticket can be edited from here, with the values its tool accepts; a form read back as a patch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from connector.domain.errors import Refused
from connector.domain.mapping import Mapping as FieldMapping
from connector.domain.mapping import Owner
from connector.domain.ticket import PRIORITIES, Kind, PendingOn, Scale, State, Ticket, Value, value_of
from connector.web.i18n import _
from connector.web.words import field_name, word

ORDER: Final = (
    "title",
    "state",
    "priority",
    "impact",
    "urgency",
    "group",
    "assignee",
    "category",
    "service",
    "customer",
    "site",
    "supplier",
    "tags",
)
SUGGESTED: Final = frozenset({"group", "assignee", "customer", "service", "supplier"})


@dataclass(frozen=True, slots=True)
class Input:
    """One field of the form. `options` is None for free text; `value` is how the form says the present value."""

    name: str
    label: str
    value: str
    options: Sequence[tuple[str, str]] | None = None
    suggest: bool = False


def inputs(mapping: FieldMapping, ticket: Ticket) -> list[Input]:
    """What can be changed, in the order of the page: what the mapping writes and the tool does not own alone."""
    custom = sorted(rule.name for rule in mapping.rules() if rule.name.startswith("custom."))
    names = [name for name in (*ORDER, *dict.fromkeys(custom)) if editable(mapping, name)]
    made = (_input(mapping, ticket, name) for name in names)
    return [item for item in made if item is not None]


def editable(mapping: FieldMapping, name: str) -> bool:
    return mapping.writable(name) and mapping.owner(name) is not Owner.TOOL


def _input(mapping: FieldMapping, ticket: Ticket, name: str) -> Input | None:
    current = spoken(name, ticket)
    candidates = _candidates(name)
    if candidates is None:
        return Input(name, field_name(name), current, suggest=name in SUGGESTED)
    options = [(key, label) for key, label in candidates if key == current or _accepts(mapping, name, key, ticket.kind)]
    if not any(key == current for key, _label in options):
        options.insert(0, (current, ""))
    return Input(name, field_name(name), current, options) if len(options) > 1 else None


def _candidates(name: str) -> list[tuple[str, str]] | None:
    match name:
        case "state":
            waiting = [
                (f"pending/{on}", f"{word('states', 'pending')}{_(':')} {word('pending_on', on)}") for on in PendingOn
            ]
            plain = [(state.value, word("states", state.value)) for state in State]
            return [*plain[:3], *waiting, *plain[3:]]
        case "priority":
            return [(name, name) for name in PRIORITIES]
        case "impact" | "urgency":
            return [(scale.value, word("scales", scale.value)) for scale in Scale]
        case _:
            return None


def _accepts(mapping: FieldMapping, name: str, key: str, kind: Kind) -> bool:
    try:
        mapping.write(parse(name, key), kind)
    except Refused:
        return False
    return True


def spoken(name: str, ticket: Ticket) -> str:
    """A field's value as the form says it: `pending/customer`, tags joined by commas."""
    if name == "state":
        return f"{ticket.state}/{ticket.pending_on}" if ticket.pending_on else str(ticket.state)
    value = value_of(ticket, name)
    if isinstance(value, tuple):
        return ", ".join(value)
    return "" if value is None else str(value)


def parse(name: str, given: str) -> dict[str, Value]:
    """What a form's value sets. `state` and `pending_on` travel together."""
    if name == "state":
        state, _slash, reason = given.partition("/")
        return {"state": state, "pending_on": reason or None}
    if name == "tags":
        return {"tags": tuple(dict.fromkeys(tag.strip() for tag in given.split(",") if tag.strip()))}
    return {name: given.replace("\r\n", "\n").strip()}


def overtaken(mapping: FieldMapping, ticket: Ticket, form: Mapping[str, str]) -> list[str]:
    """Labels of fields that the form changes and that somebody else has changed since the form was shown."""
    return [
        item.label
        for item in inputs(mapping, ticket)
        if _given(form, item.name) not in (form.get(f"was.{item.name}"), item.value)
        and form.get(f"was.{item.name}", item.value) != item.value
    ]


def _given(form: Mapping[str, str], name: str) -> str | None:
    value = form.get(name)
    return None if value is None else value.replace("\r\n", "\n").strip()


def patch(mapping: FieldMapping, ticket: Ticket, form: Mapping[str, str]) -> dict[str, Value]:
    """What the form changes. Only fields it carries and whose value differs from what the form showed (`was.x`)."""
    changed: dict[str, Value] = {}
    for item in inputs(mapping, ticket):
        given = _given(form, item.name)
        was = form.get(f"was.{item.name}", item.value)
        if given is not None and given != was:
            changed.update(parse(item.name, given))
    return changed
