"""An osTicket adapter on scripted answers; no network."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import responses
from ruamel.yaml import YAML

from connector.domain.mapping import Mapping
from connector.settings import Secret, ToolSettings
from connector.vendors.osticket import build
from connector.vendors.osticket.adapter import OsTicket

URL = "https://desk.example"
V1 = f"{URL}/api/connector/v1"
KEY = "0123456789ABCDEF0123456789ABCDEF"
NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
MAPPING = Path(__file__).parents[3] / "mappings" / "osticket.yaml"
FIXTURES = Path(__file__).parent / "fixtures"
EVERYTHING = ["read", "history", "create", "find", "update", "comment", "note", "attach", "attachments", "deletions",
              "ids", "webhooks"]
PING: dict[str, Any] = {
    "plugin": {"name": "servicedesk-connector", "version": "1.0.0", "contract": 1}, "osticket": "1.18.1",
    "now": "2026-11-24T12:00:00Z", "zone": "Europe/Zurich",
    "account": {"staff_id": 4, "username": "connector", "name": "Servicedesk Connector"},
    "capabilities": EVERYTHING,
    "limits": {"page": 2, "ids": 2, "all_ids": 3, "file_bytes": 1000, "text": "bmp"},
    "webhooks": {"enabled": True, "waiting": 0, "oldest": None, "last_sent": None},
    "cron": {"last_run": "2026-11-24T11:58:00Z"}, "remarks": [],
}
CATALOG: dict[str, Any] = {
    "statuses": [{"id": 1, "name": "Open", "state": "open", "default": True},
                 {"id": 2, "name": "Resolved", "state": "closed"}, {"id": 3, "name": "Closed", "state": "closed"},
                 {"id": 7, "name": "Waiting for customer", "state": "open"}],
    "priorities": [{"id": 1, "name": "low"}, {"id": 2, "name": "normal"}, {"id": 3, "name": "high"},
                   {"id": 4, "name": "emergency"}],
    "departments": [{"id": 1, "name": "Support"}, {"id": 3, "name": "Network"}],
    "topics": [{"id": 10, "name": "SAP", "path": "Access / SAP"}],
    "staff": [{"id": 1, "username": "lagent", "name": "Lab Agent"}, {"id": 2, "username": "bsmith", "name": "Bo"}],
    "teams": [{"id": 2, "name": "Level II"}], "slas": [{"id": 1, "name": "Default"}],
    "fields": [{"id": 36, "name": "asset_tag", "label": "Asset", "type": "text", "choices": None},
               {"id": 37, "name": "business_impact", "label": "Impact", "type": "choices",
                "choices": {"high": "High"}}],
}


def ticket(id: int = 39, **changes: Any) -> dict[str, Any]:
    made: dict[str, Any] = {
        "id": id, "number": "081883", "version": "r17", "created": "2026-11-24T03:31:56Z",
        "updated": "2026-11-24T03:31:57Z", "closed": None, "reopened": None, "due": "2027-02-01T10:00:00Z",
        "estimated_due": "2026-11-25T18:00:00Z",
        "overdue": False, "answered": True, "source": "API", "subject": "VPN down",
        "message": {"format": "html", "body": "<p>Since <b>9:00</b><br>1 &lt; 2</p>"},
        "status": {"id": 1, "name": "Open", "state": "open"}, "priority": {"id": 3, "name": "high"},
        "dept": {"id": 1, "name": "Support"}, "topic": {"id": 10, "name": "Access / SAP"},
        "sla": {"id": 1, "name": "Default"}, "staff": {"id": 1, "username": "lagent", "name": "Lab Agent"},
        "team": None, "user": {"id": 7, "name": "Op", "email": "op@example.com"}, "org": {"id": 3, "name": "ACME SA"},
        "parent": None, "fields": {"asset_tag": "A-17"},
    }
    return {**made, **changes}


@pytest.fixture(scope="session")
def mapping() -> Mapping:
    return Mapping.from_dict(YAML(typ="safe").load(MAPPING.read_text("utf-8")), "mappings/osticket.yaml")


@pytest.fixture
def server() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        yield mock


@pytest.fixture
def make(mapping: Mapping) -> Callable[..., OsTicket]:
    def made(clock: Clock | None = None, **changes: Any) -> OsTicket:
        settings = {"name": "desk", "vendor": "osticket", "url": URL, "mapping": MAPPING,
                    "auth": {"api_key": Secret(KEY)}, "webhook_secrets": (Secret("s3cret"),), **changes}
        adapter = build(ToolSettings(**settings), mapping, clock or (lambda: NOW))
        assert isinstance(adapter, OsTicket)
        return adapter

    return made


class Clock:
    """A clock the test moves."""

    def __init__(self) -> None:
        self.at = NOW

    def __call__(self) -> datetime:
        return self.at

    def step(self, by: timedelta) -> None:
        self.at += by


@pytest.fixture
def stock(server: responses.RequestsMock) -> responses.RequestsMock:
    """An osTicket without the plugin."""
    for root in ("/api", "/api/http.php"):
        server.get(f"{URL}{root}/connector/v1/ping", status=400, body="URL not supported", content_type="text/html")
    return server


@pytest.fixture
def plugin(server: responses.RequestsMock) -> responses.RequestsMock:
    """An osTicket with the plugin."""
    server.get(f"{V1}/ping", json=PING)
    server.get(f"{V1}/catalog", json=CATALOG)
    return server


def sent(server: responses.RequestsMock, index: int = -1) -> Any:
    """The JSON body of a request."""
    body = server.calls[index].request.body
    return json.loads(body) if body is not None else None


def paths(server: responses.RequestsMock) -> list[str]:
    return [f"{call.request.method} {call.request.path_url}" for call in server.calls]
