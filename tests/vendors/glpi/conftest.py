"""A GLPI adapter on a scripted or simulated server; no network."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import responses
from ruamel.yaml import YAML

from connector.domain.mapping import Mapping
from connector.settings import Secret, ToolSettings
from connector.vendors.glpi import build
from connector.vendors.glpi.adapter import Glpi

URL = "https://glpi.example/apirest.php"
NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
MAPPING = Path(__file__).parents[3] / "mappings" / "glpi.yaml"


@pytest.fixture(scope="session")
def mapping() -> Mapping:
    return Mapping.from_dict(YAML(typ="safe").load(MAPPING.read_text("utf-8")), "mappings/glpi.yaml")


def more(fields: dict[str, Any]) -> Mapping:
    """The mapping with fields added."""
    data = YAML(typ="safe").load(MAPPING.read_text("utf-8"))
    return Mapping.from_dict({**data, "fields": {**data["fields"], **fields}})


@pytest.fixture
def server() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        yield mock


@pytest.fixture
def make(mapping: Mapping) -> Callable[..., Glpi]:
    def made(**changes: Any) -> Glpi:
        options, fields = changes.pop("options", {}), changes.pop("fields", {})
        auth = changes.pop("auth", {"user_token": Secret("USER-TOKEN"), "app_token": Secret("APP-TOKEN")})
        tool = ToolSettings(name="glpi", vendor="glpi", url=URL, mapping=MAPPING, auth=auth, options=options, **changes)
        adapter = build(tool, more(fields) if fields else mapping, lambda: NOW)
        assert isinstance(adapter, Glpi)
        return adapter

    return made


@pytest.fixture
def logged_in(server: responses.RequestsMock) -> responses.RequestsMock:
    server.get(f"{URL}/initSession", json={"session_token": "S1"})
    server.get(f"{URL}/killSession", json=True)
    server.get(f"{URL}/getGlpiConfig", json={"cfg_glpi": {"version": "10.0.12"}})
    return server
