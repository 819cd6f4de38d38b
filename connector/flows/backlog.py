"""Reading the tools' memory of tickets whose history is still to be read: the first load leaves it to this."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from connector.domain.history import Event
from connector.domain.syncing.memory import reconcile
from connector.domain.syncing.wishes import wishes_of
from connector.flows.reading import Stop, chunks, never, retried, settled, shown, tool_now
from connector.ports import Capability, Change, Deps, Stored, Tool, Tx


@dataclass(slots=True)
class Caught:
    """How many tickets' histories were read, and how many events they brought."""

    tickets: int = 0
    events: int = 0


def run(deps: Deps, tool: str, limit: int = 500, stop: Stop = never, batch: int = 50) -> Caught:
    """Read the histories of up to `limit` tickets. Raises TryLater, Refused or Unsupported.

    Each batch is a transaction: what was read stays read.
    """
    connected = deps.tools[tool]
    caught = Caught()
    if Capability.HISTORY not in connected.vendor.capabilities():
        return caught
    with deps.store.read() as tx:
        now = tool_now(deps, connected)
        due = [stored.ticket.id for stored in tx.history_backlog(tool, limit) if settled(shown(stored), now)]
    me = connected.vendor.me() if due else frozenset()
    for ids in chunks(due, batch):
        if stop():
            break
        asked = tool_now(deps, connected)
        memory = connected.vendor.history(ids)
        caught.events += retried(partial(_keep, deps, connected, ids, memory, me, asked))
        caught.tickets += len(ids)
    return caught


def _keep(deps: Deps, tool: Tool, ids: Sequence[str], memory: Mapping[str, Sequence[Event]],
          me: Collection[str], asked: datetime) -> int:
    with deps.store.begin() as tx:
        known = [stored for stored in tx.tickets(tool.name, ids, lock=True).values() if stored.history_due]
        histories = tx.history([stored.key for stored in known])
        changes = [_told(tx, stored, histories[stored.key], memory.get(stored.ticket.id, ()), me, asked)
                   for stored in known]
        tx.save(changes)
    return sum(len(change.events) for change in changes)


def _told(tx: Tx, stored: Stored, known: Sequence[Event], memory: Sequence[Event], me: Collection[str],
          asked: datetime) -> Change:
    pending = wishes_of(tx.pending(stored.key), known) if stored.base is not None else []
    wished = {name for wish in pending if not wish.void
              for name in (("state", "pending_on") if wish.name == "state" else (wish.name,))}
    events = reconcile(known, memory, shown(stored), me, wished)
    return Change(ticket=stored.ticket, before=stored, base=stored.base, events=events,
                  history_due=not settled(shown(stored), asked), missing_since=stored.missing_since)
