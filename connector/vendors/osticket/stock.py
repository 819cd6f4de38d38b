"""osTicket's own API: it takes new tickets, and by a side door tells whether it has taken one before.

The JSON door keeps an undocumented key `mid` as the Message-ID of the first entry, and the mail door answers a known
Message-ID with the number of its ticket without adding anything. A mail without a sender can never become a ticket, so
it is a pure question. Read in v1.10 to v1.18 (ThreadEntry::saveEmailInfo, TicketApiController::processEmail), run on
1.18; docs/decisions/0040-osticket-stock-idempotency.md.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

import requests

from connector.domain.errors import Refused, TryLater
from connector.domain.text import bmp_only, clip
from connector.http import excerpt, failure, read, retry_after
from connector.vendors.osticket.options import Options

LONGEST_SUBJECT: Final = 250
LONGEST_BODY: Final = 60_000
"""Bytes as osTicket stores them: at 64 KB it moves the text to a file and leaves the entry empty."""
WHOLE_TEXT: Final = "description.txt"

_NUMBER: Final = re.compile(r"[^\s<>]{1,40}")
_NOT_CREATED: Final = re.compile(r"[^<\n]{3,150} :(?:[\w.-]{1,60}\n|[^<\n]{3,60}: [^<\n]*\n\n|unknown error)")
"""`title :key\nmessage`, or `title :denied: address\n\nmessage`: titles and messages are translated, keys are not."""
_ADDRESS: Final = re.compile(r"[^@\s<>()\[\],;:\\\"]{1,64}@[^@\s<>()\[\],;:\\\"]+\.[^@\s<>()\[\],;:\\\".]{2,}")
_TAG_START: Final = re.compile(r"<(?=\S)")
_ESCAPES: Final = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})


def mark(key: str) -> str:
    """The Message-ID that stands for our key: lower case and safe, since osTicket compares it both ways."""
    return f"<{hashlib.sha256(key.encode()).hexdigest()[:40]}@servicedesk-connector.invalid>"


def question(mark: str) -> bytes:
    """The mail that asks for the ticket with a mark and cannot create one."""
    return (f"From:\r\nSubject: lookup\r\nMessage-ID: {mark}\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n"
            "lookup\r\n").encode()


def created(response: requests.Response) -> str:
    """The number of a ticket that was really created. Raises Refused, or TryLater where the outcome is unknown."""
    if response.status_code == 201:
        body = read(response, 100_000).decode("utf-8", "replace").strip()
        if _NUMBER.fullmatch(body):
            return body
        raise TryLater("osTicket: status 201 without a ticket number, so the outcome of the creation is unknown")
    raise _not_created(response)


def found(response: requests.Response) -> str | None:
    """The number in the answer to a `question`; None when osTicket has no such ticket."""
    if response.status_code == 201:
        return created(response)
    error = _not_created(response)
    if isinstance(error, NotCreated):
        return None
    raise error


class NotCreated(Refused):
    """osTicket says that it made no ticket, and why."""


def _not_created(response: requests.Response) -> Refused | TryLater:
    status = response.status_code
    if status in (403, 500):
        text = read(response, 1_000_000).decode("utf-8", "replace").strip()
        if _NOT_CREATED.match(text):
            return NotCreated(f"osTicket refused the ticket: {_reasons(text)}", status)
        said = " ".join(text.split())[:200] if "<" not in text else ""
        if status == 403:
            return Refused(f"osTicket: status 403: {said}", status)
        return TryLater(f"osTicket: status 500, the outcome is unknown ({said})", retry_after(response.headers))
    if status == 200:
        # PHP ends a fatal error like this, and the page shows paths of the server.
        return TryLater("osTicket: status 200 with a page instead of 201 with a number: a PHP error, outcome unknown")
    if status == 400 and "URL not supported" in (said := excerpt(response)):
        return Refused(f"osTicket does not know this address ({said}): check `url` of the tool", status)
    return failure(response)


def _reasons(text: str) -> str:
    """The messages after the title. Keys and messages take turns; a denial is one sentence and its reason."""
    told = text.split(" :", 1)[1]
    lines = [line.strip() for line in told.split("\n") if line.strip()]
    said = lines if "\n\n" in told or len(lines) == 1 else lines[1::2]
    advice = " (name and address are needed, and osTicket checks the domain in DNS when `verify_email_addrs` is on)"
    return "; ".join(said)[:300] + (advice if lines[0] == "user" else "")


def draft(raw: Mapping[str, Any], key: str, options: Options) -> dict[str, Any]:
    """The body of `POST /api/tickets.json` for tool fields of a mapping. Raises Refused naming every problem.

    Types are checked here because a wrong one is a PHP fatal error there, ids because a wrong one is dropped silently.
    """
    problems: list[str] = []
    rest = {name: value for name, value in raw.items() if value not in (None, "", [])}
    subject = title(rest.pop("subject", ""))
    if not subject:
        problems.append("a subject is needed")
    text, whole = message(rest.pop("message", "") or subject)
    email = str(rest.pop("user_email", "") or options.default_email).strip()
    if not _ADDRESS.fullmatch(email):
        problems.append(f"{email!r} is not a plain address" if email else
                        "the requester's address is needed (or `default_email` in the options)")
    name = _line(rest.pop("user_name", "") or options.default_name or email.partition("@")[0])
    body: dict[str, Any] = {
        "name": name, "email": email, "subject": subject, "message": text, "mid": mark(key),
        "alert": options.alert, "autorespond": options.autorespond,
    }
    _number(body, rest, problems, "priority", "priorityId", options.priorities)
    _number(body, rest, problems, "topic", "topicId", options.topics)
    for field in [field for field in rest if field.startswith("field.")]:
        _custom(body, problems, field, rest.pop(field))
    if rest:
        problems.append(f"{', '.join(sorted(rest))} can be set at creation only with the plugin")
    if problems:
        raise Refused(f"osTicket: {'; '.join(problems)}")
    if whole:
        body["attachments"] = [{WHOLE_TEXT: "data:text/plain;base64," + base64.b64encode(whole).decode()}]
    return body


def message(text: Any) -> tuple[str, bytes]:
    """The text as a data URL (a plain text that begins with `data:` would be lost), escaped once as osTicket stores
    it; and the bytes of the whole text where it had to be shortened."""
    whole = bmp_only(str(text)).replace("\r\n", "\n")
    escaped = whole.translate(_ESCAPES)
    if len(escaped.encode()) <= LONGEST_BODY:
        return "data:text/plain;charset=utf-8," + escaped, b""
    room = LONGEST_BODY * len(whole) // len(escaped.encode())
    short = clip(whole, room)
    while len(short.translate(_ESCAPES).encode()) > LONGEST_BODY:
        short = clip(short, len(short) * 9 // 10)
    return f"data:text/plain;charset=utf-8,{short.translate(_ESCAPES)}\n[{WHOLE_TEXT}]", whole.encode()


def title(text: Any) -> str:
    """A subject on one line. osTicket strips tags, and `a<b` is a tag to it: a space after `<` keeps the text."""
    return clip(_TAG_START.sub("< ", _line(text)), LONGEST_SUBJECT)


def _line(text: Any) -> str:
    return bmp_only(" ".join(str(text).split()))


def _number(body: dict[str, Any], rest: dict[str, Any], problems: list[str], field: str, key: str,
            known: Mapping[str, int]) -> None:
    """An id: given as `<field>_id`, or looked up by name in the options."""
    if (id := rest.pop(f"{field}_id", None)) is not None:
        rest.pop(field, None)
        if str(id) not in {str(number) for number in known.values()}:
            problems.append(f"no {field} with id {id} (`{_plural(field)}` in the options has {_listed(known)})")
        else:
            body[key] = int(id)
    elif (name := rest.pop(field, None)) is not None:
        if str(name) not in known:
            problems.append(f"no {field} {str(name)!r} (`{_plural(field)}` in the options has {_listed(known)})")
        else:
            body[key] = known[str(name)]


def _plural(field: str) -> str:
    return "priorities" if field == "priority" else f"{field}s"


def _listed(known: Mapping[str, int]) -> str:
    return ", ".join(f"{name}: {id}" for name, id in known.items()) or "none"


def _custom(body: dict[str, Any], problems: list[str], field: str, value: Any) -> None:
    name = field.removeprefix("field.")
    if name in body or not name.isidentifier():
        problems.append(f"{field} is not the name of a custom field")
    elif isinstance(value, (datetime, list, dict)):
        problems.append(f"{field} can be set at creation only with the plugin (a {type(value).__name__})")
    else:
        body[name] = value if isinstance(value, (bool, int, float)) else bmp_only(str(value))
