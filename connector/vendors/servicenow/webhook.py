"""Webhooks of our application inside the instance: Standard Webhooks, saying which records changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import orjson

from connector.domain.errors import BadSignature, Refused
from connector.domain.signing import verify
from connector.ports import Hint
from connector.settings.secret import Secret
from connector.vendors.servicenow.query import is_id

LARGEST: Final = 1_000_000
MOST_IDS: Final = 10_000


def read_hint(headers: Mapping[str, str], body: bytes, secrets: Sequence[Secret], now: datetime) -> Hint:
    """The ids in `{"type": ..., "ids": [sys_id, ...]}`. Raises BadSignature, and Refused for a signed body that is
    something else."""
    if len(body) > LARGEST:
        raise BadSignature("the body is too large to be one of ours")
    message = verify(headers, body, [secret.reveal() for secret in secrets], now)
    try:
        data: Any = orjson.loads(body)
    except ValueError:
        raise Refused("the webhook's body is not JSON") from None
    ids = data.get("ids") if isinstance(data, dict) else None
    if not isinstance(ids, list) or len(ids) > MOST_IDS or not all(is_id(id) for id in ids):
        raise Refused('the webhook\'s body has no list of sys_ids under "ids"')
    return Hint(message=message, ids=tuple(dict.fromkeys(ids)))
