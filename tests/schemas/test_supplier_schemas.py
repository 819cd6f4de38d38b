"""The published schemas say what really passes, both ways."""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from connector.domain.handoffs.moves import Move
from connector.domain.handoffs.supplier_envelope import encoded, envelope, with_links
from connector.domain.handoffs.supplier_message import Unclear, command
from connector.flows import handoffs
from connector.schemas.suppliers import PATHS, answer, message
from connector.store import SqlStore
from tests.flows.handoff_world import World
from tests.web.conftest import app_of
from tests.web.world import world

OUT = jsonschema_rs.validator_for(message())
IN = jsonschema_rs.validator_for(answer())
RAW = b"log\n"
FILE = {"name": "log.txt", "sha256": hashlib.sha256(RAW).hexdigest(), "size": len(RAW)}
INSIDE = {**FILE, "content": base64.b64encode(RAW).decode()}


def test_both_are_json_schemas() -> None:
    for made in PATHS.values():
        jsonschema_rs.meta.validate(made())


def test_every_message_of_a_long_story_is_as_described(sqlite_store: SqlStore, tmp_path: Path) -> None:
    story = World(sqlite_store, tmp_path)
    made = story.offer(tried="restarted", contact="Ines", data_class="internal")
    story.told(made.id, "acknowledged")
    handoffs.comment(story.deps, made.id, "any news?", "ines")
    handoffs.attach(story.deps, made.id, "log.txt", "text/plain", [RAW], "ines")
    handoffs.edit(story.deps, made.id, {"contact": "Zo\u00e9", "priority": "P2"}, "ines")
    story.told(made.id, "resolved", "done")
    story.act(made.id, Move.REJECT, "not done")
    story.act(made.id, Move.DISPUTE, "who pays?")
    story.act(made.id, Move.SETTLE, "they do")
    story.told(made.id, "resolved", "done now")
    story.act(made.id, Move.ACCEPT)
    story.act(made.id, Move.CLOSE)
    story.settle()
    sent = [one for one in story.channel.got if one.verb == "handoff"]
    assert len({one.payload["type"] for one in sent}) == 5
    for one in sent:
        told = with_links(envelope(one.key, one.payload, "https://desk.example"), "hosting", "https://desk.example",
            b"k")
        OUT.validate(json.loads(encoded(told)))


GOOD: list[tuple[str, dict[str, Any]]] = [
    ("handoff.status_changed", {"status": "acknowledged"}),
    ("handoff.status_changed", {"status": "resolved", "reason": "x", "comment": "y", "supplier_ticket": "S-1"}),
    ("handoff.comment_added", {"comment": "x", "comment_id": "c", "author": "Zo\u00e9", "unknown": [1]}),
    ("handoff.attachment_added", {"attachments": [INSIDE, {**FILE, "url": "https://partner.example/log.txt"}]}),
    ("handoff.dispute_opened", {"reason": "x"}),
    ("something.else", {"status": 7}), ("a b", {}),
]
BAD: list[tuple[Any, dict[str, Any]]] = [
    ("handoff.status_changed", {}), ("handoff.status_changed", {"status": 1.5}), ("handoff.comment_added", {}),
    ("handoff.comment_added", {"comment": "x" * 20_001}), ("handoff.attachment_added", {"attachments": [FILE]}),
    ("handoff.attachment_added", {"attachments": [{**INSIDE, "url": "https://partner.example/log.txt"}]}),
    ("handoff.attachment_added", {"attachments": [INSIDE] * 21}),
    ("handoff.attachment_added", {"attachments": [{**INSIDE, "sha256": "short"}]}),
    ("handoff.dispute_opened", {"comment": "x"}), ("", {}), (7, {}),
]


@pytest.mark.parametrize(("kind", "data"), GOOD)
def test_what_the_schema_allows_is_read(kind: str, data: dict[str, Any]) -> None:
    given = {"type": kind, "timestamp": "2026-03-02T09:00:00Z", "data": {"handoff_id": "H1", **data}}
    IN.validate(given)
    assert command(given).type == kind


@pytest.mark.parametrize(("kind", "data"), BAD)
def test_what_the_schema_forbids_is_refused(kind: Any, data: dict[str, Any]) -> None:
    given = {"type": kind, "data": {"handoff_id": "H1", **data}}
    assert not IN.is_valid(given)
    with pytest.raises(Unclear):
        command(given)


def test_the_api_shows_schemas_and_webhooks(sqlite_store: SqlStore, tmp_path: Path) -> None:
    client = app_of(world(sqlite_store, tmp_path)).test_client()
    for path, made in PATHS.items():
        assert client.get(path).json == made()
    spec = client.get("/api/v1/openapi.json").json
    hook = spec["webhooks"]["supplierMessage"]["post"]
    assert [one["name"] for one in hook["parameters"]] == ["webhook-id", "webhook-timestamp", "webhook-signature"]
    assert spec["components"]["schemas"]["SupplierMessage"]["properties"] == message()["properties"]
    inbound = spec["paths"]["/api/v1/webhooks/suppliers/{supplier}"]["post"]
    assert {"202", "400", "401", "404", "409", "411", "413", "415", "422", "429", "503"} == set(inbound["responses"])
