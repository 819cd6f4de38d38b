"""From what the mapping wants written to what GLPI takes. Pure: names are resolved by the caller's functions.

GLPI checks nothing: urgency 9 becomes 3, status 42 is stored, an unknown category id too, a long title is cut. So all
of it is checked here, before anything is sent.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from connector.domain.errors import Refused
from connector.domain.text import html
from connector.vendors.glpi.options import DATES, EMAIL, SEVERAL

TITLE: Final = 255
CODES: Final = {"status": range(1, 7), "type": range(1, 3), "urgency": range(1, 6), "impact": range(1, 6),
                "priority": range(1, 7)}
LISTS: Final = frozenset({"itilcategories_id", "locations_id", "entities_id", "requesttypes_id"})
AGREEMENTS: Final = {"slas_id_ttr": "slas_id", "slas_id_tto": "slas_id",
                     "olas_id_ttr": "olas_id", "olas_id_tto": "olas_id"}
ACTORS: Final = {
    "_users_id_requester": ("User", 1), "_users_id_assign": ("User", 2), "_users_id_observer": ("User", 3),
    "_groups_id_requester": ("Group", 1), "_groups_id_assign": ("Group", 2), "_groups_id_observer": ("Group", 3),
    "_suppliers_id_assign": ("Supplier", 2),
}
"""Actor fields: what they hold and GLPI's type of the link (1 requester, 2 assigned, 3 observer)."""
SOLUTION: Final = "_solution"
BLOCK: Final = re.compile(r"fields\.([1-9]\d{0,8})\.([a-z_]\w{0,60}field)")
"""`fields.7.sladuefield`: a field of block 7 of the plugin Fields, under its internal name."""
NEW, SOLVED, CLOSED = 1, 5, 6
Resolve = Callable[[str, str], int]
"""(column, name) -> id; raises Refused."""


@dataclass(slots=True)
class Wanted:
    """A checked write: plain columns, agreements (set apart), actors by field, the text of a solution, and what goes
    into each block of the plugin Fields."""

    columns: dict[str, Any] = field(default_factory=dict)
    agreements: dict[str, int] = field(default_factory=dict)
    actors: dict[str, list[int]] = field(default_factory=dict)
    email: str = ""
    solution: str = ""
    blocks: dict[int, dict[str, str]] = field(default_factory=dict)


def wanted(raw: Mapping[str, Any], resolve: Resolve, local: Callable[[datetime], str]) -> Wanted:
    """Check and translate all of it. Raises Refused with every problem at once."""
    made = Wanted()
    problems: list[str] = []
    for name, value in raw.items():
        try:
            _take(made, name, value, resolve, local, bool(raw.get(EMAIL)))
        except Refused as error:
            problems.append(error.reason)
    if problems:
        raise Refused("; ".join(problems))
    return made


def _take(made: Wanted, name: str, value: Any, resolve: Resolve, local: Callable[[datetime], str],
          reachable: bool) -> None:
    text = "" if value is None else str(value)
    if name in CODES:
        made.columns[name] = _code(name, text)
    elif name in LISTS:
        made.columns[name] = resolve(name, text) if text else 0
    elif name in AGREEMENTS:
        made.agreements[name] = resolve(AGREEMENTS[name], text) if text else 0
    elif name in ACTORS:
        _take_actor(made, name, value, resolve, reachable)
    elif name in DATES:
        made.columns[name] = local(value) if isinstance(value, datetime) else (text or None)
    elif name == "name":
        made.columns[name] = " ".join(text.split())
    elif name == "content":
        made.columns[name] = text
    elif name == EMAIL:
        made.email = text
    elif name == SOLUTION:
        made.solution = text
    elif (block := BLOCK.fullmatch(name)) is not None:
        made.blocks.setdefault(int(block[1]), {})[block[2]] = text
    else:
        raise Refused(f"GLPI: `{name}` cannot be written")


def _take_actor(made: Wanted, name: str, value: Any, resolve: Resolve, reachable: bool) -> None:
    column = {"User": "users_id", "Group": "groups_id", "Supplier": "suppliers_id"}[ACTORS[name][0]]
    names = value if isinstance(value, (list, tuple)) else str(value or "").split(SEVERAL)
    try:
        made.actors[name] = [resolve(column, one.strip()) for one in names if one.strip()]
    except Refused:
        # A requester GLPI does not know can still be reached by the address given with it.
        if not (name == "_users_id_requester" and reachable):
            raise


def _code(name: str, text: str) -> int:
    allowed = CODES[name]
    if not text.isdigit() or int(text) not in allowed:
        raise Refused(f"GLPI: `{name}` must be {allowed.start} to {allowed.stop - 1}, not {text[:40]!r}")
    return int(text)


def title_size(text: str) -> int:
    """The characters GLPI 10 needs to store a title: & < > are stored as five each, and 255 is cut silently."""
    return len(text) + 4 * sum(text.count(char) for char in "&<>")


def fitting(text: str, size: Callable[[str], int] = title_size) -> str:
    """The longest beginning that GLPI stores whole, with an ellipsis where something was left out."""
    if size(text) <= TITLE:
        return text
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if size(text[:middle]) < TITLE else (low, middle - 1)
    return text[:low].rstrip() + "…"


def description(text: str, title: str, shown: str) -> str:
    """The description as HTML; a title that had to be cut is kept whole on top of it."""
    return html(f"{title}\n\n{text}" if shown != title else text)
