"""Creating, changing and commenting: a repeated write has one effect, and an ignored one is not taken for done."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Any, Final

from connector.domain.errors import BadRecord, NotFound, Refused, TryLater
from connector.domain.ticket import Comment, Draft, Patch, Ref, Ticket
from connector.vendors.servicenow.desk import Desk
from connector.vendors.servicenow.query import ascending, both, is_id, one_of, where
from connector.vendors.servicenow.records import bare, check_plain, encoded, for_field, ignored, neutral

NOT_CREATED_HERE: Final = {"sc_req_item": "requested items are ordered through the service catalogue"}
MARKER: Final = re.compile(r"\[ref ([0-9A-Za-z:_./-]{1,100})\]")
_MARKABLE: Final = re.compile(r"[0-9A-Za-z:_./-]{1,100}")
"""`correlation_id` holds 100 characters."""
JOURNALS: Final = ("comments", "work_notes")


def marked(key: str) -> str:
    """A key as it stands in `correlation_id` and in marker lines: itself where it fits, else a digest."""
    return key if _MARKABLE.fullmatch(key) else "sha256:" + hashlib.sha256(key.encode()).hexdigest()


class Writing:
    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.finds = True
        """False once `correlation_id` was seen not to be kept."""

    # tickets

    def find(self, key: str) -> Ref | None:
        """The ticket created with our key: the oldest, should there be several."""
        mark = marked(key)
        query = both(where("correlation_id", "=", mark), ascending("sys_created_on"))
        for table in self.desk.options.tables:
            rows = self.desk.client.rows(table, query, ("sys_id", "sys_class_name", "correlation_id"), 5).rows
            for row in rows:
                if row.get("correlation_id") == mark and is_id(row.get("sys_id")):
                    self.desk.remember(table, [row])
                    return Ref(self.desk.name, row["sys_id"])
        return None

    def create(self, draft: Draft, key: str, again: bool) -> Ref:
        table = self._table_for(draft)
        if again and (found := self.find(key)) is not None:
            return found
        sent = self._raw(table, draft.fields, str(draft.kind))
        mark = marked(key)
        sent |= {"correlation_id": mark, "correlation_display": self.desk.options.display_name}
        row = self.desk.client.create(table, sent, ("sys_id", "sys_class_name", "correlation_id"))
        if not is_id(row.get("sys_id")):
            raise TryLater(f"ServiceNow: the answer to a creation in {table} gives no id")
        if row.get("correlation_id", mark) != mark:
            self.finds = False
        self.desk.remember(table, [row])
        return Ref(self.desk.name, row["sys_id"])

    def _table_for(self, draft: Draft) -> str:
        tables = [table for table, kind in self.desk.kinds.items() if kind == draft.kind]
        if not tables:
            raise Refused(f"ServiceNow: no configured table holds tickets of kind {draft.kind}")
        if tables[0] in NOT_CREATED_HERE:
            raise Refused(f"ServiceNow: {NOT_CREATED_HERE[tables[0]]}, not created in {tables[0]}")
        return tables[0]

    def update(self, id: str, patch: Patch) -> Ticket | None:
        """One PATCH. Raises Refused naming the fields the instance did not take (others may have been taken)."""
        table, _ = self.desk.place(id)
        sent = self._raw(table, patch, self.desk.kinds[table])
        if not sent:
            return None
        row = self.desk.client.change(table, id, sent, sorted({*self.desk.asked[table], *sent}))
        if row.get("sys_id") != id:
            raise TryLater(f"ServiceNow: a change of {id} was answered with another record")
        self.desk.remember(table, [row])
        lost = ignored(sent, row)
        if lost:
            raise Refused(f"ServiceNow: {table} {row.get('number') or id} did not take {', '.join(lost)} (read only, "
                          "computed, or refused by a rule of the instance)")
        return self._ticket(table, row)

    def _ticket(self, table: str, row: Mapping[str, Any]) -> Ticket | None:
        if self.desk.display:
            return None
        try:
            return self.desk.ticket(table, row)
        except BadRecord:
            return None

    def _raw(self, table: str, patch: Patch, kind: str) -> dict[str, str]:
        raw = self.desk.mapping.write(patch, kind)
        check_plain(raw)
        sent: dict[str, str] = {}
        for name, value in raw.items():
            field, _, by = name.partition(".")
            text = encoded(value)
            if by:
                text = self.desk.references.id_of(field, by, text) if text else ""
            if field in sent and sent[field] != text:
                raise Refused(f"ServiceNow: two fields of the mapping disagree about {field}")
            sent[field] = for_field(field, text, self.desk.options.html_fields)
        if "state" in sent:
            sent = {**self.desk.options.with_state.get(f"{table}/{sent['state']}", {}), **sent}
        return sent

    # comments

    def comment(self, id: str, comment: Comment, key: str, again: bool) -> str:
        """Append to a journal, with a last line by which it is found again. Raises Refused when it was not kept."""
        table, _ = self.desk.place(id)
        mark = marked(key)
        element = JOURNALS[0] if comment.public else JOURNALS[1]
        if again and (found := self._entry(table, id, mark)) is not None:
            return found
        author = f"{comment.author.strip()}:\n" if comment.author.strip() else ""
        text = f"{neutral(author + comment.text)}\n\n[ref {mark}]"
        self.desk.client.change(table, id, {element: text}, ("sys_id", "sys_mod_count"))
        # A journal we may not write is ignored with 200 like any field. When the look fails, the outcome is known to
        # be good or is looked up by the next try.
        found = self._entry(table, id, mark)
        if found is None:
            raise Refused(f"ServiceNow: {table} did not take the entry for {element} (may our account write it?)")
        return found

    def _entry(self, table: str, id: str, mark: str) -> str | None:
        """The id of the entry with a marker line ("" when it is there, or nothing can be told); None: not there."""
        query = both(where("element_id", "=", id), one_of("element", JOURNALS), where("value", "LIKE", f"[ref {mark}]"),
                     ascending("sys_created_on"))
        try:
            rows = self.desk.client.rows("sys_journal_field", query, ("sys_id", "element_id", "value"), 20).rows
        except Refused:
            rows = []
        for row in rows:
            if row.get("element_id") == id and f"[ref {mark}]" in bare(row.get("value")):
                return str(row.get("sys_id", ""))
        return self._shown(table, id, mark)

    def _shown(self, table: str, id: str, mark: str) -> str | None:
        """The same from what the form shows, for accounts that may not read journals as a table."""
        rows = self.desk.client.rows(table, where("sys_id", "=", id), ("sys_id", *JOURNALS), 1, display=True).rows
        if not rows or rows[0].get("sys_id") != id:
            raise NotFound(f"ServiceNow: {id} is gone or hidden from us", 404)
        shown = [bare(rows[0][name]) for name in JOURNALS if name in rows[0]]
        if not shown:
            raise Refused(f"ServiceNow: our account may read no journal of {table}, so whether an entry arrived "
                          "cannot be told")
        return "" if any(f"[ref {mark}]" in text for text in shown) else None


def unmarked(text: str) -> tuple[str, str]:
    """A journal entry without its marker line, and the marker ("" when it has none)."""
    before, _, last = text.rstrip().rpartition("\n")
    found = MARKER.fullmatch(last.strip())
    return (before.rstrip(), found.group(1)) if found else (text, "")
