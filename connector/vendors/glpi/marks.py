"""Our mark on what we write, so that a write whose answer was lost is found instead of repeated.

GLPI 10 has no column for an outside key. The mark is an HTML comment at the end of a text: nobody sees it, GLPI keeps
it and its search finds it. It is a digest, so that no character of a key can mean something to the search.
"""

from __future__ import annotations

import hashlib

from connector.domain.text import html


def mark(key: str) -> str:
    return "sdc-" + hashlib.sha256(key.encode()).hexdigest()[:24]


def marked(text: str, key: str) -> str:
    """Plain text as HTML that ends with the mark of `key`."""
    return f"{html(text)}<!-- {mark(key)} -->"
