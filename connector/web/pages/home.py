"""What needs attention, and how the tools are."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from typing import Final

from flask import Blueprint, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from connector.store.views import ConnectionRow, Counts, TicketFilter
from connector.web.auth.identity import who
from connector.web.handoffs.matters import matters as of_handoffs
from connector.web.i18n import _, ngettext
from connector.web.pages.matter import Matter
from connector.web.pages.query import OPEN
from connector.web.reasons import told
from connector.web.rights import Door, Right, door
from connector.web.services import services

STUCK: Final = timedelta(minutes=15)
SKEWED: Final = timedelta(seconds=60)


def matters(rows: list[ConnectionRow], counts: Counts, now: datetime) -> list[Matter]:
    found: list[Matter] = []
    for row in rows:
        link = url_for("connections.show", _anchor=row.tool)
        if row.reachable is False:
            found.append(
                Matter(
                    "bad",
                    _("%(tool)s cannot be reached: %(why)s") % {"tool": row.tool, "why": told(row.reason)},
                    link,
                    _("See connection"),
                )
            )
        if row.skew is not None and abs(row.skew) > SKEWED:
            found.append(
                Matter(
                    "warn",
                    _("The clock of %(tool)s differs from ours by %(n)s s.")
                    % {"tool": row.tool, "n": round(row.skew.total_seconds())},
                    link,
                    _("See connection"),
                )
            )
        if row.oldest_waiting is not None and now - row.oldest_waiting > STUCK and row.reachable is not False:
            found.append(
                Matter(
                    "warn",
                    _("Deliveries to %(tool)s are waiting for longer than usual.") % {"tool": row.tool},
                    url_for("deliveries.index", target=row.tool, state="waiting"),
                    _("See deliveries"),
                )
            )
    dead = sum(n for (_target, state), n in counts.deliveries.items() if state == "dead")
    if dead:
        text = ngettext(
            "%(num)d delivery could not be made and needs a decision.",
            "%(num)d deliveries could not be made and need a decision.",
            dead,
        )
        found.append(
            Matter("bad", text % {"num": dead}, url_for("deliveries.index", state="dead"), _("See dead letters"))
        )
    aside = sum(counts.quarantined.values())
    if aside:
        text = ngettext(
            "%(num)d ticket could not be understood and is set aside.",
            "%(num)d tickets could not be understood and are set aside.",
            aside,
        )
        found.append(Matter("warn", text % {"num": aside}, url_for("quarantine.index"), _("See quarantine")))
    return found


@door(Door.SIGNED_IN)
def show() -> ResponseReturnValue:
    asking = who()
    if asking.may(Right.HANDOFFS_ANSWER) and not asking.may(Right.TICKETS_READ):
        return redirect(url_for("portal.index"))
    if asking.supplier is not None or not asking.may(Right.TOOLS_READ):
        return redirect(url_for("tickets.index")) if asking.may(Right.TICKETS_READ) else render_template("nothing.html")
    parts = services()
    counts = parts.queries.counts()
    rows = parts.queries.connections(parts.now(), tuple(parts.settings.tools))
    states = Counter[str]()
    for (_tool, state), n in counts.tickets.items():
        states[state] += n
    mine = {asking.user.login, asking.user.name} - {""} if asking.user else set()
    return render_template(
        "home.html",
        matters=[*matters(rows, counts, parts.now()), *(of_handoffs(parts) if asking.may(Right.HANDOFFS_READ) else [])],
        rows=rows,
        states=states,
        by_tool={
            tool: sum(n for (t, s), n in counts.tickets.items() if t == tool and s in OPEN)
            for tool in {t for t, _s in counts.tickets}
        },
        latest=parts.queries.tickets(limit=8).items,
        mine=parts.queries.tickets(TicketFilter(assignee=tuple(mine), state=OPEN), limit=8).items if mine else [],
        on_its_way=parts.queries.tickets(TicketFilter(on_its_way=True), limit=5).items,
    )


def blueprint() -> Blueprint:
    home = Blueprint("home", __name__)
    home.get("/")(show)
    return home
