"""Room of the agreements: every version that ever was in force, so that running clocks can keep theirs."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import select

from connector.store.room import Room
from connector.store.tables import agreements


class AgreementRoom(Room):
    def keep_agreements(self, documents: Mapping[tuple[str, str], Mapping[str, Any]], now: datetime) -> None:
        kept = self.bulk.upsert(agreements).on_conflict_do_nothing(index_elements=["profile", "version"])
        self.many(kept, [{"profile": profile, "version": version, "document": dict(document), "kept_at": now}
                         for (profile, version), document in sorted(documents.items())])

    def kept_agreements(self) -> dict[tuple[str, str], dict[str, Any]]:
        found = select(agreements.c.profile, agreements.c.version, agreements.c.document)
        return {(row.profile, row.version): row.document for row in self.run(found)}
