"""What templates can call: names of things, values as people read them, links that keep a page's filters."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import uuid4

from flask import Flask, g, request, url_for
from markupsafe import Markup, escape

from connector import __version__
from connector.web import i18n, reasons, sayings, words
from connector.web.i18n import _
from connector.web.icons import icon
from connector.web.rights import Right
from connector.web.services import services


def value(raw: Any, field: str = "") -> str | Markup:
    """A field's value for people: words for codes, local time for instants, a dash for what is not known."""
    if raw is None or raw == "" or raw == ():
        return Markup('<span class="none" aria-label="{}">&ndash;</span>').format(_("not known"))
    if isinstance(raw, bool):
        return _("yes") if raw else _("no")
    if isinstance(raw, datetime):
        return when(raw, "brief")
    if isinstance(raw, (tuple, list)):
        return ", ".join(str(item) for item in raw)
    if isinstance(raw, float):
        return i18n.number(raw)
    return words.value_name(field, raw)


def when(at: datetime | None, style: str = "both") -> Markup:
    """A time with its zone, absolute and relative: `both` to the second, `brief` to the minute, `short` for tables."""
    if at is None:
        return Markup('<span class="none">&ndash;</span>')
    seen = i18n.moment(at, services().now())
    if style == "absolute":
        inner = escape(seen.absolute)
    elif style == "short":
        inner = Markup('<span class="rel">{}</span> <span class="abs">{} {}</span>').format(
            seen.relative, seen.short, seen.zone
        )
    else:
        absolute = seen.brief if style == "brief" else seen.absolute
        inner = Markup('<span class="abs">{}</span> <span class="rel">({})</span>').format(absolute, seen.relative)
    return Markup('<time datetime="{}" title="{}">{}</time>').format(seen.iso, seen.absolute, inner)


def here(**changes: Any) -> str:
    """This page's address with some query values changed (None removes one); a changed filter starts at page one."""
    args: dict[str, Any] = {key: request.args.getlist(key) for key in request.args}
    if "cursor" not in changes:
        args.pop("cursor", None)
    args.update(changes)
    kept = {key: item for key, item in args.items() if item not in (None, "", [], [""])}
    return url_for(request.endpoint or "", **{**(request.view_args or {}), **kept})


def may(right: str) -> bool:
    asking = getattr(g, "who", None)
    return asking is not None and asking.may(Right(right))


def browser(agent: str) -> str:
    """A browser's name and system, as far as its user agent says."""
    names = (("Edg/", "Edge"), ("OPR/", "Opera"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"), ("Safari/", "Safari"))
    systems = (("Windows", "Windows"), ("Android", "Android"), ("iPhone", "iOS"), ("iPad", "iOS"), ("Mac OS", "macOS"))
    name = next((text for mark, text in names if mark in agent), "")
    system = next((text for mark, text in (*systems, ("Linux", "Linux")) if mark in agent), "")
    return ", ".join(part for part in (name, system) if part) or _("another program")


def actor(name: str) -> str:
    """Who acted, as people say it: our own actors carry what they are in front (`user:aline`, `token:3`)."""
    kind, _colon, rest = name.partition(":")
    return (
        rest if kind == "user" and rest else f"{_('API token')} {rest}" if kind == "token" and rest.isdigit() else name
    )


def map_words(keys: Iterable[object], table: str) -> dict[str, str]:
    return {str(key): words.word(table, key) for key in keys}


def _context() -> dict[str, Any]:
    return {
        "who": getattr(g, "who", None),
        "theme": request.cookies.get("theme", "auto") if request.cookies.get("theme") in ("light", "dark") else "auto",
        "deployment": services().settings.name,
        "request_id": getattr(g, "request_id", ""),
        "now": services().now,
        "version": __version__,
        "once": uuid4().hex,
    }


def install(app: Flask) -> None:
    env: Any = app.jinja_env
    env.filters.update(
        value=value, when=when, moment_of=datetime.fromisoformat, field_name=words.field_name, actor=actor,
        browser=browser, map_words=map_words, saying=sayings.said, told=reasons.told,
    )  # fmt: skip
    env.globals.update(icon=icon, word=words.word, abs_skew=abs, here=here, may=may, languages=words.LANGUAGES)
    app.context_processor(_context)
