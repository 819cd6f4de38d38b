"""Render the documentation to HTML in var/docs and check every link between its pages (`make docs`)."""

from __future__ import annotations

import re
import sys
from html import escape
from pathlib import Path

from markdown_it import MarkdownIt

from connector.domain.handoffs.moves import as_markdown

ROOT = Path(__file__).resolve().parents[1]
OUT = ROOT / "var/docs"
LINK = re.compile(r"\[[^\]]*\]\(([^)#\s]+)(#[^)\s]*)?\)")
MOVES = re.compile(r"(<!-- moves: [^>]*-->).*?(<!-- end -->)", re.S)
STYLE = """
body { max-width: 52rem; margin: 2rem auto; padding: 0 1rem; font: 16px/1.55 system-ui; color-scheme: light dark }
pre { overflow: auto; padding: .8rem; border: 1px solid #8884 }
table { border-collapse: collapse }
td, th { border: 1px solid #8886; padding: .3rem .6rem; text-align: left; vertical-align: top }
img { max-width: 100% }
"""
PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{title}</title><style>{style}</style>
{body}
</html>
"""


def pages() -> list[Path]:
    return sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])


def broken(page: Path) -> list[str]:
    """Links to files that do not exist."""
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.S)
    return [f"{page.relative_to(ROOT)}: {target}" for target, _ in LINK.findall(text)
            if "://" not in target and not (page.parent / target).exists()]


def written(text: str) -> str:
    """The page with its generated tables as the code has them now."""
    return MOVES.sub(lambda found: f"{found[1]}\n{as_markdown()}\n{found[2]}", text)


def main() -> int:
    for page in pages():
        text = page.read_text(encoding="utf-8")
        if written(text) != text:
            page.write_text(written(text), encoding="utf-8")
    problems = [problem for page in pages() for problem in broken(page)]
    render = MarkdownIt("commonmark").enable("table")
    for page in pages():
        to = OUT / page.relative_to(ROOT).with_suffix(".html")
        to.parent.mkdir(parents=True, exist_ok=True)
        text = re.sub(r"\(([^)\s:]+)\.md(#[^)\s]*)?\)", r"(\1.html\2)", page.read_text(encoding="utf-8"))
        to.write_text(PAGE.format(title=escape(page.stem), style=STYLE, body=render.render(text)), encoding="utf-8")
    for problem in problems:
        print(f"leads nowhere: {problem}", file=sys.stderr)
    print(f"{len(pages())} pages in {OUT.relative_to(ROOT)}")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
