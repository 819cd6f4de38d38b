"""A tool as flows see it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Protocol

from msgspec import Struct

from connector.domain.errors import BadRecord
from connector.domain.history import Event
from connector.domain.ticket import Attachment, AttachmentInfo, Comment, Draft, Patch, Ref, Ticket

Cursor = dict[str, Any]
"""Where a reading stopped: JSON, understood only by the adapter that made it. {} is the very beginning."""


class Capability(StrEnum):
    """One verb or quality of a tool, as found at run time."""

    READ = "read"
    HISTORY = "history"
    CREATE = "create"
    UPDATE = "update"
    COMMENT = "comment"
    NOTE = "note"
    ATTACH = "attach"
    ATTACHMENTS = "attachments"
    DELETIONS = "deletions"
    """Lists what was deleted; without it deletions are found by sweeping all ids."""
    IDS = "ids"
    WEBHOOKS = "webhooks"
    FIND = "find"
    """A ticket can be found by our key, so a create whose answer was lost can be repeated safely."""


class Page(Struct, frozen=True, kw_only=True):
    """Some changed tickets, oldest change first, and the cursor that continues after them."""

    tickets: list[Ticket]
    cursor: Cursor
    rejected: list[BadRecord] = []
    total: int | None = None
    """How many tickets the whole reading will give, if the tool says so (for progress only)."""


class Diagnosis(Struct, frozen=True, kw_only=True):
    """What `connector check --live` found out about a tool."""

    version: str
    account: str
    capabilities: frozenset[Capability]
    plugin: str = ""
    skew: timedelta | None = None
    """Tool clock minus ours."""
    remarks: tuple[str, ...] = ()
    """Problems and advice, one sentence each."""


class FieldInfo(Struct, frozen=True, kw_only=True):
    """A field as the tool describes it; `choices` maps its raw values to labels, None if free."""

    name: str
    label: str = ""
    kinds: tuple[str, ...] = ()
    writable: bool = True
    choices: Mapping[str, str] | None = None


class Vendor(Protocol):
    """One tool. Raises TryLater, Refused (NotFound), Unsupported, BadSignature, and nothing else.

    A verb outside `capabilities()` raises Unsupported. Instances are safe to share between threads.
    `key` is ours and unique for ever: a write repeated with the same key has one effect. `again` says that an
    earlier try may have worked although its answer was lost: look before writing.
    """

    name: str

    def capabilities(self) -> frozenset[Capability]: ...
    def diagnose(self) -> Diagnosis: ...
    def fields(self) -> list[FieldInfo]: ...
    def skew(self) -> timedelta | None: ...
    def me(self) -> frozenset[str]:
        """Names under which the tool shows our own account as the author of events."""
        ...

    def changed(self, since: Cursor) -> Iterator[Page]: ...
    def get(self, ids: Sequence[str]) -> Page:
        """The tickets as they are now; ids that are gone or hidden are absent. `cursor` is empty."""
        ...

    def ids(self) -> Iterator[list[str]]:
        """All ids the account can see, for reconciliation."""
        ...

    def deletions(self, since: Cursor) -> tuple[list[str], Cursor]: ...
    def history(self, ids: Sequence[str]) -> dict[str, list[Event]]:
        """All the tool remembers of these tickets, comments and notes included, in canonical fields and values."""
        ...

    def attachments(self, id: str) -> list[AttachmentInfo]: ...
    def download(self, id: str, attachment: str) -> Iterator[bytes]: ...
    def find(self, key: str) -> Ref | None: ...
    def create(self, draft: Draft, key: str, again: bool = False) -> Ref: ...
    def update(self, id: str, patch: Patch, again: bool = False) -> Ticket | None:
        """The ticket after the change when the tool says it in the same answer, else None."""
        ...

    def comment(self, id: str, comment: Comment, key: str, again: bool = False) -> str:
        """The tool's id of the comment ("" when it does not say)."""
        ...

    def attach(self, id: str, file: Attachment, key: str, again: bool = False) -> str: ...
    def verify_webhook(self, headers: Mapping[str, str], body: bytes, now: datetime) -> Hint: ...
    def close(self) -> None: ...


class Hint(Struct, frozen=True, kw_only=True):
    """What a verified tool webhook tells: which tickets to read again. `message` makes a repeat recognisable."""

    message: str
    ids: tuple[str, ...]
