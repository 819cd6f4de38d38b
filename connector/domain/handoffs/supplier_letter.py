"""The message that a supplier's system would get, in words for one without a system: nothing that it does not hold."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, tzinfo
from typing import Any, Final

_TITLES: Final[Mapping[str, Mapping[str, str]]] = {
    "en": {
        "handoff.offered": "Work is offered to you", "handoff.status_changed": "There is news of your work",
        "handoff.comment_added": "We wrote to you", "handoff.attachment_added": "There is a new file for you",
        "handoff.dispute_opened": "We opened a dispute", "handoff.test": "Test: nothing is to be done",
    },
    "fr": {
        "handoff.offered": "Un travail vous est proposé",
        "handoff.status_changed": "Votre travail : du nouveau", "handoff.comment_added": "Nous vous avons écrit",
        "handoff.attachment_added": "Un nouveau fichier pour vous",
        "handoff.dispute_opened": "Nous avons ouvert un litige", "handoff.test": "Essai : il n’y a rien à faire",
    },
}
_LABELS: Final[Mapping[str, Mapping[str, str]]] = {
    "en": {
        "ticket": "Our number", "supplier_ticket": "Your number", "move": "What happened", "status": "State",
        "severity": "Severity", "reason": "Reason", "tried": "Already tried", "contact": "Contact",
        "data_class": "Data class", "tlp": "TLP", "reply_by": "Please answer by", "author": "From",
        "comment": "Message",
        "answer": "Answer here", "file": "File", "site": "Site", "access": "Access", "visit_from": "Visit from",
        "visit_to": "Visit until",
    },
    "fr": {
        "ticket": "Notre numéro", "supplier_ticket": "Votre numéro", "move": "Événement",
        "status": "État", "severity": "Gravité", "reason": "Motif", "tried": "Déjà essayé",
        "contact": "Contact", "data_class": "Classification", "tlp": "TLP", "reply_by": "Merci de répondre avant",
        "author": "De", "comment": "Message", "answer": "Répondre ici", "file": "Fichier", "site": "Site",
        "access": "Accès", "visit_from": "Visite dès", "visit_to": "Visite jusqu’à",
        "number": "Numéro", "kind": "Genre", "title": "Titre", "description": "Description", "priority": "Priorité",
        "impact": "Impact", "urgency": "Urgence", "service": "Service", "category": "Catégorie", "customer": "Client",
        "requester": "Demandeur", "requester_email": "Adresse du demandeur", "opened_at": "Ouvert", "tags": "Mots-clés",
        "due_at": "Échéance", "group": "Groupe", "assignee": "Responsable",
    },
}
_STATES: Final = {
    "offered": "proposé", "acknowledged": "reçu", "declined": "décliné", "in_progress": "en cours",
    "waiting_customer": "en attente du client", "resolved_proposed": "solution proposée", "accepted": "accepté",
    "rejected": "refusé", "handed_back": "rendu", "disputed": "en litige", "expired": "expiré",
    "closed": "clos", "draft": "brouillon",
}
_COLON: Final = {"en": ":", "fr": "\N{NO-BREAK SPACE}:"}
_ORDER: Final = ("ticket", "supplier_ticket", "status", "severity", "reply_by", "reason", "tried", "contact",
                 "data_class", "tlp", "author", "comment")


def words(message: Mapping[str, Any], url: str, language: str, zone: tzinfo) -> tuple[str, str]:
    """Subject and text. `url` is where to answer, "" if there is no such place. Times are told in `zone`."""
    language = language if language in _TITLES else "en"
    data = message["data"]
    title = _TITLES[language].get(message["type"], _TITLES[language]["handoff.status_changed"])
    subject = " - ".join(str(part) for part in (data.get("ticket"), title, data.get("severity")) if part)
    lines = [title, "", *_lines(data, _LABELS[language], language, zone)]
    if url:
        lines += ["", f"{_LABELS[language]['answer']}{_COLON[language]} {url}"]
    return subject, "\n".join(lines)


def _lines(data: Mapping[str, Any], labels: Mapping[str, str], language: str, zone: tzinfo) -> Iterator[str]:
    colon = _COLON[language]
    for name in _ORDER:
        if data.get(name):
            yield f"{labels[name]}{colon} {_shown(name, data[name], language, zone)}"
    for name, value in data.get("visit", {}).items():
        yield f"{labels.get(name) or _plain(name)}{colon} {_shown(name, value, language, zone)}"
    for name, value in {**data.get("fields", {}), **data.get("changed", {})}.items():
        yield f"{labels.get(name) or _plain(name)}{colon} {_shown(name, value, language, zone)}"
    for file in data.get("attachments", ()):
        yield f"{labels['file']}{colon} {file['name']} ({file['size']} B) {file.get('url', '')}".rstrip()


def _plain(name: str) -> str:
    """The name of a field nobody gave a label."""
    return name.removeprefix("custom.").replace("_", " ").capitalize()


def _shown(name: str, value: Any, language: str, zone: tzinfo) -> str:
    if isinstance(value, list):
        return ", ".join(str(one) for one in value)
    if name == "status" and language == "fr":
        return _STATES.get(str(value), str(value))
    if name == "status":
        return str(value).replace("_", " ")
    try:
        at = datetime.fromisoformat(value) if len(value) >= 19 else None
    except (TypeError, ValueError):
        return str(value)
    if at is None or at.tzinfo is None:
        return str(value)
    local = at.astimezone(zone)
    return f"{local:%Y-%m-%d %H:%M} {local.tzname() or ''}".rstrip()
