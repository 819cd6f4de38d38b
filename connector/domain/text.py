"""HTML to plain text and plain text to safe HTML, once each, in one pass: time grows with the length only.

The tools disagree about text: GLPI and osTicket keep HTML and escape it once more on the way out, ServiceNow keeps
plain text. Inside we keep plain text; each adapter comes through here once when it reads and once when it writes.
"""

from __future__ import annotations

import html as _html
import re
import unicodedata
from functools import lru_cache
from typing import Final

_SPECIAL: Final = {"&amp;": "&", "&lt;": "<", "&gt;": ">", "&quot;": '"', "&#38;": "&", "&#60;": "<", "&#62;": ">",
                   "&#34;": '"', "&#39;": "'", "&#039;": "'", "&apos;": "'"}
_SPECIALS: Final = re.compile("|".join(sorted(map(re.escape, _SPECIAL), key=len, reverse=True)))
_LONG_NUMBER: Final = re.compile(r"&#[0-9]{8,};?|&#[xX][0-9a-fA-F]{8,};?")
_NOT_TEXT: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
_BEYOND_BMP: Final = re.compile("[\U00010000-\U0010ffff][\u200d\ufe0f]*")
_GAP: Final = re.compile(r"[ \t\r\n\f]+")
_INDENT: Final = re.compile(r"^ +| {2,}", re.MULTILINE)
_MANY_LINES: Final = re.compile(r"\n{3,}")
_LINE_END: Final = re.compile(r"\r\n?|\x85|\u2028|\u2029")

_TAG: Final = re.compile(r"""<(/?)([a-zA-Z][^\s/>"']{0,40}+)((?>[^>"']++|"[^"]*+"|'[^']*+')*+)>""")
_TAG_START: Final = re.compile(r"</?[a-zA-Z]|<[!?]")
_HREF: Final = re.compile(r"""\bhref\s*+=\s*+(?:"([^"]*+)"|'([^']*+)'|([^\s"'>]++))""", re.IGNORECASE)
_ALT: Final = re.compile(r"""\balt\s*+=\s*+(?:"([^"]*+)"|'([^']*+)')""", re.IGNORECASE)
_HIDDEN: Final = frozenset({"script", "style", "title", "template", "noembed", "noframes", "xmp", "iframe"})
_HIDDEN_END: Final = {name: re.compile(rf"</{name}\b[^>]*+>", re.IGNORECASE) for name in _HIDDEN}
_PARAGRAPH: Final = frozenset({"p", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "ul", "ol", "table", "pre", "hr"})
_LINE: Final = frozenset({"div", "tr", "li", "dt", "dd", "section", "article", "header", "footer", "address", "body",
                          "figure", "figcaption", "fieldset", "form", "center", "main", "nav", "aside", "thead"})
_LINKS: Final = ("http://", "https://", "ftp://")


def unescape_once(text: str) -> str:
    """Undo exactly one layer of escaping of & < > and quotes; entities that the writer typed survive."""
    return _SPECIALS.sub(lambda found: _SPECIAL[found.group()], text) if "&" in text else text


def plain(html: str) -> str:
    """The text a person would read in this HTML: lines kept, list items dashed, links followed by their address.

    Scripts, styles and comments are left out; broken markup gives its text. Text without any tag keeps its own lines.
    """
    html = _LINE_END.sub("\n", html)
    if "<" not in html or not _TAG_START.search(html):
        return _tidy(_entities(html))
    return _tidy(_Reader(html).read())


def html(text: str) -> str:
    """The same text as HTML that carries no markup of its own: one paragraph, line breaks and indents kept."""
    text = _escape(_NOT_TEXT.sub("", _LINE_END.sub("\n", text)).expandtabs(4))
    text = _INDENT.sub(lambda gap: "&nbsp;" * len(gap.group()), text)
    return "<p>" + text.replace("\n", "<br>\n") + "</p>" if text else ""


def bmp_only(text: str) -> str:
    """The text for a store that keeps only U+0000 to U+FFFF (MySQL utf8mb3): others become a plain form or `:name:`."""
    return _BEYOND_BMP.sub(lambda found: _bmp(found.group()[0]), text)


def clip(text: str, n: int) -> str:
    """At most `n` code points; a shortened text ends with an ellipsis and never in half a character sequence."""
    if len(text) <= n:
        return text
    if n < 1:
        return ""
    end = n - 1
    while end and _joins(text[end], text[end - 1]):
        end -= 1
    return text[:end].rstrip() + "…"


def _joins(this: str, before: str) -> bool:
    return unicodedata.combining(this) > 0 or this in "\u200d\ufe0e\ufe0f" or before == "\u200d" or (
        "\U0001f3fb" <= this <= "\U0001f3ff")


