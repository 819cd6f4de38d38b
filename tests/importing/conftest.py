"""The public histories, and a folder to import them in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from connector.cli import main
from connector.store import admin

ROOT = Path(__file__).parents[2]
DATA = ROOT.parent / "shared/data"


class Desk:
    """A deployment without tools: settings and store in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.url = f"sqlite:///{folder}/store.db"
        (folder / "connector.yaml").write_text("name: desk\nstore: {url: 'sqlite:///store.db'}\n")
        admin.upgrade(self.url)

    def run(self, *arguments: Any) -> Result:
        return CliRunner().invoke(main, ["--config", str(self.folder / "connector.yaml"), *map(str, arguments)])

    def take(self, file: Path, mapping: str | Path, *more: Any) -> Result:
        path = mapping if isinstance(mapping, Path) else ROOT / f"mappings/{mapping}.yaml"
        return self.run("import", file, "--mapping", path, "--rejects", self.folder / "rejects.jsonl", *more)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)
