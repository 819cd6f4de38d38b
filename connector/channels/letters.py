"""A message as an e-mail: plain and HTML, recognisable when it comes twice, in the thread of its ticket, never answered
by a machine that follows RFC 3834.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from html import escape
from typing import Any, Final

from connector.domain.errors import Refused
from connector.domain.notices.mail_address import usable
from connector.domain.notices.template import LANGUAGES, as_html, inline
from connector.settings.channels import MailSettings

FOOTERS: Final = {
    ("internal", "en"): "This was sent by {name} to who is responsible for the ticket. How and when you are told is in "
                        "the file of your team; ask your administrator to change it.",
    ("internal", "fr"): "Ce message a été envoyé par {name} aux responsables du ticket. Le fichier de votre équipe dit "
                        "comment et quand vous êtes averti ; adressez-vous à votre administrateur pour le modifier.",
    ("requester", "en"): "This was sent by {name} because you asked for something there.",
    ("requester", "fr"): "Ce message a été envoyé par {name} parce que vous y avez déposé une demande.",
    ("supplier", "en"): "This was sent by {name} because this work was handed to you.",
    ("supplier", "fr"): "Ce message a été envoyé par {name} parce que ce travail vous a été confié.",
}
_HTML: Final = ('<!doctype html>\n<html lang="{language}"><head><meta charset="utf-8"></head>\n'
                '<body style="font-family: sans-serif; font-size: 15px; line-height: 1.5">\n{text}\n'
                '<p style="color: #595959; font-size: 13px">{footer}</p>\n</body></html>\n')


def letter(
    payload: Mapping[str, Any], key: str, settings: MailSettings, name: str, now: datetime
) -> tuple[EmailMessage, str]:
    """The message and the bare address it goes to. Raises Refused for an address that nothing can be sent to."""
    to = usable(str(payload.get("to", "")))
    if not to:
        raise Refused("not an e-mail address that can be written to")
    language = str(payload.get("language")) if payload.get("language") in LANGUAGES else LANGUAGES[0]
    footer = _footer(str(payload.get("audience", "internal")), language, name)
    text, links = str(payload["text"]), payload.get("links", ())
    message = EmailMessage(policy=SMTP)
    message["From"] = _address(*settings.sender)
    message["To"] = _address(str(payload.get("name", "")), to)
    if settings.reply_to:
        message["Reply-To"] = _address("", settings.reply_to)
    message["Subject"] = _header(str(payload["subject"]))
    message["Date"] = format_datetime(now)
    message["Message-ID"] = message_id(key, settings)
    if payload.get("thread"):
        # Never sent itself: mail programs join what refers to the same message.
        root = message_id(f"thread/{payload['thread']}", settings)
        message["In-Reply-To"], message["References"] = root, root
    # RFC 3834: no automatic answer to this; the second says the same to Exchange.
    message["Auto-Submitted"] = "auto-generated"
    message["X-Auto-Response-Suppress"] = "All"
    message.set_content(f"{text}\n\n-- \n{footer}\n", cte="quoted-printable")
    message.add_alternative(
        _HTML.format(language=escape(language), text=as_html(text, links), footer=escape(footer)),
        subtype="html", cte="quoted-printable")
    # Last: what sets the content moves every header of its kind into the first part.
    message["Content-Language"] = language
    return message, to


def message_id(key: str, settings: MailSettings) -> str:
    """The same for the same key, whoever sends it and how often: a repeat can be told from a new message."""
    domain = settings.sender[1].rpartition("@")[2]
    return f"<{hashlib.sha256(key.encode()).hexdigest()[:40]}@{domain}>"


def _address(name: str, email: str) -> Address:
    local, _, domain = email.rpartition("@")
    return Address(_header(name)[:100], local, domain)


def _header(text: str) -> str:
    """One line, in which no ready-made encoded word (RFC 2047) hides what mail programs would show."""
    return inline(text).replace("=?", "= ?")


def _footer(audience: str, language: str, name: str) -> str:
    found = FOOTERS.get((audience, language)) or FOOTERS.get((audience, "en")) or FOOTERS["internal", "en"]
    return found.format(name=inline(name))
