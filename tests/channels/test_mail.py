"""E-mail against a real SMTP server: what arrives, and what each kind of refusal or drop leads to."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest

from connector.channels.mail import MOST_UNANSWERED, MailChannel
from connector.domain.delivery import Delivery
from connector.domain.errors import Postponed, Refused, TryLater
from connector.settings.channels import MailSettings
from connector.settings.secret import Secret
from tests.channels.smtp_server import Box, smtp

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.fixture
def box() -> Iterator[Box]:
    with smtp(Box()) as found:
        yield found


def settings(box: Box, **more: Any) -> MailSettings:
    given: dict[str, Any] = {"host": "127.0.0.1", "port": box.port, "security": "none",
                             "sender": ("Service desk – Zürich", "desk@example.org")}
    return MailSettings(**{**given, **more})


@pytest.fixture
def mail(box: Box) -> Iterator[MailChannel]:
    channel = MailChannel(settings(box), "Helpdesk Lausanne", own=("desk@example.org", "tickets@example.org"))
    yield channel
    channel.close()


def delivery(key: str = "k1", attempts: int = 0, **more: Any) -> Delivery:
    payload = {"to": "ann@example.com", "name": "Ann", "subject": "[INC1] x", "text": "Hello", "short": "Hello",
               "links": [], "language": "en", "audience": "internal", "thread": "glpi/1", **more}
    return Delivery(id=1, key=key, target="mail", verb="notify", lane=key, payload=payload, ticket=1,
                    attempts=attempts, created_at=NOW, owner="one")


def only(box: Box) -> EmailMessage:
    (message,) = box.messages
    return message


def part(message: EmailMessage, kind: str) -> str:
    body = message.get_body((kind,))
    assert body is not None
    return str(body.get_content())


def test_a_message_is_plain_and_html_with_our_name_below_and_says_that_no_machine_may_answer(
    mail: MailChannel, box: Box,
) -> None:
    result = mail.deliver(delivery(text="Hello\n\nhttps://x.example/t/1 <b>", links=["https://x.example/t/1"]), NOW)
    message = only(box)
    assert box.envelopes[0].rcpt_tos == ["ann@example.com"]
    assert str(message["From"]) == "Service desk – Zürich <desk@example.org>"
    assert part(message, "plain").startswith("Hello\r\n\r\nhttps://x.example/t/1 <b>\r\n\r\n-- \r\n") or \
        part(message, "plain").startswith("Hello\n\nhttps://x.example/t/1 <b>\n\n-- \n")
    assert "Helpdesk Lausanne" in part(message, "plain")
    assert '<a href="https://x.example/t/1">https://x.example/t/1</a> &lt;b&gt;' in part(message, "html")
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["X-Auto-Response-Suppress"] == "All"
    assert message["Date"] is not None
    assert result == {"id": message["Message-ID"]}


def test_a_repeat_bears_the_same_message_id_and_other_messages_others(mail: MailChannel, box: Box) -> None:
    for key in ("a", "a", "b"):
        mail.deliver(delivery(key), NOW)
    ids = [str(message["Message-ID"]) for message in box.messages]
    assert ids[0] == ids[1] != ids[2]
    assert ids[0].endswith("@example.org>")


def test_messages_of_one_ticket_are_one_thread(mail: MailChannel, box: Box) -> None:
    for key, thread in (("a", "glpi/1"), ("b", "glpi/1"), ("c", "glpi/2")):
        mail.deliver(delivery(key, thread=thread), NOW)
    threads = [str(message["References"]) for message in box.messages]
    assert threads[0] == threads[1] != threads[2]
    assert all(message["In-Reply-To"] == message["References"] for message in box.messages)


@pytest.mark.parametrize("name", ["Élodie Düß", "名前", "O'Neil, \"Pat\"", "a@b.example", "🙂"])
def test_names_and_texts_in_any_script_arrive_as_they_are(mail: MailChannel, box: Box, name: str) -> None:
    mail.deliver(delivery(name=name, subject=f"Réponse à {name} 🙂", text=f"Été – {name}\n{'ä' * 2000}"), NOW)
    message = only(box)
    assert message["To"].addresses[0].display_name == name
    assert message["To"].addresses[0].addr_spec == "ann@example.com"
    assert str(message["Subject"]) == f"Réponse à {name} 🙂"
    assert f"Été – {name}" in part(message, "plain")
    assert max(map(len, (box.envelopes[0].content or b"").split(b"\r\n"))) <= 998


def test_an_encoded_word_in_a_title_is_shown_as_it_was_typed(mail: MailChannel, box: Box) -> None:
    mail.deliver(delivery(subject="=?utf-8?q?Your=20bank?="), NOW)
    assert str(only(box)["Subject"]) == "= ?utf-8?q?Your=20bank?="


@pytest.mark.parametrize("field", ["name", "subject", "language", "thread", "to"])
@pytest.mark.parametrize("attack", [f"x{end}Bcc: evil@example.net" for end in ("\r\n", "\n", "\r", "\u2028", "\0\v")])
def test_no_value_can_add_a_header_or_a_recipient(mail: MailChannel, box: Box, field: str, attack: str) -> None:
    if field == "to":
        with pytest.raises(Refused):
            mail.deliver(delivery(to=attack), NOW)
        return
    mail.deliver(delivery(**{field: attack}), NOW)
    message = only(box)
    assert message["Bcc"] is None
    assert box.envelopes[0].rcpt_tos == ["ann@example.com"]


def test_a_full_stop_alone_on_a_line_ends_nothing(mail: MailChannel, box: Box) -> None:
    mail.deliver(delivery(text="before\n.\nQUIT\n..\nafter"), NOW)
    assert "\n.\nQUIT\n..\nafter" in part(only(box), "plain").replace("\r\n", "\n")


@pytest.mark.parametrize("address", ["", "ann", "ann@", "@example.com", "ann@exa mple.com",
                                     "ann@example.com, b@c.example", "<ann@example.com>", "anné@example.com",
                                     "ann@-x.example", "a" * 65 + "@x.example"])
def test_an_address_that_nothing_can_be_sent_to_is_refused_without_a_word_to_the_server(
    mail: MailChannel, box: Box, address: str,
) -> None:
    with pytest.raises(Refused):
        mail.deliver(delivery(to=address), NOW)
    assert box.sessions == 0


def test_a_domain_in_another_script_is_written_in_ascii(mail: MailChannel, box: Box) -> None:
    mail.deliver(delivery(to="ann@zürich.example"), NOW)
    assert box.envelopes[0].rcpt_tos == ["ann@xn--zrich-kva.example"]


@pytest.mark.parametrize("address", ["tickets@example.org", "Tickets@Example.org", "tickets+glpi@example.org",
                                     "desk@example.org"])
def test_nothing_is_ever_sent_to_an_address_of_ours(mail: MailChannel, box: Box, address: str) -> None:
    with pytest.raises(Refused, match="address of ours"):
        mail.deliver(delivery(to=address), NOW)
    assert box.envelopes == []


@pytest.mark.parametrize(("answer", "error"), [
    ("550 no such user", Refused), ("553 bad name", Refused), ("450 greylisted, try later", Postponed),
    ("452 mailbox full", Postponed), ("421 shutting down", TryLater),
])
def test_what_a_server_says_of_a_recipient_concerns_this_message_only_unless_it_is_shutting_down(
    mail: MailChannel, box: Box, answer: str, error: type[Exception],
) -> None:
    box.rcpt = lambda address: answer
    with pytest.raises(error) as told:
        mail.deliver(delivery(), NOW)
    assert type(told.value) is error
    assert answer[:3] in str(told.value)


@pytest.mark.parametrize(("answer", "error"), [("554 no spam please", Refused), ("451 later", Postponed),
                                               ("421 bye", TryLater)])
def test_what_a_server_says_of_a_message_is_sorted_by_its_first_digit(
    mail: MailChannel, box: Box, answer: str, error: type[Exception],
) -> None:
    box.data = lambda: answer
    with pytest.raises(error) as told:
        mail.deliver(delivery(), NOW)
    assert type(told.value) is error


def test_a_sender_the_server_does_not_take_holds_all_mail_back_and_buries_none(mail: MailChannel, box: Box) -> None:
    box.mail = lambda: "550 relaying denied"
    with pytest.raises(TryLater, match="does not take our sender"):
        mail.deliver(delivery(), NOW)


def test_a_refusal_shows_no_address_in_its_reason(mail: MailChannel, box: Box) -> None:
    box.rcpt = lambda address: f"550 <{address}> is unknown"
    with pytest.raises(Refused) as told:
        mail.deliver(delivery(), NOW)
    assert "example.com" not in str(told.value)


def test_after_a_refusal_the_next_message_goes_out(mail: MailChannel, box: Box) -> None:
    box.rcpt = lambda address: "550 no" if address.startswith("bob") else ""
    with pytest.raises(Refused):
        mail.deliver(delivery(to="bob@example.com"), NOW)
    mail.deliver(delivery("k2"), NOW)
    assert len(box.messages) == 1


def test_a_connection_cut_after_the_message_was_taken_is_tried_again_under_the_same_id(
    mail: MailChannel, box: Box,
) -> None:
    box.drops = lambda step: step == "data"
    with pytest.raises(TryLater):
        mail.deliver(delivery(), NOW)
    box.drops = lambda step: False
    mail.deliver(delivery(attempts=1), NOW)
    first, second = box.messages
    assert first["Message-ID"] == second["Message-ID"]


def test_a_message_taken_again_and_again_without_an_answer_is_not_sent_for_ever(mail: MailChannel, box: Box) -> None:
    box.drops = lambda step: step == "data"
    for attempts in range(MOST_UNANSWERED - 1):
        with pytest.raises(TryLater):
            mail.deliver(delivery(attempts=attempts), NOW)
    with pytest.raises(Refused, match="took the message 5 times and never said so; it may have arrived"):
        mail.deliver(delivery(attempts=MOST_UNANSWERED), NOW)
    assert len(box.messages) == MOST_UNANSWERED
    assert len({str(one["Message-ID"]) for one in box.messages}) == 1
    with pytest.raises(TryLater):
        mail.deliver(delivery(attempts=MOST_UNANSWERED + 1), NOW)  # a person had it sent again


def test_one_connection_serves_many_messages_and_one_that_was_cut_meanwhile_costs_nothing(
    mail: MailChannel, box: Box,
) -> None:
    for key in ("a", "b", "c"):
        mail.deliver(delivery(key), NOW)
    assert box.sessions == 1
    cuts = iter([True, False])
    box.drops = lambda step: step == "mail" and next(cuts)
    mail.deliver(delivery("d"), NOW)
    assert (len(box.messages), box.sessions) == (4, 2)


def test_a_kept_connection_on_which_the_server_says_goodbye_costs_nothing(mail: MailChannel, box: Box) -> None:
    mail.deliver(delivery("a"), NOW)
    answers = iter(["421 idle for too long", ""])
    box.mail = lambda: next(answers)
    mail.deliver(delivery("b"), NOW)
    assert len(box.messages) == 2


def test_a_server_that_is_not_there_means_try_later() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(TryLater, match="does not answer"):
        MailChannel(settings(Box(port=port)), "x").deliver(delivery(), NOW)


def test_a_server_that_says_nothing_is_given_up_after_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connector.channels.mail.TIMEOUT", 0.2)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        with pytest.raises(TryLater):
            MailChannel(settings(Box(port=silent.getsockname()[1])), "x").deliver(delivery(), NOW)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[ssl.SSLContext, str]:
    """A certificate for 127.0.0.1 that only who is told to will trust."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    made = (x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
            .serial_number(1).not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=2))
            .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), False)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), True).sign(key, hashes.SHA256()))
    folder = tmp_path_factory.mktemp("tls")
    (folder / "cert.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    return context, str(folder / "cert.pem")


def test_with_starttls_password_and_message_travel_encrypted(certificate: tuple[ssl.SSLContext, str]) -> None:
    context, trust = certificate
    with smtp(Box(), context, password="open sesame") as box:
        right = settings(box, security="starttls", trust=trust, user="connector", password=Secret("open sesame"))
        MailChannel(right, "x").deliver(delivery(), NOW)
        assert (len(box.messages), box.logins) == (1, [b"connector"])


def test_a_wrong_password_holds_all_mail_back_and_shows_nothing_of_it(certificate: tuple[ssl.SSLContext, str]) -> None:
    context, trust = certificate
    with smtp(Box(), context, password="open sesame") as box:
        wrong = settings(box, security="starttls", trust=trust, user="connector", password=Secret("barley"))
        with pytest.raises(TryLater, match="refuses our sign-in") as told:
            MailChannel(wrong, "x").deliver(delivery(), NOW)
        assert "barley" not in str(told.value)
        assert box.envelopes == []


def test_a_certificate_nobody_vouches_for_is_not_trusted(certificate: tuple[ssl.SSLContext, str]) -> None:
    with smtp(Box(), certificate[0]) as box:
        with pytest.raises(TryLater, match="no safe connection"):
            MailChannel(settings(box, security="starttls"), "x").deliver(delivery(), NOW)
        assert box.envelopes == []


def test_a_server_without_tls_gets_nothing_when_tls_is_asked_for(box: Box) -> None:
    channel = MailChannel(replace(settings(box), security="starttls"), "x")
    with pytest.raises(TryLater):
        channel.deliver(delivery(), NOW)
    assert box.envelopes == []


def test_the_certificate_file_that_is_not_there_is_told(box: Box, tmp_path: Path) -> None:
    channel = MailChannel(settings(box, trust=str(tmp_path / "no.pem")), "x")
    with pytest.raises(TryLater):
        channel.deliver(delivery(), NOW)
