"""What handoffs need of a person, for the home page."""

from __future__ import annotations

from flask import url_for

from connector.web.i18n import _, ngettext
from connector.web.pages.matter import Matter
from connector.web.services import Services


def matters(parts: Services) -> list[Matter]:
    counts = parts.handoffs.counts()
    found = []
    if counts["late"]:
        text = ngettext("%(num)d handoff is late, or nothing is heard of it.",
                        "%(num)d handoffs are late, or nothing is heard of them.", counts["late"])
        found.append(Matter("bad", text % {"num": counts["late"]}, url_for("handoffs.board", view="late"),
                            _("See handoffs")))
    if counts["ours"]:
        text = ngettext("%(num)d handoff waits for us.", "%(num)d handoffs wait for us.", counts["ours"])
        found.append(Matter("warn", text % {"num": counts["ours"]}, url_for("handoffs.board", view="ours"),
                            _("See handoffs")))
    return found
