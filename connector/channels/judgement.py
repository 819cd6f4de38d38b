"""What a supplier's answer means, after Standard Webhooks: 2xx is success, 410 is for good, the rest is tried again."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from requests.structures import CaseInsensitiveDict

from connector.answers import retry_after
from connector.domain.errors import Gone, Postponed, TryLater
from connector.guarded import Answer

_BUSY: Final = frozenset({408, 425, 429})
_EVERYBODY: Final = frozenset({401, 403, 404, 405, 407})
"""Statuses that the next message would meet as well: a wrong address or secret."""
_EXCERPT: Final = 200


def judge(answer: Answer) -> None:
    """Returns for a success, which only 2xx is; raises what the answer means otherwise."""
    status = answer.status
    if 200 <= status < 300:
        return
    text = f"status {status} after {answer.took / timedelta(seconds=1):.1f} s"
    said = " ".join(answer.body[: _EXCERPT * 4].decode("utf-8", "replace").split())
    said = "".join(letter for letter in said if letter.isprintable())[:_EXCERPT]
    text += f": {said}" if said else ""
    if status == 410:
        raise Gone(text, status)
    if status in _BUSY or status >= 500:
        raise TryLater(text, retry_after(CaseInsensitiveDict(answer.headers)))
    if status in _EVERYBODY or status < 400:
        raise TryLater(text + (" (redirects are not followed)" if 300 <= status < 400 else ""))
    # Only this message: it is tried again for as long as any, since the other side may mend its reading of it.
    raise Postponed(text, retry_after(CaseInsensitiveDict(answer.headers)))


