"""Links that acknowledge: nobody can make one, and none lasts for ever."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.domain.errors import BadSignature
from connector.domain.links import LASTS, Links

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
LINKS = Links("https://desk.example.org", b"k" * 32)


def token(links: Links = LINKS, ticket: int = 7, person: str = "ann", what: str = "escalated/x/1") -> str:
    return links.acknowledge(ticket, person, what, NOW).rpartition("/")[2]


def test_a_link_says_for_what_and_for_whom_it_is() -> None:
    found = LINKS.read(token(person="Élodie", what="escalated/règle/1"), NOW)
    assert (found.ticket, found.person, found.what) == (7, "Élodie", "escalated/règle/1")


def test_a_link_is_over_after_its_time() -> None:
    LINKS.read(token(), NOW + LASTS - timedelta(seconds=1))
    with pytest.raises(BadSignature, match="over"):
        LINKS.read(token(), NOW + LASTS)


def test_a_link_made_with_another_key_is_worth_nothing() -> None:
    with pytest.raises(BadSignature):
        LINKS.read(token(Links(LINKS.base, b"x" * 32)), NOW)


def test_a_link_changed_anywhere_is_worth_nothing() -> None:
    good = token()
    for place in range(len(good)):
        other = "A" if good[place] != "A" else "B"
        changed = good[:place] + other + good[place + 1:]
        try:
            found = LINKS.read(changed, NOW)
        except BadSignature:
            continue
        assert (found.ticket, found.person) == (7, "ann"), "only spare bits of the last letter may differ"


@settings(max_examples=200, derandomize=True, deadline=None)
@given(st.one_of(st.text(max_size=300), st.binary(max_size=200).map(lambda raw: raw.decode("latin-1"))))
def test_whatever_is_given_as_a_link_only_a_bad_signature_comes_of_it(text: str) -> None:
    with pytest.raises(BadSignature):
        LINKS.read(text, NOW)


def test_a_link_is_short_enough_for_a_line_and_needs_no_escaping() -> None:
    assert len(token()) < 200
    assert set(token()) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")


def test_without_a_public_address_there_are_no_links() -> None:
    assert Links("", b"k").acknowledge(7, "ann", "x", NOW) == ""
    assert Links("", b"k").ticket(7) == ""
