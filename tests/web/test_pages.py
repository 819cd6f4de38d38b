"""Every page for every role: it shows, it says what matters, and forms do what they say."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.web.conftest import Browser

PAGES = (
    "/",
    "/tickets",
    "/connections",
    "/deliveries",
    "/deliveries?state=dead",
    "/quarantine",
    "/audit",
    "/users",
    "/tokens",
    "/account",
)


@pytest.mark.parametrize("path", PAGES)
def test_an_administrator_sees_every_page(as_role: Callable[[str], Browser], path: str) -> None:
    answer = as_role("admin").get(path)
    assert answer.status_code == 200
    assert "<h1" in answer.get_data(as_text=True)
