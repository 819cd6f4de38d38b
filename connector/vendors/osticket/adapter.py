"""osTicket as a `Vendor`: everything with our plugin, creating tickets without it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from connector.ports import Capability, Diagnosis, FieldInfo, Hint
from connector.vendors.osticket import webhook
from connector.vendors.osticket.describe import described, diagnosed
from connector.vendors.osticket.reading import Reading
from connector.vendors.osticket.writing import Writing


class OsTicket(Reading, Writing):
    """Safe to share between threads."""

    def diagnose(self) -> Diagnosis:
        said = self._client.plugin(fresh=True)
        if said is None:
            self._client.knock()
        return diagnosed(said, self.capabilities(), self._http, bool(self._tool.webhook_secrets))

    def fields(self) -> list[FieldInfo]:
        self._need(Capability.READ)
        return described(self._catalog(fresh=True))

    def skew(self) -> timedelta | None:
        return self._http.skew

    def verify_webhook(self, headers: Mapping[str, str], body: bytes, now: datetime) -> Hint:
        return webhook.verify(self._tool.webhook_secrets, headers, body, now)

    def close(self) -> None:
        self._http.close()
