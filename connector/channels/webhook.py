"""Suppliers with a system of their own: signed webhooks after Standard Webhooks, to a guarded address.

Source: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from connector import recorder
from connector.channels.judgement import judge
from connector.channels.supplier_file import FETCH, Keep, fetched
from connector.domain.delivery import Delivery
from connector.domain.errors import Refused, TryLater
from connector.domain.handoffs.receiver import Receiver
from connector.domain.handoffs.supplier_envelope import encoded, envelope, with_links
from connector.domain.signing import sign
from connector.guarded import Guarded
from connector.settings.supplier_keys import SupplierKeys

GIVE_UP: Final = timedelta(days=3, hours=12)
"""So that an outage of three whole days loses nothing."""
CONCURRENCY: Final = 4


class WebhookChannel:
    """One supplier's endpoint.

    `base` is our own public address, `link_key` signs the links to our files, `keep` stores the files of theirs.
    """

    concurrency = CONCURRENCY
    per_minute: int | None = None
    give_up = GIVE_UP

    def __init__(self, receiver: Receiver, keys: SupplierKeys, out: Guarded, base: str = "",
                 link_key: bytes = b"", keep: Keep | None = None) -> None:
        self.name = receiver.target
        self._receiver, self._keys, self._out = receiver, keys, out
        self._base, self._link_key, self._keep = base, link_key, keep

    def deliver(self, delivery: Delivery, now: datetime) -> Mapping[str, Any]:
        """Signs with every valid secret: during a rotation either side may still know only one of them."""
        if delivery.verb == FETCH:
            return fetched(self._out, delivery, self._keep)
        message = envelope(delivery.key, delivery.payload, self._base)
        linked = with_links(message, self._receiver.name, self._base, self._link_key)
        return self.send(message["id"], encoded(linked), now)

    def send(self, id: str, body: bytes, now: datetime) -> dict[str, Any]:
        """One try. Gives status, duration in milliseconds and address; raises as `Channel.deliver`."""
        hook = self._receiver.reach.webhook
        secrets = self._keys.of(self._receiver)
        if hook is None or not secrets:
            raise TryLater("no usable secret to sign with: " + "; ".join(self._keys.problems(self._receiver)))
        recorder.hide(*secrets, *(one.removeprefix("whsec_") for one in secrets))
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
