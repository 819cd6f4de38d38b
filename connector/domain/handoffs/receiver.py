"""Who takes over work: a supplier, an operations centre, a security team or a field service, as frozen data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from connector.domain.agreements.durations import Amount
from connector.domain.handoffs.handoff import DisputeEffect
from connector.domain.handoffs.moves import HandoffState, Move
from connector.domain.mappings.rules import Owner


class ReceiverKind(StrEnum):
    SUPPLIER = "supplier"
    OPERATIONS = "operations"
    SECURITY = "security"
    """Need to know: listed fields only, no free text, a TLP label, every look is recorded."""
    FIELD_SERVICE = "field_service"
    """Work on site: access, a visit window, spare parts, a signed report."""


class Tlp(StrEnum):
    """Traffic Light Protocol 2.0 (FIRST, 2022)."""

    RED = "red"
    AMBER_STRICT = "amber+strict"
    AMBER = "amber"
    GREEN = "green"
    CLEAR = "clear"


class Comments(StrEnum):
    """Which of a ticket's comments may leave. What a person writes to the receiver itself is another matter."""

    NONE = "none"
    PUBLISHED = "published"
    """Those the requester can see."""
    CHOSEN = "chosen"
    """Those a person picks."""


class Files(StrEnum):
    NONE = "none"
    CHOSEN = "chosen"


FREE_TEXT: Final = frozenset({"title", "description", "tags", "custom"})
"""Fields people write freely (custom fields too): a security team is never sent them."""


BOUNCE_LIMIT: Final = 3
"""How often work may come back before a person has to decide."""


def is_free_text(name: str) -> bool:
    return name in FREE_TEXT or name.startswith("custom.")


@dataclass(frozen=True, slots=True)
class Webhook:
    """`secrets` name environment variables; all are valid at once, the first signs."""

    url: str
    secrets: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Reach:
    webhook: Webhook | None = None
    email: str = ""
    portal: bool = False

    @property
    def pushes(self) -> bool:
        """Whether anything is sent to them, or they come and look."""
        return self.webhook is not None or bool(self.email)


@dataclass(frozen=True, slots=True)
class Shares:
    fields: tuple[str, ...] = ()
    comments: Comments = Comments.NONE
    attachments: Files = Files.NONE


@dataclass(frozen=True, slots=True)
class Penalty:
    """What a broken promise costs: as a figure (`amount` as written, per `per`) and as the contract's words."""

    target: str
    amount: str = ""
    currency: str = ""
    per: str = ""
    text: str = ""


STATUSES: Final[Mapping[str, Move]] = {
    "acknowledged": Move.ACKNOWLEDGE, "declined": Move.DECLINE, "in_progress": Move.START,
    "waiting_customer": Move.WAIT, "resolved_proposed": Move.PROPOSE, "resolved": Move.PROPOSE,
    "handed_back": Move.HAND_BACK, "disputed": Move.DISPUTE,
}
"""Statuses every receiver may send, besides its own words."""


@dataclass(frozen=True, slots=True)
class Receiver:
    """`profile` is the contract (UC or OLA) in which it stands. `supplier` is what tickets call it, "" to leave the
    ticket's supplier as it is."""

    name: str
    kind: ReceiverKind
    reach: Reach
    title: str = ""
    profile: str = ""
    supplier: str = ""
    shares: Shares = Shares()
    tlp: Tlp | None = None
    one_way: bool = False
    """What they write stays in the handoff: none of it is copied to the ticket."""
    severities: Mapping[str, str] = field(default_factory=dict)
    statuses: Mapping[str, Move] = field(default_factory=dict)
    mirrors: Mapping[str, Owner] = field(default_factory=dict)
    """Fields both sides may change, and who wins when both did (`connector` is the partner)."""
    pause_reasons: tuple[str, ...] = ()
    """The only reasons for which the contract's resolution clock pauses while they wait for the customer."""
    penalties: tuple[Penalty, ...] = ()
    silent_after: Amount | None = None
    reply_within: Amount | None = None
    """An offer not answered by then expires; None lets it stand."""
    bounce_limit: int = BOUNCE_LIMIT
    dispute_clock: DisputeEffect = DisputeEffect.RUNS
    active: bool = True
    """No new work is offered to one that is not."""

    @property
    def target(self) -> str:
        """Name of the channel its deliveries go to."""
        return f"supplier:{self.name}"

    @property
    def amounts(self) -> Mapping[str, Amount]:
        """Its own times, by key."""
        found = {"silent_after": self.silent_after, "reply_within": self.reply_within}
        return {key: amount for key, amount in found.items() if amount is not None}

    @property
    def free_text(self) -> bool:
        """Whether words of ours may leave at all."""
        return self.kind is not ReceiverKind.SECURITY

    def severity(self, priority: str | None) -> str:
        """Our priority in their words; ours where they have none."""
        return self.severities.get(priority or "", priority or "")

    def move(self, status: str, state: HandoffState) -> Move | None:
        """The move a status of theirs means now; None for a status nobody knows."""
        word = status.strip().casefold()
        found = self.statuses.get(word) or STATUSES.get(word)
        if found is Move.START and state is HandoffState.WAITING_CUSTOMER:
            return Move.RESUME
        return found

    def pauses_for(self, reason: str) -> bool:
        """Whether the contract lists this reason to wait for the customer."""
        return reason.strip().casefold() in self.pause_reasons
