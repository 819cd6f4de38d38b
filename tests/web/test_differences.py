"""The page of fields that differ: both values, and a person's decision."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask

from connector.domain.handoffs.exchange import drift
from connector.domain.handoffs.moves import Move
from connector.domain.handoffs.supplier_message import Command
from connector.flows import editing
from connector.flows import handoffs as flow
from tests.web import handed
from tests.web.conftest import Browser, app_of
from tests.web.world import World

Enter = Callable[[str], Browser]


@pytest.fixture
def id(there: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A handoff whose title both sides changed."""
    mirrored = handed.HOSTING + "\n  mirrors: {title: manual, site: tool}\n"
    monkeypatch.setitem(handed.OF, "hosting", ("uc", "Hosting AG, Zürich", "supplier", mirrored))
    handed.agree(there, tmp_path)
    made = handed.offer(there, "1", "hosting")
    handed.act(there, made, Move.START)
    deps = there.services.deps
    editing.edit(deps, there.keys["1"], {"title": "ours <b>now</b>"}, "user:aline")
    said = Command(type="handoff.comment_added", known=True, handoff=made.id, comment="x",
                   fields={"title": "theirs", "site": "Bern"})
    flow.answer(deps, "hosting", "m1", "d", said)
    return made.id


@pytest.fixture
def app(there: World, id: str) -> Flask:
    return app_of(there)


def test_both_values_are_shown_and_a_person_decides(as_role: Enter, there: World, id: str) -> None:
    client = as_role("agent")
    page = client.get("/handoffs/differences").get_data(as_text=True)
    assert "ours &lt;b&gt;now&lt;/b&gt;" in page
    assert "theirs" in page
    assert "<b>now</b>" not in page
    answer = client.post_form(f"/handoffs/{id}/settle", {"field": "title", "kept": "theirs"},
                              page="/handoffs/differences")
    assert answer.status_code == 303
    with there.store.read() as tx:
        stored, handoff = tx.by_key([there.keys["1"]])[there.keys["1"]], tx.handoffs([id])[id]
    assert stored.ticket.title == "theirs"
    registry = there.services.deps.registry
    assert registry is not None
    assert [one.field for one in drift(handoff, stored.ticket, registry().receivers["hosting"])] == []
    again = client.post_form(f"/handoffs/{id}/settle", {"field": "title", "kept": "ours"}, page="/handoffs/differences")
    assert again.status_code == 409
    assert "No field waits for a decision" in client.get("/handoffs/differences").get_data(as_text=True)


def test_who_may_only_read_is_offered_no_decision(as_role: Enter, id: str) -> None:
    client = as_role("viewer")
    page = client.get("/handoffs/differences").get_data(as_text=True)
    assert "ours &lt;b&gt;now" in page
    assert "Take theirs" not in page
    assert client.post_form(f"/handoffs/{id}/settle", {"field": "title", "kept": "ours"}).status_code == 403


def test_a_choice_that_is_none_is_refused(as_role: Enter, id: str) -> None:
    client = as_role("agent")
    for form, status in (({"field": "title", "kept": "both"}, 400), ({"field": "colour", "kept": "ours"}, 409)):
        assert client.post_form(f"/handoffs/{id}/settle", form, page="/handoffs/differences").status_code == status
