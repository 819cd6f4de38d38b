"""Suppliers without a system get the same by mail, and nothing more."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from html import escape
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from msgspec.structs import replace

from connector.channels.mail import MailChannel
from connector.channels.supplier_mail import SupplierMail
from connector.domain.delivery import Delivery
from connector.domain.errors import Postponed
from connector.domain.handoffs.file_link import reply_url
from connector.domain.handoffs.receiver import Reach, Receiver, ReceiverKind
from connector.domain.handoffs.supplier_letter import words
from connector.settings.channels import MailSettings
from tests.channels.smtp_server import Box, smtp
from tests.flows.fake_channel import FakeChannel

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
ZURICH = ZoneInfo("Europe/Zurich")
BY_MAIL = Receiver(name="painters", title="Malerei AG", kind=ReceiverKind.SUPPLIER,
    reach=Reach(email="desk@painters.example"))
DATA: dict[str, Any] = {
    "handoff_id": "H1", "ticket": "INC7", "status": "offered", "severity": "Sev 1", "sequence": 2, "hash": "abc",
    "reply_by": "2026-03-02T09:30:00+00:00", "reason": "paint is off", "fields": {"title": "Wall", "tags": ["a", "b"]}}


def message(kind: str = "handoff.offered", **data: Any) -> dict[str, Any]:
    return {"type": kind, "subject": "H1", "data": {**DATA, **data}}


def delivery(**more: Any) -> Delivery:
    return Delivery(id=1, key="handoff/H1/2", target=BY_MAIL.target, verb="handoff", lane="handoff/H1", ticket=7,
                    payload={"type": "handoff.offered", "time": "2026-03-02T08:59:58+00:00", "handoff": "H1",
                             "data": DATA, **more}, attempts=0, created_at=NOW, owner="tests")


def channel(mail: FakeChannel, base: str = "https://desk.example", language: str = "en") -> SupplierMail:
    return SupplierMail(BY_MAIL, mail, base=base, link_key=b"k", reply_key=b"r", language=language, zone=ZURICH)


def test_the_offer_is_told_with_the_place_to_answer() -> None:
    subject, text = words(message(), "https://desk.example/portal/H1", "en", ZURICH)
    assert subject == "INC7 - Work is offered to you - Sev 1"
    assert text.splitlines() == [
        "Work is offered to you", "", "Our number: INC7", "State: offered", "Severity: Sev 1",
        "Please answer by: 2026-03-02 10:30 CET", "Reason: paint is off", "Title: Wall", "Tags: a, b", "",
        "Answer here: https://desk.example/portal/H1"]


def test_in_french_too() -> None:
    subject, text = words(message(status="resolved_proposed"), "", "fr", ZURICH)
    assert subject == "INC7 - Un travail vous est proposé - Sev 1"
    assert "Merci de répondre avant\N{NO-BREAK SPACE}: 2026-03-02 10:30 CET" in text
    assert "État\N{NO-BREAK SPACE}: solution proposée" in text
    assert "Titre\N{NO-BREAK SPACE}: Wall" in text
    assert "Répondre ici" not in text


def test_no_technical_members_are_shown() -> None:
    assert all(word not in words(message(), "", "en", ZURICH)[1] for word in ("abc", "sequence", "H1"))


def test_it_goes_to_the_address_of_the_contract_in_one_thread_per_handoff() -> None:
    mail = FakeChannel()
    told = channel(mail).deliver(delivery(), NOW)
    (sent,) = mail.got
    assert told["id"] == "<handoff/H1/2>"
    assert (sent.payload["to"], sent.payload["thread"], sent.payload["audience"]) == (
        "desk@painters.example", "H1", "supplier")
    (url,) = sent.payload["links"]
    assert url == reply_url("https://desk.example", "painters", "H1", NOW - timedelta(seconds=2), b"r")
    assert url in sent.payload["text"]


def test_a_message_sent_again_is_recognised_as_the_same() -> None:
    mail = FakeChannel()
    channel(mail).deliver(delivery(message="handoff/H1/9"), NOW)
    assert mail.keys == ["handoff/H1/9"]


def test_what_the_mail_server_says_is_passed_on() -> None:
    mail = FakeChannel()

    def full(moment: str) -> None:
        raise Postponed("452 mailbox full")

    mail.at = full
    with pytest.raises(Postponed):
        channel(mail).deliver(delivery(), NOW)


def test_files_come_with_their_link_where_we_have_an_address() -> None:
    files = [{"name": "a.txt", "size": 3, "media_type": "text/plain", "sha256": "a" * 64}]
    mail = FakeChannel()
    given = delivery(type="handoff.attachment_added", data={"handoff_id": "H1", "attachments": files})
    channel(mail).deliver(given, NOW)
    channel(mail, base="").deliver(given, NOW)
    with_link, without = (one.payload["text"] for one in mail.got)
    assert "File: a.txt (3 B) https://desk.example/api/v1/webhooks/suppliers/painters/files/H1/" in with_link
    assert without.endswith("File: a.txt (3 B)")


def test_a_type_of_tomorrow_is_news() -> None:
    assert "There is news" in words(message("handoff.other"), "", "en", ZURICH)[0]


def test_over_a_real_server_the_letter_is_one_of_a_thread_and_a_repeat_is_the_same() -> None:
    box = Box()
    with smtp(box):
        mail = MailChannel(MailSettings("127.0.0.1", ("Desk", "desk@example.org"), box.port, "none"), "Desk Lausanne")
        one = SupplierMail(BY_MAIL, mail, base="https://desk.example", link_key=b"k", reply_key=b"r", language="fr",
                           zone=ZURICH)
        later = replace(delivery(), key="handoff/H1/3")
        for given in (delivery(), delivery(), later):
            one.deliver(given, NOW)
        mail.close()
    first, again, third = box.messages
    assert first["To"] == "Malerei AG <desk@painters.example>"
    assert first["Message-ID"] == again["Message-ID"] != third["Message-ID"]
    assert first["References"] == third["References"]
    assert (first["Auto-Submitted"], first["Content-Language"]) == ("auto-generated", "fr")
    plain, html = (part.get_content() for part in first.iter_parts())
    (url,) = [line.partition(": ")[2] for line in plain.splitlines() if "/reply/painters/H1" in line]
    assert f'href="{escape(url)}"' in html
