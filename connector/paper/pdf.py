"""A document as a PDF: A4, Roboto, page numbers, texts and tables that break over pages, and nothing that runs."""

from __future__ import annotations

import io
from functools import cache, partial
from pathlib import Path
from typing import Any, Final
from xml.sax.saxutils import escape

import font_roboto
from reportlab.lib.colors import HexColor
from reportlab.lib.enums import TA_RIGHT
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import (
    BaseDocTemplate,
    Flowable,
    Frame,
    HRFlowable,
    KeepTogether,
    LongTable,
    PageTemplate,
    Paragraph,
    Spacer,
    TableStyle,
)

from connector.paper.document import Block, Document, Grid, Heading, Pairs, Said, Text

FONT: Final = "Roboto"
BOLD: Final = "Roboto-Bold"
MARGIN: Final = 18 * mm
WIDTH: Final = A4[0] - 2 * MARGIN
INK, QUIET, LINE, GOOD, BAD = (HexColor(code) for code in ("#1a222c", "#53606f", "#c8cfd8", "#1c6b41", "#a3262f"))
MOST_IN_A_CELL: Final = 600
MOST_LINES: Final = 20
"""Letters and line breaks of a table's cell: a row must fit on a page."""
MISSING: Final = "\N{REPLACEMENT CHARACTER}"
_SAID: Final = str.maketrans({"\N{RIGHTWARDS ARROW}": "\N{SINGLE RIGHT-POINTING ANGLE QUOTATION MARK}", "\r": None})


def render(document: Document) -> bytes:
    """The same document gives the same bytes."""
    _fonts()
    out = io.BytesIO()
    template = BaseDocTemplate(
        out, pagesize=A4, leftMargin=MARGIN, rightMargin=MARGIN, topMargin=MARGIN, bottomMargin=22 * mm,
        title=document.title, author=document.author, subject=document.subtitle, lang=document.language,
        keywords=list(document.keywords), invariant=1,
    )
    frame = Frame(MARGIN, 22 * mm, WIDTH, A4[1] - MARGIN - 22 * mm, leftPadding=0, rightPadding=0, topPadding=0,
                  bottomPadding=0)
    template.addPageTemplates([PageTemplate(frames=[frame])])
    template.build(_story(document), canvasmaker=partial(_Numbered, document))
    return out.getvalue()


@cache
def _fonts() -> TTFont:
    folder = Path(font_roboto.__file__).parent / "files"
    regular = TTFont(FONT, str(folder / "Roboto-Regular.ttf"))
    pdfmetrics.registerFont(regular)
    pdfmetrics.registerFont(TTFont(BOLD, str(folder / "Roboto-Bold.ttf")))
    pdfmetrics.registerFontFamily(FONT, normal=FONT, bold=BOLD, italic=FONT, boldItalic=BOLD)
    return regular


