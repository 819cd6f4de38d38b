"""Every recorded exchange with osTicket 1.18, asked of the stand-in; where the recording tells what was then in the
database, the stand-in's desk is held against that, too."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

import pytest

from connector import sandbox
from connector.sandbox import Handle
from connector.sandbox.desk import Desk
from connector.sandbox.model import Ticket
from connector.sandbox.osticket import OsTicket
from connector.sandbox.osticket.side import STATUSES
from tests.sandbox import shape

EXCHANGES = shape.recorded("osticket")
KNOWN = {"name": "Ana Souza", "email": "ana.souza@example.com", "subject": "Earlier", "message": "x"}
Given = Callable[[Handle], object]


def side(handle: Handle) -> OsTicket:
    assert isinstance(handle.side, OsTicket)
    return handle.side


def first_mail(handle: Handle) -> None:
    shape.send(handle.url, EXCHANGES["format_email"], keys(handle))


def asked_about(name: str) -> Given:
    """A ticket under the Message-ID that the recorded question asks about."""
    mid = re.search(r"Message-ID: (\S+)", str(EXCHANGES[name]["request"]["body"]))
    assert mid is not None
    return lambda handle: side(handle).mails.update({mid[1]: int(handle.create(title="asked about"))})


GIVEN: Mapping[str, Given] = {
    "create_email_dns_check_fails": lambda handle: side(handle).switches.update(verify_email=True),
    "create_email_dns_check_fails_slow": lambda handle: side(handle).switches.update(verify_email=True),
    "create_missing_name_known_email": lambda handle: handle.desk.add_person("ana", email="ana.souza@example.com"),
    "create_topic_form_missing_required":
        lambda handle: side(handle).required.update({12: {"system_name": "System name"}}),
    "format_email_reply_from_other_sender": first_mail,
    "format_email_reply_in_reply_to": first_mail,
    "format_email_same_message_id": first_mail,
    "question__known": asked_about("question__known"),
    "question__known_closed": asked_about("question__known_closed"),
    "question__unknown_unregistered_refused": lambda handle: side(handle).switches.update(unregistered=False),
}
"""What has to be so before the request makes sense."""
NOT_REPLAYED: Mapping[str, str] = {}
OTHER_STATE: Mapping[str, str] = {
    "create_topic_form": "the priority came from a help topic that the stand-in does not have",
    "create_priority_id_unknown": "no priority is 0 here, and empty in the recording",
    "format_email_reply_from_other_sender": "tells of the ticket that was there before",
}
"""Recordings whose state afterwards cannot be the same."""


def keys(handle: Handle) -> dict[str, str]:
    secret = handle.side.secret
    return {"OSTICKET_API_KEY_FULL": secret("api key"), "aaaa1111bbbb2222cccc3333dddd4444": secret("api key"),
            "OSTICKET_API_KEY_INACTIVE": secret("inactive key"), "OSTICKET_API_KEY_CRON_ONLY": secret("cron key"),
            "OSTICKET_API_KEY_CREATE_ONLY": secret("create key")}


@pytest.fixture
def helpdesk() -> Iterator[Handle]:
    with sandbox.start("osticket", clock="manual") as handle:
        yield handle


@pytest.mark.parametrize("name", sorted(EXCHANGES.keys() - NOT_REPLAYED.keys()))
def test_the_stand_in_answers_as_osticket_did(name: str, helpdesk: Handle) -> None:
    exchange = EXCHANGES[name]
    GIVEN.get(name, lambda handle: None)(helpdesk)
    answer = shape.send(helpdesk.url, exchange, keys(helpdesk))
    want = exchange["response"]
    assert answer.status_code == want["status"], answer.text[:300]
    assert shape.media_type(answer.headers) == shape.media_type(want["headers"])
    if want["status"] == 201:
        assert re.fullmatch(r"\d{6,7}", answer.text)
    else:
        assert answer.text.split() == str(want.get("body") or "").split()
    after = exchange.get("observed_state_after")
    if after and want["status"] == 201 and name not in OTHER_STATE:
        ticket = list(helpdesk.desk.tickets.values())[-1]
        have = seen(helpdesk.desk, ticket)
        assert have == {key: after[key] for key in have}
        assert entry(ticket) == {key: after["thread_entries"][0][key] for key in ("body", "format")}
        assert [file.name for file in ticket.files] == [file["name"] for file in after["attachments"]]


def seen(desk: Desk, ticket: Ticket) -> dict[str, str]:
    assert ticket.requester is not None
    return {"subject": ticket.title, "priority": str(ticket.priority), "status": STATUSES[int(ticket.status)].name,
            "user_email": desk.people[ticket.requester].email}


def entry(ticket: Ticket) -> dict[str, str]:
    """As it lies in the database, where plain text is escaped."""
    text, kind = ticket.description, ticket.extra["format"]
    if kind == "text":
        text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return {"body": text, "format": kind}


def test_every_recording_is_replayed_or_has_a_reason_not_to_be() -> None:
    assert GIVEN.keys() | OTHER_STATE.keys() | NOT_REPLAYED.keys() <= EXCHANGES.keys()
    assert len(EXCHANGES) > 80
