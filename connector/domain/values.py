"""Comparing values of two sources, and the fields that only make sense together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec.structs import replace

from connector.domain.errors import Refused
from connector.domain.ticket import FIELDS, State, Ticket, Value, value_of
from connector.domain.vocabulary import canonical

Unit = Value | tuple[Value, ...]
"""A value that is compared and written as a whole; that of `state` is the pair (state, pending_on)."""

FIXED = frozenset({"opened_at", "resolved_at", "closed_at", "deleted", "number", "level"})
"""Fields that a tool sets itself: an edit of them is refused (`level` follows from the group)."""


def empty(value: Any) -> bool:
    return value is None or value == "" or value == ()


def same(left: Any, right: Any) -> bool:
    """Equal, where "" , None and () all mean "not known"."""
    return bool(left == right) or (empty(left) and empty(right))


def agrees(shown: Any, wanted: Any) -> bool:
    """Whether what a tool shows is what was written to it: white space at the ends and line ends are the tool's
    business, and so is a pending reason it cannot hold."""
    if isinstance(wanted, tuple) and len(wanted) == 2 and isinstance(shown, tuple) and len(shown) == 2:
        return same(shown[0], wanted[0]) and (shown[1] is None or same(shown[1], wanted[1]))
    if isinstance(shown, str) and isinstance(wanted, str):
        return shown == wanted or " ".join(shown.split()) == " ".join(wanted.split())
    return same(shown, wanted)


def unit_of(field: str) -> str:
    return "state" if field == "pending_on" else field


def unit(ticket: Ticket, name: str) -> Unit:
    return (ticket.state, ticket.pending_on) if name == "state" else value_of(ticket, name)


def units(values: Mapping[str, Any]) -> dict[str, Any]:
    """Values by unit: `state` and `pending_on` become one. A `pending_on` without `state` is left out."""
    found = {name: value for name, value in values.items() if name not in ("state", "pending_on")}
    if "state" in values:
        found["state"] = (values["state"], values.get("pending_on"))
    return found


def fields(values: Mapping[str, Any]) -> dict[str, Any]:
    """The reverse of `units`."""
    found = {name: value for name, value in values.items() if name != "state"}
    if "state" in values:
        found["state"], found["pending_on"] = values["state"]
    return found


def put(ticket: Ticket, patch: Mapping[str, Any]) -> Ticket:
    """The ticket with canonical values replaced (`custom.x` inside `custom`)."""
    plain = {name: value for name, value in patch.items() if not name.startswith("custom.")}
    own = {name[7:]: value for name, value in patch.items() if name.startswith("custom.")}
    if own:
        plain["custom"] = {**ticket.custom, **own}
    return replace(ticket, **plain)


def checked(ticket: Ticket, patch: Mapping[str, Any]) -> dict[str, Value]:
    """A patch as canonical values, `state` and `pending_on` together; only what differs from the ticket.

    Raises Refused with every problem: unknown fields, fields only the tool sets, values that are none of the field's.
    """
    found: dict[str, Value] = {}
    problems: list[str] = []
    for name, raw in patch.items():
        if name in FIXED or not (name in FIELDS or name.startswith("custom.")) or name == "custom":
            problems.append(f"{name} cannot be edited")
            continue
        try:
            found[name] = _typed(name, raw)
        except ValueError as error:
            problems.append(f"{name}: {error}")
    if problems:
        raise Refused("; ".join(problems))
    if "state" in found or "pending_on" in found:
        _complete(ticket, found)
    # One of a pair is no change by itself, but it is written with the other.
    differing = {unit_of(name) for name, value in found.items() if not same(value_of(ticket, name), value)}
    return {name: value for name, value in found.items() if unit_of(name) in differing}


def _typed(name: str, raw: Any) -> Value:
    value = canonical(name, raw)
    if value is None:
        if name == "state":
            raise ValueError("every ticket has one, so it cannot be emptied")
        return () if name == "tags" else "" if isinstance(_DEFAULTS.get(name), str) else None
    return value


def _complete(ticket: Ticket, patch: dict[str, Value]) -> None:
    state = patch.setdefault("state", ticket.state)
    if state == State.PENDING:
        patch.setdefault("pending_on", ticket.pending_on)
    elif patch.get("pending_on") is not None:
        raise Refused(f"pending_on: only a pending ticket waits for something, and this one would be {state}")
    else:
        patch["pending_on"] = None


_DEFAULTS: dict[str, Any] = dict(zip(
    Ticket.__struct_fields__[-len(Ticket.__struct_defaults__):], Ticket.__struct_defaults__, strict=True))
