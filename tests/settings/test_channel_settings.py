"""Section `channels` of connector.yaml."""

from __future__ import annotations

from pathlib import Path
from textwrap import indent

import pytest

from connector import settings, vendors
from connector.domain.errors import ConfigError
from connector.settings.channels import ChannelSettings

ENVIRON = {"SMTP_PASSWORD": "open sesame"}


def load(tmp_path: Path, text: str) -> ChannelSettings:
    file = tmp_path / "connector.yaml"
    file.write_text(f"channels:\n{indent(text, '  ')}\n")
    return settings.load(file, ENVIRON, vendors.schemas).channels


def wrong(tmp_path: Path, text: str) -> list[str]:
    with pytest.raises(ConfigError) as error:
        load(tmp_path, text)
    return [f"{one.line}:{one.path}: {one.message}" for one in error.value.problems]


def test_without_the_section_there_are_no_channels(tmp_path: Path) -> None:
    file = tmp_path / "connector.yaml"
    file.write_text("name: x\n")
    assert settings.load(file, {}, vendors.schemas).channels == ChannelSettings()


def test_a_mail_server_with_all_its_keys(tmp_path: Path) -> None:
    mail = load(tmp_path, """
mail:
  host: smtp.example.org
  security: tls
  user: connector
  password: {env: SMTP_PASSWORD}
  from: Dépannage <desk@example.org>
  reply_to: back@example.org
  own_addresses: [tickets@example.org]
  trust: certs/mail.pem
  per_minute: 60
""").mail
    assert mail is not None
    assert (mail.port, mail.sender, mail.concurrency, mail.per_minute) == (
        465, ("Dépannage", "desk@example.org"), 4, 60)
    assert mail.password is not None
    assert mail.password.reveal() == "open sesame"
    assert mail.trust == str(tmp_path / "certs" / "mail.pem")
    assert ChannelSettings(mail).own == ("desk@example.org", "back@example.org", "tickets@example.org")
    assert "open sesame" not in repr(mail)


def test_chat_and_text_messages_have_services_of_their_own_unless_said_otherwise(tmp_path: Path) -> None:
    found = load(tmp_path, "chat: {}\nsms: {services: [twilio], per_minute: 5}")
    assert found.chat is not None
    assert found.sms is not None
    assert "slack" in found.chat.services
    assert "json" not in found.chat.services, "it would call any address"
    assert (found.sms.services, found.sms.per_minute) == (("twilio",), 5)


@pytest.mark.parametrize(("text", "told"), [
    ("mail: {host: x}", "channels.mail.from: is missing"),
    ("mail: {from: a@b.example}", "channels.mail.host: is missing"),
    ("mail: {host: x, from: nobody}", "channels.mail.from: expected an address such as"),
    ('mail: {host: x, from: "a@b.example\\nBcc: c@d.example"}', "channels.mail.from: expected an address such as"),
    ("mail: {host: x, from: a@b.example, user: me}", "channels.mail.user: goes together with `password`"),
    ("mail: {host: x, from: a@b.example, user: me, password: sesame}", "channels.mail.password: a secret is never"),
    ("mail: {host: x, from: a@b.example, security: none}", "channels.mail.security: messages would travel in the open"),
    ("mail: {host: x, from: a@b.example, security: ssl}", "channels.mail.security: "),
    ("mail: {host: x, from: a@b.example, own_addresses: [x]}", "channels.mail.own_addresses.0: expected an e-mail"),
    ("mail: {hots: x, host: x, from: a@b.example}", "channels.mail.hots: unknown key `hots`, did you mean `host`?"),
    ("chat: {services: []}", "channels.chat.services: "),
    ("pigeon: {}", "channels.pigeon: unknown key `pigeon`"),
])
def test_mistakes_are_told_with_their_place(tmp_path: Path, text: str, told: str) -> None:
    found = wrong(tmp_path, text)
    assert any(told in one for one in found), found
    assert all(one.startswith("2:") for one in found)


def test_without_tls_only_to_this_machine_or_when_it_is_said(tmp_path: Path) -> None:
    assert load(tmp_path, "mail: {host: localhost, from: a@b.example, security: none}").mail is not None
    assert load(tmp_path, "mail: {host: relay, from: a@b.example, security: none, allow_plain: true}").mail is not None
    assert any("never sent without TLS" in one for one in wrong(tmp_path, (
        "mail: {host: relay, from: a@b.example, security: none, allow_plain: true, user: me, "
        "password: {env: SMTP_PASSWORD}}")))
