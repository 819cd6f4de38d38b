"""`range=0-49`: inclusive, checked against the total."""

from __future__ import annotations

import re
from typing import Final

from flask import request

from connector.sandbox.glpi.errors import Fail

_RANGE: Final = re.compile(r"(\d+)-(\d+)")


def asked(total: int) -> tuple[int, int, int]:
    """First and last row asked for, and the total. Raises Fail."""
    found = _RANGE.fullmatch(request.args.get("range", "0-19"))
    if not found:
        raise Fail("ERROR", "range must be in format : [start-end] with integers")
    start, end = int(found[1]), int(found[2])
    if start > total:
        raise Fail("ERROR_RANGE_EXCEED_TOTAL", f"Provided range exceed total count of data: {total}")
    return start, end, total
