"""The outbox at work: what is due goes out, each delivery once, in the order of its lane, as fast as targets allow.

A target is a tool or a channel to people and suppliers. Both have the same leases, lanes, back-off and gates.

A delivery is claimed under a lease. Its write begins only while enough of the lease is left to end in time, and its
result counts only if the lease still holds: who takes over an expired one looks first at what is already done.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from datetime import datetime, timedelta
from random import Random
from typing import Any, Final

from connector.domain.attempt import Outcome
from connector.domain.delivery import Delivery, Verb, back_off
from connector.domain.errors import Conflict, ConnectorError, Gone, Postponed, Refused, TryLater, Unsupported
from connector.domain.notices.fallback import overdue, spare
from connector.flows import burial, sent, switch, writes
from connector.flows.breaker import Gate
from connector.flows.reading import Stop, log, never
from connector.flows.writes import Lost
from connector.ports import Channel, Deps, Tool, Tx
from connector.recorder import Recorder, recording

LEASE: Final = timedelta(minutes=10)
MARGIN: Final = timedelta(minutes=4)
"""Least lease left for a write to begin: more than all time limits of one exchange together."""
SOON: Final = timedelta(milliseconds=200)
"""While deliveries are slow, what becomes due meanwhile is looked for so often."""
GIVE_UP: Final = timedelta(days=7)
STREAM: Final = "outbox"
"""Stream of each target that holds the state of its gate."""
NOTIFY: Final = "notify"
"""Verb of a message to a person; it may carry another way to go (domain/notices/fallback.py)."""
Result = Mapping[str, Any] | None
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
    with ThreadPoolExecutor(round_.workers, "deliver") as pool:
        running: dict[Future[Result], tuple[Delivery, Recorder]] = {}
        while claimed or running:
            for delivery in claimed:
                tried = Recorder(delivery, deps.now(), private=sent.private(deps, delivery.target))
                running[pool.submit(round_.work, delivery, deps.now() + LEASE - MARGIN, tried)] = (delivery, tried)
            done = wait(running, SOON.total_seconds(), FIRST_COMPLETED).done
            for future in done:
                round_.finished(*running.pop(future), future)
            claimed = [] if stop() or (done and not round_.roomy) else round_.claim()
    round_.close()
    return round_.count


class _Round:
    """One tick: what is under way per target, and the gates."""

    def __init__(self, deps: Deps, rng: Random) -> None:
        self.deps, self.rng, self.count = deps, rng, 0
        self.channels = dict(deps.channels)
        self.targets: dict[str, Tool | Channel] = {**deps.tools, **self.channels}
        self.workers = max(1, sum(target.concurrency for target in self.targets.values()))
        self.running: dict[str, int] = {}
        with deps.store.read() as tx:
            kept = tx.cursors(STREAM)
        self.gates = {name: Gate.load(kept.get(name, {})) for name in self.targets}
        self.kept = {name: gate.dump() for name, gate in self.gates.items()}

    def claim(self) -> list[Delivery]:
        now = self.deps.now()
        room = {name: self.gates[name].room(now, target.concurrency, target.per_minute, self.running.get(name, 0))
                for name, target in self.targets.items()}
        with self.deps.store.begin() as tx:
            off = switch.disabled(tx)
            room.update(dict.fromkeys(off, 0))
            shut = {name: off.get(name) or self.gates[name].reason for name in self.channels
                    if name in off or self.gates[name].state(now) != "closed"}
            self._pass_on(tx, shut, now)
            claimed = tx.claim(self.deps.owner, now, LEASE, {name: n for name, n in room.items() if n > 0})
            for delivery in claimed:
                self.running[delivery.target] = self.running.get(delivery.target, 0) + 1
                self.gates[delivery.target].take(now, 1, self.targets[delivery.target].per_minute)
            if claimed:
                self._keep(tx, now)
        self.count += len(claimed)
        return claimed

    @property
    def roomy(self) -> bool:
        """Whether some target has half of its places free: several are claimed with one write."""
        return any(self.running.get(name, 0) <= target.concurrency // 2 for name, target in self.targets.items()
                   if name in self.running)

    def _pass_on(self, tx: Tx, shut: Mapping[str, str], now: datetime) -> None:
        """What waits before a shut channel and can go another way does so once its patience is over."""
        for name, reason in shut.items():
            waiting = (delivery for delivery in tx.outstanding(name, NOTIFY) if not delivery.owner)
            late = [delivery for delivery in waiting if overdue(delivery, now) and spare(delivery)]
            if late:
                burial.pass_on(tx, late, now, f"sent another way: {reason}")

    def work(self, delivery: Delivery, until: datetime, tried: Recorder) -> Result:
        """Runs in a thread of the pool. Raises what the handler or channel raises."""
        tried.begin(self.deps.now())
        with recording(tried):
            return self._work(delivery, until)

    def _work(self, delivery: Delivery, until: datetime) -> Result:
        def in_time() -> None:
            if self.deps.now() > until:
                raise TryLater("too slow: the lease would not outlast the write")

        channel = self.channels.get(delivery.target)
        if channel is not None:
            in_time()
            return channel.deliver(delivery, self.deps.now())
        handler = _HANDLERS.get(delivery.verb)
        if handler is None:
            raise Refused(f"nothing here knows how to {delivery.verb}")
        handler(self.deps, self.deps.tools[delivery.target], delivery, in_time)
        return None

    def finished(self, delivery: Delivery, tried: Recorder, future: Future[Result]) -> None:
        """Write down how a delivery ended. If the store cannot take it now, the lease runs out and somebody looks."""
        self.running[delivery.target] -= 1
        error = future.exception()
        try:
            if error is None:
                self._worked(delivery, tried, future.result())
            else:
                self._judge(delivery, tried, error)
        except (TryLater, Conflict) as problem:
            log.error("outcome_not_kept", target=delivery.target, delivery=delivery.id, reason=str(problem))

    def _worked(self, delivery: Delivery, tried: Recorder, result: Result) -> None:
        """A tool's handler has finished its delivery itself, in the transaction that took in what came of it."""
        self.gates[delivery.target].worked()
        if result is not None:
            with self.deps.store.begin() as tx:
                if not tx.done(delivery, self.deps.now(), result, tried.ended(Outcome.DONE)):
                    log.warning("lease_lost", target=delivery.target, delivery=delivery.id)

    def _judge(self, delivery: Delivery, tried: Recorder, error: BaseException) -> None:
        gate, now = self.gates[delivery.target], self.deps.now()
        if isinstance(error, Lost):
            log.warning("lease_lost", target=delivery.target, delivery=delivery.id)
        elif isinstance(error, Postponed):
            gate.worked()
            self._later(delivery, tried, tried.words(error.reason), error.wait, now)
        elif isinstance(error, TryLater):
            gate.failed(now, tried.words(error.reason), error.wait, self.rng)
            self._later(delivery, tried, tried.words(error.reason), error.wait, now)
        elif isinstance(error, Gone):
            self._switch_off(delivery, tried, tried.words(error.reason), now)
        elif isinstance(error, (Refused, Unsupported)):
            gate.worked()
            self._refuse(delivery, tried, tried.words(str(error)))
        elif isinstance(error, ConnectorError):
            self._later(delivery, tried, tried.words(str(error)), None, now)
        elif isinstance(error, Exception):
            # A mistake of ours must not stop the others, nor be tried in a tight loop.
            log.error("delivery_failed", target=delivery.target, delivery=delivery.id, error=type(error).__name__,
                      exc_info=error)
            self._later(delivery, tried, f"internal error ({type(error).__name__})", None, now)
        else:
            raise error

    def _refuse(self, delivery: Delivery, tried: Recorder, reason: str) -> None:
        burial.refuse(self.deps, delivery, reason, tried.ended(Outcome.REFUSED, reason))

    def _switch_off(self, delivery: Delivery, tried: Recorder, reason: str, now: datetime) -> None:
        """Nothing is lost: the delivery waits with the others until the target is enabled again."""
        log.error("target_gone", target=delivery.target, delivery=delivery.id, reason=reason)
        with self.deps.store.begin() as tx:
            switch.disable(tx, delivery.target, reason, self.deps.owner, now)
            tx.retry(delivery, now, reason, tried.ended(Outcome.RETRY, reason))

    def _later(self, delivery: Delivery, tried: Recorder, reason: str, asked: timedelta | None, now: datetime) -> None:
        age = now - delivery.created_at
        if overdue(delivery, now) or (age > self._give_up(delivery) and delivery.attempts >= 10):
            after = f"{age.days} days" if age.days else f"{age // timedelta(minutes=1)} minutes"
            self._refuse(delivery, tried, f"given up after {after}: {reason}")
            return
        with self.deps.store.begin() as tx:
            tx.retry(delivery, now + back_off(delivery.attempts, self.rng, asked), reason,
                     tried.ended(Outcome.RETRY, reason))

    def _give_up(self, delivery: Delivery) -> timedelta:
        channel = self.channels.get(delivery.target)
        if channel is not None:
            return channel.give_up
        allowed: timedelta = self.deps.options.get("give_up_after", GIVE_UP)
        return allowed

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
