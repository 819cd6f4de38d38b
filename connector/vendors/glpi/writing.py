"""Writing tickets over apirest.php, around the traps of GLPI 10: each method says which it avoids."""

from __future__ import annotations

import mimetypes
from collections.abc import Mapping
from typing import Any, Final
from uuid import uuid4

from connector.domain.errors import Refused
from connector.domain.ticket import Attachment
from connector.vendors.glpi.answers import WriteRefused, added, done, uploaded
from connector.vendors.glpi.client import Client
from connector.vendors.glpi.inputs import (
    ACTORS,
    CLOSED,
    SOLVED,
    TITLE,
    Wanted,
    description,
    fitting,
    title_size,
)
from connector.vendors.glpi.marks import mark, marked
from connector.vendors.glpi.multipart import Upload
from connector.vendors.glpi.timeline import children

_LINKS: Final = {"User": ("Ticket_User", "users_id"), "Group": ("Group_Ticket", "groups_id"),
                 "Supplier": ("Supplier_Ticket", "suppliers_id")}
_FILE_LIMIT: Final = 100 * 1024 * 1024


class Writer:
    """Does to GLPI what was already checked (`inputs`)."""

    def __init__(self, client: Client, solution: str) -> None:
        self._client = client
        self._solution = solution

    # tickets

    def create(self, want: Wanted, key: str) -> str:
        """The id of the new ticket. Agreements follow in an update of their own: with one in the creation, GLPI
        10.0.12 fails under MariaDB's strict mode (glpi-project/glpi issue 16498)."""
        columns = dict(want.columns)
        title = str(columns.get("name", ""))
        columns["name"] = fitting(title, self._size)
        text = str(columns.pop("content", ""))
        columns["content"] = f"{description(text, title, columns['name'])}<!-- {mark(key)} -->"
        status = columns.pop("status", None)
        if isinstance(status, int) and status < SOLVED:
            columns["status"] = status
        columns["_actors"] = _people(want)
        id = added(self._post("Ticket", columns))
        if want.agreements:
            self._put(id, want.agreements)
        self._blocks(id, want)
        if status in (SOLVED, CLOSED):
            self.move(id, int(status), want.solution)
        return id

    def update(self, id: str, want: Wanted) -> None:
        """Write the columns, then the actors, then the state.

        Reopening comes first and alone: a closed ticket takes nothing else, and other columns sent along with the
        status are dropped without an error. Priority comes after impact and urgency, which compute it anew.
        """
        columns = dict(want.columns)
        title = str(columns.get("name", ""))
        if want.email:
            raise Refused("GLPI: the address of a requester can only be given when a ticket is created")
        if self._size(title) > TITLE:
            five = " (&, < and > count five)" if self._client.escapes() else ""
            raise Refused(f"GLPI: the title needs {self._size(title)} characters of {TITLE}{five}")
        if "content" in columns:
            columns["content"] = description(str(columns["content"]), "", "")
        status = columns.pop("status", None)
        if status is not None and status < SOLVED:
            self._put(id, {"status": status})
        priority = columns.pop("priority", None) if {"urgency", "impact"} & columns.keys() else None
        for part in (columns, {} if priority is None else {"priority": priority}, want.agreements):
            if part:
                self._put(id, part)
        self._blocks(id, want)
        for field, ids in want.actors.items():
            self.assign(id, field, ids)
        if status is not None and status >= SOLVED:
            self.move(id, status, want.solution)

    def _blocks(self, id: str, want: Wanted) -> None:
        """Blocks of the plugin Fields, one request each: it takes several in one for one
        (its API.md, "Updating multiple containers")."""
        for block, columns in want.blocks.items():
            self._put(id, {"c_id": block, **columns})

    def _size(self, title: str) -> int:
        return title_size(title) if self._client.escapes() else len(title)

    def _put(self, id: str, columns: Mapping[str, Any]) -> None:
        """Update one ticket. The id goes into the body, where it wins over the one in the address."""
        try:
            done(self._client.call("PUT", f"Ticket/{id}", {"input": {"id": int(id), **columns}}), id)
        except WriteRefused as error:
            raise self._why(id, error) from None

    def _why(self, id: str, error: WriteRefused) -> Refused:
        """GLPI gives no reason for a refused update: look at the ticket. Raises NotFound."""
        now = self._client.get(f"Ticket/{id}", [("get_hateoas", "false")])
        if isinstance(now, dict) and now.get("status") == CLOSED:
            return Refused("GLPI: the ticket is closed and takes only a new state, followups and actors", error.status)
        return error

    def move(self, id: str, status: int, solution: str) -> None:
        """Solve with a solution, as people do, or close. A ticket already solved counts as done."""
        if status == CLOSED:
            self._put(id, {"status": CLOSED})
            return
        try:
            added(self._post("ITILSolution", {"itemtype": "Ticket", "items_id": int(id),
                                              "content": marked(solution or self._solution, f"solution/{id}")}))
        except WriteRefused:
            now = self._client.get(f"Ticket/{id}", [("get_hateoas", "false")])
            if not isinstance(now, dict) or now.get("status") != SOLVED:
                raise

    def assign(self, id: str, field: str, ids: list[int]) -> None:
        """Make these, and only these, the actors of a field: add first, so that a ticket never loses its last
        assignee, which would set it back to new. One that is already there is done (GLPI says 400 without a word)."""
        kind, type = ACTORS[field]
        itemtype, column = _LINKS[kind]
        have = {int(link[column]): str(link["id"]) for link in children(self._client, id, itemtype)
                if link.get("type") == type and link.get(column)}
        for one in ids:
            if one not in have:
                self._link(id, itemtype, column, one, type)
        for one, link in have.items():
            if one not in ids:
                done(self._client.call("DELETE", f"{itemtype}/{link}"), link)

    def _link(self, id: str, itemtype: str, column: str, one: int, type: int) -> None:
        try:
            added(self._post(itemtype, {"tickets_id": int(id), column: one, "type": type}))
        except WriteRefused:
            if not any(link.get("type") == type and link.get(column) == one
                       for link in children(self._client, id, itemtype)):
                raise

    # what belongs to a ticket

    def comment(self, id: str, text: str, public: bool, key: str, again: bool) -> str:
        if again:
            for post in children(self._client, id, "ITILFollowup"):
                if mark(key) in str(post.get("content") or ""):
                    return str(post.get("id", ""))
        return added(self._post("ITILFollowup", {
            "itemtype": "Ticket", "items_id": int(id), "content": marked(text, key), "is_private": int(not public)}))

    def attach(self, id: str, file: Attachment, key: str, again: bool) -> str:
        """Upload and link. The document carries our mark as its comment, so that a lost answer is found."""
        document = self._uploaded_before(key) if again else ""
        if not document:
            document = self._upload(file, key)
        try:
            added(self._post("Document_Item", {"documents_id": int(document), "itemtype": "Ticket",
                                               "items_id": int(id)}))
        except WriteRefused:
            if not any(str(link.get("documents_id")) == document
                       for link in children(self._client, id, "Document_Item")):
                raise
        return document

    def _upload(self, file: Attachment, key: str) -> str:
        if file.size > _FILE_LIMIT:
            raise Refused(f"GLPI: a file of {file.size} bytes is too large to send")
        name = file.name.replace("/", "_").replace("\\", "_").strip() or "file"
        kind = file.media_type or mimetypes.guess_type(name)[0] or "application/octet-stream"
        manifest = {"input": {"name": name, "comment": mark(key), "_filename": [name]}}
        upload = Upload(manifest, name, kind, file, f"sdc-{uuid4().hex}")
        body = self._client.call("POST", "Document", data=upload, headers={"Content-Type": upload.content_type})
        try:
            return uploaded(body)
        except Refused:
            # GLPI made a document without its file: take the empty shell away again.
            self._client.call("DELETE", f"Document/{added(body)}", params=[("force_purge", "true")])
            raise

    def _uploaded_before(self, key: str) -> str:
        body = self._client.get("search/Document", [
            ("criteria[0][field]", "16"), ("criteria[0][searchtype]", "contains"), ("criteria[0][value]", mark(key)),
            ("forcedisplay[0]", "2"), ("range", "0-9")])
        rows = body.get("data", []) if isinstance(body, dict) else []
        return str(rows[0].get("2", "")) if rows else ""

    def _post(self, itemtype: str, columns: Mapping[str, Any]) -> Any:
        return self._client.call("POST", itemtype, {"input": columns})


def _people(want: Wanted) -> dict[str, list[dict[str, Any]]]:
    """The actors of a new ticket; a requester GLPI does not know is given by address."""
    roles = {1: "requester", 2: "assign", 3: "observer"}
    actors: dict[str, list[dict[str, Any]]] = {}
    for field, ids in want.actors.items():
        kind, type = ACTORS[field]
        actors.setdefault(roles[type], []).extend({"itemtype": kind, "items_id": id} for id in ids)
    if want.email and not want.actors.get("_users_id_requester"):
        actors.setdefault("requester", []).append(
            {"itemtype": "User", "items_id": 0, "alternative_email": want.email, "use_notification": 1})
    return actors
