"""What went wrong as it is kept and logged, in the reader's language: an English text, known by what it is made of.

The texts come from a log, a delivery or an error, where they are plain English; a text that is not known stays so.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from connector.domain.saying import Saying
from connector.web import i18n, sayings
from connector.web.i18n import _
from connector.web.reasons_known import REASONS

_PLACE: Final = re.compile(r"%\((\w+)\)s")
_INNER: Final = frozenset({"behind", "need", "what", "why"})
"""Values that are such texts themselves."""
LONGEST: Final = 4_000
_FIXED: Final = frozenset(one for one in REASONS if not _PLACE.search(one))


def told(text: str) -> str:
    """Without a reader of another language, and for what nobody knows, the text itself."""
    if isinstance(text, Saying) or not text or i18n.locale().language == "en":
        return sayings.said(text)
    return _known(text) or _parts(text) or _(text)


def _known(text: str) -> str:
    if len(text) > LONGEST:
        return ""
    found = _made_of(text)
    if found is None:
        return ""
    template, values = found
    return _(template) % {name: told(value) if name in _INNER else value for name, value in values} if values \
        else _(template)


def _parts(text: str) -> str:
    """Several of them in one line, or one behind the place it is about."""
    several = text.split("; ")
    if len(several) > 1:
        each = [_known(one) or _behind(one) for one in several]
        return "; ".join(each) if all(each) else ""
    return _behind(text)


def _behind(text: str) -> str:
    place, colon, rest = text.partition(": ")
    known = _known(rest) or _behind(rest) if colon else ""
    return f"{place}{_(':')} {known}" if known else ""


@lru_cache(2_000)
def _made_of(text: str) -> tuple[str, tuple[tuple[str, str], ...]] | None:
    if text in _FIXED:
        return text, ()
    for template, pattern in _PATTERNS:
        match = pattern.fullmatch(text)
        if match:
            return template, tuple(match.groupdict().items())
    return None


def _pattern(template: str) -> re.Pattern[str]:
    parts = _PLACE.split(template)
    names, texts = parts[1::2], parts[::2]
    made = "".join(re.escape(text) + (f"(?P<{names[i]}>.+?)" if i < len(names) else "") for i, text in enumerate(texts))
    return re.compile(made, re.DOTALL)


def _fixed_part(template: str) -> int:
    return len(_PLACE.sub("", template))


_PATTERNS: Final = [(one, _pattern(one)) for one in sorted(set(REASONS) - _FIXED, key=_fixed_part, reverse=True)]
"""What says most comes first: `%(where)s: status %(status)s` fits much."""
