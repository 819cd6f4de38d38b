"""A real process, killed while the mail server has its message: the next one sends it again under the same id."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import text

from connector.domain.delivery import Order
from connector.flows.deliver import LEASE
from connector.store import SqlStore
from connector.store import open as open_store
from tests.channels.smtp_server import Box, smtp

ROOT = Path(__file__).parents[2]


def started(url: str, port: int, ahead: float) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "tests.channels.killed_worker", url, str(port), str(ahead)]
    return subprocess.Popen(command, cwd=ROOT)


def states(store: SqlStore) -> list[str]:
    with store.read() as tx:
        return [state for (state,) in tx.run(text("SELECT state FROM deliveries ORDER BY id")).all()]


def test_killed_between_the_message_and_its_answer_nothing_is_lost_and_a_repeat_is_recognisable(
    sqlite_url: str,
) -> None:
    store = open_store(sqlite_url)
    payload = {"to": "ann@example.com", "name": "Ann", "subject": "x", "text": "x", "short": "x", "links": []}
    with store.begin() as tx:
        tx.enqueue([Order(key=key, target="mail", verb="notify", lane=key, payload=payload) for key in ("a", "b", "c")],
                   datetime.now(UTC))
    box = Box()
    victim: list[subprocess.Popen[bytes]] = []

    def kill() -> str:
        if len(box.envelopes) == 1:
            os.kill(victim[0].pid, signal.SIGKILL)
        return ""

    with smtp(box):
        box.data = kill
        victim.append(started(sqlite_url, box.port, 0))
        assert victim[0].wait(60) == -signal.SIGKILL
        assert "leased" in states(store)
        box.data = lambda: ""
        assert started(sqlite_url, box.port, 2 * LEASE.total_seconds()).wait(60) == 0
    assert states(store) == ["done"] * 3
    ids = [str(message["Message-ID"]) for message in box.messages]
    assert len(set(ids)) == 3
    assert len(ids) > 3, "one of them came twice, under one id"
    store.close()
