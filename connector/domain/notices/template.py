"""Templates of messages: texts with `{name}` in them, and nothing else. Why so: docs/decisions/0130.

What a template may name is a closed list per audience, checked when it is read; a value is text by the time it is put
in and is never looked at again, so nothing a ticket holds can become code, a header or HTML.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from html import escape
from typing import Any, Final

from connector.domain.problems import Path, Problems, did_you_mean, shown
from connector.domain.saying import Saying


class Audience(StrEnum):
    """Who reads a message, and so what it may say."""

    INTERNAL = "internal"
    REQUESTER = "requester"
    SUPPLIER = "supplier"


LANGUAGES: Final = ("en", "fr")
PARTS: Final = ("subject", "short", "text")
LONGEST: Final = 20_000
"""Characters of a written text."""
LONGEST_VALUE: Final = 300
"""Characters of a value of one line."""
LONGEST_BLOCK: Final = {"comment": 4_000, "messages": 400_000}
"""Of a value of several lines."""
LONGEST_SUBJECT: Final = 200
_NAME: Final = re.compile(r"[a-z][a-z0-9-]{0,59}")
_TOKEN: Final = re.compile(r"\{\{|\}\}|\{([^{}\n]*)\}|[{}]")
_UNSEEN: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]"
)
"""Controls; marks that turn the direction of writing around, which could dress a text as another; halves of letters."""

_TICKET: Final = {
    "number": "number of the ticket as people know it",
    "title": "its title",
    "kind": "incident, service request, ...",
    "state": "its state in words",
    "priority": "P1 to P5",
    "service": "the service concerned",
    "opened": "when it was opened",
    "due": "when the resolution is promised; nothing while that is not known",
    "desk": "name of the service desk (name of this service)",
}
_DIGEST: Final = {"count": "number of messages in a digest", "messages": "the messages of a digest, one a line"}
VARIABLES: Final[Mapping[Audience, Mapping[str, str]]] = {
    Audience.INTERNAL: {
        **_TICKET,
        "recipient": "name of who gets the message",
        "customer": "the customer", "site": "the site", "category": "the category",
        "requester": "name of who asked", "group": "the group it is with", "assignee": "who works on it",
        "supplier": "the supplier it is with", "pending_on": "whom it waits for",
        "clock": "the target in words (resolution, first response, ...)", "clock_due": "when that is due",
        "percent": "how much of it is used", "remaining": "how much is left", "over": "how far it is exceeded",
        "agreement": "name of the agreement", "rule": "name of the escalation", "step": "name of its step",
        "reason": "why this was sent, in words", "late": "when it should have been sent, if it comes late",
        "reference": "number of the handoff", "reply_by": "when an answer is expected", "comment": "what was said",
        "url": "address of the ticket's page", "ack_url": "address that acknowledges",
        "answer_url": "address that answers an approval", **_DIGEST,
    },
    Audience.REQUESTER: {
        **_TICKET,
        "recipient": "name of who gets the message",
        "response_due": "when the first answer is promised", "resolved": "when it was resolved",
        "comment": "what was said to the requester", **_DIGEST,
    },
    Audience.SUPPLIER: {
        **_TICKET,
        "receiver": "name of the supplier", "reference": "our number of the handoff",
        "their_reference": "their number of it", "severity": "in their words", "reason": "why it comes to them",
        "reply_by": "when an answer is expected", "site": "the site, if it may be told",
        "comment": "what was said to them", "url": "address of the portal",
    },
}
LINKS: Final = frozenset({"url", "ack_url", "answer_url"})
Piece = tuple[str, str]
"""(literal, "") or ("", name of a variable)."""
Values = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Text:
    """A text with places for values: lines of pieces."""

    lines: tuple[tuple[Piece, ...], ...]

    def fill(self, values: Values) -> str:
        """A line that names something not known is left out, for a sentence with a hole says something wrong."""
        whole = [pieces for pieces in self.lines if all(values.get(name) for _, name in pieces if name)]
        return re.sub("\n{3,}", "\n\n", "\n".join(_filled(pieces, values) for pieces in whole)).strip("\n")

    def line(self, values: Values) -> str:
        """As one line, with holes where something is not known."""
        return inline(" ".join(_filled(pieces, values) for pieces in self.lines), LONGEST)

    @property
    def names(self) -> frozenset[str]:
        return frozenset(name for pieces in self.lines for _, name in pieces if name)


def _filled(pieces: tuple[Piece, ...], values: Values) -> str:
    return "".join(values.get(name, "") if name else literal for literal, name in pieces)


@dataclass(frozen=True, slots=True)
class Template:
    """`texts`: language -> part (subject, short, text) -> text."""

    name: str
    audience: Audience
    texts: Mapping[str, Mapping[str, Text]]
    description: str = ""
    file: str = ""


@dataclass(frozen=True, slots=True)
class Message:
    """A message as it is sent. `links` are the addresses in `text` that may be shown as links."""

    subject: str
    short: str
    text: str
    links: tuple[str, ...] = ()


@dataclass(frozen=True)
class Templates:
    """Every template by name."""

    by_name: Mapping[str, Template] = field(default_factory=dict)

    def get(self, name: str) -> Template | None:
        return self.by_name.get(name)

    @property
    def names(self) -> frozenset[str]:
        return frozenset(self.by_name)


NONE: Final = Templates()


def parse(data: Any, problems: Problems) -> Template | None:
    """A template from its table (docs/notifications.md), or None; what is wrong goes to `problems`."""
    if not isinstance(data, Mapping):
        problems.add((), "expected a template with name, audience and its texts in en and fr")
        return None
    problems.keys((), data, ("template", "audience", "description", *LANGUAGES))
    name = data.get("template")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        problems.add(("template",), "is required: a name of a-z, 0-9 and -")
    audience = data.get("audience")
    if audience not in tuple(Audience):
        problems.add(("audience",), Saying(
            "%(value)s is unknown; expected %(names)s", value=shown(audience), names=", ".join(Audience)))
        return None
    texts = {language: _texts(data.get(language), Audience(audience), problems, language) for language in LANGUAGES}
    if problems.errors:
        return None
    return Template(str(name), Audience(audience), texts, str(data.get("description", "")), problems.file)


def _texts(data: Any, audience: Audience, problems: Problems, language: str) -> dict[str, Text]:
    if not isinstance(data, Mapping):
        problems.add((language,), Saying("is required: %(names)s", names=", ".join(PARTS)))
        return {}
    problems.keys((language,), data, PARTS)
    found = {}
    for part in PARTS:
        given = data.get(part)
        if not isinstance(given, str) or not given.strip():
            problems.add((language, part), "is required: a text")
            continue
        text = written(given, audience, problems, (language, part))
        if part != "text" and len(text.lines) > 1:
            problems.add((language, part), "has more than one line")
        found[part] = text
    return found


def written(given: str, audience: Audience, problems: Problems, path: Path = ()) -> Text:
    """A text a person wrote, checked for the variables this audience may see; `{{` and `}}` are braces."""
    if len(given) > LONGEST:
        problems.add(path, Saying("is longer than %(most)s characters", most=LONGEST))
    known = VARIABLES[audience]
    for name in _names(given, problems, path):
        if name in known:
            continue
        elsewhere = any(name in names for names in VARIABLES.values())
        problems.add(path, Saying(
            "`{%(name)s}` may not be told to a %(audience)s", name=name, audience=audience,
        ) if elsewhere else Saying(
            "unknown variable `{%(value)s}`%(hint)s", value=shown(name)[1:-1], hint=did_you_mean(name, known)))
    return Text(tuple(_pieces(line) for line in given.strip("\n").splitlines()))


def _names(given: str, problems: Problems, path: Path) -> Iterable[str]:
    for match in _TOKEN.finditer(given):
        if match[0] in "{}":
            problems.add(path, Saying(
                "a `%(brace)s` stands alone; write `%(pair)s` for a brace", brace=match[0], pair=match[0] * 2))
        elif match[1] is not None:
            yield match[1]


def _pieces(line: str) -> tuple[Piece, ...]:
    found: list[Piece] = []
    last = 0
    for match in _TOKEN.finditer(line):
        if match.start() > last:
            found.append((line[last:match.start()], ""))
        found.append(("", match[1]) if match[1] is not None else (match[0][0], ""))
        last = match.end()
    if last < len(line):
        found.append((line[last:], ""))
    return tuple(found)


def render(template: Template, language: str, values: Values) -> Message:
    """The message in a language (English when there is no other). Only values of the template's audience go in."""
    texts = template.texts.get(language) or template.texts[LANGUAGES[0]]
    clean = _clean(template.audience, values)
    links = tuple(clean[name] for name in sorted(LINKS & clean.keys()) if clean[name] and name in texts["text"].names)
    return Message(texts["subject"].line(clean)[:LONGEST_SUBJECT], texts["short"].line(clean),
                   texts["text"].fill(clean), links)


