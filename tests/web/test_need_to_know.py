"""Need to know: whatever a person writes, and wherever, none of it reaches a security team, on any way out."""

from __future__ import annotations

import json
from datetime import UTC
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from connector.domain.handoffs.chain import EntryKind
from connector.domain.handoffs.handoff import Handoff
from connector.domain.handoffs.moves import Move, Side
from connector.domain.handoffs.supplier_envelope import encoded, envelope, with_links
from connector.domain.handoffs.supplier_letter import words
from connector.flows import handoffs as flow
from tests.web import handed
from tests.web.conftest import app_of
from tests.web.handed import act, offer
from tests.web.world import World

CANARY = "canary"
EVERYWHERE = """
  reach: {email: soc@example.org, portal: true, webhook: {url: "https://soc.example/hooks", secrets: [CLOUD_SECRET]}}
  tlp: amber
  shares: {fields: [service, priority, number, opened_at], attachments: chosen}
"""


@pytest.fixture
def soc(there: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Handoff:
    """A ticket and a handoff full of words, through every move that takes some."""
    monkeypatch.setitem(handed.OF, "soc", ("ola", "Security team", "security", EVERYWHERE))
    handed.agree(there, tmp_path)
    deps = there.services.deps
    made = offer(there, "6", "soc", **{name: f"{CANARY} {name}" for name in (
        "reason", "tried", "contact", "data_class", "severity", "owner")})
    id = made.id
    flow.edit(deps, id, {name: f"{CANARY} new {name}" for name in (
        "reason", "tried", "contact", "data_class", "severity", "owner")}, f"{CANARY} person")
    flow.attach(deps, id, f"{CANARY} file.eml", "message/rfc822", [b"From: x"], f"{CANARY} person")
    for what, side in ((Move.DISPUTE, Side.OURS), (Move.SETTLE, Side.OURS), (Move.START, Side.THEIRS),
                       (Move.PROPOSE, Side.THEIRS), (Move.REJECT, Side.OURS), (Move.HAND_BACK, Side.THEIRS),
                       (Move.OFFER, Side.OURS), (Move.ACKNOWLEDGE, Side.THEIRS), (Move.WITHDRAW, Side.OURS)):
        act(there, made, what, side, reason="seen" if side is Side.THEIRS else f"{CANARY} {what}")
    return made


def payloads(there: World, soc: Handoff) -> list[dict[str, Any]]:
    with there.store.read() as tx:
        rows = tx.run(text("SELECT payload FROM deliveries WHERE target = 'supplier:soc' ORDER BY id")).all()
    return [row.payload if isinstance(row.payload, dict) else json.loads(row.payload) for row in rows]


def test_messages_and_mails_to_a_security_team_hold_no_word_of_ours(there: World, soc: Handoff) -> None:
    sent = payloads(there, soc)
    assert len(sent) >= 8
    for number, payload in enumerate(sent):
        told = with_links(envelope(f"k{number}", payload, "https://desk.example"), "soc", "https://desk.example", b"k")
        letters = [" ".join(words(told, "https://desk.example/reply", one, UTC)) for one in ("en", "fr")]
        assert CANARY not in encoded(told).decode() + " ".join(letters)


@pytest.mark.parametrize("language", ["en", "fr"])
def test_pages_of_a_security_team_hold_no_word_of_ours(there: World, soc: Handoff, language: str) -> None:
    login = there.user("supplier", login="of-soc", supplier="soc", language=language)
    client: Any = app_of(there).test_client()
    assert client.sign_in(login).status_code == 303
    pages = [client.get(path).get_data(as_text=True) for path in ("/portal", "/portal?view=closed",
                                                                  f"/portal/{soc.id}")]
    assert any(soc.id in page for page in pages)
    assert [line for page in pages for line in page.splitlines() if CANARY in line.lower()] == []
    assert client.get(f"/portal?view=closed&q={CANARY}").get_data(as_text=True).count(soc.id) == 0


@pytest.mark.parametrize("form", ["json", "pdf"])
def test_who_takes_the_proof_away_is_recorded_and_the_proof_tells_of_it(there: World, soc: Handoff, form: str) -> None:
    there.user("agent")
    client: Any = app_of(there).test_client()
    assert client.sign_in("agent").status_code == 303
    proof = client.get(f"/handoffs/{soc.id}/proof.{form}")
    assert proof.status_code == 200
    with there.store.read() as tx:
        (look,) = (one for one in tx.entries([soc.id])[soc.id] if one.kind is EntryKind.ACCESS)
    assert look.actor == "user:agent"
    assert form == "pdf" or json.loads(proof.data)["entries"][-1]["hash"] == look.hash
