"""A backtest that somebody stops keeps what it has done, says so, and goes on from there."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from connector.commands import backtest
from connector.domain.agreements.backtest import Tally

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
