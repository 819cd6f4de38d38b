"""Pages for people, one module each."""

from __future__ import annotations

from flask import Flask

from connector.web.handoffs import room as handoffs
from connector.web.pages import (
    ack,
    agreements,
    approve,
    audit,
    clocks,
    connections,
    deliveries,
    escalations,
    files,
    home,
    major,
    people,
    quarantine,
    requested,
    ticket,
    tickets,
    tokens,
    users,
)


def install(app: Flask) -> None:
    ack.install(app)
    approve.install(app)
    clocks.install(app)
    escalations.install(app)
    major.install(app)
    for page in (home, tickets, ticket, requested, escalations, files, connections, deliveries, quarantine, agreements,
                 people, audit, users, tokens):
        app.register_blueprint(page.blueprint())
    handoffs.install(app)
