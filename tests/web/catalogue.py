"""The French catalogue: what the code says, what is translated. `python tests/web/catalogue.py` brings both in step."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

from babel.messages import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import read_mo, write_mo
from babel.messages.pofile import read_po, write_po

WEB = Path(__file__).parents[2] / "connector" / "web"
PO = WEB / "translations" / "fr" / "LC_MESSAGES" / "messages.po"
MO = PO.with_suffix(".mo")
_METHODS = [("**.py", "python"), ("templates/**.html", "jinja2")]
_KEYWORDS = {"_": None, "ngettext": (1, 2), "mark": None}
_OPTIONS = {"templates/**.html": {"trimmed": "true", "silent": "false"}}


def said() -> Catalog:
    """Every text in code and templates."""
    found = Catalog(locale=None, fuzzy=False)
    for file, line, message, _comments, _context in extract_from_dir(WEB, _METHODS, _OPTIONS, _KEYWORDS):
        found.add(message, locations=[(Path(file).as_posix(), line)])
    return found


def texts(catalog: Catalog) -> Iterator[str | tuple[str, ...]]:
    for message in catalog:
        if message.id:
            yield message.id if isinstance(message.id, str) else tuple(message.id)


def translated() -> Catalog:
    with PO.open("rb") as file:
        return read_po(file, locale="fr", abort_invalid=True)


def compiled() -> Catalog:
    with MO.open("rb") as file:
        return read_mo(file)


def as_mo(catalog: Catalog) -> bytes:
    out = io.BytesIO()
    write_mo(out, catalog)
    return out.getvalue()


def update() -> None:
    PO.parent.mkdir(parents=True, exist_ok=True)
    catalog = translated() if PO.exists() else Catalog(locale="fr", project="servicedesk-connector", fuzzy=False)
    catalog.update(said(), no_fuzzy_matching=True)
    catalog.obsolete.clear()
    with PO.open("wb") as file:
        catalog.header_comment = "# French texts of the web pages. `python tests/web/catalogue.py` keeps them in step."
        write_po(file, catalog, width=100, sort_output=True, no_location=True, omit_header=False)
    MO.write_bytes(as_mo(catalog))


if __name__ == "__main__":
    update()
    for message in translated():
        if message.id and not (message.string if isinstance(message.string, str) else all(message.string)):
            print("missing:", message.id)
