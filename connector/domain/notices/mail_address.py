"""Addresses of people: which can be written to, and which belong to programs and are never answered."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

EMAIL: Final = re.compile(
    r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
    r"@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)*[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
)
"""A dot-atom and a domain name (RFC 5322, 3.4.1), without the forms nobody's mailbox has."""
LONGEST: Final = 254
LONGEST_LOCAL: Final = 64
_PROGRAMS: Final = re.compile(
    r"(mailer-?daemon|postmaster|(do-?)?no-?(t-?)?reply|donotreply|ne-?pas-?repondre|bounces?|double-bounce|nobody|"
    r"auto-?(reply|responder)|notifications?|alerts?|listserv|majordomo)([+._-].*)?", re.IGNORECASE)
_AUTOMATIC: Final = re.compile(
    r"\s*(auto(matic|matische)?[ -]?(reply|response|svar|antwort)?\s*:|automatic reply|auto-?reply|"
    r"out of (the )?office|undeliver(ed|able)|delivery (status|failure|has failed)|mail delivery (failed|subsystem)|"
    r"returned mail|failure notice|r[ée]ponse automatique|absen(t|ce) du bureau|abwesenheitsnotiz|"
    r"message non distribu)", re.IGNORECASE)


def usable(address: str) -> str:
    """The address with its domain in ASCII and lower case, or "" when nothing could be sent to it."""
    local, at, domain = address.strip().rpartition("@")
    if not at:
        return ""
    try:
        domain = domain.encode("idna").decode("ascii").lower()
    except UnicodeError:
        return ""
    whole = f"{local}@{domain}"
    fits = EMAIL.fullmatch(whole) and len(whole) <= LONGEST and len(local) <= LONGEST_LOCAL
    return whole if fits else ""


def of_program(address: str) -> bool:
    """Whether a program lives there (a mailer daemon, a no-reply address): answering it starts loops."""
    return bool(_PROGRAMS.fullmatch(address.partition("@")[0]))


def looks_automatic(title: str) -> bool:
    """Whether a ticket's title is the subject of an automatic answer or of a bounce."""
    return bool(_AUTOMATIC.match(title))


def same(address: str, own: Iterable[str]) -> bool:
    """Whether it is one of `own`, whatever its case or its `+suffix`."""
    return _plain(address) in {_plain(one) for one in own}


def _plain(address: str) -> str:
    local, _, domain = address.strip().casefold().rpartition("@")
    return f"{local.partition('+')[0]}@{domain}"
