"""What operators watch: alive, ready, figures, and headers of every answer."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import text

from connector.domain.errors import TryLater
from connector.store import SqlStore
from tests.web.conftest import app_of
from tests.web.world import World, world


def test_a_process_that_answers_is_alive_even_without_a_worker(bare: World) -> None:
    assert app_of(bare).test_client().get("/healthz").json["status"] == "alive"


def test_with_store_schema_and_worker_it_is_ready(app: Flask) -> None:
    answer = app.test_client().get("/readyz")
    assert (answer.status_code, answer.json) == (200, {"status": "ready", "reasons": []})


def test_without_a_worker_it_is_not_ready(app: Flask, there: World) -> None:
    there.clock.move(seconds=46)
    answer = app.test_client().get("/readyz")
    assert answer.status_code == 503
    assert answer.json["reasons"] == ["no worker has reported for a while"]


def test_with_an_older_schema_it_is_not_ready(there: World, app: Flask) -> None:
    with there.store.engine.begin() as conn:
        conn.execute(text("UPDATE alembic_version SET version_num = '0001'"))
    assert "connector db upgrade" in app.test_client().get("/readyz").json["reasons"][0]


def test_without_a_store_it_is_not_ready(sqlite_store: SqlStore, tmp_path: Path) -> None:
    def gone() -> tuple[str, ...]:
        raise TryLater("no free connection")

    there = world(sqlite_store, tmp_path)
    object.__setattr__(there.services, "vitals", gone)
    assert app_of(there).test_client().get("/readyz").status_code == 503


@pytest.mark.parametrize(
    "line",
    [
        'connector_tickets{state="pending",tool="glpi"}',
        'connector_deliveries{state="dead",target="servicenow"} 1.0',
        'connector_quarantined_tickets{tool="glpi"} 2.0',
        'connector_tool_reachable{tool="servicenow"} 0.0',
        'connector_tool_clock_skew_seconds{tool="servicenow"} -95.0',
        'connector_cursor_age_seconds{stream="changes",tool="servicenow"} 3000.0',
        'connector_tool_sending_paused{tool="servicenow"} 1.0',
        'connector_oldest_delivery_seconds{target="glpi"} 300.0',
    ],
)
def test_figures_are_told_to_prometheus(app: Flask, line: str) -> None:
    answer = app.test_client().get("/metrics")
    assert answer.content_type.startswith("text/plain")
    assert line in answer.get_data(as_text=True)


@pytest.mark.parametrize("path", ["/sign-in", "/api/v1/docs", "/api/v1/tickets", "/nothing", "/static/app.css"])
def test_every_answer_leaves_the_browser_little_to_do_wrong(app: Flask, path: str) -> None:
    headers = app.test_client().get(path).headers
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"


def test_only_what_is_public_and_never_changes_is_kept_by_browsers(app: Flask) -> None:
    client = app.test_client()
    assert client.get("/sign-in").headers["Cache-Control"] == "no-store"
    assert "max-age" in client.get("/assets/bootstrap/css/bootstrap.min.css").headers["Cache-Control"]


@pytest.mark.parametrize("name", ["js/bootstrap.js", "../../etc/passwd", "css/bootstrap.css"])
def test_no_other_file_of_a_package_is_served(app: Flask, name: str) -> None:
    assert app.test_client().get(f"/assets/bootstrap/{name}").status_code == 404
