"""Paper: every word is there, long texts break over pages, strange text breaks nothing, and nothing runs."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.paper.document import Document, Grid, Heading, Pairs, Said, Text
from connector.paper.pdf import MISSING, printable, render


def pages(pdf: bytes) -> int:
    return len(re.findall(rb"/Type /Page\b", pdf))


def a_document(text: str, rows: int = 3) -> Document:
    return Document(title="Dossier de preuve", subtitle="Hébergement, œuvre n° 1", language="fr", foot="Lausanne",
                    blocks=[Heading("Échanges"), Said("Aline, 2 mars 2026, 10:00 CET", text), Text(text, "quiet"),
                            Pairs([("Référence", text)]),
                            Grid(["Heure", "Qui", "Quoi"], [[str(n), "nous", text] for n in range(rows)], [1, 1, 3])])


def test_a_short_document_has_one_page_and_its_language() -> None:
    pdf = render(a_document("Le disque est plein."))
    assert pdf.startswith(b"%PDF-")
    assert pages(pdf) == 1
    assert b"/Lang (fr)" in pdf


def test_the_same_document_gives_the_same_bytes() -> None:
    assert render(a_document("once")) == render(a_document("once"))


def test_long_texts_and_tables_go_on_over_pages() -> None:
    pdf = render(a_document("A sentence that goes on and on. " * 600, rows=120))
    assert pages(pdf) > 8


@pytest.mark.parametrize("text", ["a" * 5000, "<b>not bold</b> & <script>", "\x00\x1b[31m\u202e",
                                  "中文 \N{PILE OF POO}", "\n" * 300, "", " " * 4000, "]]>&#0;"])
def test_strange_text_breaks_nothing(text: str) -> None:
    assert pages(render(a_document(text))) >= 1


@settings(max_examples=25, derandomize=True, deadline=None)
@given(st.text(max_size=200))
def test_any_text_can_be_printed(text: str) -> None:
    assert render(a_document(text)).startswith(b"%PDF-")


def test_a_letter_the_font_lacks_is_seen_to_be_missing() -> None:
    assert printable("é œ € Łódź Ωμέγα Жук") == "é œ € Łódź Ωμέγα Жук"
    assert printable("中\x07") == MISSING


def test_nothing_in_a_pdf_runs_or_leads_out() -> None:
    pdf = render(a_document("see https://evil.example"))
    for word in (b"/JavaScript", b"/JS", b"/Launch", b"/URI", b"/EmbeddedFile", b"/OpenAction"):
        assert word not in pdf


def test_the_number_of_pages_stands_on_every_page() -> None:
    told = a_document("word " * 4000)
    counted: list[str] = []

    class Spy(str):
        def format(self, *args: object, **more: object) -> str:
            counted.append("{page}/{pages}".format(**more))  # type: ignore[str-format]
            return str.format(self, **more)

    pdf = render(Document(title=told.title, blocks=told.blocks, page_words=Spy("{page} / {pages}")))
    assert counted == [f"{n}/{pages(pdf)}" for n in range(1, pages(pdf) + 1)]


def test_texts_are_told_in_order_without_a_pdf() -> None:
    assert list(a_document("x", rows=1).texts()) == ["Dossier de preuve", "Hébergement, œuvre n° 1", "Échanges",
                                                     "Aline, 2 mars 2026, 10:00 CET", "x", "x", "Référence", "x",
                                                     "Heure", "Qui", "Quoi", "0", "nous", "x"]

