"""A filled store, the app over it, and people signed in."""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from connector.store import SqlStore
from connector.web import create_app
from tests.browser import find
from tests.web.world import PASSWORD, World, fill, world

_CSRF = re.compile(r'name="csrf_token" value="([^"]+)"')


class Browser(FlaskClient):
    """A client that fills in the form's secret as a browser does."""

    def post_form(self, path: str, data: dict[str, object] | None = None, page: str = "/sign-in") -> TestResponse:
        found = _CSRF.search(self.get(page, follow_redirects=True).get_data(as_text=True))
        assert found is not None, f"no form on {page}"
        return self.post(path, data={**(data or {}), "csrf_token": found.group(1)})

    def sign_in(self, login: str, password: str = PASSWORD, **more: object) -> TestResponse:
        return self.post_form("/sign-in", {"login": login, "password": password, **more})


@pytest.fixture
def bare(sqlite_store: SqlStore, tmp_path: Path) -> World:
    return world(sqlite_store, tmp_path)


@pytest.fixture
def there(bare: World) -> World:
    fill(bare)
    return bare


def app_of(there: World) -> Flask:
    app = create_app(there.services)
    app.test_client_class = Browser
    return app


@pytest.fixture
def app(there: World) -> Flask:
    return app_of(there)


@pytest.fixture
def client(app: Flask) -> Iterator[Browser]:
    with app.test_client() as client:
        assert isinstance(client, Browser)
        yield client


@pytest.fixture
def as_role(app: Flask, there: World) -> Callable[[str], Browser]:
    """A browser in which a new user of this role is signed in."""

    def enter(role: str) -> Browser:
        login = there.user(role, supplier="Hosting AG" if role == "supplier" else "")
        client = app.test_client()
        assert isinstance(client, Browser)
        assert client.sign_in(login).status_code == 303
        return client

    return enter


CHROMIUM = find()
if CHROMIUM is None and not os.environ.get("CI"):
    collect_ignore = ["test_browser.py", "test_browser_handoffs.py"]
    warnings.warn("no Chromium: the browser tests are not run (see tests/browser.py)", stacklevel=1)
