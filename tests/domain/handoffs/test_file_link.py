"""Links to files of a handoff."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

from msgspec.structs import replace

from connector.domain.handoffs.file_link import VALID, holds, link

AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
KEY = b"k" * 32
ONE = link("hosting", "H1", "a" * 64, AT)


def test_a_link_opens_its_file_until_it_ends() -> None:
    proof = ONE.proof(KEY)
    assert holds(ONE, proof, KEY, AT)
    assert holds(ONE, proof, KEY, AT + VALID)
    assert not holds(ONE, proof, KEY, AT + VALID + timedelta(seconds=1))


def test_a_link_opens_nothing_else() -> None:
    proof = ONE.proof(KEY)
    for other in (replace(ONE, receiver="other"), replace(ONE, handoff="H2"), replace(ONE, digest="b" * 64),
                  replace(ONE, until=ONE.until + 1)):
        assert not holds(other, proof, KEY, AT)
    assert not holds(ONE, proof, b"x" * 32, AT)
    for wrong in ("", "0" * 64, "\u00e9", "\ud800"):
        assert not holds(ONE, wrong, KEY, AT)


def test_parts_cannot_be_shifted_into_each_other() -> None:
    assert link("ab", "c", "d", AT).proof(KEY) != link("a", "bc", "d", AT).proof(KEY)


def test_the_same_file_told_of_at_the_same_moment_has_the_same_link() -> None:
    url = ONE.url("https://desk.example", KEY)
    assert url == link("hosting", "H1", "a" * 64, AT).url("https://desk.example", KEY)
    parts = urlsplit(url)
    assert parts.path == "/api/v1/webhooks/suppliers/hosting/files/H1/" + "a" * 64
    assert parse_qs(parts.query) == {"until": [str(ONE.until)], "proof": [ONE.proof(KEY)]}
