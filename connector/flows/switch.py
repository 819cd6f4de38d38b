"""A target that asked to be left alone is switched off, and stays so until a person switches it on again.

The state is a row of its own, apart from the gate, so that no process can overwrite it with what it knew before.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from connector.ports import Deps, Tx

STREAM: Final = "switch"


def disabled(tx: Tx) -> dict[str, str]:
    """Target -> why it is off."""
    return {name: str(kept["reason"]) for name, kept in tx.cursors(STREAM).items() if kept.get("off")}


def disable(tx: Tx, target: str, reason: str, actor: str, now: datetime) -> None:
    tx.move_cursor(target, STREAM, {"off": True, "reason": reason, "since": now.isoformat()}, now)
    tx.audit(now, actor, "channel disabled", target, {"reason": reason})


def enable(deps: Deps, target: str, actor: str) -> bool:
    """Let deliveries go out again; what waited goes first. Says whether it was off."""
    now = deps.now()
    with deps.store.begin() as tx:
        if target not in disabled(tx):
            return False
        tx.move_cursor(target, STREAM, {}, now)
        tx.audit(now, actor, "channel enabled", target, {})
    return True


def since(kept: Mapping[str, object]) -> datetime | None:
    text = kept.get("since")
    return datetime.fromisoformat(text) if isinstance(text, str) else None
