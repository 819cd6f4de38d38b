"""The private thread of a handoff: what is said, sent, published and reported."""


from __future__ import annotations

import hashlib
from datetime import timedelta
from pathlib import Path

import pytest

from connector.domain.errors import NotFound, Refused
from connector.domain.handoffs.chain import EntryKind
from connector.domain.handoffs.moves import HandoffState, Move, Side
from connector.domain.handoffs.supplier_message import SentFile
from connector.flows import files, handoffs
from connector.store import SqlStore
from tests.flows.handoff_world import World, a_file

S = HandoffState
HELLO = b"hello"
DIGEST = hashlib.sha256(HELLO).hexdigest()


@pytest.fixture
def world(sqlite_store: SqlStore, tmp_path: Path) -> World:
    return World(sqlite_store, tmp_path / "files")


def test_words_stay_in_the_thread_until_somebody_publishes_them(world: World) -> None:
    id = world.offer().id
    world.told(id, "in_progress", comment="your disk is old")
    world.settle()
    assert world.tool.notes("1") == []
    (entry,) = world.entries(id, EntryKind.COMMENT)
    for _ in range(2):
        handoffs.publish(world.deps, id, entry.seq, "ines")
    world.settle()
    assert world.tool.notes("1") == ["your disk is old"]
    world.settle(minutes=5)
    assert [kind for kind, _ in world.sent()] == ["handoff.offered"], "their own words do not come back to them"


def test_our_words_are_sent_once_however_often_they_are_said(world: World) -> None:
    id = world.offer().id
    for _ in range(2):
        handoffs.comment(world.deps, id, "any news?", "ines", once="k1")
    world.settle()
    assert [data["comment"] for kind, data in world.sent() if kind == "handoff.comment_added"] == ["any news?"]
    with pytest.raises(Refused, match="empty"):
        handoffs.comment(world.deps, id, " ", "ines")


def test_public_comments_of_the_ticket_go_along_and_notes_do_not(world: World) -> None:
    world.tool.said("1", "said before", public=True)
    world.settle(minutes=1)
    id = world.offer().id
    world.settle(minutes=1)
    world.tool.said("1", "for everybody", public=True)
    world.tool.said("1", "for us only")
    world.settle(minutes=1)
    assert [data["comment"] for kind, data in world.sent() if kind == "handoff.comment_added"] == ["for everybody"]
    note = next(one for one in world.tool.log["1"] if one.text == "for us only")
    with pytest.raises(NotFound):
        handoffs.share(world.deps, id, note.key, "ines")


def test_a_file_travels_once_by_its_content(world: World) -> None:
    id = world.offer().id
    for name in ("a.txt", "b.txt"):
        handoffs.attach(world.deps, id, f"C:\\{name}", "text/plain", [HELLO], "ines")
    world.told(id, comment="see", files=(a_file(HELLO, DIGEST),))
    (entry,) = world.entries(id, EntryKind.FILE)
    assert (entry.body["name"], entry.body["sha256"]) == ("a.txt", DIGEST)
    world.settle()
    assert [data["attachments"][0]["sha256"] for kind, data in world.sent() if "attachments" in data] == [DIGEST]
    handoffs.publish(world.deps, id, entry.seq, "ines")
    world.settle()
    assert world.tool.files["1"] == [("a.txt", HELLO)]


def test_files_of_handoffs_are_kept_for_as_long_as_the_handoff(world: World) -> None:
    id = world.offer().id
    handoffs.attach(world.deps, id, "a.txt", "text/plain", [HELLO], "ines")
    files.keep(world.deps, [b"not needed"])
    world.clock.now += timedelta(days=36500)
    assert files.clean(world.deps) == 1
    assert b"".join(files.read(world.deps, DIGEST)) == HELLO


def test_files_do_not_go_to_whom_they_are_not_shared_with(world: World) -> None:
    id = world.offer("network").id
    with pytest.raises(Refused, match="files are not shared"):
        handoffs.attach(world.deps, id, "a.txt", "text/plain", [HELLO], "ines")


def test_a_file_they_only_point_at_is_fetched_in_the_background(world: World) -> None:
    id = world.offer().id
    there = SentFile(name="big.log", sha256=DIGEST, size=5, url="https://hosting.example/big.log")
    world.told(id, comment="see", files=(there,))
    world.settle()
    (fetch,) = [one for one in world.channel.got if one.verb == "fetch"]
    assert (fetch.payload["url"], fetch.payload["sha256"]) == (there.url, DIGEST)


def test_a_field_service_reports_its_visit_with_the_parts_it_used(world: World) -> None:
    visit = {"site": "Basel", "access": "badge at the desk", "visit_from": "2026-03-03T08:00+01:00"}
    id = world.offer("field", details=visit).id
    world.act(id, Move.START, side=Side.THEIRS, receiver="field")
    handoffs.report(world.deps, id, "report.pdf", [b"%PDF-1.4"], "tom", signed_by="Anna Muster",
                    parts=[{"name": "Disk", "number": "D-1", "quantity": "2"}], receiver="field")
    (entry,) = world.entries(id, EntryKind.REPORT)
    assert entry.body["parts"] == [{"name": "Disk", "number": "D-1", "quantity": "2"}]
    with pytest.raises(Refused, match="signed_by"):
        handoffs.report(world.deps, id, "report.pdf", [b"%PDF-1.4"], "tom", signed_by="")


