"""What the web needs, as one frozen object: built in one place, handed to `create_app`, found again by `services()`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from flask import current_app

from connector.files.in_force import Agreements
from connector.ports import Deps
from connector.settings import Settings
from connector.settings.supplier_keys import SupplierKeys
from connector.store.accounts import Accounts
from connector.store.answers import Answers
from connector.store.board import BoardQueries
from connector.store.handoff_queries import HandoffQueries
from connector.store.queries import Queries
from connector.store.sessions import Sessions
from connector.store.sql import SqlStore

KEY: Final = "connector"


@dataclass(frozen=True, slots=True)
class Services:
    """`deps` is what the flows take; the rest is the store's read side and what only the web keeps in it."""

    deps: Deps
    settings: Settings
    queries: Queries
    accounts: Accounts
    sessions: Sessions
    answers: Answers
    handoffs: HandoffQueries
    board: BoardQueries
    vitals: Callable[[], tuple[str, ...]] = tuple
    """Reasons why this deployment is not ready to work, in words; none when it is."""
    agreements: Agreements | None = None
    """The agreements in force; None where there is no folder of them, and then no ticket has clocks."""
    keys: SupplierKeys = field(default_factory=SupplierKeys)
    """Secrets of suppliers' webhooks."""

    @classmethod
    def of(
        cls, store: SqlStore, deps: Deps, settings: Settings, agreements: Agreements | None = None
    ) -> Services:
        from connector.web.vitals import reasons

        return cls(
            deps=deps,
            settings=settings,
            queries=Queries(store),
            accounts=Accounts(store),
            sessions=Sessions(store),
            answers=Answers(store),
            handoffs=HandoffQueries(store),
            board=BoardQueries(store),
            vitals=lambda: reasons(store, deps.now()),
            agreements=agreements,
        )

    @property
    def now(self) -> Callable[[], datetime]:
        return self.deps.now


def services() -> Services:
    """The services of the app that handles this request (several apps can live in one process)."""
    found: Services = current_app.extensions[KEY]
    return found