def filled(text: Text, audience: Audience, values: Values) -> str:
    """A text of its own, outside any template."""
    return text.fill(_clean(audience, values))


def _clean(audience: Audience, values: Values) -> dict[str, str]:
    """The values this audience may see, as harmless text."""
    return {name: block(value, LONGEST_BLOCK[name]) if name in LONGEST_BLOCK
            else inline(value, LONGEST if name in LINKS else LONGEST_VALUE)
            for name, value in values.items() if name in VARIABLES[audience]}


def inline(value: str, longest: int = LONGEST_VALUE) -> str:
    """A value as one line, without what cannot be seen, and not longer than that."""
    return _cut(" ".join(_UNSEEN.sub(" ", value).split()), longest)


def block(value: str, longest: int) -> str:
    """A value of several lines, each without what cannot be seen."""
    return _cut("\n".join(_UNSEEN.sub(" ", line).rstrip() for line in value.splitlines()).strip("\n"), longest)


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[: longest - 3]}..."


def as_html(text: str, links: Iterable[str] = ()) -> str:
    """A message's text as HTML: paragraphs, line ends, and the given addresses as links. All else is escaped."""
    shown_ = escape(text)
    safe = sorted((escape(link) for link in links if link.startswith(("https://", "http://"))), key=len, reverse=True)
    if safe:
        shown_ = re.sub("|".join(map(re.escape, safe)), lambda match: f'<a href="{match[0]}">{match[0]}</a>', shown_)
    paragraphs = (part.strip("\n").replace("\n", "<br>\n") for part in re.split(r"\n{2,}", shown_))
    return "\n".join(f"<p>{part}</p>" for part in paragraphs if part)
