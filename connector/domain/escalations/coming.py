"""What comes next on the ladders of a ticket, as people and programs read it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from connector.domain.escalations.escalated import Firing
from connector.domain.escalations.rules import Rule, Step


class Standing(StrEnum):
    """What is the matter with the next occurrence of a step."""

    DUE = "due"
    AHEAD = "ahead"
    PAUSED = "paused"
    """Its clock does not run, or will not come so far as things are."""
    UNMET = "unmet"
    """Its conditions do not hold."""
    CLOSED = "closed"
    """Its hours are over; it comes when they begin."""
    MISSED = "missed"
    """Its moment was before the ticket, the rule or the agreement was known here."""
    DONE = "done"
    SILENCED = "silenced"
    """Somebody acknowledged."""


@dataclass(frozen=True, slots=True)
class Coming:
    """The next occurrence of one step on one subject. `at` is when it comes, came or would come; None: not known."""

    rule: Rule
    step: Step
    subject: str
    n: int
    standing: Standing
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Outlook:
    """`next_at` is when the passing of time alone makes another step due."""

    firings: tuple[Firing, ...]
    coming: tuple[Coming, ...]
    next_at: datetime | None
    problems: tuple[str, ...] = ()


NOTHING: Final = Outlook((), (), None)
