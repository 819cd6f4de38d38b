"""The demo's supplier: joins by a contract file, is given work now and then, and its solutions are accepted or not."""

from __future__ import annotations

import os
import random
import threading
from collections import Counter
from pathlib import Path
from typing import Final

from ruamel.yaml import YAML

from connector.domain.errors import ConnectorError
from connector.domain.handoffs.moves import HandoffState, Move
from connector.flows import handoffs
from connector.ports import Deps
from connector.sandbox.supplier import Supplier
from connector.store.handoff_queries import HandoffQueries
from connector.store.queries import Queries
from connector.store.sql import SqlStore
from connector.store.views import TicketFilter

NAME: Final = "nordwind"
SECRET: Final = "DEMO_SUPPLIER_SECRET"  # noqa: S105
CONTRACT: Final = """\
profile: nordwind-uc
agreement: uc
description: The demo's supplier, with a system of its own
calendar: 24x7
timezone: Europe/Zurich
targets: {acknowledge: 15m, resolution: {P1: 2h, else: 8h}, approval: 1d}
receiver:
  name: nordwind
  title: Nordwind IT
  kind: supplier
  supplier: Nordwind IT
  reach: {webhook: {url: "%s", secrets: [%s]}}
  shares: {fields: [title, priority, category, service], comments: published, attachments: chosen}
  severities: {P1: Sev 1, P2: Sev 2, P3: Sev 3}
"""
PATIENCE: Final = 15.0
"""Seconds to wait for work that goes before."""
MOST: Final = 6
"""Pieces of work given to it."""


def join(supplier: Supplier, folder: Path) -> None:
    """Write its contract beside the others, and let plain HTTP lead to it: it is on this machine."""
    os.environ[SECRET] = supplier.secret
    place = folder / "sla_profiles" / "suppliers"
    place.mkdir(parents=True, exist_ok=True)
    (place / f"{NAME}.yaml").write_text(CONTRACT % (supplier.url, SECRET), encoding="utf-8")
    path, yaml = folder / "connector.yaml", YAML()
    settings = yaml.load(path)
    settings["suppliers"] = {"allow_http": True}
    with path.open("w", encoding="utf-8") as stream:
        yaml.dump(settings, stream)


class Integrator:
    """Somebody at our desk who hands work over and looks at what comes back."""

    def __init__(self, deps: Deps, supplier: Supplier, after: threading.Event | None = None) -> None:
        """`after`: other work of the supplier goes first."""
        assert isinstance(deps.store, SqlStore)
        self._deps, self._store, self._supplier = deps, deps.store, supplier
        self._rng = random.Random(5)
        self._stopped = threading.Event()
        self._after = after
        self._thread = threading.Thread(target=self._loop, name="integrator", daemon=True)
        self.given = 0

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        self._thread.join(10)
        self._supplier.idle(8)

    def states(self) -> Counter[str]:
        views = HandoffQueries(self._store)
        pages = [views.board(view, only=[NAME], limit=200) for view in ("open", "closed")]
        return Counter(str(row.handoff.state) for page in pages for row in page.items)

    def _loop(self) -> None:
        if self._after is not None:
            self._after.wait(PATIENCE)
        while not self._stopped.wait(1.5):
            try:
                self._judge()
                if self.given < MOST:
                    self._give()
            except (ConnectorError, IndexError):
                continue  # the ticket moved meanwhile, or there is none yet

    def _give(self) -> None:
        rows = Queries(self._store).tickets(TicketFilter(state=("new", "in_progress")), limit=50).items
        ticket = self._rng.choice(rows)
        what = handoffs.Offer(receiver=NAME, reason="Their part does not answer.", tried="restarted twice")
        handoffs.offer(self._deps, ticket.key, what, "demo", once=f"demo-{self.given}")
        self.given += 1

    def _judge(self) -> None:
        for row in HandoffQueries(self._store).board("ours", only=[NAME]).items:
            handoff = row.handoff
            if handoff.state is HandoffState.RESOLVED_PROPOSED:
                again = not handoff.rejections and self._rng.random() < 0.3
                handoffs.act(self._deps, handoff.id, Move.REJECT if again else Move.ACCEPT, "demo",
                             reason="It still fails." if again else "")
            elif handoff.state is HandoffState.ACCEPTED:
                handoffs.act(self._deps, handoff.id, Move.CLOSE, "demo")
