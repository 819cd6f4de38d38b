"""The proof pack: complete, written alike everywhere, and nothing in it can be changed unseen."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.domain.handoffs.chain import EntryKind, canonical, sealed
from connector.domain.handoffs.handoff import Handoff, Moved, move, note
from connector.domain.handoffs.moves import Move, Side
from connector.domain.handoffs.proof import exact, lasted, lasting, pack
from connector.domain.handoffs.proof_seal import BadProof, fingerprint, public_of, seal, verify
from connector.domain.ticket import Kind, State, Ticket
from connector.settings import Settings
from connector.settings.proof_key import private_key

START = datetime(2026, 3, 2, 8, tzinfo=UTC)
KEY = bytes(range(32))
TICKET = Ticket(tool="glpi", id="1", number="INC1", title="secret title", kind=Kind.INCIDENT, state=State.PENDING,
                opened_at=START, updated_at=START)


def a_story() -> Moved:
    handoff = Handoff(id="h1", ticket=1, receiver="hosting", ours="INC1", theirs="4711", created_at=START)
    so_far = move(handoff, Side.OURS, Move.OFFER, START, actor="user:aline", reason="the disk is full")
    for n, (side, what) in enumerate(((Side.THEIRS, Move.ACKNOWLEDGE), (Side.THEIRS, Move.PROPOSE),
                                      (Side.OURS, Move.ACCEPT)), 1):
        so_far = so_far.then(move(so_far.handoff, side, what, START + timedelta(hours=n), reason="because é €"))
    file = {"name": "report.pdf", "size": 12, "media_type": "application/pdf", "sha256": "a" * 64}
    return so_far.then(note(so_far.handoff, Side.THEIRS, EntryKind.FILE, START + timedelta(hours=4), body=file,
                            mark="a" * 64))


def a_pack(story: Moved | None = None, **more: Any) -> dict[str, Any]:
    story = story or a_story()
    return pack(story.handoff, story.entries, ticket=TICKET, contract=None, receiver=None, clocks=(),
                made_by="Helpdesk", now=START + timedelta(days=1), **more)


def test_a_pack_that_was_not_touched_is_whole() -> None:
    verdict = verify(seal(a_pack(), KEY), public_of(KEY))
    assert verdict.mistakes == ()
    assert (verdict.handoff, verdict.entries, verdict.trusted) == ("h1", 5, True)


def test_another_deployments_pack_is_whole_but_not_ours() -> None:
    verdict = verify(seal(a_pack(), KEY), public_of(bytes(32)))
    assert verdict.whole
    assert not verdict.trusted
    assert verdict.key == fingerprint(public_of(KEY))


def test_a_pack_tells_both_references_files_and_no_more_of_the_ticket_than_its_number() -> None:
    told = a_pack(kept=lambda digest: digest == "b" * 64)
    assert (told["handoff"]["ours"], told["handoff"]["theirs"], told["ticket"]["number"]) == ("INC1", "4711", "INC1")
    assert [(file["sha256"], file["kept"]) for file in told["files"]] == [("a" * 64, False)]
    assert "secret title" not in json.dumps(told)


def _word(told: dict[str, Any]) -> None:
    told["entries"][0]["body"]["reason"] = "the disk was full"


def _time(told: dict[str, Any]) -> None:
    told["entries"][1]["at"] = "2026-03-02T08:30:00+00:00"


def _left_out(told: dict[str, Any]) -> None:
    del told["entries"][2]


def _cut(told: dict[str, Any]) -> None:
    del told["entries"][-1]


@pytest.mark.parametrize(("change", "says"), [
    (_word, "entry 1 was changed"), (_time, "entry 2 was changed"), (_left_out, "entry 3 is missing"),
    (_cut, "the last entries are missing"),
])
def test_a_changed_history_is_found_even_when_signed_again(change: Callable[[dict[str, Any]], None], says: str) -> None:
    told = a_pack()
    change(told)
    verdict = verify(seal(told, KEY), public_of(KEY))
    assert any(says in mistake for mistake in verdict.mistakes)


def test_a_change_outside_the_history_is_found_by_the_signature() -> None:
    told = json.loads(seal(a_pack(), KEY))
    told["handoff"]["receiver"] = "another"
    assert any("changed after signing" in mistake for mistake in verify(canonical(told)).mistakes)


def test_a_rewritten_chain_with_a_move_nobody_may_make_is_found() -> None:
    story = a_story()
    first = story.entries[0]
    forged = type(first)(**{**{name: getattr(first, name) for name in first.__struct_fields__}, "side": Side.THEIRS})
    told = a_pack()
    told["entries"][0]["side"] = "theirs"
    told["entries"][0]["hash"] = sealed("h1", forged)
    assert any("theirs may not offer what is draft" in mistake for mistake in verify(seal(told, KEY)).mistakes)


def test_a_record_that_tells_another_state_than_its_history_is_found() -> None:
    told = a_pack()
    told["handoff"]["state"] = "closed"
    assert any("its history leads to accepted" in mistake for mistake in verify(seal(told, KEY)).mistakes)


@pytest.mark.parametrize("value", [None, {"algorithm": "none"}, {"algorithm": "Ed25519", "key": "?", "value": ""},
                                   {"algorithm": "Ed25519", "key": "AAAA", "value": "AAAA"}])
def test_a_pack_without_a_signature_we_can_read_is_not_whole(value: Any) -> None:
    told = json.loads(seal(a_pack(), KEY))
    told["signature"] = value
    assert any(mistake.startswith("signature:") for mistake in verify(canonical(told)).mistakes)


@pytest.mark.parametrize("raw", [b"", b"PK\x03\x04", b"[]", b'{"format":"x"}', b'{"format":NaN}',
                                 b'{"format":"servicedesk-connector/handoff-proof/1","handoff":1,"entries":[]}'])
def test_what_is_no_pack_is_said_to_be_none(raw: bytes) -> None:
    with pytest.raises(BadProof):
        verify(raw)


@settings(max_examples=60, derandomize=True, deadline=None)
@given(st.binary(min_size=1, max_size=3), st.integers(min_value=0))
def test_no_flipped_byte_passes_as_whole(bytes_: bytes, where: int) -> None:
    raw = bytearray(seal(a_pack(), KEY))
    at = where % (len(raw) - 4)
    if raw[at:at + len(bytes_)] == bytes_:
        return
    raw[at:at + len(bytes_)] = bytes_
    try:
        verdict = verify(bytes(raw), public_of(KEY))
    except BadProof:
        return
    assert not verdict.whole or not verdict.trusted or json.loads(raw) == json.loads(seal(a_pack(), KEY))


@given(st.timedeltas(min_value=timedelta(days=-4000), max_value=timedelta(days=4000)))
@settings(max_examples=50, derandomize=True, deadline=None)
def test_durations_are_exact_both_ways(value: timedelta) -> None:
    assert lasted(lasting(value)) == value


def test_fractions_have_no_place_in_a_pack() -> None:
    with pytest.raises(TypeError):
        exact({"share": 0.1})


def test_anybody_can_check_the_signature_with_openssl(tmp_path: Path) -> None:
    """Independent of our code: the public key in the pack, the canonical text, and OpenSSL."""
    openssl = shutil.which("openssl")
    told = json.loads(seal(a_pack(), KEY))
    signed = told.pop("signature")
    import base64

    if openssl is None:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

        Ed25519PublicKey.from_public_bytes(base64.b64decode(signed["key"])).verify(
            base64.b64decode(signed["value"]), canonical(told))
        return
    prefix = bytes.fromhex("302a300506032b6570032100")  # RFC 8410: an Ed25519 key as SubjectPublicKeyInfo
    (tmp_path / "key.der").write_bytes(prefix + base64.b64decode(signed["key"]))
    (tmp_path / "text").write_bytes(json.dumps(told, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
                                   .encode())
    (tmp_path / "sig").write_bytes(base64.b64decode(signed["value"]))
    done = subprocess.run([openssl, "pkeyutl", "-verify", "-pubin", "-inkey", "key.der", "-keyform", "DER", "-rawin",
                           "-in", "text", "-sigfile", "sig"], cwd=tmp_path, capture_output=True, text=True)
    assert "Verified Successfully" in done.stdout, done.stderr


def test_the_key_is_made_once_and_kept_private(tmp_path: Path) -> None:
    made = private_key(Settings(file=tmp_path / "connector.yaml"))
    file = tmp_path / "var" / "proof.key"
    assert private_key(Settings(file=tmp_path / "connector.yaml")) == made
    assert file.stat().st_mode & 0o777 == 0o600
    assert sorted(path.name for path in file.parent.iterdir()) == ["proof.key"]
