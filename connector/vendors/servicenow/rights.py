"""Who we are in the instance and what this account may see there, asked of it and remembered for a while."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from connector.domain.errors import Refused
from connector.vendors.servicenow.desk import Desk
from connector.vendors.servicenow.query import both, is_id, newest, one_of, stamp, where
from connector.vendors.servicenow.records import bare

LIFE: Final = timedelta(minutes=10)
SAMPLE: Final = 20
OURSELVES: Final = "user_name=javascript:gs.getUserName()"
"""A constant, so no value of anybody's gets in."""


@dataclass(frozen=True, slots=True)
class Account:
    """`id` and `zone` are "" where our own user record cannot be read."""

    name: str
    id: str = ""
    zone: str = ""


@dataclass(frozen=True, slots=True)
class Rights:
    """"yes": shows rows; "no": closed to us; "empty": nothing there to see."""

    audit: str
    metrics: str
    journals: str
    deletions: str

    def source(self, wanted: str) -> str:
        """Where changes are read from: "audit", "metrics" or "" for nowhere."""
        if wanted == "journals":
            return ""
        if wanted in ("audit", "metrics"):
            return wanted
        if self.audit == "yes":
            return "audit"
        return "metrics" if self.metrics == "yes" else "audit" if self.audit == "empty" else ""


class Asker:
    """Asks once in a while. Thread-safe."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self._lock = threading.Lock()
        self._kept: dict[str, tuple[Any, Any]] = {}

    def account(self) -> Account:
        account: Account = self._remember("account", self._account)
        return account

    def mine(self) -> frozenset[str]:
        return frozenset({self.account().name, self.desk.options.account, self.desk.client.door.login.user} - {""})

    def rights(self) -> Rights:
        rights: Rights = self._remember("rights", self._rights)
        return rights

    def forget(self) -> None:
        with self._lock:
            self._kept.clear()

    def _remember(self, name: str, ask: Callable[[], Any]) -> Any:
        with self._lock:
            kept = self._kept.get(name)
        now = self.desk.now()
        if kept is not None and now - kept[0] < LIFE:
            return kept[1]
        value = ask()
        with self._lock:
            self._kept[name] = (now, value)
        return value

    def _account(self) -> Account:
        login = self.desk.client.door.login.user or self.desk.options.account
        query = where("user_name", "=", login) if login else OURSELVES
        try:
            rows = self.desk.client.rows("sys_user", query, ("sys_id", "user_name", "time_zone"), 2).rows
        except Refused:
            rows = []
        # Two rows: the condition was dropped, and this is anybody.
        if len(rows) != 1 or not is_id(rows[0].get("sys_id")):
            return Account(login)
        return Account(bare(rows[0].get("user_name")) or login, rows[0]["sys_id"], bare(rows[0].get("time_zone")))

    def _rights(self) -> Rights:
        ids = self._sample()
        tables = sorted({*self.desk.options.tables})
        week = where("sys_created_on", ">=", stamp(self.desk.now() - timedelta(days=7)))
        # Never without a key: counting a whole audit would take minutes.
        keyed = both(one_of("tablename", tables), one_of("documentkey", ids)) if ids else ""
        return Rights(
            audit=self.sees("sys_audit", keyed) if ids else "empty",
            metrics=self.sees("metric_instance", one_of("id", ids)) if ids else "empty",
            journals=self.sees("sys_journal_field", one_of("element_id", ids)) if ids else "empty",
            deletions=self.sees("sys_audit_delete", both(one_of("tablename", tables), week)),
        )

    def _sample(self) -> list[str]:
        for table in self.desk.options.tables:
            try:
                rows = self.desk.client.rows(table, both(where("sys_mod_count", ">", "0"), newest("sys_updated_on")),
                                             ("sys_id",), SAMPLE).rows
            except Refused:
                continue
            if rows:
                return [row["sys_id"] for row in rows if is_id(row.get("sys_id"))]
        return []

    def sees(self, table: str, query: str) -> str:
        """Access rules hide rows or close the table; what is counted but not shown is hidden."""
        try:
            page = self.desk.client.rows(table, query, ("sys_id",), 1)
        except Refused:
            return "no"
        if page.rows:
            return "yes"
        return "no" if page.total else "empty"
