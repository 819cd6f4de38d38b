"""Who may answer an approval: whoever was asked, known by their user, or who has the right to answer for others."""

from __future__ import annotations

from typing import Final

from connector.domain.errors import Refused
from connector.web.auth.identity import who
from connector.web.i18n import _
from connector.web.rights import Right
from connector.web.services import services

ANSWERS: Final = {"approve": True, "refuse": False}


def me() -> str:
    """The id of the signed-in person among the people of the files; "" for who is none of them.

    A user's address, which only administrators set, tells who it is; without one the login does.
    """
    registry, user = services().deps.registry, who().user
    if registry is None or user is None:
        return ""
    people = registry().people
    found = people.by_email(user.email) if user.email else people.people.get(user.login)
    return found.id if found is not None else ""


def checked(person: str) -> bool:
    """Whether an answer of `person` is given for somebody else. Raises Refused (status 403) where it may not be."""
    if person and person == me():
        return False
    if not who().may(Right.APPROVALS_ANSWER):
        raise Refused(_("Only who was asked may answer this approval."), 403)
    return True


def said(answer: str) -> bool:
    """Raises Refused for what is neither."""
    if answer not in ANSWERS:
        raise Refused(f"answer: {answer!r} is unknown; expected approve or refuse")
    return ANSWERS[answer]
