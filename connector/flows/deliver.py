"""The outbox at work: what is due goes out, each delivery once, in the order of its lane, as fast as targets allow.

A delivery is claimed under a lease. Its write begins only while enough of the lease is left to end in time, and its
result counts only if the lease still holds: who takes over an expired one looks first at what is already done.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from datetime import datetime, timedelta
from random import Random
from typing import Final

from connector.domain.delivery import Delivery, Verb, back_off
from connector.domain.errors import Conflict, ConnectorError, Refused, TryLater, Unsupported
from connector.flows import burial, writes
from connector.flows.breaker import Gate
from connector.flows.reading import Stop, log, never
from connector.flows.writes import Lost
from connector.ports import Deps, Tool, Tx

LEASE: Final = timedelta(minutes=10)
MARGIN: Final = timedelta(minutes=4)
"""Least lease left for a write to begin: more than all time limits of one exchange together."""
GIVE_UP: Final = timedelta(days=7)
STREAM: Final = "outbox"
"""Stream of each target that holds the state of its gate."""
Handler = Callable[[Deps, Tool, Delivery, writes.InTime], None]
_HANDLERS: Final[dict[str, Handler]] = {Verb.UPDATE: writes.update, Verb.CREATE: writes.create,
                                        Verb.COMMENT: writes.comment, Verb.ATTACH: writes.attach}


def tick(deps: Deps, stop: Stop = never, rng: Random | None = None) -> int:
    """Deliver what is due and whatever becomes due meanwhile; says how many deliveries were worked on.

    `stop` ends it early: nothing new is claimed, what is under way is finished.
    """
    round_ = _Round(deps, rng or Random())
    claimed = round_.claim()
    if not claimed:
        return 0
    with ThreadPoolExecutor(sum(tool.concurrency for tool in deps.tools.values()), "deliver") as pool:
        running: dict[Future[None], Delivery] = {}
        while claimed or running:
            for delivery in claimed:
                running[pool.submit(round_.work, delivery, deps.now() + LEASE - MARGIN)] = delivery
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                round_.finished(running.pop(future), future.exception())
            claimed = [] if stop() else round_.claim()
    round_.close()
    return round_.count


class _Round:
    """One tick: what is under way per target, and the gates."""

    def __init__(self, deps: Deps, rng: Random) -> None:
        self.deps, self.rng, self.count = deps, rng, 0
        self.running: dict[str, int] = {}
        with deps.store.read() as tx:
            self.gates = {name: Gate.load(tx.cursor(name, STREAM)) for name in deps.tools}
        self.kept = {name: gate.dump() for name, gate in self.gates.items()}

    def claim(self) -> list[Delivery]:
        now = self.deps.now()
        room = {name: self.gates[name].room(now, tool.concurrency, tool.per_minute, self.running.get(name, 0))
                for name, tool in self.deps.tools.items()}
        room = {name: places for name, places in room.items() if places > 0}
        if not room:
            return []
        with self.deps.store.begin() as tx:
            claimed = tx.claim(self.deps.owner, now, LEASE, room)
            for delivery in claimed:
                self.running[delivery.target] = self.running.get(delivery.target, 0) + 1
                self.gates[delivery.target].take(now, 1, self.deps.tools[delivery.target].per_minute)
            if claimed:
                self._keep(tx, now)
        self.count += len(claimed)
        return claimed

    def work(self, delivery: Delivery, until: datetime) -> None:
        """Runs in a thread of the pool. Raises what the handler raises."""
        tool = self.deps.tools[delivery.target]
        handler = _HANDLERS.get(delivery.verb)
        if handler is None:
            raise Refused(f"nothing here knows how to {delivery.verb}")

        def in_time() -> None:
            if self.deps.now() > until:
                raise TryLater("too slow: the lease would not outlast the write")

        handler(self.deps, tool, delivery, in_time)

    def finished(self, delivery: Delivery, error: BaseException | None) -> None:
        """Write down how a delivery ended. If the store cannot take it now, the lease runs out and somebody looks."""
        self.running[delivery.target] -= 1
        try:
            self._judge(delivery, error)
        except (TryLater, Conflict) as problem:
            log.error("outcome_not_kept", target=delivery.target, delivery=delivery.id, reason=str(problem))

    def _judge(self, delivery: Delivery, error: BaseException | None) -> None:
        gate, now = self.gates[delivery.target], self.deps.now()
        if error is None:
            gate.worked()
        elif isinstance(error, Lost):
            log.warning("lease_lost", target=delivery.target, delivery=delivery.id)
        elif isinstance(error, TryLater):
            gate.failed(now, error.reason, error.wait, self.rng)
            self._later(delivery, error.reason, error.wait, now)
        elif isinstance(error, (Refused, Unsupported)):
            gate.worked()
            burial.refuse(self.deps, self.deps.tools[delivery.target], delivery, str(error))
        elif isinstance(error, ConnectorError):
            self._later(delivery, str(error), None, now)
        elif isinstance(error, Exception):
            # A mistake of ours must not stop the others, nor be tried in a tight loop.
            log.error("delivery_failed", target=delivery.target, delivery=delivery.id, error=type(error).__name__,
                      exc_info=error)
            self._later(delivery, f"internal error ({type(error).__name__})", None, now)
        else:
            raise error

    def _later(self, delivery: Delivery, reason: str, asked: timedelta | None, now: datetime) -> None:
        age = now - delivery.created_at
        if age > self.deps.options.get("give_up_after", GIVE_UP) and delivery.attempts >= 10:
            burial.refuse(self.deps, self.deps.tools[delivery.target], delivery,
                          f"given up after {age.days} days: {reason}")
            return
        with self.deps.store.begin() as tx:
            tx.retry(delivery, now + back_off(delivery.attempts, self.rng, asked), reason)

    def close(self) -> None:
        if any(gate.dump() != self.kept[name] for name, gate in self.gates.items()):
            with self.deps.store.begin() as tx:
                self._keep(tx, self.deps.now())

    def _keep(self, tx: Tx, now: datetime) -> None:
        for name, gate in self.gates.items():
            state = gate.dump()
            if state != self.kept[name]:
                tx.move_cursor(name, STREAM, state, now)
                self.kept[name] = state
