"""What reading and writing share: the client, what the plugin told of itself, and the catalog of osTicket's ids."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import quote

from connector.domain.errors import BadRecord, Problem, Refused, Unsupported
from connector.domain.mapping import Mapping as FieldMapping
from connector.domain.ticket import Ticket
from connector.domain.vocabulary import When
from connector.http import Http
from connector.ports import Capability
from connector.settings import ToolSettings
from connector.vendors.osticket.client import MISSING, Client, PluginMissing
from connector.vendors.osticket.options import Options
from connector.vendors.osticket.records import CREATION_ONLY, changes, record, zone_reader

WITHOUT_PLUGIN: Final = frozenset({Capability.CREATE, Capability.FIND})
CATALOG_FRESH: Final = timedelta(minutes=10)
_LIMITS: Final = {"page": 100, "ids": 100, "all_ids": 1000, "file_bytes": 32 * 1024 * 1024}


class Shared:
    """Safe to share between threads; what it keeps (ping, catalog) is replaced as a whole."""

    def __init__(self, tool: ToolSettings, mapping: FieldMapping, now: Callable[[], datetime]) -> None:
        self.name = tool.name
        self._tool = tool
        self._mapping = mapping
        self._now = now
        self._options = Options.of(tool.options)
        self._http = Http(tool.url.rstrip("/").removesuffix("/http.php").removesuffix("/api"),
                          headers={"X-API-Key": tool.auth["api_key"].reveal()}, verify=tool.verify_tls,
                          pool=max(tool.concurrency, 2), wall=lambda: now().timestamp())
        self._client = Client(self._http, self._options, now)
        self._lock = threading.Lock()
        self._kept: tuple[datetime, dict[str, Any]] | None = None

    def capabilities(self) -> frozenset[Capability]:
        said = self._client.plugin()
        if said is None:
            return WITHOUT_PLUGIN
        listed = said.get("capabilities")
        return frozenset(Capability(name) for name in (listed if isinstance(listed, list) else ())
                         if name in tuple(Capability))

    def me(self) -> frozenset[str]:
        account = (self._client.plugin() or {}).get("account")
        names = (account.get("username"), account.get("name")) if isinstance(account, Mapping) else ()
        return frozenset(str(name) for name in names if name)

    def _need(self, verb: Capability) -> None:
        if verb not in self.capabilities():
            if self._client.plugin() is None:
                raise PluginMissing(f"{verb} is not possible: {MISSING}")
            raise Unsupported(f"{verb} is switched off in the plugin's settings in osTicket, or its agent may not")

    def _ticket(self, raw: Any) -> Ticket:
        if not isinstance(raw, Mapping):
            raise BadRecord(self.name, "?", [Problem("expected an object for a ticket")])
        return self._mapping.read(self.name, record(raw), self._when)

    def _said(self) -> dict[str, Any]:
        return self._client.plugin() or {}

    def _limit(self, name: str) -> int:
        limits = self._said().get("limits")
        value = limits.get(name) if isinstance(limits, Mapping) else None
        return value if isinstance(value, int) and value > 0 else _LIMITS[name]

    def _page(self) -> int:
        return min(self._tool.page or self._limit("page"), self._limit("page"))

    def _bmp(self) -> bool:
        limits = self._said().get("limits")
        return not isinstance(limits, Mapping) or limits.get("text") != "full"

    @property
    def _when(self) -> When:
        return zone_reader(str(self._said().get("zone") or "UTC"))

    def _catalog(self, fresh: bool = False) -> dict[str, Any]:
        with self._lock:
            kept = self._kept
        if kept is not None and not fresh and self._now() - kept[0] < CATALOG_FRESH:
            return kept[1]
        catalog = self._client.call("GET", "catalog")
        with self._lock:
            self._kept = (self._now(), catalog)
        return catalog

    def _catalog_for(self, raw: Mapping[str, Any]) -> dict[str, Any]:
        """The catalog, read anew when it does not know a name: an administrator may just have added it."""
        try:
            changes({name: value for name, value in raw.items() if name not in CREATION_ONLY}, self._catalog(), False)
        except Refused:
            return self._catalog(fresh=True)
        return self._catalog()

    def _reopened_to(self) -> str:
        rows = self._catalog().get("statuses")
        rows = [row for row in rows if isinstance(row, Mapping)] if isinstance(rows, list) else []
        return next((str(row.get("name") or "") for row in rows if row.get("default")), "")


def segment(id: str) -> str:
    """A path segment that cannot become another path."""
    return quote(id, safe="")