class _Numbered(Canvas):
    """Keeps the pages until their number is known."""

    def __init__(self, document: Document, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self._told = document
        self._pages: list[dict[str, Any]] = []

    def showPage(self) -> None:  # noqa: N802
        self._pages.append(dict(self.__dict__))
        self._startPage()  # type: ignore[attr-defined]

    def save(self) -> None:
        for number, page in enumerate(self._pages, 1):
            self.__dict__.update(page)
            self._foot(number, len(self._pages))
            super().showPage()
        super().save()

    def _foot(self, page: int, pages: int) -> None:
        self.setStrokeColor(LINE)
        self.line(MARGIN, 16 * mm, A4[0] - MARGIN, 16 * mm)
        self.setFont(FONT, 8)
        self.setFillColor(QUIET)
        self.drawString(MARGIN, 11.5 * mm, printable(self._told.foot)[:110])
        self.drawRightString(A4[0] - MARGIN, 11.5 * mm, self._told.page_words.format(page=page, pages=pages))


def printable(text: str) -> str:
    """Letters that the font has; what it lacks becomes the replacement character, control characters go."""
    known = _fonts().face.charToGlyph
    return "".join(letter if ord(letter) in known or letter in "\n\t" else MISSING if letter.isprintable() else ""
                   for letter in text.translate(_SAID))


def _markup(text: str) -> str:
    lines = escape(printable(text)).replace("\t", "    ").split("\n")
    return "<br/>".join(line.replace("  ", "\N{NO-BREAK SPACE} ") for line in lines)


def _style(name: str, size: float, **more: Any) -> ParagraphStyle:
    given = {"fontName": FONT, "textColor": INK, "leading": size * 1.35, "splitLongWords": 1, **more}
    return ParagraphStyle(name, fontSize=size, **given)


TITLE: Final = _style("title", 18, fontName=BOLD, spaceAfter=2)
SUBTITLE: Final = _style("subtitle", 10, textColor=QUIET, spaceAfter=8)
HEADINGS: Final = {1: _style("h1", 12.5, fontName=BOLD, spaceBefore=12, spaceAfter=4, keepWithNext=1),
                   2: _style("h2", 10.5, fontName=BOLD, spaceBefore=8, spaceAfter=3, keepWithNext=1)}
BODY: Final = _style("body", 9.5, spaceAfter=4)
TONES: Final = {"": BODY, "quiet": _style("quiet", 8.5, textColor=QUIET, spaceAfter=4),
                "good": _style("good", 9.5, textColor=GOOD, spaceAfter=4),
                "bad": _style("bad", 9.5, textColor=BAD, spaceAfter=4)}
BYLINE: Final = _style("byline", 8.5, textColor=QUIET, spaceBefore=6, keepWithNext=1)
WORDS: Final = _style("words", 9.5, leftIndent=8, spaceAfter=2)
CELL: Final = _style("cell", 8.5)
CELL_QUIET: Final = _style("cell-quiet", 8.5, textColor=QUIET)
FIGURE: Final = _style("figure", 8.5, alignment=TA_RIGHT)
HEAD: Final = _style("head", 8, textColor=QUIET)
HEAD_RIGHT: Final = _style("head-right", 8, textColor=QUIET, alignment=TA_RIGHT)


def _story(document: Document) -> list[Flowable]:
    story: list[Flowable] = [Paragraph(_markup(document.title), TITLE)]
    if document.subtitle:
        story.append(Paragraph(_markup(document.subtitle), SUBTITLE))
    story.append(HRFlowable(width="100%", color=LINE, thickness=0.7, spaceAfter=6))
    for block in document.blocks:
        story.extend(_flow(block))
    return story


def _flow(block: Block) -> list[Flowable]:
    match block:
        case Heading():
            return [Paragraph(_markup(block.text), HEADINGS[min(block.level, 2)])]
        case Text():
            return [Paragraph(_markup(block.text), TONES[block.tone])]
        case Said():
            return [Paragraph(_markup(block.byline), BYLINE), Paragraph(_markup(block.text), WORDS)]
        case Pairs():
            return [_pairs(block), Spacer(0, 4)]
        case Grid():
            return [KeepTogether([_grid(block)]) if len(block.rows) <= 4 else _grid(block), Spacer(0, 4)]


def _cell(text: str, style: ParagraphStyle) -> Paragraph:
    cut = "\n".join(text[:MOST_IN_A_CELL].splitlines()[:MOST_LINES])
    return Paragraph(_markup(cut if len(text) <= len(cut) + 1 else cut + "…"), style)


_PLAIN: Final[list[Any]] = [("VALIGN", (0, 0), (-1, -1), "TOP"), ("LEFTPADDING", (0, 0), (-1, -1), 0),
                 ("RIGHTPADDING", (0, 0), (-1, -1), 6), ("TOPPADDING", (0, 0), (-1, -1), 1.5),
                 ("BOTTOMPADDING", (0, 0), (-1, -1), 1.5)]


def _pairs(block: Pairs) -> Flowable:
    rows = [[_cell(name, CELL_QUIET), _cell(value, CELL)] for name, value in block.rows]
    return LongTable(rows or [["", ""]], colWidths=[WIDTH * 0.27, WIDTH * 0.73], style=TableStyle(_PLAIN))


def _grid(block: Grid) -> Flowable:
    count = max(1, len(block.head))
    shares = list(block.widths) or [1.0] * count
    widths = [WIDTH * share / sum(shares) for share in shares]
    head = [_cell(text, HEAD_RIGHT if i in block.right else HEAD) for i, text in enumerate(block.head)]
    rows = [[_cell(text, FIGURE if i in block.right else CELL) for i, text in enumerate(row)] for row in block.rows]
    lines = [*_PLAIN, ("LINEBELOW", (0, 0), (-1, 0), 0.7, LINE), ("LINEBELOW", (0, 1), (-1, -1), 0.3, LINE)]
    return LongTable([head, *rows], colWidths=widths, repeatRows=1, style=TableStyle(lines))
