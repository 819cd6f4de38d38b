"""A JSON file that is one array of objects, or holds one as ServiceNow answers: `{"records": [...]}` from its
JSON web service, `{"result": [...]}` from its Table API.

Cut into its elements one by one, so that memory does not grow with the file.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from json import JSONDecodeError, JSONDecoder
from pathlib import Path
from typing import BinaryIO, Final

from connector.domain.errors import ConfigError, Problem

START: Final = 1 << 12
"""Bytes by which lines and an array are told apart."""
CHUNK: Final = 1 << 16
LONGEST: Final = 32 * 1024 * 1024
"""Characters of one element."""
_BEGIN: Final = re.compile(r'\s*(\{\s*"(?:records|result)"\s*:\s*)?\[(?=\s*[{\]])')
_BETWEEN: Final = re.compile(r"[\s,]*")
_DECODER: Final = JSONDecoder()


def begins(start: bytes) -> bool:
    """Whether a file that starts like this is an array and not JSON lines."""
    return _BEGIN.match(start.decode(errors="replace").removeprefix("\ufeff")) is not None


def elements(stream: BinaryIO, path: Path) -> Iterator[bytes]:
    """Raises ConfigError where the array is broken: what an element is cannot be told after that."""
    chunks = _chunks(stream, path)
    text = next(chunks, "")
    begin = _BEGIN.match(text)
    assert begin is not None
    place, number = begin.end(), 1
    while True:
        between = _BETWEEN.match(text, place)
        assert between is not None
        place = between.end()
        if text.startswith("]", place):
            _ended(text[place + 1:] + "".join(chunks), "}" if begin[1] else "", path)
            return
        try:
            _, end = _DECODER.raw_decode(text, place)
        except (JSONDecodeError, RecursionError) as error:
            more = _more(chunks, len(text) - place) if len(text) - place < LONGEST else ""
            if not more:
                reason = error.msg if isinstance(error, JSONDecodeError) else "objects lie too deep"
                raise ConfigError([Problem(f"row {number} is where the array breaks: {reason}", str(path))]) from None
            text, place = text[place:] + more, 0
        else:
            yield text[place:end].encode(errors="surrogatepass")
            number, place = number + 1, end


def _ended(rest: str, closing: str, path: Path) -> None:
    if rest.strip() != closing:
        raise ConfigError([Problem("goes on after the end of its array: make one object a line of it, as "
                                   "`jq -c '.[]'` does", str(path))])


def _more(chunks: Iterator[str], length: int) -> str:
    """At least as much again, so that a long element is not tried at each of its chunks."""
    found: list[str] = []
    size = 0
    for chunk in chunks:
        found.append(chunk)
        size += len(chunk)
        if size >= length:
            break
    return "".join(found)


def _chunks(stream: BinaryIO, path: Path) -> Iterator[str]:
    decoder = codecs.getincrementaldecoder("utf-8-sig")()
    try:
        yield decoder.decode(stream.read(START))
        while chunk := stream.read(CHUNK):
            yield decoder.decode(chunk)
        yield decoder.decode(b"", final=True)
    except UnicodeDecodeError as error:
        raise ConfigError([Problem(f"is not UTF-8: byte 0x{error.object[error.start]:02x}", str(path))]) from None
