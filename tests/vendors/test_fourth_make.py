"""A fourth make is one folder: no file that exists is edited."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from connector import vendors
from connector.domain.errors import ConfigError
from connector.domain.mapping import Mapping
from connector.settings import ToolSettings

PACKAGE = '''
from marshmallow import Schema, fields
from connector.domain.errors import Unsupported

class _Auth(Schema):
    token = fields.Str(required=True)

class Paper:
    def __init__(self, tool, mapping, now):
        self.name, self.mapping, self.now = tool.name, mapping, now
    def capabilities(self):
        return frozenset()
    def create(self, draft, key, again=False):
        raise Unsupported("paper has no API")

AUTH, OPTIONS = _Auth(), Schema()

def build(tool, mapping, now):
    return Paper(tool, mapping, now)
'''
MAPPING = {"mapping": "paper", "vendor": "paper", "id": "id", "fields": {
    "kind": {"value": "incident"}, "state": {"value": "new"}, "opened_at": "at", "updated_at": "at"}}


@pytest.fixture
def paper(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A make called `paper`, in a folder of its own beside the built-in ones."""
    folder = tmp_path / "paper"
    folder.mkdir()
    (folder / "__init__.py").write_text(PACKAGE)
    monkeypatch.setattr(vendors, "__path__", [*vendors.__path__, str(tmp_path)])
    importlib.invalidate_caches()
    yield "paper"
    sys.modules.pop("connector.vendors.paper", None)


def tool(make: str) -> ToolSettings:
    return ToolSettings(name="desk", vendor=make, url="http://127.0.0.1", mapping=Path("m.yaml"))


def test_a_package_in_the_folder_is_a_make(paper: str) -> None:
    assert vendors.makes() == sorted(["glpi", "osticket", paper, "servicenow"])


def test_its_schemas_and_its_adapter_are_used(paper: str) -> None:
    assert set(vendors.schemas(paper).auth.fields) == {"token"}
    adapter = vendors.build(tool(paper), Mapping.from_dict(MAPPING), lambda: datetime.now(UTC))
    assert adapter.name == "desk"


def test_without_its_folder_it_is_unknown() -> None:
    with pytest.raises(ConfigError, match="unknown vendor `paper`"):
        vendors.build(tool("paper"), Mapping.from_dict(MAPPING), lambda: datetime.now(UTC))


def test_a_misspelt_make_is_told_the_right_one() -> None:
    with pytest.raises(ConfigError, match="did you mean `osticket`"):
        vendors.schemas("osTicket")


def test_every_make_brings_what_the_registry_needs() -> None:
    for make in vendors.makes():
        found = vendors.schemas(make)
        assert hasattr(found.auth, "load"), make
        assert hasattr(found.options, "load"), make


ROOMS = ("domain", "flows", "store", "jobs", "ports", "settings", "files", "schemas", "checks", "channels")


def test_names_of_the_makes_stand_nowhere_outside_their_folders() -> None:
    """The rooms that must not know makes by name (the sandbox and the pages of documentation may)."""
    root = Path(vendors.__file__).parent.parent
    rooms = [path for room in ROOMS for path in (root / room).rglob("*.py")]
    rooms += [root / name for name in ("http.py", "wiring.py", "vendors/__init__.py")]
    for path in rooms:
        code = "\n".join(line for line in path.read_text().splitlines() if not line.strip().startswith(("#", '"""')))
        for make in ("servicenow", "glpi", "osticket"):
            assert f'"{make}"' not in code, f"{path} names {make}"
