"""A proof pack checked by a program that shares nothing with ours: docs/handoffs.md, hashlib, json, Ed25519."""

from __future__ import annotations

import json
import random
import subprocess
import sys

from connector.domain.handoffs.proof_seal import seal
from tests.domain.handoffs.test_proof import KEY, a_pack

AUDITOR = r'''
import base64, hashlib, json, sys
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

def text(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode("utf-8")

def judge(raw):
    try:
        pack = json.loads(raw.decode("utf-8"))
        signature = pack.pop("signature")
        Ed25519PublicKey.from_public_bytes(base64.b64decode(signature["key"], validate=True)).verify(
            base64.b64decode(signature["value"], validate=True), text(pack))
        if text({**pack, "signature": signature}) + b"\n" != raw or signature["key"] != sys.argv[1]:
            return "not as it was signed"
        before = "0" * 64
        for number, entry in enumerate(pack["entries"], 1):
            told = {name: entry[name] for name in ("seq", "at", "side", "actor", "kind", "body", "mark", "prev")}
            told["handoff"] = pack["handoff"]["id"]
            found = hashlib.sha256(text(told)).hexdigest()
            if (entry["seq"], entry["prev"], entry["hash"]) != (number, before, found):
                return f"entry {number}"
            before = entry["hash"]
        if before != pack["handoff"]["head"]:
            return "the end is missing"
        return "whole"
    except (ValueError, KeyError, TypeError, InvalidSignature) as error:
        return type(error).__name__

for line in sys.stdin:
    print(judge(bytes.fromhex(line)))
'''


def judged(packs: list[bytes]) -> list[str]:
    public = json.loads(packs[0])["signature"]["key"]
    given = "\n".join(pack.hex() for pack in packs)
    done = subprocess.run([sys.executable, "-I", "-c", AUDITOR, public], input=given, capture_output=True, text=True,
                          check=True)
    return done.stdout.splitlines()


def test_a_stranger_with_the_documentation_alone_finds_the_pack_whole_and_any_changed_byte() -> None:
    pack = seal(a_pack(), KEY)
    chance = random.Random(7)
    changed = []
    for place in chance.sample(range(len(pack)), 200):
        other = bytearray(pack)
        other[place] ^= 1 << chance.randrange(8)
        changed.append(bytes(other))
    found = judged([pack, *changed])
    assert found[0] == "whole"
    assert len(found) == 201
    assert [changed[n] for n, verdict in enumerate(found[1:]) if verdict == "whole"] == []


def test_an_entry_taken_out_moved_or_rewritten_is_found_even_when_all_is_signed_again() -> None:
    pack = a_pack()
    entries = pack["entries"]
    words = json.loads(json.dumps(entries))
    words[1]["body"]["reason"] = "other words"
    changes = [entries[1:], entries[:-1], [entries[1], entries[0], *entries[2:]], words]
    found = judged([seal(pack, KEY), *(seal({**pack, "entries": one}, KEY) for one in changes)])
    assert found == ["whole", "entry 1", "the end is missing", "entry 1", "entry 2"]
