"""Proof packs on the command line: made, and checked."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click
import orjson

from connector.domain.handoffs.proof import pack
from connector.domain.handoffs.proof_seal import BadProof, fingerprint, public_of, seal, verify
from connector.flows import files
from connector.settings.proof_key import private_key

if TYPE_CHECKING:
    from connector.domain.agreements.profile import Profile
    from connector.domain.handoffs.clocks import Reading
    from connector.domain.handoffs.handoff import Handoff
    from connector.domain.handoffs.receiver import Receiver
    from connector.wiring import Deployment


def verified(file: Path, key: str | None) -> int:
    """Tell what is wrong with a pack; the exit code."""
    try:
        found = verify(file.read_bytes())
    except BadProof as error:
        click.echo(f"{file}: {error}", err=True)
        return 1
    mistakes = list(found.mistakes)
    if key is not None and key.replace(":", "").lower() != found.key.replace(":", ""):
        mistakes.append(f"signed by the key {found.key}, not {key}")
    for mistake in mistakes:
        click.echo(f"{file}: {mistake}", err=True)
    if not mistakes:
        click.echo(f"handoff {found.handoff}: {found.entries} entries, whole; made by {found.made_by} at "
                   f"{found.made_at}, signed by the key {found.key}")
    return 1 if mistakes else 0


def packed(deployment: Deployment, handoff: Handoff, told: Reading, contract: Profile | None,
           receiver: Receiver | None, *, pdf: bool) -> bytes:
    """The signed pack as the bytes of a file, or on paper."""
    with deployment.store.read() as tx:
        entries = tx.entries([handoff.id])[handoff.id]
        ticket = tx.by_key([handoff.ticket])[handoff.ticket].ticket
    private = private_key(deployment.settings)
    raw = seal(pack(handoff, entries, ticket=ticket, contract=contract, receiver=receiver, clocks=told.clocks,
                    made_by=deployment.settings.name, now=deployment.deps.now(),
                    kept=lambda digest: files.there(deployment.deps, digest)), private)
    if not pdf:
        return raw
    from connector.paper.pdf import render
    from connector.web.papers import proof as paper

    return render(paper.document(orjson.loads(raw), fingerprint(public_of(private)),
                                 deployment.settings.languages[0], deployment.settings.timezone))
