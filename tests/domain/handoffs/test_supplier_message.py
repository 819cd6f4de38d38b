"""Messages of suppliers: what is read, what is ignored, what is refused."""

from __future__ import annotations

import base64
import hashlib
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.domain.handoffs.supplier_message import LONGEST_TEXT, Command, MessageType, SentFile, Unclear, command

RAW = b"log line\n"
FILE = {"name": "log.txt", "sha256": hashlib.sha256(RAW).hexdigest(), "size": len(RAW),
        "content": base64.b64encode(RAW).decode()}


def message(kind: str = MessageType.STATUS, **data: Any) -> dict[str, Any]:
    return {"type": kind, "timestamp": "2026-03-02T10:00:00Z", "data": {"handoff_id": "H1", **data}}


def pointers(given: Any) -> list[str]:
    with pytest.raises(Unclear) as caught:
        command(given)
    return [pointer for pointer, _ in caught.value.mistakes]


def test_a_status_is_read() -> None:
    read = command(message(status="in_progress", supplier_ticket="S-9", comment="on it", reason="r"))
    assert read == Command(type=MessageType.STATUS, known=True, handoff="H1", theirs="S-9", status="in_progress",
                           comment="on it", reason="r", sent_at=datetime(2026, 3, 2, 10, tzinfo=UTC))


def test_a_number_may_stand_where_a_ticket_number_is_expected() -> None:
    assert command(message(status="acknowledged", supplier_ticket=4711)).theirs == "4711"


def test_members_nobody_knows_are_ignored_and_null_is_nothing() -> None:
    read = command({**message(status="acknowledged", colour="red", comment=None, attachments=None), "more": [1]})
    assert (read.comment, read.files) == ("", ())


def test_a_type_nobody_knows_is_told_and_its_data_not_judged() -> None:
    read = command({"type": "handoff.satellite_launched", "data": {"handoff_id": "H1", "comment": 7}})
    assert (read.known, read.type, read.handoff) == (False, "handoff.satellite_launched", "H1")
    assert command({"type": "ping", "data": {}}).handoff == ""


def test_a_file_is_read_and_its_content_checked() -> None:
    (file,) = command(message(MessageType.ATTACHMENT, attachments=[FILE])).files
    assert file == SentFile(name="log.txt", sha256=FILE["sha256"], size=9, content=RAW)  # type: ignore[arg-type]


def test_a_hash_may_be_in_capitals() -> None:
    (file,) = command(message(MessageType.ATTACHMENT, attachments=[{**FILE, "sha256": FILE["sha256"].upper()}])).files  # type: ignore[attr-defined]
    assert file.sha256 == FILE["sha256"]


def test_a_file_may_be_at_an_address() -> None:
    given = {"name": "a", "sha256": "a" * 64, "size": 1, "url": "https://partner.example/a"}
    (file,) = command(message(MessageType.ATTACHMENT, attachments=[given])).files
    assert (file.url, file.content) == ("https://partner.example/a", None)


@pytest.mark.parametrize(("change", "pointer"), [
    ({"sha256": "a" * 64}, "/sha256"), ({"size": 8}, "/size"), ({"content": "%"}, "/content"),
    ({"content": "\u00e9"}, "/content"), ({"url": "https://x.example"}, ""), ({"content": None}, ""),
    ({"content": 3}, ""), ({"name": "../etc/passwd"}, "/name"), ({"name": "a\\b"}, "/name"), ({"name": ".."}, "/name"),
    ({"name": "a\nb"}, "/name"), ({"name": ""}, "/name"), ({"size": -1}, "/size"), ({"size": True}, "/size"),
    ({"size": 10**12}, "/size"), ({"sha256": None}, "/sha256"), ({"sha256": "z" * 64}, "/sha256"),
])
def test_a_file_that_is_not_what_it_says_is_refused(change: dict[str, Any], pointer: str) -> None:
    found = pointers(message(MessageType.ATTACHMENT, attachments=[FILE, {**FILE, **change}]))
    assert found[0] == f"/data/attachments/1{pointer}"


@pytest.mark.parametrize(("given", "expected"), [
    ([], [""]), ("x", [""]), (None, [""]), ({}, ["/type", "/data"]),
    ({"type": 1, "timestamp": 1, "data": []}, ["/type", "/timestamp", "/data"]),
    ({"type": "a\nb", "data": {}}, ["/type"]), ({"type": "x" * 101, "data": {}}, ["/type"]),
    (message(), ["/data/status"]), (message(status=""), ["/data/status"]), (message(status="a\nb"), ["/data/status"]),
    (message(status=["x"]), ["/data/status"]), (message(status=True), ["/data/status"]),
    ({"type": MessageType.STATUS, "data": {"status": "x"}}, ["/data/handoff_id"]),
    ({**message(status="x"), "timestamp": "2026-03-02T10:00:00"}, ["/timestamp"]),
    ({**message(status="x"), "timestamp": "yesterday"}, ["/timestamp"]),
    (message(MessageType.COMMENT), ["/data/comment"]), (message(MessageType.COMMENT, comment=" "), ["/data/comment"]),
    (message(MessageType.COMMENT, comment="x" * (LONGEST_TEXT + 1)), ["/data/comment"]),
    (message(MessageType.ATTACHMENT), ["/data/attachments"]),
    (message(MessageType.ATTACHMENT, attachments=[]), ["/data/attachments"]),
    (message(MessageType.ATTACHMENT, attachments=[FILE] * 21), ["/data/attachments"]),
    (message(MessageType.ATTACHMENT, attachments=["x"]), ["/data/attachments/0"]),
    (message(MessageType.DISPUTE), ["/data/reason"]),
    (message(status=1.5, comment=7, reason=[]), ["/data/status", "/data/comment", "/data/reason"]),
])
def test_every_mistake_is_told_at_once_with_its_place(given: Any, expected: list[str]) -> None:
    assert pointers(given) == expected


def test_no_null_character_comes_through() -> None:
    assert "\0" not in command(message(MessageType.COMMENT, comment="a\0b")).comment


JSON = st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
                    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3))
KEYS = ("handoff_id", "supplier_ticket", "status", "comment", "comment_id", "author", "reason", "attachments")


@settings(max_examples=200, derandomize=True, deadline=None)
@given(st.sampled_from([*MessageType, "x", None]), JSON, st.dictionaries(st.sampled_from(KEYS), JSON) | JSON)
def test_nothing_else_than_a_command_or_its_mistakes_comes_out(kind: Any, stamp: Any, data: Any) -> None:
    with suppress(Unclear):
        assert command({"type": kind, "timestamp": stamp, "data": data}).type == kind


@pytest.mark.parametrize("message", [
    {"type": "ping"}, {"type": "ping", "data": None}, {"type": "ping", "data": [1]}, {"type": "handoff.closed"},
    {"type": "com.acme/built it", "timestamp": "yesterday", "data": {"handoff_id": 5}},
    {"type": "\u00e9tat", "data": {}},
])
def test_nothing_is_asked_of_a_message_whose_type_nobody_knows(message: dict[str, Any]) -> None:
    found = command(message)
    assert (found.type, found.known, found.handoff) == (message["type"], False, "")
