"""Takes secrets out of what an other side said: those that we sent it, and what has the form of one."""

from __future__ import annotations

import base64
import binascii
import html
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final
from urllib.parse import parse_qsl, quote, quote_plus, unquote, urlsplit

MASK: Final = "***"
_LEAST: Final = 4
"""Characters of a secret worth hiding: shorter ones stand in any text."""
_OPEN_HEADERS: Final = frozenset({
    "accept", "accept-encoding", "accept-language", "cache-control", "connection", "content-length", "content-type",
    "content-encoding", "date", "expect", "host", "idempotency-key", "message-id", "range", "transfer-encoding",
    "user-agent", "webhook-id", "webhook-timestamp", "x-no-response-body", "x-wantsessionresponse"})
"""Headers of ours whose values are no secret; all others may be."""
_NAME: Final = (r"[\w.-]{0,40}(?:pass(?:word|wd|phrase)?|pwd|secret|token|credential|authori[sz]ation|signature|cookie"
                r"|api[_-]?key|private[_-]?key|session[_-]?(?:id|token)|jsessionid|otp|assertion)[\w.-]{0,40}")
_SECRET_NAME: Final = re.compile(rf"(?:{_NAME}|sig|auth|key)", re.IGNORECASE)
_FORMS: Final = (
    (re.compile(rf"""((["'])(?:{_NAME})\2\s*:\s*)(?:"(?:[^"\\]|\\.)*"?|'(?:[^'\\]|\\.)*'?|[^\s,}}\]]+)""",
                re.IGNORECASE), rf'\1"{MASK}"'),
    (re.compile(r"\b((?:proxy-)?authorization\s*[:=]\s*)[^\r\n<]+", re.IGNORECASE), rf"\1{MASK}"),
    (re.compile(rf"\b({_NAME}\s*[:=]\s*)[^\s&,;<\"']+", re.IGNORECASE), rf"\1{MASK}"),
    (re.compile(r"\b(bearer|basic|digest|negotiate|user_token)\s+[\w.~+/=-]{6,}", re.IGNORECASE), rf"\1 {MASK}"),
    (re.compile(r"whsec_[\w+/=-]*"), f"whsec_{MASK}"),
    (re.compile(r"\bv1a?,[\w+/=-]{20,}"), f"v1,{MASK}"),
    (re.compile(r"\beyJ[\w-]{8,}(?:\.[\w-]*){0,2}"), MASK),
    (re.compile(r"-----BEGIN [^-]*-----.*?(?:-----END [^-]*-----|\Z)", re.DOTALL), MASK),
    # A link may be a key by itself: those that we send are signed.
    (re.compile(r"(https?:)\\?/\\?/(?:[^\s/@\"'<>\\]*@)?([^\s/?#\"'<>\\@]+)[^\s\"'<>]*", re.IGNORECASE), r"\1//\2/..."),
)
_MARKUP: Final = re.compile(r"<(script|style)\b.*?(?:</\1>|\Z)|<[^<>]*>", re.IGNORECASE | re.DOTALL)
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]+")
_TEXTUAL: Final = re.compile(r"(?i)^(text/|application/([\w.+-]*\+)?(json|xml|x-www-form-urlencoded|javascript)\b)")
_LIKE_A_KEY: Final = re.compile(r"(?=.*\d)(?=.*[A-Za-z])[\w.~=+:-]{16,}")


def secrets_of(url: str, headers: Mapping[str, str], body: bytes | None, *, typed: bool = False) -> set[str]:
    """What must not be shown of a request: values of headers that are not known to be harmless, a login in the address,
    and values of secret names in the query and in a body of JSON or a form. `typed` as for `place`."""
    found: set[str] = set()
    for name, value in headers.items():
        if name.lower() not in _OPEN_HEADERS:
            found.update(_parts(value))
    try:
        parts = urlsplit(url)
        found.update(unquote(one) for one in (parts.username, parts.password) if one)
        found.update(value for name, value in parse_qsl(parts.query) if _SECRET_NAME.fullmatch(name))
        found.update(one for one in parts.path.split("/") if typed and _LIKE_A_KEY.fullmatch(one))
    except ValueError:
        pass
    found.update(_of_body(headers, body or b""))
    return {one for one in found if len(one) >= _LEAST}


