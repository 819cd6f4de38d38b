"""What a delivery sends, for people to read: without links that act for whoever follows them, and every look at what a
security team was told is recorded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from msgspec.structs import replace

from connector.domain.attempt import Attempt
from connector.domain.handoffs.message import VERB as HANDOFF
from connector.domain.handoffs.receiver import ReceiverKind
from connector.domain.handoffs.supplier_envelope import envelope
from connector.domain.notices.notice import NOTIFY
from connector.flows import handoffs
from connector.ports import Deps

HIDDEN: Final = "(...)"
ACTION: Final = "delivery read"
_SHOWN: Final = ("text", "public", "author", "name", "media_type", "size", "sha256", "fields")


def to_supplier(target: str) -> bool:
    return target.startswith("supplier:")


def private(deps: Deps, target: str) -> bool:
    """Whether only those who need to know may see what is sent: to a security team, or to a receiver no agreement knows
    any more."""
    if not to_supplier(target):
        return False
    receivers = deps.registry().receivers.values() if deps.registry is not None else ()
    kinds = [one.kind for one in receivers if one.target == target]
    return not kinds or ReceiverKind.SECURITY in kinds


def content(key: str, target: str, verb: str, payload: Mapping[str, Any], base: str = "") -> dict[str, Any]:
    """`base` is our public address. The message to a supplier is the one that is signed, but for links to files."""
    if verb == HANDOFF and to_supplier(target) and "type" in payload:
        return envelope(key, {"time": "", "data": {}, **payload}, base)
    if verb == NOTIFY:
        return message(payload)
    return {name: payload[name] for name in _SHOWN if name in payload}


def message(payload: Mapping[str, Any]) -> dict[str, Any]:
    """A message to a person without the links in it: who reads here must not acknowledge in another's name."""
    text = str(payload.get("text", ""))
    for link in payload.get("links", ()):
        text = text.replace(str(link), HIDDEN)
    return {"name": payload.get("name", ""), "title": payload.get("subject", ""), "text": text}


def looked(deps: Deps, id: int, target: str, payload: Mapping[str, Any], actor: str) -> None:
    """Somebody reads what was sent: where it is private, the audit trail and the handoff's access log say so."""
    if not private(deps, target):
        return
    now = deps.now()
    with deps.store.begin() as tx:
        tx.audit(now, actor, ACTION, f"delivery/{id}", {"target": target})
        known = tx.handoffs([str(payload.get("handoff", ""))])
    for handoff in known:
        handoffs.looked(deps, handoff, actor)


def without_answers(attempts: Sequence[Attempt]) -> list[Attempt]:
    """Tries without what the other side said, for those who may not read what was sent: it may repeat it."""
    return [replace(one, exchanges=tuple(replace(exchange, answer="") for exchange in one.exchanges))
            for one in attempts]
