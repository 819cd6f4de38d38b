"""`connector sync`: the first load of a tool in the foreground."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from connector.cli import main
from connector.commands.demo_desk import Tools
from connector.store import admin
from connector.store import open as open_store
from connector.store.queries import Queries

ROOT = Path(__file__).parents[2]


def test_a_first_load_and_then_nothing_new(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    with Tools(60, 1) as tools:
        path = tools.write(tmp_path, 0)
        admin.upgrade(f"sqlite:///{tmp_path}/connector.db")

        def run(*arguments: str) -> str:
            done = CliRunner().invoke(main, ["--config", str(path), "sync", *arguments])
            assert done.exit_code == 0, done.output
            return done.output

        first = run()
        assert "glpi: 60 tickets read, 60 new" in first
        assert "glpi: histories of 60 tickets read" in first
        assert "0 new, 0 changed" in run("glpi")
        assert "glpi: 60 tickets read, 0 new" in run("glpi", "--full")
        store = open_store(f"sqlite:///{tmp_path}/connector.db")
        counts = Queries(store).counts()
        store.close()
        assert not sum(counts.history_due.values())
        wrong = CliRunner().invoke(main, ["--config", str(path), "sync", "glpj"])
        assert "did you mean `glpi`" in wrong.output
