"""Suppliers with a system of their own: signed webhooks after Standard Webhooks, to a guarded address.

Source: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from requests.structures import CaseInsensitiveDict

from connector.answers import retry_after
from connector.domain.delivery import Delivery
from connector.domain.errors import Gone, Postponed, Refused, TryLater
from connector.domain.receiver import Receiver
from connector.domain.signing import sign
from connector.domain.supplier_envelope import encoded, envelope, with_links
from connector.guarded import Answer, Guarded
from connector.supplier_keys import SupplierKeys

GIVE_UP: Final = timedelta(days=3)
CONCURRENCY: Final = 4
_BUSY: Final = frozenset({408, 425, 429})
_EVERYBODY: Final = frozenset({401, 403, 404, 405, 407})
"""Statuses that the next message would meet as well: a wrong address or secret."""
_EXCERPT: Final = 200


class WebhookChannel:
    """One supplier's endpoint. `base` is our own public address, `link_key` signs the links to files."""

    concurrency = CONCURRENCY
    per_minute: int | None = None
    give_up = GIVE_UP

    def __init__(self, receiver: Receiver, keys: SupplierKeys, out: Guarded, base: str = "",
                 link_key: bytes = b"") -> None:
        self.name = receiver.target
        self._receiver, self._keys, self._out = receiver, keys, out
        self._base, self._link_key = base, link_key

    def deliver(self, delivery: Delivery, now: datetime) -> Mapping[str, Any]:
        """Signs with every valid secret: during a rotation either side may still know only one of them."""
        message = envelope(delivery.key, delivery.payload, self._base)
        linked = with_links(message, self._receiver.name, self._base, self._link_key)
        return self.send(message["id"], encoded(linked), now)

    def send(self, id: str, body: bytes, now: datetime) -> dict[str, Any]:
        """One try. Gives status, duration in milliseconds and address; raises as `Channel.deliver`."""
        hook = self._receiver.reach.webhook
        secrets = self._keys.of(self._receiver)
        if hook is None or not secrets:
            raise TryLater("no usable secret to sign with: " + "; ".join(self._keys.problems(self._receiver)))
        headers = {**sign(id, now, body, secrets), "Content-Type": "application/json"}
        try:
            answer = self._out.send("POST", hook.url, headers=headers, body=body)
        except Refused as error:
            # A mistake in a file or in somebody's DNS: what waits is not lost, and goes out when it is mended.
            raise TryLater(f"the address may not be called: {error.reason}") from None
        judge(answer)
        return {"status": answer.status, "ms": round(answer.took / timedelta(milliseconds=1)),
                "address": answer.address, "message": id}

    def close(self) -> None: ...


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


