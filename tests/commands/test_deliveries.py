"""`connector deliveries`: one delivery with its tries; what was sent can be sent again."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from connector import store as stores
from connector.cli import main
from connector.domain.attempt import Attempt, Exchange, Outcome
from connector.domain.delivery import Order
from connector.store import SqlStore, admin

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
CONTRACT = """
profile: cloud-contract
agreement: uc
applies_to: {supplier: Cloud SARL}
calendar: 24x7
targets: {acknowledge: {else: 2h}}
receiver:
  name: cloud
  title: Cloud SARL
  kind: KIND
  reach: {webhook: {url: "https://cloud.example/hooks", secrets: [CLOUD_SECRET]}}
"""


@pytest.fixture
def store(tmp_path: Path) -> SqlStore:
    (tmp_path / "var").mkdir()
    url = f"sqlite:///{tmp_path}/var/connector.db"
    admin.upgrade(url)
    return stores.open(url)


@pytest.fixture
def run(store: SqlStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    monkeypatch.setenv("CLOUD_SECRET", "whsec_" + "c2VjcmV0IG9mIHRoZSBjbG91ZCBzdXBwbGllcg==")
    folder = tmp_path / "sla_profiles" / "suppliers"
    folder.mkdir(parents=True)
    (folder / "cloud.yaml").write_text(CONTRACT.replace("KIND", "supplier"))
    file = tmp_path / "connector.yaml"
    file.write_text("name: Helpdesk\n")
    payload = {"type": "handoff.offered", "time": NOW.isoformat(), "handoff": "H1", "data": {"title": "Mail is down"}}
    exchange = Exchange(method="POST", address="cloud.example/hooks", content_type="application/json", size=12,
                        sha256="ab" * 32, headers={"webhook-id": "m-1"}, ms=31, status=202, answer="thanks")
    with store.begin() as tx:
        tx.enqueue([Order(key="handoff/H1/2", target="supplier:cloud", verb="handoff", lane="H1", payload=payload)],
                   NOW)
        tx.claim("w1", NOW, timedelta(minutes=1), {"supplier:cloud": 1})
        tx.release("w1", timedelta(minutes=1))
        (one,) = tx.claim("w1", NOW, timedelta(minutes=1), {"supplier:cloud": 1})
        tx.done(one, NOW, {}, Attempt(n=2, started_at=NOW, ms=40, outcome=Outcome.DONE, calls=1, exchanges=(exchange,)))
    return lambda *arguments: CliRunner().invoke(main, ["--config", str(file), "deliveries", *arguments])


def test_a_delivery_is_shown_with_its_tries(run: Callable[..., Result]) -> None:
    lines = run("show", "1").output.splitlines()
    assert "state:       done" in lines
    assert "try 1: 2026-03-02T09:00:00.000+00:00, lost" in lines
    assert "try 2: 2026-03-02T09:00:00.000+00:00, done, 40 ms" in lines
    assert "  POST cloud.example/hooks: 202 in 31 ms" in lines
    assert f"    sent application/json, 12 bytes, SHA-256 {'ab' * 32}" in lines
    assert "    webhook-id: m-1" in lines
    assert "    answered: thanks" in lines
    assert "Mail is down" not in run("show", "1").output


def test_what_was_sent_is_shown_when_asked(run: Callable[..., Result]) -> None:
    assert '"title": "Mail is down"' in run("show", "1", "--sent").output


def test_a_delivery_that_is_not_there_is_an_error(run: Callable[..., Result]) -> None:
    for verb in ("show", "redeliver"):
        found = run(verb, "99")
        assert (found.exit_code, "there is no delivery 99" in found.output) == (1, True)


def test_what_was_sent_is_sent_again_and_audited(run: Callable[..., Result], store: SqlStore) -> None:
    assert run("redeliver", "1").output == "delivery 2 sends it again\n"
    assert run("redeliver", "1").output == "delivery 2 sends it again\n", "asked twice, sent once more"
    with store.read() as tx:
        audited = tx.conn.exec_driver_sql("SELECT action, actor FROM audit").all()
    assert [tuple(row) for row in audited] == [("delivery repeated", "command line")]
    assert run("redeliver", "2").exit_code == 1, "it still waits"
