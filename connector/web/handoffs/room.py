"""All pages about handoffs, hung into the app: the desk's and the portal's."""

from __future__ import annotations

from typing import Final

from flask import Flask

from connector.web.handoffs import differences, handover, pages, receivers, selftest
from connector.web.portal import pages as portal

TAKES_FILES: Final = ("handoffs.attach", "portal.attach")
"""Views that verify the form's secret themselves, after the rights: until then nobody sends more than a page's worth.
"""


def install(app: Flask) -> None:
    pages.install(app)
    for room in (pages, differences, handover, receivers, selftest, portal):
        app.register_blueprint(room.blueprint())
    for name in TAKES_FILES:
        app.extensions["connector_csrf"].exempt(app.view_functions[name])
