"""`connector db`: a store is made, copied, put back and looked at."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from connector.cli import main
from connector.ports import Change
from connector.store import open as open_store
from tests.domain.agreements.test_engine import ticket


@pytest.fixture
def run(tmp_path: Path) -> Any:
    (tmp_path / "connector.yaml").write_text("name: desk\nstore: {url: 'sqlite:///store.db'}\n")

    def invoke(*arguments: object) -> Result:
        return CliRunner().invoke(main, ["--config", str(tmp_path / "connector.yaml"), "db", *map(str, arguments)])

    return invoke


def test_backup_and_restore_into_another_store(run: Any, tmp_path: Path) -> None:
    assert run("upgrade").exit_code == 0
    store = open_store(f"sqlite:///{tmp_path}/store.db")
    with store.begin() as tx:
        tx.save([Change(ticket=ticket())])
    store.close()
    copy, other = tmp_path / "copy.db", f"sqlite:///{tmp_path}/other.db"
    assert run("backup", copy).exit_code == 0
    again = run("backup", copy)
    assert (again.exit_code, "never overwrites" in again.output) == (1, True)
    assert run("restore", copy, "--store", other).exit_code == 0
    assert "the store is sound" in run("verify", "--store", other).output
    back = open_store(other)
    with back.read() as tx:
        assert tx.tickets("t", ["1"])["1"].ticket == ticket()
    back.close()


def test_a_store_that_holds_something_is_not_replaced_unless_forced(run: Any, tmp_path: Path) -> None:
    run("upgrade")
    run("backup", tmp_path / "empty.db")
    store = open_store(f"sqlite:///{tmp_path}/store.db")
    with store.begin() as tx:
        tx.save([Change(ticket=ticket())])
    store.close()
    assert run("restore", tmp_path / "empty.db").exit_code == 1
    assert run("restore", tmp_path / "empty.db", "--force").exit_code == 0


def test_what_is_missing_is_said_in_words(run: Any, tmp_path: Path) -> None:
    done = run("verify")
    assert done.exit_code == 1
    assert "Traceback" not in done.output
