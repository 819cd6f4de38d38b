"""What a document says, in order, without how it looks: so that its words can be tested without reading a PDF."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

Tone = Literal["", "quiet", "good", "bad"]


@dataclass(frozen=True, slots=True)
class Heading:
    text: str
    level: int = 1


@dataclass(frozen=True, slots=True)
class Text:
    """A paragraph; line breaks are kept."""

    text: str
    tone: Tone = ""


@dataclass(frozen=True, slots=True)
class Said:
    """Somebody's words under a line that says who and when."""

    byline: str
    text: str


@dataclass(frozen=True, slots=True)
class Pairs:
    """Names and values, one pair a line."""

    rows: Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Grid:
    """A table. `widths` are shares of the page's width, `right` the columns set to the right (figures)."""

    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    widths: Sequence[float] = ()
    right: Sequence[int] = ()


Block = Heading | Text | Said | Pairs | Grid


@dataclass(frozen=True, slots=True)
class Document:
    """`foot` stands on every page, beside the page's number in `page_words` (`{page}`, `{pages}`)."""

    title: str
    blocks: Sequence[Block]
    subtitle: str = ""
    author: str = ""
    language: str = "en"
    foot: str = ""
    page_words: str = "{page} / {pages}"
    keywords: Sequence[str] = field(default=())

    def texts(self) -> Iterator[str]:
        """Every text in order, as a reader meets it."""
        yield from (text for text in (self.title, self.subtitle) if text)
        for block in self.blocks:
            match block:
                case Heading(text=text) | Text(text=text):
                    yield text
                case Said():
                    yield block.byline
                    yield block.text
                case Pairs():
                    for name, value in block.rows:
                        yield name
                        yield value
                case Grid():
                    yield from block.head
                    for row in block.rows:
                        yield from row
