"""The demo's mail server: what our mail channel sends becomes files, and nonsense ends nothing."""

from __future__ import annotations

import smtplib
import socket
from collections.abc import Iterator
from datetime import UTC, datetime
from email import message_from_bytes
from email.policy import default
from pathlib import Path

import pytest

from connector.channels.mail import MailChannel
from connector.domain.delivery import Delivery
from connector.sandbox.mailbox import Mailbox
from connector.settings.channels import MailSettings

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.fixture
def mailbox(tmp_path: Path) -> Iterator[Mailbox]:
    with Mailbox(tmp_path / "mail") as found:
        yield found


def test_messages_of_our_channel_become_files(mailbox: Mailbox) -> None:
    channel = MailChannel(MailSettings("127.0.0.1", ("Desk", "desk@example.org"), mailbox.port, "none"), "Desk")
    for n in range(3):
        payload = {"to": "ann@example.org", "name": "Élodie", "subject": f"Été {n}", "text": "a\n.\nb", "links": []}
        channel.deliver(Delivery(id=n, key=str(n), target="mail", verb="notify", lane="x", payload=payload, ticket=None,
                                 attempts=0, created_at=NOW, owner="x"), NOW)
    channel.close()
    assert mailbox.count == 3
    message = message_from_bytes((mailbox.folder / "0002.eml").read_bytes(), policy=default)
    assert message["Subject"] == "Été 1"
    body = message.get_body(("plain",))
    assert body is not None
    assert body.get_content().replace("\r\n", "\n").startswith("a\n.\nb\n")


def test_commands_in_the_wrong_order_are_refused_and_the_next_message_is_taken(mailbox: Mailbox) -> None:
    with smtplib.SMTP("127.0.0.1", mailbox.port, timeout=10) as client:
        assert client.docmd("RCPT", "TO:<a@b.example>")[0] == 503
        assert client.docmd("DATA")[0] == 503
        assert client.docmd("EXPN", "x")[0] == 500
        assert client.docmd("NOOP")[0] == 250
        client.sendmail("a@b.example", ["c@d.example"], b"Subject: x\r\n\r\nhello")
    assert mailbox.count == 1


def test_nonsense_and_half_messages_leave_nothing_behind(mailbox: Mailbox) -> None:
    for raw in (b"\x00\xff" * 5000 + b"\r\n", b"MAIL FROM:<a>\r\nRCPT TO:<b>\r\nDATA\r\nhalf a mess", b""):
        with socket.create_connection(("127.0.0.1", mailbox.port), timeout=10) as client:
            client.sendall(raw)
    with smtplib.SMTP("127.0.0.1", mailbox.port, timeout=10) as client:
        client.sendmail("a@b.example", ["c@d.example"], b"x")
    assert mailbox.count == 1
