"""Who may do what: roles hold rights, every route declares the right it asks for, what declares nothing is shut."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Any, Final, TypeVar

View = TypeVar("View", bound=Callable[..., Any])


class Right(StrEnum):
    """One thing a person or an API token may be allowed to do. API tokens call their rights scopes."""

    TICKETS_READ = "tickets:read"
    TICKETS_WRITE = "tickets:write"
    TOOLS_READ = "tools:read"
    DELIVERIES_READ = "deliveries:read"
    DELIVERIES_RETRY = "deliveries:retry"
    DELIVERIES_DROP = "deliveries:drop"
    QUARANTINE_READ = "quarantine:read"
    QUARANTINE_RETRY = "quarantine:retry"
    IMPORTS_READ = "imports:read"
    AUDIT_READ = "audit:read"
    METRICS_READ = "metrics:read"
    USERS_MANAGE = "users:manage"
    AGREEMENTS_READ = "agreements:read"
    AGREEMENTS_MANAGE = "agreements:manage"
    HANDOFFS_READ = "handoffs:read"
    HANDOFFS_WRITE = "handoffs:write"
    HANDOFFS_ANSWER = "handoffs:answer"
    """The receiver's side: its own handoffs in the portal, and nothing else."""
    RECEIVERS_MANAGE = "receivers:manage"
    APPROVALS_ANSWER = "approvals:answer"
    """Answer approvals for whoever was asked; the history says who did."""


class Door(StrEnum):
    """Routes that ask for no right, each for a stated reason."""

    PUBLIC = "public"
    """Shows nothing that needs protection: sign-in, style sheets, liveness, the API's description."""
    SIGNED_IN = "signed in"
    """One's own account, and pages that show only what one's rights allow."""
    TOKEN = "any token"  # noqa: S105
    SIGNATURE = "signature"
    """The view itself verifies a signature over the raw body before anything else."""
    LOOPBACK = "loopback or token"
    """From this host without a token, from elsewhere with the right metrics:read."""


class Role(StrEnum):
    ADMIN = "admin"
    PLANNER = "planner"
    AGENT = "agent"
    VIEWER = "viewer"
    SUPPLIER = "supplier"


_VIEWER: Final = frozenset(
    {
        Right.TICKETS_READ,
        Right.TOOLS_READ,
        Right.DELIVERIES_READ,
        Right.IMPORTS_READ,
        Right.AGREEMENTS_READ,
        Right.HANDOFFS_READ,
    }
)
_AGENT: Final = _VIEWER | {
    Right.TICKETS_WRITE,
    Right.DELIVERIES_RETRY,
    Right.QUARANTINE_READ,
    Right.QUARANTINE_RETRY,
    Right.HANDOFFS_WRITE,
}

RIGHTS: Final[dict[Role, frozenset[Right]]] = {
    Role.ADMIN: frozenset(Right) - {Right.HANDOFFS_ANSWER},
    Role.PLANNER: _AGENT | {Right.AUDIT_READ},
    Role.AGENT: _AGENT,
    Role.VIEWER: _VIEWER,
    Role.SUPPLIER: frozenset({Right.TICKETS_READ, Right.HANDOFFS_ANSWER}),
}
"""A supplier sees only tickets that name it, without internal notes (connector/web/scope.py). One that is a receiver of
handoffs sees those, and no ticket: its contract lists what may leave (connector/web/portal/access.py)."""


def rights_of_role(role: str, supplier: str) -> frozenset[Right]:
    """A supplier's user whose supplier is not known sees nothing: no name must never mean every name."""
    return frozenset() if role == Role.SUPPLIER and not supplier else RIGHTS[Role(role)]


def door(guard: Right | Door) -> Callable[[View], View]:
    """Declare what a view asks for. A view without it answers 403 to everybody."""

    def mark(view: View) -> View:
        view.__door__ = guard  # type: ignore[attr-defined]
        return view

    return mark


def door_of(view: Any, method: str) -> Right | Door | None:
    """What a view asks for; a class of methods declares it on each method."""
    handler = getattr(getattr(view, "view_class", None), "get" if method == "HEAD" else method.lower(), view)
    guard: Right | Door | None = getattr(handler, "__door__", None)
    return guard
