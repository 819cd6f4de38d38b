"""No page tells a French reader an English text that the catalogue has in French."""

from __future__ import annotations

from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
from flask import Flask

from connector.domain.handoffs.handoff import Handoff
from tests.web import catalogue, handed
from tests.web.conftest import Browser, app_of
from tests.web.world import World

PAGES = (
    "/", "/tickets", "/tickets?state=new", "/tickets/{ticket}", "/tickets/{ticket}/attachments",
    "/tickets/{ticket}/hand-over", "/tickets/{ticket}/hand-over?receiver=hosting", "/tickets/{ticket}/major",
    "/escalations", "/escalations/rules", "/handoffs", "/handoffs/{work}", "/handoffs/{offered}", "/handoffs/feed",
    "/handoffs/differences", "/receivers", "/receivers/hosting", "/receivers/cloud/self-test",
    "/receivers/hosting/review?month=2026-03", "/agreements", "/people", "/connections", "/deliveries",
    "/quarantine", "/audit", "/users", "/tokens", "/account", "/nothing/is/here",
)  # fmt: skip
ALIKE = frozenset({"Field service", "Security team", "connector", "Expire"})
"""Names in the data, and French words that are English ones too."""


class Texts(HTMLParser):
    """What is read and what is read out; not code, scripts or what people typed."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._within: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("script", "style", "code", "pre", "textarea"):
            self._within.append(tag)
        self.found += [value for name, value in attrs if name in ("aria-label", "placeholder", "data-label", "title")
                       and value]

    def handle_endtag(self, tag: str) -> None:
        if self._within and self._within[-1] == tag:
            self._within.pop()

    def handle_data(self, data: str) -> None:
        if not self._within:
            self.found.append(" ".join(data.split()))


def english() -> Iterator[str]:
    """The texts whose French is another."""
    for message in catalogue.translated():
        ids = message.id if isinstance(message.id, tuple | list) else (message.id,)
        strings = message.string if isinstance(message.string, tuple | list) else (message.string,)
        if message.id and "%(" not in ids[0] and ids[0] not in ALIKE and ids[0] != strings[0] and len(ids[0]) > 3:
            yield ids[0]


@pytest.fixture
def made(there: World, tmp_path: Path) -> dict[str, Handoff]:
    handed.agree(there, tmp_path)
    return handed.fill(there)


@pytest.fixture
def app(there: World, made: dict[str, Handoff]) -> Flask:
    return app_of(there)


def test_no_page_is_partly_english_for_a_french_reader(app: Flask, there: World, made: dict[str, Handoff]) -> None:
    there.user("admin", language="fr_CH")
    client = app.test_client()
    assert isinstance(client, Browser)
    client.sign_in("admin")
    known, left = frozenset(english()), []
    places = {"ticket": there.keys["1"], "work": made["work"].id, "offered": made["offered"].id}
    for page in PAGES:
        answer = client.get(page.format(**places))
        assert answer.status_code == (404 if page.startswith("/nothing") else 200), page
        seen = Texts()
        seen.feed(answer.get_data(as_text=True))
        left += [f"{page}: {text}" for text in dict.fromkeys(seen.found) if text in known]
    assert left == []
