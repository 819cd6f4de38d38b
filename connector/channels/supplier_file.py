"""A file that a supplier told us of by its address: fetched through the guard, and kept only if it is what was told."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

from connector.domain.delivery import Delivery
from connector.domain.errors import Postponed, Refused, TryLater
from connector.guarded import Guarded

FETCH: Final = "fetch"
"""Verb of the delivery (flows/handoff_inbox.py)."""
Keep = Callable[[Iterable[bytes]], tuple[str, int]]
"""Stores bytes; gives their SHA-256 and number."""


def fetched(out: Guarded, delivery: Delivery, keep: Keep | None) -> Mapping[str, Any]:
    """Raises as Channel.deliver. Trouble with one file holds up no message: it is Postponed.

    A file that is not what was told is fetched once more, then refused.
    """
    if keep is None:
        raise Postponed("there is nowhere to keep files")
    told = delivery.payload
    found: list[tuple[str, int]] = []

    def take(pieces: Iterator[bytes]) -> None:
        found.append(keep(_at_most(pieces, told["size"])))

    try:
        answer = out.send("GET", told["url"], take=take)
    except TryLater as error:
        raise Postponed(error.reason, error.wait) from None
    if not found:
        raise Postponed(f"the file cannot be fetched: status {answer.status}")
    if found[0] != (told["sha256"], told["size"]):
        reason = "the file is not what was told: its size or SHA-256 differ"
        raise Refused(reason) if delivery.attempts else Postponed(reason)
    return {"status": answer.status, "sha256": told["sha256"], "size": told["size"]}


def _at_most(pieces: Iterator[bytes], size: int) -> Iterator[bytes]:
    """The file and one byte more, which is enough to see that it is too long."""
    left = size + 1
    for piece in pieces:
        yield piece[:left]
        left -= len(piece[:left])
        if left <= 0:
            return
