"""A backtest that somebody stops keeps what it has done, says so, and goes on from there."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from connector.commands import backtest
from connector.domain.agreements.backtest import Tally
from connector.domain.errors import ConfigError

RANGES = [(1, 10), (11, 20), (21, 30)]


class Asked:
    """A question that needs no store."""

    as_of = datetime(2026, 3, 2, tzinfo=UTC)

    def name(self, ranges: object) -> str:
        return "the question"


def stopped_after(count: int, seen: list[Any]) -> Any:
    def parts(asked: object, left: list[tuple[int, int]], workers: int) -> Iterator[tuple[tuple[int, int], Tally]]:
        seen.append(list(left))
        for n, part in enumerate(left):
            if n == count:
                raise KeyboardInterrupt
            yield part, Tally(tickets=10)

    return parts


def test_what_was_done_is_kept_and_the_rest_follows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    state, seen = tmp_path / "progress.json", list[Any]()
    asked: Any = Asked()
    monkeypatch.setattr(backtest, "_parts", stopped_after(2, seen))
    with pytest.raises(KeyboardInterrupt):
        backtest._measured(asked, RANGES, state, 1)
    assert f"stopped after 2 of 3 parts, which {state} keeps" in capsys.readouterr().err
    total = backtest._measured(asked, RANGES, state, 1)
    assert seen == [RANGES, [(21, 30)]]
    assert total.tickets == 30


def test_without_a_file_it_says_how_it_could_have_gone_on(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: Any = Asked()
    monkeypatch.setattr(backtest, "_parts", stopped_after(0, []))
    with pytest.raises(KeyboardInterrupt):
        backtest._measured(asked, RANGES, None, 1)
    assert "stopped after 0 of 3 parts; with --state FILE" in capsys.readouterr().err


WORKERS = """
import os, time
from concurrent.futures import ProcessPoolExecutor
from connector.commands.backtest import end_with_parent
pool = ProcessPoolExecutor(2, initializer=end_with_parent)
list(pool.map(abs, range(20)))
print("ready", flush=True)
pool.submit(time.sleep, 600)
pool.submit(time.sleep, 600)
time.sleep(600)
"""


def test_workers_end_when_their_first_process_is_killed() -> None:
    first = subprocess.Popen([sys.executable, "-c", WORKERS], stdout=subprocess.PIPE, start_new_session=True)
    try:
        assert first.stdout is not None
        assert first.stdout.readline() == b"ready\n"
        first.kill()
        # The end of the output comes when nobody holds it any more: when the last worker is gone.
        assert first.communicate(timeout=60)[0] == b""
    except subprocess.TimeoutExpired:
        os.killpg(first.pid, signal.SIGKILL)
        raise


@pytest.mark.parametrize("kept", ["", "[]", "{}", "7", '{"question": "the question", "tally": 7, "left": []}',
                                  '{"question": "the question", "tally": {}, "left": 7}'])
def test_what_is_no_progress_is_told_and_left_alone(tmp_path: Path, kept: str) -> None:
    state = tmp_path / "progress.json"
    state.write_text(kept)
    with pytest.raises(ConfigError, match="is not the progress of a backtest"):
        backtest._measured(Asked(), RANGES, state, 1)  # type: ignore[arg-type]
    assert state.read_text() == kept
