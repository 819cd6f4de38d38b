"""A named approver answers, by a link or signed in: said once per person, and only by who was asked."""

from __future__ import annotations

from dataclasses import dataclass

from connector.domain.errors import NotFound, Refused
from connector.domain.history import EventKind, effective
from connector.domain.requests import moves
from connector.domain.requests.catalogue import Approval
from connector.domain.requests.record import Answer, Asked, Record, What, record
from connector.flows import requests
from connector.ports import Deps, Stored

ASKED = (What.ASKED, What.SUBSTITUTED)


@dataclass(frozen=True, slots=True)
class Standing:
    """An approval as one of those asked sees it; `given` is their answer."""

    stored: Stored
    record: Record
    approval: Approval
    asked: Asked
    given: Answer | None = None

    @property
    def open(self) -> bool:
        """Whether their answer still matters."""
        pending = self.record.pending()
        return self.given is None and self.record.active and pending is not None and pending.id == self.approval.id


def standing(deps: Deps, ticket: int, person: str, what: str) -> Standing:
    """Changes nothing. `what` is the key of the event that asked. Raises NotFound, also when it asked somebody else."""
    with deps.store.read() as tx:
        stored = tx.by_key([ticket]).get(ticket)
        line = effective(tx.history([ticket]).get(ticket, [])) if stored is not None else []
    asking = next((one for one in line if one.key == what and one.kind is EventKind.REQUEST), None)
    found = record(line)
    if stored is None or stored.ticket.deleted or found is None or asking is None or asking.data["what"] not in ASKED:
        raise NotFound(f"no approval of ticket {ticket}")
    id = str(asking.data["approval"])
    approval, asked = found.plan.approval(id), found.approvals.get(id)
    if approval is None or asked is None or person not in asked.everybody:
        raise NotFound(f"{person} was not asked")
    return Standing(stored, found, approval, asked, next((one for one in asked.answers if one.person == person), None))


def answer(deps: Deps, ticket: int, person: str, what: str, yes: bool, text: str, actor: str, by: str) -> Standing:
    """Given again it changes nothing. Raises NotFound, or Refused: a refusal without words, or all is over."""
    before = standing(deps, ticket, person, what)
    if before.given is not None:
        return before
    try:
        requests.act(deps, ticket, lambda found, now: moves.answer(
            found, before.approval.id, person, yes, now, actor, text, by), actor)
    except Refused:
        after = standing(deps, ticket, person, what)
        if after.given is None:
            raise
        return after
    return standing(deps, ticket, person, what)
