"""Proof packs as pages and commands hand them out."""

from __future__ import annotations

from typing import Any

import orjson

from connector.domain.handoffs.proof import pack
from connector.domain.handoffs.proof_seal import fingerprint, public_of, seal
from connector.flows import files
from connector.paper.pdf import render
from connector.settings.proof_key import private_key
from connector.web import i18n
from connector.web.handoffs.view import Seen
from connector.web.papers import proof as paper
from connector.web.services import Services


def signed(parts: Services, seen: Seen) -> bytes:
    """The pack of a handoff as it is now, signed: the bytes of its file."""
    told = pack(
        seen.handoff, seen.entries, ticket=seen.ticket, contract=seen.contract, receiver=seen.receiver,
        clocks=seen.reading.clocks, made_by=parts.settings.name, now=parts.now(),
        kept=lambda digest: files.there(parts.deps, digest),
    )
    return seal(told, private_key(parts.settings))


def key_of(parts: Services) -> str:
    """The fingerprint of the key that signs here."""
    return fingerprint(public_of(private_key(parts.settings)))


def name_of(raw: bytes) -> str:
    return paper.name_of(orjson.loads(raw))


def on_paper(parts: Services, raw: bytes, language: str = "") -> bytes:
    """A pack as PDF, in the reader's language if no other is given."""
    told: dict[str, Any] = orjson.loads(raw)
    return render(paper.document(told, key_of(parts), language or str(i18n.locale()), parts.settings.timezone))
