"""A supplier's calls as it and the desk see them: what was taken, and what was refused and why."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import wraps
from typing import Any, Final, TypeVar

from flask import current_app, g
from msgspec import Struct

from connector.domain.handoffs.receiver import Receiver
from connector.web.auth.throttle import Bucket
from connector.web.errors import Problem
from connector.web.services import Services, services

STREAM: Final = "refused"
MOST: Final = 20
NOBODY: Final = "supplier:"
"""Where calls for names that nobody has are noted; no page shows them."""
ALL: Final = 120
EACH: Final = 30
"""Refusals noted a minute, of all suppliers and of each."""
_BUCKETS: Final = "connector_refusals"
View = TypeVar("View", bound=Callable[..., Any])


class Call(Struct, frozen=True, kw_only=True):
    """`status` 202 for one that was taken; `message` is its id, `said` what was wrong."""

    at: datetime
    status: int
    message: str = ""
    said: tuple[str, ...] = ()


def noted(view: View) -> View:
    """Keeps the latest refusals of a supplier's webhook: little is written, however many calls are refused."""

    @wraps(view)
    def watched(supplier: str) -> Any:
        try:
            return view(supplier)
        except Problem as problem:
            _keep(services(), supplier, problem)
            raise

    return watched  # type: ignore[return-value]


def _keep(parts: Services, supplier: str, problem: Problem) -> None:
    """A name nobody has costs the same as one that somebody has: finding out which takes no less time."""
    known = {} if parts.agreements is None else parts.agreements.current().receivers
    if _bucket(parts).take("all") or _bucket(parts).take(supplier[:40], cost=ALL / EACH):
        return
    why = getattr(g, "refusal", "") or problem.detail
    said = [why, *(f"{one.get('pointer', '')}: {one.get('detail', '')}" for one in problem.errors)]
    now = parts.now()
    call = {"at": now.isoformat(), "status": problem.status, "said": [text[:300] for text in said if text][:10]}
    target = known[supplier].target if supplier in known else NOBODY
    with parts.deps.store.begin() as tx:
        kept = tx.cursor(target, STREAM).get("calls", [])
        tx.move_cursor(target, STREAM, {"calls": [call, *kept][:MOST]}, now)


def _bucket(parts: Services) -> Bucket:
    found: Bucket = current_app.extensions.setdefault(_BUCKETS, Bucket(ALL, ALL, parts.now))
    return found


def latest(parts: Services, receiver: Receiver) -> list[Call]:
    """Newest first."""
    found = [Call(at=at, status=202, message=message) for message, at in parts.handoffs.taken(receiver.name, MOST)]
    with parts.deps.store.read() as tx:
        kept = tx.cursor(receiver.target, STREAM).get("calls", [])
    found += [Call(at=datetime.fromisoformat(call["at"]), status=int(call["status"]), said=tuple(call["said"]))
              for call in kept]
    return sorted(found, key=lambda call: call.at, reverse=True)[:MOST]
