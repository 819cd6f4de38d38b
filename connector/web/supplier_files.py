"""Files of a handoff, fetched by its supplier with the link that came in our message (domain/handoffs/file_link.py)."""

from __future__ import annotations

from typing import Final

import structlog
from flask import Response, request

from connector.domain.errors import Refused
from connector.domain.handoffs.chain import Entry, EntryKind
from connector.domain.handoffs.file_link import FileLink, holds
from connector.flows import files
from connector.settings.app_key import FILE_LINKS, derived
from connector.web.attachments import as_download
from connector.web.errors import Problem
from connector.web.portal.thread import only_named
from connector.web.rights import Door, door
from connector.web.services import Services, services

_LONGEST_UNTIL: Final = 12
log = structlog.get_logger(__name__)


@door(Door.SIGNATURE)
def fetch(supplier: str, handoff: str, digest: str) -> Response:
    """One answer for a link that does not hold, ended, or leads to what is not theirs."""
    parts = services()
    until = request.args.get("until", "")
    number = int(until) if until.isascii() and until.isdigit() and len(until) <= _LONGEST_UNTIL else 0
    one = FileLink(supplier, handoff, digest, number)
    key = derived(parts.settings, FILE_LINKS)
    if not holds(one, request.args.get("proof", ""), key, parts.now()):
        raise _nothing()
    told = _told(parts, one)
    if told is None:
        raise _nothing()
    try:
        answer = as_download(told.body["name"], told.body.get("media_type", ""), files.read(parts.deps, digest))
    except Refused:
        raise _nothing() from None
    log.info("file fetched", supplier=supplier, handoff=handoff, entry=told.seq)
    return answer


def _told(parts: Services, one: FileLink) -> Entry | None:
    """The entry of this supplier's handoff that brought the file, from us or from them; a hash they named is no file
    they ever had."""
    with parts.deps.store.read() as tx:
        found = tx.handoffs([one.handoff]).get(one.handoff)
        if found is None or found.receiver != one.receiver:
            return None
        entries = tx.entries([one.handoff])[one.handoff]
    return next((entry for entry in entries if entry.kind is EntryKind.FILE
                 and entry.body.get("sha256") == one.digest and not only_named(entry)), None)


def _nothing() -> Problem:
    return Problem(404, "There is no such file, or the link has ended.")
