"""Stand-ins for the tests of the sandbox itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests

from connector import sandbox
from connector.sandbox import Handle


@pytest.fixture
def start() -> Iterator[Callable[..., Handle]]:
    """Starts stand-ins with a clock moved by hand, and stops them at the end."""
    running: list[Handle] = []

    def started(make: str, **more: Any) -> Handle:
        handle = sandbox.start(make, **{"clock": "manual", **more})
        running.append(handle)
        return handle

    yield started
    for handle in running:
        handle.stop()


@pytest.fixture
def servicenow(start: Callable[..., Handle]) -> Handle:
    return start("servicenow")


@pytest.fixture
def now(servicenow: Handle) -> Callable[..., requests.Response]:
    """Asks the ServiceNow stand-in, as the connector's account."""
    auth = servicenow.side.auth()

    def asked(path: str, method: str = "GET", **more: Any) -> requests.Response:
        return requests.request(method, f"{servicenow.url}/api/now/{path}", timeout=10,
                                **{"auth": (auth["user"], auth["password"]), **more})

    return asked
