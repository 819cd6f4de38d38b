"""What GLPI remembers of one ticket, as lines that know nothing of our vocabulary yet.

One request brings the log and the documents; followups, tasks and solutions are asked for only where the log names
them, or where the log does not reach back to the creation.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from connector.domain.errors import Refused
from connector.domain.text import plain
from connector.vendors.glpi.answers import PastEnd
from connector.vendors.glpi.client import Client
from connector.vendors.glpi.names import PAGE, Names

FIELD, CREATED, DELETED, RESTORED = 0, 20, 13, 14
LINKED, UNLINKED = 15, 16
"""`linked_action` of a log line (Log::HISTORY_* in GLPI 10)."""
POSTS: Final = ("ITILFollowup", "TicketTask", "ITILSolution")
_SHOWN: Final = re.compile(r"^(.*?)\s*\((\d+)\)$", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the log. `actor` is a login, "" for GLPI itself."""

    id: int
    at: str
    actor: str
    action: int
    option: int
    link: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Post:
    """A followup, task or solution."""

    itemtype: str
    id: int
    at: str
    actor: str
    text: str
    public: bool


@dataclass(frozen=True, slots=True)
class File:
    id: str
    at: str
    actor: str
    name: str
    media_type: str


@dataclass(frozen=True, slots=True)
class Timeline:
    requesters: frozenset[str]
    lines: tuple[Line, ...]
    posts: tuple[Post, ...]
    files: tuple[File, ...]


def shown(text: str) -> tuple[str, str]:
    """A display string such as `O'Neil Alice (7)` as text and id ("" when there is none)."""
    found = _SHOWN.match(text)
    return (found.group(1), found.group(2)) if found else (text, "")


def read(client: Client, names: Names, id: str) -> Timeline:
    """Raises NotFound, TryLater, Refused."""
    body = client.get(f"Ticket/{id}", [("with_logs", "true"), ("with_documents", "true"), ("get_hateoas", "false")])
    logs = part(body, "_logs")
    raw_lines = sorted(logs, key=lambda line: int(line.get("id", 0)))
    whole = any(line.get("linked_action") == CREATED for line in raw_lines)
    named = {line.get("itemtype_link") for line in raw_lines}
    raw_posts = [(kind, post) for kind in POSTS if kind in named or not whole for post in children(client, id, kind)]
    files = part(body, "_documents")
    people = names.people([*(shown(str(line.get("user_name") or ""))[1] for line in raw_lines),
                           *(str(item.get("users_id") or "") for item in [*(post for _, post in raw_posts), *files])])

    def login(id: Any) -> str:
        return people[str(id)].login if str(id) in people else ""

    lines = tuple(_line(line, login) for line in raw_lines)
    return Timeline(
        requesters=frozenset(person.login for person in names.people(_requesters(lines)).values()),
        lines=lines,
        posts=tuple(_post(kind, post, login(post.get("users_id"))) for kind, post in raw_posts),
        files=tuple(file(item, login(item.get("users_id"))) for item in files),
    )


def _requesters(lines: tuple[Line, ...]) -> list[str]:
    return [shown(line.new)[1] for line in lines if line.action == LINKED and line.option == 4 and line.link == "User"]


def part(body: Any, key: str) -> list[dict[str, Any]]:
    """A part of an item; a part without rights is an object with `error`, inside a 200."""
    part = body.get(key) if isinstance(body, dict) else None
    if isinstance(part, dict):
        part = [] if "error" in part else list(part.values())
    return [item for item in part or () if isinstance(item, dict)]


def children(client: Client, id: str, itemtype: str) -> Iterator[dict[str, Any]]:
    """All sub-items of a ticket, page by page; none when the account may not see them."""
    start = 0
    while True:
        try:
            page = client.get(f"Ticket/{id}/{itemtype}", [
                ("range", f"{start}-{start + PAGE - 1}"), ("get_hateoas", "false"), ("sort", "id"), ("order", "ASC")])
        except PastEnd:
            return
        except Refused as error:
            if error.status == 403:
                return
            raise
        items = [item for item in page if isinstance(item, dict)] if isinstance(page, list) else []
        yield from items
        if len(items) < PAGE:
            return
        start += PAGE


def _line(raw: dict[str, Any], login: Any) -> Line:
    name, user = shown(str(raw.get("user_name") or ""))
    return Line(
        id=int(raw.get("id") or 0), at=str(raw.get("date_mod") or ""), actor=login(user) or name,
        action=int(raw.get("linked_action") or 0), option=int(raw.get("id_search_option") or 0),
        link=str(raw.get("itemtype_link") or ""), old=_text(raw, "old_value"), new=_text(raw, "new_value"),
    )


def _text(raw: dict[str, Any], key: str) -> str:
    return "" if raw.get(key) is None else str(raw[key])


def _post(itemtype: str, raw: dict[str, Any], actor: str) -> Post:
    return Post(itemtype=itemtype, id=int(raw.get("id") or 0), actor=actor, text=plain(str(raw.get("content") or "")),
                at=str(raw.get("date") or raw.get("date_creation") or ""), public=not raw.get("is_private"))


def file(raw: dict[str, Any], actor: str = "") -> File:
    return File(id=str(raw.get("id", "")), at=str(raw.get("assocdate") or raw.get("date_creation") or ""), actor=actor,
                name=str(raw.get("filename") or raw.get("name") or ""),
                media_type=str(raw.get("mime") or "application/octet-stream"))
