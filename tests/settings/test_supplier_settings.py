"""Section `suppliers` of the settings."""

from __future__ import annotations

from pathlib import Path

import pytest
from marshmallow import Schema

from connector import settings
from connector.domain.address import AddressPolicy
from connector.domain.errors import ConfigError
from connector.settings import Settings
from connector.store import admin
from connector.wiring import deploy


def load(folder: Path, text: str) -> Settings:
    (folder / "connector.yaml").write_text(text)
    return settings.load(folder / "connector.yaml", {}, lambda vendor: (Schema(), Schema()))


def test_without_the_section_the_strict_policy_holds(tmp_path: Path) -> None:
    assert load(tmp_path, "name: desk\n").suppliers.policy == AddressPolicy()


def test_what_is_said_becomes_the_policy(tmp_path: Path) -> None:
    found = load(tmp_path, """
suppliers:
  allow_http: true
  ports: [443, 9443]
  allow_hosts: ["*.partner.example"]
  allow_cidrs: ["10.20.0.0/16"]
  per_minute: 50
  trust: partners.pem
""").suppliers
    assert found.policy == AddressPolicy(allow_http=True, ports=(443, 9443), allow_hosts=("*.partner.example",),
                                         allow_cidrs=("10.20.0.0/16",))
    assert found.per_minute == 50
    assert found.trust == str(tmp_path / "partners.pem")


def test_certificates_that_cannot_be_read_are_told_at_the_start(tmp_path: Path) -> None:
    given = load(tmp_path, "suppliers: {trust: partners.pem}\nstore: {url: \"sqlite:///x.db\"}\n")
    admin.upgrade(given.store_url)
    for content in (None, "no certificate"):
        if content is not None:
            (tmp_path / "partners.pem").write_text(content)
        with pytest.raises(ConfigError, match=r"suppliers\.trust"):
            deploy(given)


@pytest.mark.parametrize(("line", "word"), [
    ("ports: [0]", "ports"), ("ports: []", "ports"), ("ports: [\"443\"]", "ports"), ("allow_cidrs: [partner]", "10.20"),
    ("allow_http: \"yes\"", "true or false"), ("per_minute: 0", "per_minute"), ("allow_loopback: true",
    "allow_loopback"),
])
def test_mistakes_are_told(tmp_path: Path, line: str, word: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, f"suppliers:\n  {line}\n")
    assert word in str(caught.value)
