"""Notices on their way: planned for each recipient, and put into the outbox in the caller's transaction."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from connector.domain.notices.desk import Desk
from connector.domain.notices.notice import Load, Notice, Recipient, plan
from connector.ports import Deps, Tx

OPTION = "desk"
"""Key of `Deps.options` that holds the Desk."""


def desk(deps: Deps) -> Desk:
    found = deps.options.get(OPTION)
    return found if isinstance(found, Desk) else Desk()


def post(tx: Tx, deps: Deps, told: Sequence[tuple[Notice, Recipient]], now: datetime) -> int:
    """How many orders were new. The same notice to the same person twice is one."""
    if not told:
        return 0
    recipients = sorted({recipient.id for _, recipient in told})
    for id in recipients:
        tx.alone(_stream(id))
    loads = {id: Load.load(tx.cursor("", _stream(id))) for id in recipients}
    made = plan(told, loads, set(deps.channels), now)
    keep(tx, made.loads, now)
    return len(tx.enqueue(made.orders, now))


def keep(tx: Tx, loads: dict[str, Load], now: datetime) -> None:
    for id, load in loads.items():
        tx.move_cursor("", _stream(id), load.dump(), now)


def _stream(recipient: str) -> str:
    return f"load/{recipient}"
