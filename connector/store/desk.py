"""Room of the desk: messages seen, links, leases, the audit trail, the health of connections."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import delete, func, insert, or_, select
from sqlalchemy.dialects import postgresql, sqlite

from connector.ports import Diagnosis
from connector.store.ready import Ready
from connector.store.room import Room
from connector.store.tables import audit as trail
from connector.store.tables import connections, exchanges, inbox, leases
from connector.store.tables import links as table

_SEEN: Final = Ready(sqlite.insert(inbox).on_conflict_do_nothing().returning(inbox.c.source),
                     postgresql=postgresql.insert(inbox).on_conflict_do_nothing().returning(inbox.c.source))
KEPT: Final = timedelta(hours=48)
"""How long counts of exchanges are kept; the connections page shows the last 24 hours."""


class DeskRoom(Room):
    def first_time(self, source: str, message: str, digest: str, now: datetime) -> str:
        if _SEEN.run(self.conn, source=source, message=message, digest=digest, at=now):
            return "new"
        before = select(inbox.c.digest).where(inbox.c.source == source, inbox.c.message == message)
        return "repeat" if self.run(before).scalar() == digest else "clash"

    def link(self, tool: str, links: Mapping[str, str]) -> None:
        given = self.bulk.upsert(table)
        self.many(given.on_conflict_do_update(index_elements=["tool", "key"], set_={"id": given.excluded.id}),
                  [{"tool": tool, "key": key, "id": id} for key, id in sorted(links.items())])

    def links(self, tool: str, keys: Sequence[str]) -> dict[str, str]:
        if not keys:
            return {}
        found = select(table.c.key, table.c.id).where(table.c.tool == tool, self.bulk.among(table.c.key, keys))
        return {row.key: row.id for row in self.run(found)}

    def alone(self, name: str) -> None:
        # On SQLite there is one writer at a time.
        if self.postgres:
            self.run(select(func.pg_advisory_xact_lock(func.hashtextextended(name, 0))))

    def lease(self, name: str, owner: str, now: datetime, until: datetime) -> bool:
        """Taken when free, expired or already ours (renewed)."""
        wanted = self.bulk.upsert(leases).values(name=name, owner=owner, until=until)
        taken = wanted.on_conflict_do_update(
            index_elements=["name"],
            set_={"owner": wanted.excluded.owner, "until": wanted.excluded.until},
            where=or_(leases.c.owner == wanted.excluded.owner, leases.c.until <= now),
        )
        return self.run(taken.returning(leases.c.name)).first() is not None

    def end_lease(self, name: str, owner: str) -> None:
        self.run(delete(leases).where(leases.c.name == name, leases.c.owner == owner))

    def audit(self, now: datetime, actor: str, action: str, subject: str, detail: Mapping[str, Any]) -> None:
        self.run(insert(trail).values(at=now, actor=actor, action=action, subject=subject, detail=dict(detail)))

    def health(
        self,
        tool: str,
        now: datetime,
        *,
        worked: int = 0,
        failed: int = 0,
        reason: str = "",
        skew: timedelta | None = None,
        diagnosis: Diagnosis | None = None,
    ) -> None:
        news: dict[str, Any] = {}
        if worked or failed:
            news.update(reachable=not reason, reason=reason)
        if worked:
            news.update(ok_at=now)
        if failed:
            news.update(failed_at=now)
        if diagnosis is not None:
            news.update(version=diagnosis.version, account=diagnosis.account, plugin=diagnosis.plugin,
                        capabilities=sorted(diagnosis.capabilities), remarks=list(diagnosis.remarks), diagnosed_at=now)
            skew = diagnosis.skew if skew is None else skew
        if skew is not None:
            news.update(skew=skew // timedelta(microseconds=1))
        if not news:
            return
        blank = {"reason": "", "version": "", "account": "", "plugin": "", "capabilities": [], "remarks": []}
        known = self.bulk.upsert(connections).values({"tool": tool, **blank, **news})
        changed = {name: known.excluded[name] for name in news}
        self.run(known.on_conflict_do_update(index_elements=["tool"], set_=changed))
        self._count(tool, now, worked, failed)

    def _count(self, tool: str, now: datetime, worked: int, failed: int) -> None:
        if not worked and not failed:
            return
        hour = now.replace(minute=0, second=0, microsecond=0)
        more = self.bulk.upsert(exchanges).values(tool=tool, hour=hour, worked=worked, failed=failed)
        sums = {name: exchanges.c[name] + more.excluded[name] for name in ("worked", "failed")}
        self.run(more.on_conflict_do_update(index_elements=["tool", "hour"], set_=sums))
        self.run(delete(exchanges).where(exchanges.c.tool == tool, exchanges.c.hour < now - KEPT))
