"""What a request, its tasks and its events may be."""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class State(StrEnum):
    APPROVING = "approving"
    FULFILLING = "fulfilling"
    COMPLETED = "completed"
    REFUSED = "refused"
    CANCELLED = "cancelled"


class TaskState(StrEnum):
    WAITING = "waiting"
    STARTED = "started"
    DONE = "done"
    FAILED = "failed"
    """Refused or given up by who had it: a person decides whether it is started again or dropped."""
    DROPPED = "dropped"
    """Not needed after all: those after it go on."""


class What(StrEnum):
    STARTED = "started"
    ASKED = "asked"
    SUBSTITUTED = "substituted"
    APPROVED = "approved"
    REFUSED = "refused"
    EXPIRED = "expired"
    APPROVAL_LATE = "approval_late"
    """Nobody answered in time; it waits on."""
    TASK_STARTED = "task_started"
    TASK_DONE = "task_done"
    TASK_FAILED = "task_failed"
    TASK_LATE = "task_late"
    TASK_AGAIN = "task_again"
    TASK_DROPPED = "task_dropped"
    CANCELLED = "cancelled"
    COMPLETED = "completed"


ENDED: Final = frozenset({State.COMPLETED, State.REFUSED, State.CANCELLED})
SETTLED: Final = frozenset({TaskState.DONE, TaskState.DROPPED})
