"""Links between the pages of the documentation lead somewhere."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType


def build() -> ModuleType:
    spec = importlib.util.spec_from_file_location("docs_build", Path(__file__).parents[2] / "docs/build.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_link_leads_somewhere() -> None:
    docs = build()
    assert [problem for page in docs.pages() for problem in docs.broken(page)] == []


def test_generated_tables_are_as_the_code_has_them() -> None:
    docs = build()
    for page in docs.pages():
        text = page.read_text(encoding="utf-8")
        assert docs.written(text) == text, f"{page}: run make docs"
    assert "| offer | ours | draft, declined, handed_back, expired | offered |" in (
        Path(__file__).parents[2] / "docs/handoffs.md").read_text(encoding="utf-8")
