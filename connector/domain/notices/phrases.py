"""Times, durations and the vocabulary in the words of a recipient: English or French, in their zone, which is named."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import Enum
from typing import Final
from zoneinfo import ZoneInfo

from connector.domain.ticket import Kind, PendingOn, State

Fact = str | int | float | None | datetime | timedelta | Enum
"""A value before it is put into words."""

_MONTHS: Final = {
    "en": ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
           "November", "December"),
    "fr": ("janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août", "septembre", "octobre",
           "novembre", "décembre"),
}
_DAYS: Final = {
    "en": ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"),
    "fr": ("lun.", "mar.", "mer.", "jeu.", "ven.", "sam.", "dim."),
}
_WORDS: Final[Mapping[str, Mapping[str, str]]] = {
    "en": {
        **{kind.value: kind.value.replace("_", " ") for kind in Kind},
        **{state.value: state.value.replace("_", " ") for state in State},
        **{on.value: on.value for on in PendingOn},
        "acknowledge": "acknowledgement", "first_response": "first response", "next_response": "next response",
        "update": "update", "resolution": "resolution", "hand_back": "hand-back", "approval": "approval",
    },
    "fr": {
        "incident": "incident", "service_request": "demande de service", "task": "tâche", "problem": "problème",
        "change": "changement", "new": "nouveau", "in_progress": "en cours", "pending": "en attente",
        "resolved": "résolu", "closed": "clos", "cancelled": "annulé", "customer": "client", "supplier": "fournisseur",
        "internal": "interne", "other": "autre", "approval": "approbation", "acknowledge": "prise en compte",
        "first_response": "première réponse", "next_response": "prochaine réponse", "update": "point de situation",
        "resolution": "résolution", "hand_back": "restitution",
    },
}


def words(facts: Mapping[str, Fact], language: str, timezone: str) -> dict[str, str]:
    """Facts as texts for one recipient; what is not known is empty."""
    return {name: phrase(value, language, timezone) for name, value in facts.items()}


def phrase(value: Fact, language: str, timezone: str) -> str:
    language = language if language in _WORDS else "en"
    if value is None:
        return ""
    if isinstance(value, datetime):
        return moment(value, language, timezone)
    if isinstance(value, timedelta):
        return duration(value, language)
    if isinstance(value, Enum):
        return _WORDS[language].get(str(value.value), str(value.value).replace("_", " "))
    return f"{value:g}" if isinstance(value, float) else str(value)


def moment(at: datetime, language: str, timezone: str) -> str:
    """`Mon 2 March 2026, 14:00 CET`: never without its zone."""
    local = at.astimezone(ZoneInfo(timezone))
    day = "1er" if language == "fr" and local.day == 1 else str(local.day)
    return (f"{_DAYS[language][local.weekday()]} {day} {_MONTHS[language][local.month - 1]} {local.year}, "
            f"{local:%H:%M} {local.tzname()}")


def duration(span: timedelta, language: str) -> str:
    """The two largest units that matter: `2 h 30 min`, `3 d 4 h`, `0 min`. Rounded down to minutes."""
    minutes = abs(span) // timedelta(minutes=1)
    days, hours = minutes // 1440, minutes // 60 % 24
    sign = "-" if span < timedelta(0) and minutes else ""
    unit = {"fr": "j"}.get(language, "d")
    parts = [f"{days} {unit}"] if days else []
    parts += [f"{hours} h"] if hours else []
    parts += [f"{minutes % 60} min"] if not days and (minutes % 60 or not hours) else []
    return sign + " ".join(parts)
