"""The history of a handoff in sentences, for pages and paper alike."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from babel.dates import format_datetime

from connector.web import i18n
from connector.web.filters import actor
from connector.web.i18n import _
from connector.web.words import field_name, value_name, word


def moment(at: datetime | str | None) -> str:
    """To the second, with the zone."""
    if not at:
        return "\N{EN DASH}"
    given = datetime.fromisoformat(at) if isinstance(at, str) else at
    local = given.astimezone(i18n.zone())
    return f"{format_datetime(local, 'medium', locale=i18n.locale())} {local.tzname()}"


def who(side: str, name: str, receiver: str = "") -> str:
    """A person with its side, or the side alone."""
    said = receiver if side == "theirs" and receiver else word("sides", side)
    person = actor(name)
    return f"{person} ({said})" if person and person != said else said


def what(kind: str, body: Mapping[str, Any]) -> str:
    """What an entry tells, as the end of a sentence that begins with who did it."""
    if kind == "moved":
        return word("moved", body.get("move", ""))
    if kind == "clock":
        target = word("targets", body.get("target", ""))
        says = {"silent": _("has not been heard of for too long"), "corrected": _("the recorded breach was none")}
        told = says.get(str(body.get("what")))
        return told if told and not target else f"{target}{_(':')} {told or _('breached')}"
    if kind in ("file", "report") and body.get("name"):
        return f"{word('entries', kind)}{_(':')} {body['name']}"
    if kind == "decided":
        return f"{word('entries', kind)}{_(':')} {word('choices', body.get('choice', ''))}"
    return word("entries", kind)


def words(kind: str, body: Mapping[str, Any]) -> str:
    """What was said with it."""
    if kind == "edited":
        return "\n".join(f"{_name(name)}{_(':')} {_shown(name, pair)}" for name, pair in body.items())
    said = [str(body[name]) for name in ("text", "reason", "comment") if body.get(name)]
    if body.get("effect"):
        said.append(f"{_('Clock')}{_(':')} {word('effects', body['effect'])}")
    return "\n".join(dict.fromkeys(said))


def _name(name: str) -> str:
    named = {"theirs": _("Their reference"), "message": _("Message")}
    if name in named:
        return named[name]
    found = word("details", name)
    return found if found != name else field_name(name)


def _shown(name: str, pair: Any) -> str:
    if isinstance(pair, (list, tuple)) and len(pair) == 2:
        old, new = (value_name(name, item) if item not in (None, "") else "\N{EN DASH}" for item in pair)
        return f"{old} \N{RIGHTWARDS ARROW} {new}" if old != "\N{EN DASH}" else new
    return str(pair)
