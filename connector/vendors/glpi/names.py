"""Names and ids of what tickets point at. Nothing is guessed: an unknown or ambiguous name is refused, with reasons.

Trees (groups, categories, places, entities) are small and read whole; people are looked up in batches as they appear.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from connector.domain.errors import Refused
from connector.vendors.glpi.answers import PastEnd
from connector.vendors.glpi.client import Client
from connector.vendors.glpi.options import values

LISTS: Final = {
    "itilcategories_id": "ITILCategory", "locations_id": "Location", "entities_id": "Entity", "groups_id": "Group",
    "suppliers_id": "Supplier", "requesttypes_id": "RequestType", "solutiontypes_id": "SolutionType",
    "pendingreasons_id": "PendingReason", "slas_id": "SLA", "olas_id": "OLA",
}
FRESH: Final = 600.0
"""Seconds for which a list or a person is believed."""
AT_ONCE: Final = 30
"""Ids in one search: more would make a request line that web servers refuse (414)."""
MOST_PEOPLE: Final = 20_000
PAGE: Final = 1000
ESCAPED: Final = {"X-GLPI-Sanitized-Content": "true"}
"""GLPI leaves a full name such as `A &#38; B > C` escaped even when asked for real text, so we unescape all alike."""
_LOGIN, _ID, _EMAIL = "1", "2", "5"


class Person(NamedTuple):
    login: str
    email: str


class Names:
    """Looks names up and remembers them for a while. Thread-safe."""

    def __init__(self, client: Client, clock: Callable[[], float] = time.monotonic) -> None:
        self._client = client
        self._clock = clock
        self._lock = threading.Lock()
        self._lists: dict[str, tuple[float, dict[str, str]]] = {}
        self._people: OrderedDict[str, tuple[float, Person]] = OrderedDict()

    # lists

    def name(self, column: str, id: str) -> str:
        """The full name of an item (`A > B` in trees), "" when it is not visible."""
        return "" if not id or id == "0" else self._list(LISTS[column]).get(id, "")

    def id(self, column: str, name: str) -> int:
        """The id of a full name, or of a last name that only one item has. Raises Refused."""
        itemtype = LISTS[column]
        found = _match(self._list(itemtype), name)
        if not found:
            found = _match(self._list(itemtype, fresh=True), name)
        return int(only(found, itemtype, name))

    def _list(self, itemtype: str, fresh: bool = False) -> dict[str, str]:
        kept = self._lists.get(itemtype)
        age = self._clock() - kept[0] if kept else FRESH
        # A missing name may be new, but asking again and again for a wrong one must not flood the tool.
        if kept and age < (5.0 if fresh else FRESH):
            return kept[1]
        items = {str(item["id"]): self._text(item.get("completename") or item.get("name"))
                 for item in self._all(itemtype)}
        self._lists[itemtype] = (self._clock(), items)
        return items

    def _text(self, value: Any) -> str:
        return next(iter(values(value, self._client.escapes())), "")

    def _all(self, itemtype: str) -> Iterable[Mapping[str, Any]]:
        start = 0
        while True:
            try:
                page = self._client.get(itemtype, [("range", f"{start}-{start + PAGE - 1}"), ("get_hateoas", "false"),
                                                   ("sort", "id"), ("order", "ASC")], ESCAPED)
            except PastEnd:
                return
            items = [item for item in page if isinstance(item, dict) and "id" in item] if isinstance(page, list) else []
            yield from items
            if len(items) < PAGE:
                return
            start += PAGE

    # people

    def people(self, ids: Iterable[str]) -> dict[str, Person]:
        """Login and address of users; one that is not visible to the account is shown as `#id`."""
        wanted = sorted({id for id in ids if id and id != "0"}, key=int)
        now = self._clock()
        with self._lock:
            found = {id: kept[1] for id in wanted if (kept := self._people.get(id)) and now - kept[0] < FRESH}
        missing = [id for id in wanted if id not in found]
        for start in range(0, len(missing), AT_ONCE):
            found.update(self._fetch(missing[start:start + AT_ONCE]))
        return found

    def _fetch(self, ids: Sequence[str]) -> dict[str, Person]:
        found = self._search(ids)
        left = [id for id in ids if id not in found]
        if left:
            found.update(self._search(left, deleted=True))
        every = {id: found.get(id, Person(f"#{id}", "")) for id in ids}
        with self._lock:
            for id, person in every.items():
                self._people[id] = (self._clock(), person)
                self._people.move_to_end(id)
            while len(self._people) > MOST_PEOPLE:
                self._people.popitem(last=False)
        return every

    def _search(self, ids: Sequence[str], deleted: bool = False) -> dict[str, Person]:
        rows = self._users([criterion for at, id in enumerate(ids) for criterion in equals(at, _ID, id)], deleted)
        return {str(row.get(_ID)): self._person(row) for row in rows}

    def _users(self, criteria: list[tuple[str, str]], deleted: bool = False) -> list[Mapping[str, Any]]:
        params = [*criteria, ("forcedisplay[0]", _LOGIN), ("forcedisplay[1]", _ID), ("forcedisplay[2]", _EMAIL),
                  ("range", f"0-{PAGE - 1}"), *([("is_deleted", "1")] if deleted else [])]
        try:
            body = self._client.get("search/User", params)
        except Refused:
            # No right to see users: ids stand for them, and `diagnose` says so.
            return []
        return rows_of(body)

    def _person(self, row: Mapping[str, Any]) -> Person:
        return Person(self._text(row.get(_LOGIN)) or f"#{row.get(_ID)}", self._text(row.get(_EMAIL)))

    def user(self, name: str) -> int:
        """The id of a login or, failing that, of an address that only one user has. Raises Refused."""
        for field, key in ((_LOGIN, _LOGIN), (_EMAIL, _EMAIL)):
            if field == _EMAIL and "@" not in name:
                break
            rows = self._users([*criterion(0, field, "contains", f"^{name}$")])
            found = {str(row.get(_ID)): name for row in rows
                     if name.casefold() in (value.casefold() for value in values(row.get(key), self._client.escapes()))}
            if found:
                return int(only(found, "User", name))
        raise Refused(f"GLPI: no user {name!r} is visible to the account")


def criterion(at: int, field: str, how: str, value: str, link: str = "OR") -> list[tuple[str, str]]:
    head = f"criteria[{at}]"
    return [(f"{head}[link]", link), (f"{head}[field]", field), (f"{head}[searchtype]", how), (f"{head}[value]", value)]


def equals(at: int, field: str, value: str) -> list[tuple[str, str]]:
    return criterion(at, field, "equals", value)


def rows_of(body: Any) -> list[Mapping[str, Any]]:
    """The rows of a search; `data` is missing when there are none, and an object when indexed by id."""
    data = body.get("data", []) if isinstance(body, dict) else []
    return [row for row in (data.values() if isinstance(data, dict) else data) if isinstance(row, dict)]


def _match(items: Mapping[str, str], name: str) -> dict[str, str]:
    full = {id: have for id, have in items.items() if have == name}
    return full or {id: have for id, have in items.items() if have.rsplit(" > ", 1)[-1] == name}


def only(found: Mapping[str, str], itemtype: str, name: str) -> str:
    if len(found) == 1:
        return next(iter(found))
    if not found:
        raise Refused(f"GLPI: no {itemtype} {name!r} is visible to the account")
    several = ", ".join(f"{have} ({id})" for id, have in sorted(found.items())[:5])
    raise Refused(f"GLPI: {itemtype} {name!r} is ambiguous: {several}")
