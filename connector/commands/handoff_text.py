"""A handoff as text for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

import click

from connector.commands.ledger import print_clock
from connector.domain.agreements.explain import explain
from connector.domain.handoffs.chain import Entry, EntryKind
from connector.domain.handoffs.clocks import Reading
from connector.domain.handoffs.handoff import Handoff
from connector.domain.handoffs.penalties import Owed, owed
from connector.domain.handoffs.receiver import Receiver

_SHOWN = ("reason", "tried", "contact", "data_class", "tlp", "owner", "follows", "waiting_for")


def print_handoff(handoff: Handoff, entries: Sequence[Entry], told: Reading, problem: str, now: datetime,
                  receiver: Receiver | None) -> None:
    click.echo(f"{handoff.id}  {handoff.ours} -> {handoff.receiver} {handoff.theirs}".rstrip())
    turn = f", turn: {handoff.turn}" if handoff.turn else ""
    click.echo(f"{str(handoff.state).upper()}{turn}, severity {handoff.severity or 'not known'}, as of {_at(now)}")
    for line in _remarks(handoff, told, problem):
        click.echo(f"! {line}")
    for name in _SHOWN:
        if getattr(handoff, name):
            click.echo(f"  {name:<12} {getattr(handoff, name)}")
    for one in told.clocks:
        print_clock(explain(one, now))
    for owes in owed(told.clocks, receiver.penalties if receiver is not None else ()):
        click.echo(f"  penalty      {_penalty(owes)}")
    click.echo("\nhistory")
    for entry in entries:
        click.echo(f"  {entry.seq:>3}  {_at(entry.at)}  {entry.side:<6}  {entry.actor or '-':<20}  {_what(entry)}")


def _penalty(owes: Owed) -> str:
    figure = "" if owes.amount is None else f"{owes.amount} {owes.currency}".strip()
    grows = "" if owes.final else "so far"
    cycle = f" (cycle {owes.cycle})" if owes.cycle > 1 else ""
    return ", ".join(part for part in (f"{owes.target}{cycle} late by {owes.late}", figure, grows, owes.text) if part)


def _remarks(handoff: Handoff, told: Reading, problem: str) -> Iterator[str]:
    if problem:
        yield f"the history does not hold together: {problem}"
    if handoff.late:
        yield f"late: {', '.join(handoff.late)}"
    if handoff.silent:
        yield "silent for too long"
    if handoff.decision_due:
        yield f"came back {handoff.bounces} times: a person has to decide"
    yield from told.problems


def _what(entry: Entry) -> str:
    body = entry.body
    if entry.kind is EntryKind.MOVED:
        reason = f": {body['reason']}" if body.get("reason") else ""
        return f"{body['move']} ({body['from']} -> {body['to']}){reason}"
    if entry.kind is EntryKind.COMMENT:
        return f"said: {body['text']}"
    if entry.kind in (EntryKind.FILE, EntryKind.REPORT):
        return f"{entry.kind} {body['name']}, {body['size']} bytes, SHA-256 {body['sha256'][:16]}..."
    if entry.kind is EntryKind.CLOCK:
        return " ".join(str(body[name]) for name in ("target", "what", "due") if name in body)
    told = ", ".join(f"{name} {value}" for name, value in sorted(body.items()))
    return f"{entry.kind} {told}".rstrip()


def _at(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S %Z}"
