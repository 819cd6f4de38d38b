"""Errors sorted by what the caller does next. Nothing else leaves an adapter."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta


class ConnectorError(Exception):
    """Root of every error this project raises on purpose. Its text never holds a secret."""


class TryLater(ConnectorError):
    """The other side cannot answer now, or the outcome of a write is unknown: come back after `wait`.

    `wait` is what the other side asked for (Retry-After); None leaves the choice to the caller's back-off.
    """

    def __init__(self, reason: str, wait: timedelta | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.wait = wait


class Refused(ConnectorError):
    """The other side said no for good: show the reason to a person, do not repeat."""

    def __init__(self, reason: str, status: int | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.status = status


class Postponed(TryLater):
    """The other side works, but will not take this one thing yet (a full mailbox, a greylist): the rest goes on."""


class Outdated(TryLater):
    """The store was brought to another version while this program ran: nothing more may be written by it."""


class Gone(Refused):
    """The other side asks never to be called at this address again (410): it is left alone until a person says so."""


class NotFound(Refused):
    """The thing is gone, or hidden from our account (tools do not tell the two apart)."""


class Unsupported(ConnectorError):
    """The tool, in this version and with these rights, has no such verb."""


class BadSignature(ConnectorError):
    """A webhook that does not prove where it comes from."""


class Conflict(ConnectorError):
    """Somebody else changed the row since it was read: read again and decide anew."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake in a file a person wrote: where it is and what was expected."""

    message: str
    file: str = ""
    line: int = 0
    column: int = 0
    path: str = ""
    severity: str = "error"

    def __str__(self) -> str:
        where = ":".join(str(part) for part in (self.file, self.line, self.column) if part)
        what = f"{self.path}: {self.message}" if self.path else self.message
        label = "" if self.severity == "error" else f"{self.severity}: "
        return f"{where}: {label}{what}" if where else f"{label}{what}"


@dataclass(slots=True)
class ConfigError(ConnectorError):
    """Settings, mappings or profiles that cannot be used: all problems at once."""

    problems: Sequence[Problem] = field(default_factory=list)

    def __str__(self) -> str:
        return "\n".join(str(problem) for problem in self.problems)


@dataclass(slots=True)
class BadRecord(ConnectorError):
    """One ticket of a tool that cannot be understood: it is set aside, the rest goes on."""

    tool: str
    ticket: str
    problems: Sequence[Problem]

    def __str__(self) -> str:
        return f"{self.tool} ticket {self.ticket}: " + "; ".join(str(problem) for problem in self.problems)
