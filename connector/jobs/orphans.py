"""Work left behind by a process of this machine that is certainly gone: given back at once, not when its lease ends."""

from __future__ import annotations

import os
import secrets
import socket
from functools import cache
from typing import Final

import structlog

from connector.flows.deliver import LEASE
from connector.ports import Deps

log = structlog.get_logger("connector.jobs")
_NAMESPACE: Final = "/proc/self/ns/pid"


@cache
def place() -> str:
    """Where process numbers mean the same as here: this host and, in containers, its own table of processes."""
    try:
        table = os.stat(_NAMESPACE).st_ino
    except OSError:
        return socket.gethostname()
    return f"{socket.gethostname()}/{table}"


def owner() -> str:
    """A name no other process has, also not an earlier one with the same number."""
    return f"{place()}:{os.getpid()}:{secrets.token_hex(4)}"


def gone(name: str) -> bool:
    """Whether the process of this name has certainly ended; one of another place may live."""
    where, _colon, rest = name.partition(":")
    number = rest.partition(":")[0]
    if where != place() or not number.isdecimal() or not 0 < int(number) < 1 << 31:
        return False
    try:
        os.kill(int(number), 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    return False


def take_over(deps: Deps) -> int:
    """Give back the deliveries of processes that are gone; how many there were."""
    with deps.store.read() as tx:
        dead = [name for name in tx.holders() if name != deps.owner and gone(name)]
    if not dead:
        return 0
    with deps.store.begin() as tx:
        count = sum(tx.release(name, LEASE) for name in dead)
    log.warning("deliveries_taken_over", owners=len(dead), deliveries=count)
    return count
