"""A supplier's calls as it and the desk see them: what was taken, and what was refused and why."""

from __future__ import annotations

from collections import deque
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
OF_STRANGERS: Final = 8
EACH: Final = 30
"""Refusals of one supplier that are written down in a minute."""
_BUCKETS: Final = "connector_refusals"
_STRANGERS: Final = "connector_unproven_calls"
View = TypeVar("View", bound=Callable[..., Any])


class Call(Struct, frozen=True, kw_only=True):
    """`status` 202 for one that was taken; `message` is its id, `said` what was wrong."""

    at: datetime
    status: int
    message: str = ""
    said: tuple[str, ...] = ()


def noted(view: View) -> View:
    """Keeps the latest refusals of a supplier's webhook.

    Nothing is stored of a call that proved nothing (`g.proven` is not set): this process remembers why, and no more.
    """

    @wraps(view)
    def watched(supplier: str) -> Any:
        try:
            return view(supplier)
        except Problem as problem:
            _keep(services(), supplier, problem)
            raise

    return watched  # type: ignore[return-value]


def _keep(parts: Services, supplier: str, problem: Problem) -> None:
    known = {} if parts.agreements is None else parts.agreements.current().receivers
    if supplier not in known:
        return
    why = getattr(g, "refusal", "") or problem.detail
    said = [why, *(f"{one.get('pointer', '')}: {one.get('detail', '')}" for one in problem.errors)]
    call = Call(at=parts.now(), status=problem.status, said=tuple(text[:300] for text in said if text)[:10])
    if not getattr(g, "proven", False):
        _strangers().setdefault(supplier, deque(maxlen=OF_STRANGERS)).appendleft(call)
    elif not _bucket(parts).take(supplier):
        told = {"at": call.at.isoformat(), "status": call.status, "said": list(call.said)}
        with parts.deps.store.begin() as tx:
            kept = tx.cursor(known[supplier].target, STREAM).get("calls", [])
            tx.move_cursor(known[supplier].target, STREAM, {"calls": [told, *kept][:MOST]}, call.at)


def _strangers() -> dict[str, deque[Call]]:
    found: dict[str, deque[Call]] = current_app.extensions.setdefault(_STRANGERS, {})
    return found


def _bucket(parts: Services) -> Bucket:
    found: Bucket = current_app.extensions.setdefault(_BUCKETS, Bucket(EACH, EACH, parts.now))
    return found


def latest(parts: Services, receiver: Receiver) -> list[Call]:
    """Newest first."""
    found = [Call(at=at, status=202, message=message) for message, at in parts.handoffs.taken(receiver.name, MOST)]
    with parts.deps.store.read() as tx:
        kept = tx.cursor(receiver.target, STREAM).get("calls", [])
    found += [Call(at=datetime.fromisoformat(call["at"]), status=int(call["status"]), said=tuple(call["said"]))
              for call in kept]
    proven = sorted(found, key=lambda call: call.at, reverse=True)[:MOST]
    return sorted([*proven, *_strangers().get(receiver.name, ())], key=lambda call: call.at, reverse=True)
