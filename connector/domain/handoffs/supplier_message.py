"""What a supplier tells us about a handoff: a message of theirs, read into one command or refused with every mistake.

Members we do not know are ignored, and so are types: those come back with `known` False, to be recorded.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from msgspec import Struct

from connector.domain.problems import shown

LONGEST_TEXT: Final = 20_000
LONGEST_LINE: Final = 255
MOST_FILES: Final = 20
MOST_FIELDS: Final = 50
LARGEST_FILE: Final = 64 * 1024 * 1024
"""Bytes of a file we fetch; one sent inside a message is limited by the message."""
_HASH: Final = re.compile(r"[0-9a-f]{64}")
LONGEST_TYPE: Final = 100


class MessageType(StrEnum):
    STATUS = "handoff.status_changed"
    COMMENT = "handoff.comment_added"
    ATTACHMENT = "handoff.attachment_added"
    DISPUTE = "handoff.dispute_opened"


class SentFile(Struct, frozen=True, kw_only=True, gc=False):
    """A file they send: `content` itself, or the `url` to fetch it from. `sha256` is in lower-case hex."""

    name: str
    sha256: str
    size: int
    media_type: str = "application/octet-stream"
    url: str = ""
    content: bytes | None = None


class Command(Struct, frozen=True, kw_only=True):
    """`type` as sent. `handoff` is our id of it ("" only where the type is unknown), `theirs` their ticket number.

    `sent_at` is their clock and decides nothing. `comment_id` is "" when they give none.
    """

    type: str
    known: bool
    handoff: str
    theirs: str = ""
    status: str = ""
    comment: str = ""
    comment_id: str = ""
    author: str = ""
    reason: str = ""
    files: tuple[SentFile, ...] = ()
    fields: dict[str, Any] = {}
    """Values of fields that both sides hold, by our name."""
    sent_at: datetime | None = None


class Unclear(ValueError):
    """`mistakes` are pairs of a JSON pointer and what was expected there."""

    def __init__(self, mistakes: list[tuple[str, str]]) -> None:
        super().__init__("; ".join(f"{pointer or '/'}: {text}" for pointer, text in mistakes))
        self.mistakes = mistakes


def command(message: Any) -> Command:
    """Raises Unclear with every mistake."""
    reader = _Reader()
    if not isinstance(message, Mapping):
        raise Unclear([("", "expected an object with type, timestamp and data")])
    kind = message.get("type")
    if not isinstance(kind, str) or not kind.strip() or not kind.isprintable() or len(kind) > LONGEST_TYPE:
        reader.mistake("/type", f"expected the type of the message, such as {MessageType.STATUS}")
        kind = ""
    data = message.get("data")
    if kind and kind not in set(MessageType):
        return _unknown(kind, data)
    sent_at = reader.moment(message.get("timestamp"), "/timestamp")
    if not isinstance(data, Mapping):
        reader.mistake("/data", "expected an object")
    elif kind:
        found = reader.command(kind, data, sent_at)
    if reader.mistakes:
        raise Unclear(reader.mistakes)
    return found


def _unknown(kind: str, data: Any) -> Command:
    """Nothing is asked of a message that we do not know: it may look as it likes."""
    handoff = data.get("handoff_id") if isinstance(data, Mapping) else None
    return Command(type=kind, known=False, handoff=handoff if isinstance(handoff, str) else "")


class _Reader:
    def __init__(self) -> None:
        self.mistakes: list[tuple[str, str]] = []

    def mistake(self, pointer: str, text: str) -> None:
        self.mistakes.append((pointer, text))

    def command(self, kind: str, data: Mapping[str, Any], sent_at: datetime | None) -> Command:
        return Command(
            type=kind, known=True, sent_at=sent_at,
            handoff=self.line(data, "handoff_id", required=True),
            theirs=self.line(data, "supplier_ticket"),
            status=self.line(data, "status", required=kind == MessageType.STATUS),
            comment=self.text(data, "comment", required=kind == MessageType.COMMENT),
            comment_id=self.line(data, "comment_id"),
            author=self.line(data, "author"),
            reason=self.text(data, "reason", required=kind == MessageType.DISPUTE),
            files=self.files(data.get("attachments"), required=kind == MessageType.ATTACHMENT),
            fields=self.fields(data.get("fields")),
        )

    def line(self, data: Mapping[str, Any], name: str, *, required: bool = False, within: str = "/data",
             longest: int = LONGEST_LINE) -> str:
        value = data.get(name)
        if isinstance(value, int) and not isinstance(value, bool):
            value = str(value)
        if value is None and not required:
            return ""
        if (isinstance(value, str) and len(value) <= longest and value.isprintable()
                and (value.strip() or not required)):
            return value.strip()
        need = "expected" if value is not None else "is required:"
        self.mistake(f"{within}/{name}", f"{need} one line of at most {longest} characters")
        return ""

    def text(self, data: Mapping[str, Any], name: str, *, required: bool = False) -> str:
        value = data.get(name)
        if value is None and not required:
            return ""
        if isinstance(value, str) and len(value) <= LONGEST_TEXT and (value.strip() or not required):
            return value.replace("\0", "\N{REPLACEMENT CHARACTER}")
        need = "expected" if value is not None else "is required:"
        self.mistake(f"/data/{name}", f"{need} a text of at most {LONGEST_TEXT} characters")
        return ""

    def moment(self, value: Any, pointer: str) -> datetime | None:
        if value is None:
            return None
        try:
            at = datetime.fromisoformat(value)
            offset = at.utcoffset()
        except (TypeError, ValueError):
            offset = None
        if offset is None or not timedelta(hours=-24) < offset < timedelta(hours=24):
            self.mistake(pointer, "expected a time with its offset from UTC, such as 2026-03-02T10:00:00Z")
            return None
        return at

    def fields(self, value: Any) -> dict[str, Any]:
        """Texts, whole numbers, true, false, null, or lists of texts."""
        if value is None:
            return {}
        if not isinstance(value, Mapping) or len(value) > MOST_FIELDS:
            self.mistake("/data/fields", f"expected an object of at most {MOST_FIELDS} fields")
            return {}
        for name, one in value.items():
            many = one if isinstance(one, list) else [one]
            plain = all(one is None or isinstance(one, (str, bool, int)) for one in many) and len(many) <= MOST_FIELDS
            if not plain or any(isinstance(one, str) and len(one) > LONGEST_TEXT for one in many):
                self.mistake(f"/data/fields/{str(name)[:80]}", "expected a text, a whole number, true, false, null, or "
                             "a list of texts")
        return dict(value)

    def files(self, value: Any, *, required: bool) -> tuple[SentFile, ...]:
        if value is None and not required:
            return ()
        if not isinstance(value, list) or len(value) > MOST_FILES or (required and not value):
            self.mistake("/data/attachments", f"expected a list of {'1' if required else '0'} to {MOST_FILES} files")
            return ()
        return tuple(self.file(one, f"/data/attachments/{i}") for i, one in enumerate(value))

    def file(self, value: Any, pointer: str) -> SentFile:
        nothing = SentFile(name="", sha256="", size=0)
        if not isinstance(value, Mapping):
            self.mistake(pointer, "expected an object with name, sha256, size, and url or content")
            return nothing
        name = self.line(value, "name", required=True, within=pointer)
        if name in (".", "..") or "/" in name or "\\" in name:
            self.mistake(f"{pointer}/name", "expected a name without a path")
        digest, size = value.get("sha256"), value.get("size")
        if not isinstance(digest, str) or not _HASH.fullmatch(digest.lower()):
            self.mistake(f"{pointer}/sha256", "expected 64 hexadecimal digits")
            digest = ""
        if isinstance(size, bool) or not isinstance(size, int) or not 0 <= size <= LARGEST_FILE:
            self.mistake(f"{pointer}/size", f"expected a number of bytes up to {LARGEST_FILE}")
            size = 0
        media = self.line(value, "media_type", within=pointer, longest=100) or "application/octet-stream"
        url, inside = value.get("url"), value.get("content")
        if (url is None) == (inside is None) or not isinstance(url if inside is None else inside, str):
            self.mistake(pointer, "expected either url or content (base64), as a text")
            return nothing
        content = None if inside is None else self.content(inside, digest.lower(), size, pointer)
        return SentFile(name=name, sha256=digest.lower(), size=size, media_type=media, url=url or "", content=content)

    def content(self, value: str, digest: str, size: int, pointer: str) -> bytes:
        try:
            raw = base64.b64decode(value.encode("ascii"), validate=True)
        except (binascii.Error, UnicodeEncodeError):
            self.mistake(f"{pointer}/content", "expected base64")
            return b""
        if len(raw) != size:
            self.mistake(f"{pointer}/size", f"{shown(size)} was told, {len(raw)} came")
        elif digest and hashlib.sha256(raw).hexdigest() != digest:
            self.mistake(f"{pointer}/sha256", "does not fit the content")
        return raw
