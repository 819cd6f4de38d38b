"""How a ladder tells people: hands what a firing wants said to the planner of notices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from connector.domain.actions import Say
from connector.domain.effects import Telling
from connector.domain.escalated import Firing
from connector.domain.ticket import Ticket
from connector.ports import Deps, Stored, Tx


@dataclass(frozen=True, slots=True)
class Told:
    """One telling of one firing; `key` is the firing's, unique within the ticket."""

    stored: Stored
    telling: Telling
    firing: Firing
    key: str


def tell(tx: Tx, deps: Deps, told: Sequence[Told], now: datetime) -> None:
    """Into the outbox, in the caller's transaction."""


def words(deps: Deps, ticket: Ticket, what: Say, firing: Firing, now: datetime) -> str:
    """The text of a note or comment."""
    return what.text_given or f"{firing.rule}: {firing.step}"
