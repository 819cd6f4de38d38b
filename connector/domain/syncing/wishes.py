"""Our own changes on their way to a tool ("wishes"): what a delivery carries, and the events that tell of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from msgspec import Struct

from connector.domain.delivery import Delivery, Verb
from connector.domain.history import Event, EventKind, Origin, Role
from connector.domain.syncing.changes import LATE, PER_REVISION
from connector.domain.syncing.memory import superseded
from connector.domain.ticket import Ticket, Value, value_of
from connector.domain.values import empty, same, unit_of, units
from connector.domain.vocabulary import canonical


class Wish(Struct, frozen=True, kw_only=True):
    """One value of ours on its way. `events` are the keys of the events that tell of it; a wish whose events were
    superseded is `void`. `written`: the tool has just been told."""

    name: str
    value: Any
    events: tuple[str, ...]
    at: datetime
    written: bool = False
    void: bool = False


def payload(patch: Mapping[str, Value], events: Mapping[str, tuple[str, ...]], at: datetime) -> dict[str, Any]:
    """What a delivery of an update carries."""
    return {"fields": dict(patch), "events": {name: list(keys) for name, keys in events.items()}, "at": at}


def wishes_of(deliveries: Iterable[Delivery], known: Iterable[Event] = (), *, written: bool = False) -> list[Wish]:
    """The wishes that updates carry, in their order."""
    gone = superseded(known)
    found: list[Wish] = []
    for delivery in deliveries:
        if delivery.verb != Verb.UPDATE:
            continue
        told = delivery.payload["events"]
        for name, value in units(_typed(delivery.payload["fields"])).items():
            keys = tuple(told.get(name, ()))
            found.append(Wish(name=name, value=value, events=keys, at=delivery.payload["at"], written=written,
                              void=any(key in gone for key in keys)))
    return found


def _typed(patch: Mapping[str, Any]) -> dict[str, Any]:
    """Values as they were before they went through JSON."""
    return {name: value if empty(value) else canonical(name, value) for name, value in patch.items()}


def own_events(ticket: Ticket, patch: Mapping[str, Value], at: datetime, revision: int, actor: str, *,
               first: int = 0, role: Role = Role.CONNECTOR) -> tuple[list[Event], dict[str, tuple[str, ...]]]:
    """The events of a change by us, and their keys by unit. `role`: an agent's for what a person did here."""
    found: list[Event] = []
    keys: dict[str, tuple[str, ...]] = {}
    for name, value in patch.items():
        old = value_of(ticket, name)
        if same(old, value):
            continue
        event = Event(key=f"own/{revision}/{name}", at=at, kind=EventKind.CHANGED, field=name, old=old, new=value,
                      seq=LATE + revision * PER_REVISION + first + len(found), actor=actor, role=role,
                      origin=Origin.CONNECTOR)
        found.append(event)
        keys[unit_of(name)] = (*keys.get(unit_of(name), ()), event.key)
    return found, keys