def _parts(value: str) -> Iterator[str]:
    """A header's value, what follows its scheme, a decoded login, each of several signatures or cookies."""
    yield value
    scheme, _space, rest = value.partition(" ")
    yield from (one.strip() for one in re.split(r"[\s;,]+", value) if len(one) >= 8)
    yield from (one.partition("=")[2].strip() for one in value.split(";") if len(one.partition("=")[2].strip()) >= 8)
    if rest and scheme.lower() == "basic":
        yield rest
        try:
            login = base64.b64decode(rest, validate=True).decode("utf-8", "replace")
        except (binascii.Error, ValueError):
            return
        yield login
        yield login.partition(":")[2]


def _of_body(headers: Mapping[str, str], body: bytes) -> Iterator[str]:
    kind = next((value.lower() for name, value in headers.items() if name.lower() == "content-type"), "")
    if len(body) > 65_536:
        return
    if "x-www-form-urlencoded" in kind:
        yield from (value for name, value in parse_qsl(body.decode("utf-8", "replace")) if _SECRET_NAME.fullmatch(name))
    elif "json" in kind:
        try:
            yield from _named(json.loads(body))
        except (ValueError, RecursionError):
            return


def _named(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        for name, item in value.items():
            if isinstance(item, str) and re.fullmatch(_NAME, name, re.IGNORECASE):
                yield item
            else:
                yield from _named(item)
    elif isinstance(value, list):
        for item in value:
            yield from _named(item)


class Redaction:
    """Hides `secrets`, in the ways in which a text may repeat them, and whatever has the form of one."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        forms = {form for one in secrets for form in _forms(one)}
        self._known = sorted(forms, key=len, reverse=True)
        self._longest = len(self._known[0]) if self._known else 0

    def __call__(self, text: str, longest: int | None = None) -> str:
        """`longest`: the text was cut there, so that what is left of a secret at its end is hidden too."""
        cut = longest is not None and len(text) >= longest
        for secret in self._known:
            text = text.replace(secret, MASK)
        for form, instead in _FORMS:
            text = form.sub(instead, text)
        return text[: max(0, len(text) - self._longest)] if cut else text


def _forms(secret: str) -> set[str]:
    plain = json.dumps(secret)[1:-1]
    return {secret, quote(secret, safe=""), quote_plus(secret), html.escape(secret), plain, plain.replace("/", "\\/"),
            base64.b64encode(secret.encode()).decode()}


def excerpt(body: bytes, content_type: str, redact: Redaction, length: int) -> str:
    """The beginning of what was said, as one plain line without secrets; "" for what is no text."""
    if not body or (content_type and not _TEXTUAL.match(content_type.strip())):
        return ""
    most = length * 4
    text = body[:most].decode("utf-8", "replace")
    if not content_type and "\N{REPLACEMENT CHARACTER}" in text[:200]:
        return ""
    hidden = redact(text, most)
    if "html" in content_type.lower():
        hidden = redact(html.unescape(_MARKUP.sub(" ", hidden)))
    hidden = " ".join(_CONTROL.sub(" ", hidden).split())
    return hidden if len(hidden) <= length else hidden[: length - 3] + "..."


def place(url: str, *, typed: bool = False) -> str:
    """Host and path of an address, without login and query. `typed`: a person wrote it, and parts of its path that look
    like keys (as those of chat services do) are hidden."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return "(not an address)"
    path = parts.path
    if typed:
        path = "/".join(MASK if _LIKE_A_KEY.fullmatch(one) else one for one in path.split("/"))
    return _CONTROL.sub("", f"{host}{f':{port}' if port else ''}{path}")[:500]
