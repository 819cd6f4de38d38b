"""Writing over the high-level API of GLPI 11: checked inputs (`inputs`) as its JSON objects. Read, not run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from connector.domain.errors import Refused
from connector.vendors.glpi.hl_client import HighClient, created
from connector.vendors.glpi.hl_records import team
from connector.vendors.glpi.inputs import ACTORS, CLOSED, SOLVED, TITLE, Wanted, description, fitting
from connector.vendors.glpi.marks import mark, marked

_TICKETS: Final = "Assistance/Ticket"
_OBJECTS: Final = {"itilcategories_id": "category", "locations_id": "location", "entities_id": "entity",
                   "requesttypes_id": "request_type"}


class HighWriter:
    def __init__(self, client: HighClient, solution: str) -> None:
        self._client = client
        self._solution = solution

    def create(self, want: Wanted, outside: str) -> str:
        """The id of a new ticket with our key as `external_id`, still without actors."""
        if want.email and not want.actors.get("_users_id_requester"):
            raise Refused("GLPI's high-level API takes no requester it does not know")
        _no_blocks(want)
        columns = {name: value for name, value in want.columns.items() if name != "status"}
        title = str(columns.get("name", ""))
        columns["name"] = fitting(title, len)
        columns["content"] = description(str(columns.get("content", "")), title, columns["name"])
        return created(self._client.call("POST", _TICKETS, {**_named(columns), "external_id": outside}))

    def finish(self, id: str, want: Wanted) -> None:
        """What a creation cannot carry: actors, then the state."""
        for field, ids in want.actors.items():
            self.assign(id, field, ids)
        status = want.columns.get("status")
        if status is not None and status > 1:
            self.move(id, status, want.solution)

    def update(self, id: str, want: Wanted) -> None:
        """In the order GLPI needs: reopening alone, other columns, priority after what computes it, actors, end."""
        columns = dict(want.columns)
        _no_blocks(want)
        if want.email:
            raise Refused("GLPI: the address of a requester can only be given when a ticket is created")
        if len(str(columns.get("name", ""))) > TITLE:
            raise Refused(f"GLPI: the title needs {len(str(columns['name']))} characters of {TITLE}")
        if "content" in columns:
            columns["content"] = description(str(columns["content"]), "", "")
        status = columns.pop("status", None)
        if status is not None and status < SOLVED:
            self.move(id, status, "")
        priority = columns.pop("priority", None) if {"urgency", "impact"} & columns.keys() else None
        for part in (columns, {} if priority is None else {"priority": priority}):
            if part:
                self._patch(id, _named(part))
        for field, ids in want.actors.items():
            self.assign(id, field, ids)
        if status is not None and status >= SOLVED:
            self.move(id, status, want.solution)

    def _patch(self, id: str, columns: Mapping[str, Any]) -> Any:
        return self._client.call("PATCH", f"{_TICKETS}/{id}", columns)

    def move(self, id: str, status: int, solution: str) -> None:
        """Solve with a solution; a ticket already solved or closed as wished counts as done."""
        if status in (SOLVED, CLOSED) and self._status(id) == status:
            return
        if status != SOLVED:
            self._patch(id, {"status": {"id": status}})
            return
        try:
            self._client.call("POST", f"{_TICKETS}/{id}/Timeline/Solution", {
                "content": marked(solution or self._solution, f"solution/{id}")})
        except Refused:
            if self._status(id) != SOLVED:
                raise

    def _ticket(self, id: str) -> Mapping[str, Any]:
        body = self._client.get(f"{_TICKETS}/{id}")
        return body if isinstance(body, dict) else {}

    def _status(self, id: str) -> Any:
        status = self._ticket(id).get("status")
        return status.get("id") if isinstance(status, dict) else status

    def assign(self, id: str, field: str, ids: list[int]) -> None:
        """Make these, and only these, the members of a role: add first, so that a ticket never loses its last one."""
        kind, role = ACTORS[field]
        have = {int(one) for one in team(self._ticket(id)).get(field, {})}
        for method, members in (("POST", [one for one in ids if one not in have]),
                                ("DELETE", [one for one in have if one not in ids])):
            for one in members:
                self._client.call(method, f"{_TICKETS}/{id}/TeamMember", {"type": kind, "id": one, "role": role})

    def comment(self, id: str, text: str, public: bool, key: str, again: bool) -> str:
        path = f"{_TICKETS}/{id}/Timeline/Followup"
        if again:
            entries = self._client.get(path)
            for entry in entries if isinstance(entries, list) else ():
                item = entry.get("item", entry) if isinstance(entry, dict) else {}
                if isinstance(item, dict) and mark(key) in str(item.get("content") or ""):
                    return str(item.get("id", ""))
        return created(self._client.call("POST", path, {"content": marked(text, key), "is_private": not public}))


def _named(columns: Mapping[str, Any]) -> dict[str, Any]:
    """Columns under the names of the high-level API; what is pointed at as an object with its id."""
    return {_OBJECTS.get(name, name): {"id": value} if name in _OBJECTS else value for name, value in columns.items()}


def _no_blocks(want: Wanted) -> None:
    """The plugin Fields takes the old API only (its API.md, "Note")."""
    if want.blocks:
        raise Refused("GLPI's high-level API does not reach the fields of the plugin Fields: use the old API")
