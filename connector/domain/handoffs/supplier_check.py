"""What is right and what is wrong with a call that a supplier wants to make, step by step and without any effect."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Final

from msgspec import Struct

from connector.domain.errors import BadSignature
from connector.domain.handoffs.supplier_message import Command, Unclear, command
from connector.domain.saying import Saying
from connector.domain.signing import ID, SIGNATURE, TIMESTAMP, key, verify
from connector.domain.strict_json import BadJson, loads

LARGEST: Final = 1024 * 1024


class Step(StrEnum):
    HEADERS = "headers"
    SIGNATURE = "signature"
    JSON = "json"
    MESSAGE = "message"


class Verdict(Struct, frozen=True, kw_only=True):
    """`ok` None: not looked at, because an earlier step failed. `said` is why not, or what was found."""

    step: Step
    ok: bool | None
    said: tuple[str, ...] = ()


class Checked(Struct, frozen=True, kw_only=True):
    verdicts: tuple[Verdict, ...]
    command: Command | None = None

    @property
    def ok(self) -> bool:
        return all(verdict.ok for verdict in self.verdicts)


def check(headers: Mapping[str, str], body: bytes, secrets: Sequence[str], now: datetime) -> Checked:
    """Every step that can be judged is: a wrong signature does not hide a mistake in the message."""
    missing = [name for name in (ID, TIMESTAMP, SIGNATURE) if not headers.get(name, "").strip()]
    told_missing = tuple(Saying("%(name)s is missing", name=name) for name in missing)
    found = [Verdict(step=Step.HEADERS, ok=not missing, said=told_missing)]
    found.append(_signed(headers, body, secrets, now) if not missing else Verdict(step=Step.SIGNATURE, ok=None))
    try:
        value = loads(body, largest=LARGEST)
    except BadJson as error:
        found += [Verdict(step=Step.JSON, ok=False, said=(str(error),)), Verdict(step=Step.MESSAGE, ok=None)]
        return Checked(verdicts=tuple(found))
    found.append(Verdict(step=Step.JSON, ok=True))
    try:
        told = command(value)
    except Unclear as error:
        said = tuple(f"{pointer or '/'}: {text}" for pointer, text in error.mistakes)
        found.append(Verdict(step=Step.MESSAGE, ok=False, said=said))
        return Checked(verdicts=tuple(found))
    said = () if told.known else (Saying(
        "the type %(type)s is not known: it would be recorded and change nothing", type=told.type),)
    found.append(Verdict(step=Step.MESSAGE, ok=True, said=said))
    return Checked(verdicts=tuple(found), command=told)


def _signed(headers: Mapping[str, str], body: bytes, secrets: Sequence[str], now: datetime) -> Verdict:
    """A text that went through a form may have lost or won line ends: both are tried, and the difference is told."""
    tried = {"": body, Saying("it fits the body with the line ends as \\n"): body.replace(b"\r\n", b"\n"),
             Saying("it fits the body with a line end after the last line"): body.replace(b"\r\n", b"\n") + b"\n"}
    last = ""
    for how, text in tried.items():
        try:
            verify(headers, text, secrets, now)
            return Verdict(step=Step.SIGNATURE, ok=True, said=(how,) if how else ())
        except BadSignature as error:
            last = last or str(error)
    return Verdict(step=Step.SIGNATURE, ok=False, said=(last,))


def fingerprint(secret: str) -> str:
    """By which both sides see that they hold the same secret without showing it: 8 hexadecimal digits of the SHA-256
    of its key. Raises ValueError."""
    return hashlib.sha256(key(secret)).hexdigest()[:8]
