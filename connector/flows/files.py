"""Files on their way to a tool: kept by content under one folder until nothing needs them any more.

A file is complete before the delivery that names it exists, and never changes; a repeat writes nothing.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator
from datetime import timedelta
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Final

from connector.domain.delivery import Verb
from connector.domain.errors import Refused
from connector.ports import Deps

LARGEST: Final = 64 * 1024 * 1024
KEPT: Final = timedelta(days=30)
"""How long a delivered file stays, so that a delivery can be repeated by hand."""
_CHUNK: Final = 64 * 1024


def folder(deps: Deps) -> Path:
    """Where files are kept (`options["files"]`): all processes must see the same folder."""
    return Path(deps.options.get("files", "var/files"))


def keep(deps: Deps, chunks: Iterable[bytes]) -> tuple[str, int]:
    """Store the bytes durably; gives their SHA-256 and their number. Raises Refused when there are too many."""
    place = folder(deps)
    place.mkdir(parents=True, exist_ok=True)
    largest = int(deps.options.get("largest_file", LARGEST))
    digest, size = hashlib.sha256(), 0
    with NamedTemporaryFile(dir=place, prefix="part-", delete=False) as part:
        try:
            for chunk in chunks:
                size += len(chunk)
                if size > largest:
                    raise Refused(f"the file is larger than {largest} bytes")
                digest.update(chunk)
                part.write(chunk)
            part.flush()
            os.fsync(part.fileno())
        except BaseException:
            os.unlink(part.name)
            raise
    os.replace(part.name, place / digest.hexdigest())
    _settle(place)
    return digest.hexdigest(), size


def read(deps: Deps, digest: str) -> Iterator[bytes]:
    """The bytes of a kept file. Raises Refused when it is no longer there."""
    try:
        with (folder(deps) / Path(digest).name).open("rb") as file:
            while chunk := file.read(_CHUNK):
                yield chunk
    except FileNotFoundError:
        raise Refused("the file is no longer kept: attach it again") from None


def there(deps: Deps, digest: str) -> bool:
    return (folder(deps) / Path(digest).name).is_file()


def clean(deps: Deps) -> int:
    """Remove files that are old and that no delivery still needs; says how many."""
    place = folder(deps)
    if not place.is_dir():
        return 0
    before = (deps.now() - KEPT).timestamp()
    old = [file for file in place.iterdir() if file.is_file() and file.stat().st_mtime < before]
    if not old:
        return 0
    with deps.store.read() as tx:
        needed = {str(order.payload["digest"]) for tool in deps.tools for order in tx.outstanding(tool, Verb.ATTACH)}
        needed |= tx.needed_files([file.name for file in old])
    removed = 0
    for file in old:
        if file.name not in needed and file.stat().st_mtime < before:
            file.unlink(missing_ok=True)
            removed += 1
    return removed


def _settle(place: Path) -> None:
    """Make the new name in the folder durable too."""
    handle = os.open(place, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
