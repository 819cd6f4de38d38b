"""Text between tools: read once, written once, whatever it holds."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.domain.text import bmp_only, clip, html, plain, unescape_once

modest = settings(max_examples=150, derandomize=True, deadline=None)
words = st.text(alphabet=st.sampled_from(list("ab<>&\"' \n;#1é😀/=!-")), max_size=60)


@pytest.mark.parametrize(("source", "expected"), [
    ("", ""),
    ("a < b & c", "a < b & c"),
    ("<p>One</p><p>Two</p>", "One\n\nTwo"),
    ("<p>One<br>two<br/>three</p>", "One\ntwo\nthree"),
    ("<div>One</div><div>Two</div>", "One\nTwo"),
    ("<ul><li>a</li><li>b</li></ul>", "- a\n- b"),
    ("<p>  a\n   b  </p>", "a b"),
    ("<pre>a\n  b</pre>", "a\n  b"),
    ("<b>bold</b><i>er</i>", "bolder"),
    ("<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>", "a b\nc"),
    ("&lt;p&gt; <b>&amp;amp;</b> caf&eacute; &#8364; &#x20ac;", "<p> &amp; café € €"),
    ('<a href="https://x.test/?a=1&amp;b=2">here</a>', "here (https://x.test/?a=1&b=2)"),
    ('<a href="https://x.test/">https://x.test/</a>', "https://x.test/"),
    ('<a href="javascript:alert(1)">here</a>', "here"),
    ('<a title="a > b">here</a>', "here"),
    ('<img src="x" alt="a plan">', "[a plan]"),
    ("before<script>alert('<p>x</p>')</script>after", "beforeafter"),
    ("a<style>p{color:red}</style>b<!-- hidden -->c", "abc"),
    ("a<STYLE>p{}</StYlE >b", "ab"),
    ("a<script>never closed", "a"),
    ("<!DOCTYPE html><html><head><title>t</title></head><body>x</body></html>", "x"),
    ("1 < 2 and <b>3 > 2</b>", "1 < 2 and 3 > 2"),
    ("text <a href='unclosed>still there</a> end", "text still there end"),
    ("cut in a <b", "cut in a <b"),
])
def test_plain_gives_what_a_person_reads(source: str, expected: str) -> None:
    assert plain(source) == expected


def test_text_without_markup_keeps_its_lines() -> None:
    assert plain("one\r\ntwo\n\n\n\nthree") == "one\ntwo\n\nthree"


def test_control_characters_and_half_surrogates_are_dropped() -> None:
    assert plain("a\x00b\x1b[0m\ud800c") == "ab[0mc"
    assert html("a\x00\ud800b") == "<p>ab</p>"


@pytest.mark.parametrize("number", ["&#" + "9" * 10_000 + ";", "&#x" + "f" * 10_000 + ";", "&#99999999;", "&#xd800;"])
def test_an_impossible_character_number_does_no_harm(number: str) -> None:
    assert plain(f"a{number}b") in ("a\ufffdb", "ab")


@pytest.mark.parametrize("piece", [
    "<", "<a ", '<a "', '<a ">" ', "<a '", "<!--", "<![CDATA[", "</", "<script", "<a href=", "&", "&#", "&#x", "&amp",
    "<p>", "<li>", "<a href='http://x'>", "</a>", "<pre>", "\n ", "<b x='>' ", "<style><", "<script></style", "<a\t",
    '<a href="http://x.test/">', '<a href="http://x.test/">y</a>', "<img alt=", " ", "\r", "\xa0", "<x" + "y" * 50,
])
def test_time_grows_with_length_only(piece: str) -> None:
    """A quadratic reader would take 64 times as long for 8 times as much; the bound leaves room for a busy machine."""
    def cost(length: int) -> float:
        half = piece * (length // len(piece) // 2)
        source = half + ("</a>" * (length // 8) if piece.startswith("<a href") else half)
        best = float("inf")
        for _ in range(3):
            start = time.process_time()
            plain(source)
            best = min(best, time.process_time() - start)
        return best

    small, large = cost(25_000), cost(200_000)
    assert large < 30 * small + 0.1


@modest
@given(words)
def test_any_text_survives_html_and_back(text: str) -> None:
    kept = "\n".join(line.rstrip() for line in text.split("\n"))
    while "\n\n\n" in kept:
        kept = kept.replace("\n\n\n", "\n\n")
    assert plain(html(text)) == kept.strip("\n")


@modest
@given(words)
def test_html_made_by_us_carries_no_markup_of_the_writer(text: str) -> None:
    made = html(text).replace("<p>", "").replace("</p>", "").replace("<br>", "")
    assert "<" not in made
    assert ">" not in made


@modest
@given(words)
def test_unescape_once_undoes_exactly_one_layer(text: str) -> None:
    def escaped(source: str) -> str:
        return source.replace("&", "&#38;").replace("<", "&#60;").replace(">", "&#62;")

    assert unescape_once(escaped(text)) == text
    assert unescape_once(escaped(escaped(text))) == escaped(text)


def test_unescape_once_leaves_entities_that_were_typed() -> None:
    assert unescape_once("caf&eacute; &#38;lt; &amp;amp; &#039;") == "caf&eacute; &lt; &amp; '"


@modest
@given(st.text(max_size=40))
def test_any_input_is_answered(text: str) -> None:
    assert isinstance(plain(text), str)
    assert isinstance(plain(html(text)), str)
    assert max(bmp_only(text), default="") <= "\uffff"


def test_characters_outside_the_bmp_get_a_readable_form() -> None:
    assert bmp_only("ok 😀, 𝐁old, é") == "ok :grinning face:, Bold, é"
    assert bmp_only("👩\u200d💻\ufe0f!") == ":woman::personal computer:!"


@pytest.mark.parametrize(("text", "n", "expected"), [
    ("short", 5, "short"),
    ("longer", 5, "long…"),
    ("ends with space", 11, "ends with…"),
    ("e\u0301e\u0301", 3, "e\u0301…"),
    ("e\u0301e\u0301", 2, "…"),
    ("a👩\u200d💻b", 4, "a…"),
    ("abc", 0, ""),
    ("abc", 1, "…"),
])
def test_clip_cuts_between_characters(text: str, n: int, expected: str) -> None:
    assert clip(text, n) == expected
    assert len(clip(text, n)) <= n