@lru_cache(maxsize=4096)
def _bmp(char: str) -> str:
    simple = unicodedata.normalize("NFKC", char)
    if max(simple) <= "\uffff":
        return simple
    name = unicodedata.name(char, "").lower()
    return f":{name}:" if name else "\ufffd"


def _escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")


def _entities(text: str) -> str:
    # A number of thousands of digits makes int() raise; no character has one longer than seven.
    return _html.unescape(_LONG_NUMBER.sub("\ufffd", text)) if "&" in text else text


def _tidy(text: str) -> str:
    text = _NOT_TEXT.sub("", text).replace("\xa0", " ")
    lines = (line.rstrip() for line in text.split("\n"))
    return _MANY_LINES.sub("\n\n", "\n".join(lines)).strip("\n")


class _Reader:
    """One pass over HTML. Every search either moves forward or is the last of its kind, so time stays linear."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.out: list[str] = []
        self.trail = "\n\n"
        """What the output ends with: "" a word, " " a gap, "\n" or "\n\n" line ends."""
        self.pre = 0
        self.quotes = True
        self.links: list[tuple[str, int]] = []

    def read(self) -> str:
        at = 0
        while (start := self.source.find("<", at)) >= 0:
            self.text(self.source[at:start])
            at = self.markup(start)
        self.text(self.source[at:])
        return "".join(self.out)

    def markup(self, start: int) -> int:
        """Handle what begins with `<` and give the place after it."""
        source = self.source
        if source.startswith("<!--", start):
            end = source.find("-->", start + 4)
            return len(source) if end < 0 else end + 3
        if not _TAG_START.match(source, start):
            self.text("<")
            return start + 1
        if self.quotes and (tag := _TAG.match(source, start)):
            return self.tag(tag.group(2).lower(), tag.group(3), bool(tag.group(1)), tag.end())
        return self.broken(start)

    def broken(self, start: int) -> int:
        """A declaration, or a tag with an unclosed quote: up to the next `>`; without one, the rest is text."""
        source = self.source
        end = source.find(">", start)
        if end < 0:
            self.text(source[start:])
            return len(source)
        if source[start + 1] in "!?":
            return end + 1
        self.quotes = False
        name = re.match(r"</?([a-zA-Z]{1,20})", source[start:start + 24])
        return self.tag(name.group(1).lower() if name else "", "", source[start + 1] == "/", end + 1)

    def tag(self, name: str, attributes: str, closing: bool, after: int) -> int:
        if name in _HIDDEN and not closing:
            end = _HIDDEN_END[name].search(self.source, after)
            return end.end() if end else len(self.source)
        if name == "br":
            self.new_line()
        elif name in _PARAGRAPH:
            self.block("\n\n")
        elif name in _LINE:
            self.block("\n")
        elif name in ("td", "th") and closing:
            self.gap()
        elif name == "a":
            self.link(attributes, closing)
        elif name == "img" and (alt := _ALT.search(attributes)):
            self.text(f"[{alt.group(1) or alt.group(2)}]" if alt.group(1) or alt.group(2) else "")
        if name == "li" and not closing:
            self.emit("- ")
            self.trail = " "
        if name == "pre":
            self.pre = max(0, self.pre + (-1 if closing else 1))
        return after

    def link(self, attributes: str, closing: bool) -> None:
        if not closing:
            found = _HREF.search(attributes)
            address = _entities(next((g for g in found.groups() if g), "") if found else "").strip()
            self.links.append((address, len(self.out)))
        elif self.links:
            address, start = self.links.pop()
            shown = "".join(self.out[start:start + 50]).strip() if address.lower().startswith(_LINKS) else address
            if address and shown != address and not self.links:
                self.emit(f" ({address})")

    def text(self, raw: str) -> None:
        text = _entities(raw)
        if self.pre:
            if text:
                self.emit(text)
            return
        text = _GAP.sub(" ", text)
        if self.trail and text.startswith(" "):
            text = text[1:]
        if text:
            self.emit(text)
            self.trail = " " if text.endswith(" ") else ""

    def emit(self, text: str) -> None:
        self.out.append(text)
        self.trail = ""

    def gap(self) -> None:
        if not self.trail:
            self.emit(" ")
            self.trail = " "

    def new_line(self) -> None:
        self.out.append("\n")
        self.trail = "\n\n" if self.trail.startswith("\n") else "\n"

    def block(self, wanted: str) -> None:
        """Make sure the output ends with these line ends, without adding any at the very beginning."""
        have = self.trail if self.trail.startswith("\n") else ""
        if len(have) < len(wanted):
            self.out.append(wanted[len(have):])
            self.trail = wanted
