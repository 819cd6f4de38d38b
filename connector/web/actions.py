"""What people and programs do from here: each calls one flow or one list operation, and leaves a trace."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import sha256
from uuid import uuid4

from connector.domain.ticket import Comment, Draft, Value, value_of
from connector.flows import burial, editing, redeliver
from connector.ports import Stored
from connector.store.views import DeliveryRow, TicketDetail
from connector.web.auth.identity import Who
from connector.web.services import Services


def edit(
    parts: Services, detail: TicketDetail, patch: Mapping[str, Value], asking: Who, only_at: int | None = None
) -> Stored:
    """Raises Refused with every problem (status 412 when the ticket is no longer at revision `only_at`), NotFound."""
    return editing.edit(parts.deps, detail.key, patch, asking.label, only_at)


def comment(parts: Services, detail: TicketDetail, said: Comment, asking: Who, once: str = "") -> str:
    """Key of the comment; the same `once` from the same person twice is one comment."""
    return editing.comment(parts.deps, detail.key, said, asking.label, own_key(asking, once))


def create(parts: Services, tool: str, draft: Draft, asking: Who, once: str = "") -> Stored:
    """The ticket as it waits to be created in its tool. Raises Refused with every problem."""
    return editing.create(parts.deps, tool, draft, own_key(asking, once), asking.label)


def own_key(asking: Who, once: str) -> str:
    """A caller's key, told apart from the same key of another caller; short and plain, because tools keep it."""
    return sha256(f"{asking.label}\n{once}".encode()).hexdigest()[:32] if once else uuid4().hex


def retry(parts: Services, asking: Who, *, ids: Sequence[int] | None = None, target: str | None = None) -> int:
    """How many dead deliveries are tried again. Neither ids nor target: all."""
    now = parts.now()
    with parts.deps.store.begin() as tx:
        count = tx.revive(ids, target, now)
        if count:
            subject = f"delivery/{ids[0]}" if ids and len(ids) == 1 else f"deliveries/{target or ''}"
            tx.audit(now, asking.label, "delivery retried", subject, {"count": count})
    return count


def drop(parts: Services, asking: Who, id: int) -> bool:
    found = parts.queries.delivery(id)
    return found is not None and burial.drop(parts.deps, id, found.ticket, asking.label)


def repeat(parts: Services, asking: Who, row: DeliveryRow) -> bool:
    """Send a supplier a message again that was sent; False when it cannot be."""
    order = {"target": row.target, "verb": row.verb, "lane": row.lane, "payload": row.payload, "ticket": row.ticket}
    return redeliver.again(parts.deps, row.id, row.key, row.state, order, asking.label)


def read_again(parts: Services, asking: Who, tool: str, tickets: Sequence[str]) -> bool:
    """Asks for tickets to be read again, on the path of a webhook. False when the tool is not connected."""
    if tool not in parts.deps.tools:
        return False
    now = parts.now()
    with parts.deps.store.begin() as tx:
        tx.hint(tool, list(dict.fromkeys(tickets)), now)
        subject = f"{tool}/{tickets[0]}" if len(tickets) == 1 else tool
        tx.audit(now, asking.label, "quarantine retried", subject, {"count": len(set(tickets))})
    return True


def differs(detail: TicketDetail) -> list[tuple[str, Value, Value]]:
    """Fields in which we want something else than the tool last showed: (field, tool's value, ours)."""
    if detail.base is None:
        return []
    names = [
        name
        for name in detail.ticket.__struct_fields__
        if name not in ("tool", "id", "updated_at", "version", "custom")
    ]
    names += [f"custom.{name}" for name in {**detail.base.custom, **detail.ticket.custom}]
    pairs = ((name, value_of(detail.base, name), value_of(detail.ticket, name)) for name in names)
    return [(name, theirs, ours) for name, theirs, ours in pairs if theirs != ours]
