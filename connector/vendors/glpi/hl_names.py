"""Names and ids over the high-level API."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from connector.domain.errors import Refused
from connector.vendors.glpi.hl_client import HighClient, either, quoted
from connector.vendors.glpi.names import LISTS, PAGE, Names, Person, only

_PATHS: Final = {"ITILCategory": "Dropdowns/ITILCategory", "Location": "Dropdowns/Location",
                 "RequestType": "Dropdowns/RequestType", "Group": "Administration/Group",
                 "Entity": "Administration/Entity", "Supplier": "Management/Supplier"}


class HighNames(Names):
    """The same look-ups and the same memory, asked through other addresses."""

    def __init__(self, client: HighClient, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(client, clock)  # type: ignore[arg-type]
        self._high = client

    def _text(self, value: Any) -> str:
        return "" if value is None else str(value)

    def _all(self, itemtype: str) -> Iterable[Mapping[str, Any]]:
        if itemtype not in _PATHS:
            raise Refused(f"GLPI's high-level API gives no list of {itemtype}")
        start = 0
        while True:
            items, _ = self._high.page(_PATHS[itemtype], [("start", str(start)), ("limit", str(PAGE)), ("sort", "id")])
            yield from (item for item in items if "id" in item)
            if len(items) < PAGE:
                return
            start += PAGE

    def _search(self, ids: Sequence[str], deleted: bool = False) -> dict[str, Person]:
        if deleted:
            return {}
        return {str(user.get("id")): _person(user) for user in self._users_by(f"id=in={either(ids)}")}

    def _users_by(self, condition: str) -> list[dict[str, Any]]:
        try:
            return self._high.page("Administration/User", [("filter", condition), ("limit", str(PAGE))])[0]
        except Refused:
            return []

    def user(self, name: str) -> int:
        """The id of a login or, failing that, of an address that only one user has. Raises Refused."""
        conditions = [f"username=={quoted(name)}"]
        if "@" in name:
            conditions.append(f"emails.email=={quoted(name)}")
        for condition in conditions:
            found = {str(user["id"]): name for user in self._users_by(condition) if "id" in user}
            if found:
                return int(only(found, "User", name))
        raise Refused(f"GLPI: no user {name!r} is visible to the account")

    def full(self, columns: Iterable[str]) -> dict[str, str]:
        """Full names by `column/id`; a list the account may not see is left out."""
        names: dict[str, str] = {}
        for column in columns:
            try:
                names.update({f"{column}/{id}": name for id, name in self._list(LISTS[column]).items()})
            except Refused:
                continue
        return names


def _person(user: Mapping[str, Any]) -> Person:
    emails = [mail for mail in user.get("emails") or () if isinstance(mail, dict) and mail.get("email")]
    first = next((mail for mail in emails if mail.get("is_default")), emails[0] if emails else {})
    return Person(str(user.get("username") or f"#{user.get('id')}"), str(first.get("email") or ""))
