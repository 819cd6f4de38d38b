from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.vendors.servicenow.instance import Instance


@pytest.fixture
def instance() -> Iterator[Instance]:
    with Instance().open() as opened:
        yield opened
