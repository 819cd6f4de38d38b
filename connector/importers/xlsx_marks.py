"""What a sheet of a workbook says beside its values: merged cells, and formulas nobody has computed.

openpyxl, reading row by row, gives an empty cell for both, and a value that is there would be lost without a word.
ECMA-376 part 1, 18.3.1.40 (f), 18.3.1.55 (mergeCell), 18.3.1.96 (v).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import IO, Final

CHUNK: Final = 1 << 20
LONGEST_CELL: Final = 1 << 17
"""Bytes of a cell with a formula (which Excel limits to 8,192 characters)."""
_FORMULA: Final = re.compile(
    rb"<(?:\w+:)?c\s([^>]*)>\s*<(?:\w+:)?f(?:\s[^>]*)?(?:/>|>[^<]*</(?:\w+:)?f>)\s*"
    rb"(?:<(?:\w+:)?v\s*/>|<(?:\w+:)?v></(?:\w+:)?v>)?\s*</(?:\w+:)?c>")
_NAME: Final = re.compile(rb'\br="([A-Z]+[0-9]+)"')
_TEXT: Final = b't="str"'
"""The result of such a formula is a text, which may be an empty one."""
_MERGED: Final = re.compile(rb'<(?:\w+:)?mergeCell\s[^>]*?ref="([A-Z]+)([0-9]+):([A-Z]+)([0-9]+)"')


@dataclass(slots=True)
class Marks:
    formula: str = ""
    """The first cell that holds one without its result."""
    ranges: list[tuple[int, int, str]] = field(default_factory=list)
    """First and last row in which a merge leaves a cell empty, and the merge."""

    def merged(self, row: int) -> str:
        return next((name for first, last, name in self.ranges if first <= row <= last), "")


def marks(stream: IO[bytes]) -> Marks:
    found = Marks()
    for text in _pieces(stream):
        if not found.formula:
            found.formula = next((_name(cell[1]) for cell in _FORMULA.finditer(text) if _TEXT not in cell[1]), "")
        for left, top, right, bottom in _MERGED.findall(text):
            name = f"{left.decode()}{int(top)}:{right.decode()}{int(bottom)}"
            mark = (int(top) + (left == right), int(bottom), name)
            if mark not in found.ranges[-9:]:  # what two pieces share
                found.ranges.append(mark)
    return found


def _pieces(stream: IO[bytes]) -> Iterator[bytes]:
    """Pieces that overlap by a cell."""
    rest = b""
    while chunk := stream.read(CHUNK):
        yield rest + chunk
        rest = (rest + chunk)[-LONGEST_CELL:]


def _name(attributes: bytes) -> str:
    name = _NAME.search(attributes)
    return name[1].decode() if name else "a cell without a name"
