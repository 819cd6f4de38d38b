"""Signing a proof pack, and finding out whether one is whole: signature, chain of entries, moves, state.

The signature is Ed25519 (RFC 8032) over the canonical JSON of everything but the member `signature`. It needs no shared
secret: a supplier checks it with the public key that the deployment shows, a judge too.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from connector.domain.handoffs.chain import Entry, EntryKind, broken, canonical
from connector.domain.handoffs.moves import RULES, HandoffState, Move
from connector.domain.handoffs.proof import FORMAT
from connector.domain.strict_json import BadJson, loads

LARGEST: Final = 64 * 1024 * 1024
ALGORITHM: Final = "Ed25519"


@dataclass(frozen=True, slots=True)
class Verdict:
    """`key` is the fingerprint of the key that signed; `trusted` says whether it is the one that was expected.

    `mistakes`: what does not fit, in words; none means that nothing was changed since it was signed.
    """

    handoff: str
    made_at: str
    made_by: str
    entries: int
    key: str
    trusted: bool
    mistakes: tuple[str, ...]

    @property
    def whole(self) -> bool:
        return not self.mistakes


class BadProof(ValueError):
    """The file is no proof pack at all."""


def fingerprint(public: bytes) -> str:
    """Of a public key: the first 16 bytes of its SHA-256 in groups people can compare."""
    digest = hashlib.sha256(public).hexdigest()[:32]
    return ":".join(digest[i:i + 4] for i in range(0, 32, 4))


def public_of(private: bytes) -> bytes:
    """The 32 bytes of the public key."""
    return Ed25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw()


def seal(document: Mapping[str, Any], private: bytes) -> bytes:
    """The pack as the bytes of a file, signed. `private` is 32 bytes."""
    key = Ed25519PrivateKey.from_private_bytes(private)
    body = {name: value for name, value in document.items() if name != "signature"}
    signed = {"algorithm": ALGORITHM, "key": base64.b64encode(public_of(private)).decode(),
              "value": base64.b64encode(key.sign(canonical(body))).decode()}
    return canonical({**body, "signature": signed}) + b"\n"


def verify(raw: bytes, expected: bytes | None = None) -> Verdict:
    """`expected` is the public key that should have signed. Raises BadProof when this is no proof pack."""
    document = _document(raw)
    mistakes: list[str] = []
    key = _signature(document, mistakes)
    handoff = document["handoff"]
    entries = _entries(document["entries"], mistakes)
    if entries is not None:
        problem = broken(str(handoff.get("id")), entries, str(handoff.get("head")))
        if problem:
            mistakes.append(f"history: {problem}")
        mistakes.extend(_moves(entries, str(handoff.get("state"))))
    return Verdict(
        handoff=str(handoff.get("id", "")), made_at=str(document.get("made_at", "")),
        made_by=str(document.get("made_by", "")), entries=len(document["entries"]),
        key=fingerprint(key) if key else "", trusted=expected is not None and key == expected, mistakes=tuple(mistakes),
    )


def _document(raw: bytes) -> dict[str, Any]:
    try:
        document = loads(raw, largest=LARGEST)
    except BadJson as error:
        raise BadProof(f"not the JSON of a proof pack: {error}") from None
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise BadProof(f"not a proof pack: expected the member format with {FORMAT}")
    if not isinstance(document.get("handoff"), dict) or not isinstance(document.get("entries"), list):
        raise BadProof("not a proof pack: expected the members handoff and entries")
    return document


def _signature(document: Mapping[str, Any], mistakes: list[str]) -> bytes | None:
    signed = document.get("signature")
    if not isinstance(signed, dict) or signed.get("algorithm") != ALGORITHM:
        mistakes.append(f"signature: there is none we know (expected {ALGORITHM})")
        return None
    try:
        key = base64.b64decode(str(signed.get("key")), validate=True)
        value = base64.b64decode(str(signed.get("value")), validate=True)
        public = Ed25519PublicKey.from_public_bytes(key)
        public.verify(value, canonical({name: item for name, item in document.items() if name != "signature"}))
    except (binascii.Error, ValueError):
        mistakes.append("signature: it cannot be read")
        return None
    except InvalidSignature:
        mistakes.append("signature: it does not fit the document, which was changed after signing")
    return key


def _entries(given: list[Any], mistakes: list[str]) -> list[Entry] | None:
    try:
        return [msgspec.convert(_timed(item), Entry) for item in given]
    except (msgspec.ValidationError, TypeError, ValueError) as error:
        mistakes.append(f"history: it cannot be read ({error})")
        return None


def _timed(item: Any) -> Any:
    return {**item, "at": datetime.fromisoformat(item["at"])} if isinstance(item, dict) and "at" in item else item


def _moves(entries: list[Entry], state: str) -> list[str]:
    """Whether every move was allowed, and whether they lead to the state that the record tells."""
    found: list[str] = []
    at = HandoffState.DRAFT
    for entry in entries:
        if entry.kind is not EntryKind.MOVED:
            continue
        try:
            move, to = Move(entry.body["move"]), HandoffState(entry.body["to"])
        except (KeyError, ValueError):
            return [*found, f"history: entry {entry.seq} tells of no move we know"]
        rule = RULES[move]
        if at not in rule.sources or entry.side not in rule.sides or (rule.to is not None and rule.to is not to):
            found.append(f"history: entry {entry.seq}: {entry.side} may not {move} what is {at}")
        at = to
    if at != state:
        found.append(f"record: it says {state}, its history leads to {at}")
    return found
