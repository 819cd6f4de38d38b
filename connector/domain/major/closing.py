"""What is told of a major incident in the end: durations, gaps between updates, and everything in its order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Final
from zoneinfo import ZoneInfo

from connector.domain.history import Event, EventKind
from connector.domain.major.checklist import Line, lines
from connector.domain.major.record import Record
from connector.domain.ticket import Ticket

QUIET: Final = frozenset({EventKind.AGREED, EventKind.CLAMPED, EventKind.SUPERSEDED})
"""Bookkeeping that tells a reader nothing."""


@dataclass(frozen=True, slots=True)
class Durations:
    """Each None while its end has not come."""

    to_declare: timedelta
    """From the opening of the ticket."""
    to_first_update: timedelta | None
    to_recover: timedelta | None
    """From the declaration to the last recovery."""
    to_close: timedelta | None
    longest_silence: timedelta
    """The longest time without an update, from the declaration to the recovery (or now)."""


@dataclass(frozen=True, slots=True)
class Closing:
    record: Record
    durations: Durations
    steps: tuple[Line, ...]
    timeline: tuple[Event, ...]


def closing(ticket: Ticket, line: Sequence[Event], record: Record, now: datetime) -> Closing:
    """From the ticket's effective events in order. Of a running incident it tells what is so far."""
    return Closing(record, durations(ticket, record, now), lines(record, now), tuple(timeline(line, record)))


def durations(ticket: Ticket, record: Record, now: datetime) -> Durations:
    begun, ends = record.declared_at, record.recovered_at or record.ended_at or now
    told = [said.at for said in record.updates]
    marks = [begun, *(at for at in told if begun <= at <= ends), max(begun, ends)]
    return Durations(
        to_declare=max(begun - ticket.opened_at, timedelta(0)),
        to_first_update=told[0] - begun if told else None,
        to_recover=record.lasted,
        to_close=None if record.ended_at is None else record.ended_at - begun,
        longest_silence=max(later - earlier for earlier, later in pairwise(marks)),
    )


def timeline(line: Sequence[Event], record: Record) -> Iterator[Event]:
    """Everything that happened to the ticket until the incident ended, from its opening on.

    What was said on the ticket is part of it; of another time that it was a major incident nothing is told.
    """
    for event in line:
        if event.kind in QUIET or (record.ended_at is not None and event.at > record.ended_at):
            continue
        if event.kind is EventKind.MAJOR and event.data.get("n") != record.n:
            continue
        yield event


def stamp(at: datetime, zone: str) -> str:
    """A moment for a document that is read elsewhere and later: local time with its zone and distance from UTC."""
    local = at.astimezone(ZoneInfo(zone))
    distance = local.strftime("%z")
    return f"{local:%Y-%m-%d %H:%M:%S} {zone} ({distance[:3]}:{distance[3:5]})"
