"""osTicket 1.10 to 1.18: creating by its own API, everything else by our plugin (docs/osticket.md)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from connector.domain.mapping import Mapping
from connector.ports import Vendor
from connector.settings import ToolSettings
from connector.vendors.osticket.adapter import OsTicket
from connector.vendors.osticket.options import AuthSchema, OptionsSchema

AUTH = AuthSchema()
OPTIONS = OptionsSchema()


def build(tool: ToolSettings, mapping: Mapping, now: Callable[[], datetime]) -> Vendor:
    """The adapter of one osTicket; nothing is sent yet."""
    return OsTicket(tool, mapping, now)
