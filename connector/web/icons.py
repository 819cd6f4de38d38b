"""Bootstrap's icons from the installed package, set into the page as SVG: no font, no second request."""

from __future__ import annotations

import re
from functools import cache
from typing import Final

from markupsafe import Markup

from connector.web.assets import folder

_SYMBOL: Final = re.compile(r'<symbol class="[^"]*" viewBox="([0-9 ]+)" id="([a-z0-9-]+)">(.*?)</symbol>', re.DOTALL)


@cache
def _sprite() -> dict[str, Markup]:
    text = folder("flask_bootstrap", "static", "bootstrap5", "icons", "bootstrap-icons.svg").read_text(encoding="utf-8")
    svg = '<svg class="icon" viewBox="{}" aria-hidden="true" focusable="false">{}</svg>'
    return {name: Markup(svg.format(box, body)) for box, name, body in _SYMBOL.findall(text)}  # noqa: S704


def icon(name: str) -> Markup:
    """Decoration: screen readers skip it, words beside it say the same. Raises KeyError for an unknown name."""
    return _sprite()[name]
