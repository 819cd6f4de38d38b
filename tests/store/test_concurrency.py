"""Several workers at once: no row twice, no lane twice, and a killed worker loses nothing."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import timedelta
from multiprocessing.connection import Connection

import pytest

from connector.domain.errors import Conflict, TryLater
from connector.ports import Change
from connector.store import SqlStore, engine
from connector.store import open as open_store
from tests.store.making import NOW, event, order, ticket

LEASE = timedelta(minutes=1)
SPAWN = multiprocessing.get_context("spawn")


def work(url: str, owner: str, out: Connection) -> None:
    """Claims until nothing is left; checks that it is alone in each lane while it holds it."""
    store = open_store(url)
    did: list[tuple[str, str]] = []
    empty = 0
    while empty < 20:
        with store.begin() as tx:
            got = tx.claim(owner, NOW, LEASE, {"glpi": 3})
        empty = 0 if got else empty + 1
        for delivery in got:
            with store.begin() as tx:
                assert tx.done(delivery, NOW, {"by": owner})
            did.append((delivery.lane, delivery.key))
    out.send(did)
    store.close()


def test_processes_that_claim_at_once_share_the_work_and_keep_the_order(store_url: str) -> None:
    store = open_store(store_url)
    with store.begin() as tx:
        tx.enqueue([order(f"{n:03}", f"lane{n % 12}") for n in range(120)], NOW)
    pipes = [SPAWN.Pipe(duplex=False) for _ in range(2)]
    workers = [SPAWN.Process(target=work, args=(store_url, f"w{n}", out)) for n, (_, out) in enumerate(pipes)]
    for worker, (_, out) in zip(workers, pipes, strict=True):
        worker.start()
        out.close()  # so that a worker that dies ends the wait for it
    results = [into.recv() for into, _ in pipes]
    for worker in workers:
        worker.join()
    every = Counter(key for did in results for _, key in did)
    assert len(every) == 120
    assert set(every.values()) == {1}
    for did in results:
        for lane in {lane for lane, _ in did}:
            mine = [key for name, key in did if name == lane]
            assert mine == sorted(mine)
    store.close()


def test_two_open_claims_never_hold_two_deliveries_of_a_lane(postgres_url: str) -> None:
    """The order with the smaller number is committed last, while its successor is being claimed: two heads at once."""
    store = open_store(postgres_url)
    claimed: list[object] = []

    def other() -> None:
        try:
            with store.begin() as tx:
                claimed.extend(found.key for found in tx.claim("b", NOW, LEASE, {"glpi": 9}))
        except Exception as error:
            claimed.append(error)

    with ExitStack() as late:
        late.enter_context(store.begin()).enqueue([order("first")], NOW)
        with store.begin() as tx:
            tx.enqueue([order("second")], NOW)
        with store.begin() as tx:
            assert [found.key for found in tx.claim("a", NOW, LEASE, {"glpi": 9})] == ["second"]
            late.close()
            thread = threading.Thread(target=other)
            thread.start()
            thread.join(0.2)
            assert claimed == []  # waits for the claim that is open
    thread.join()
    assert claimed == []
    store.close()


def test_the_database_itself_refuses_two_leases_in_a_lane(store: SqlStore) -> None:
    with store.begin() as tx:
        tx.enqueue([order("1"), order("2")], NOW)
    with pytest.raises(Exception, match=r"(?i)unique"), store.begin() as tx:
        tx.conn.exec_driver_sql("UPDATE deliveries SET state = 'leased'")


def die(url: str, out: Connection) -> None:
    store = open_store(url)
    with store.begin() as tx:
        got = tx.claim("doomed", NOW, LEASE, {"glpi": 1})
    out.send(got[0].key)
    time.sleep(60)


def test_a_worker_killed_between_claim_and_done_loses_nothing(store_url: str) -> None:
    store = open_store(store_url)
    with store.begin() as tx:
        tx.enqueue([order("1"), order("2")], NOW)
    into, out = SPAWN.Pipe(duplex=False)
    worker = SPAWN.Process(target=die, args=(store_url, out))
    worker.start()
    out.close()
    assert into.recv() == "1"
    assert worker.pid is not None
    os.kill(worker.pid, signal.SIGKILL)
    worker.join()
    with store.begin() as tx:
        assert tx.claim("next", NOW, LEASE, {"glpi": 9}) == []
        (taken,) = tx.claim("next", NOW + LEASE, LEASE, {"glpi": 9})
    assert (taken.key, taken.attempts) == ("1", 1)
    store.close()


def half_save(url: str, out: Connection) -> None:
    store = open_store(url)
    with store.begin() as tx:
        tx.save([Change(ticket=ticket(str(n)), events=[event()]) for n in range(100)])
        tx.move_cursor("glpi", "changes", {"page": 1}, NOW)
        out.send("half-way")
        time.sleep(60)


def test_a_process_killed_in_a_transaction_leaves_no_trace(store_url: str) -> None:
    store = open_store(store_url)
    into, out = SPAWN.Pipe(duplex=False)
    worker = SPAWN.Process(target=half_save, args=(store_url, out))
    worker.start()
    out.close()
    into.recv()
    assert worker.pid is not None
    os.kill(worker.pid, signal.SIGKILL)
    worker.join()
    with store.begin() as tx:
        assert tx.tickets("glpi", ["1"]) == {}
        assert tx.cursor("glpi", "changes") == {}
    store.close()


def at_once(count: int, act: Callable[[int], object]) -> list[object]:
    gate = threading.Barrier(count)

    def one(n: int) -> object:
        gate.wait()
        try:
            return act(n)
        except (Conflict, TryLater) as error:
            return type(error)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(one, range(count)))


def test_a_message_sent_many_times_at_once_is_new_once(store: SqlStore) -> None:
    def act(n: int) -> str:
        with store.begin() as tx:
            return tx.first_time("acme", "m", "d", NOW)

    assert Counter(at_once(8, act)) == {"new": 1, "repeat": 7}


def test_a_lease_wanted_by_many_at_once_is_given_to_one(store: SqlStore) -> None:
    def act(n: int) -> bool:
        with store.begin() as tx:
            return tx.lease("poll", f"w{n}", NOW, NOW + LEASE)

    assert Counter(at_once(8, act)) == {True: 1, False: 7}


def test_an_order_enqueued_by_many_at_once_is_enqueued_once(store: SqlStore) -> None:
    def act(n: int) -> int:
        with store.begin() as tx:
            return len(tx.enqueue([order("same")], NOW))

    assert sorted(at_once(8, act)) == [0] * 7 + [1]  # type: ignore[type-var]


def test_an_event_appended_by_many_at_once_is_there_once(store: SqlStore) -> None:
    with store.begin() as tx:
        (key,) = tx.save([Change(ticket=ticket())])

    def act(n: int) -> int:
        with store.begin() as tx:
            return len(tx.append([(key, event("same", text=str(n)))]))

    assert sorted(at_once(8, act)) == [0] * 7 + [1]  # type: ignore[type-var]


def test_of_many_who_read_and_save_none_overwrites_another(store: SqlStore) -> None:
    with store.begin() as tx:
        (key,) = tx.save([Change(ticket=ticket(title=""))])

    def act(n: int) -> str:
        while True:
            with store.read() as tx:
                known = tx.by_key([key])[key]
            try:
                with store.begin() as tx:
                    tx.save([Change(ticket=ticket(title=known.ticket.title + str(n)), before=known)])
                    return "saved"
            except Conflict:
                continue

    at_once(6, act)
    with store.read() as tx:
        assert sorted(tx.by_key([key])[key].ticket.title) == list("012345")


def test_the_same_new_ticket_saved_at_once_is_one_ticket(store: SqlStore) -> None:
    def act(n: int) -> object:
        with store.begin() as tx:
            return len(tx.save([Change(ticket=ticket("same"))]))

    results = at_once(4, act)
    assert Counter(results) == {1: 1, Conflict: 3}


def test_a_writer_waits_for_another_and_gives_up_with_try_later(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "BUSY_SECONDS", 0.05)
    store = open_store(sqlite_url)
    other = sqlite3.connect(sqlite_url.removeprefix("sqlite:///"), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(TryLater, match="cannot answer now"), store.begin() as tx:
        tx.cursor("glpi", "x")
    with store.read() as tx:  # readers never wait
        assert tx.cursor("glpi", "x") == {}
    other.execute("COMMIT")
    with store.begin() as tx:
        tx.move_cursor("glpi", "x", {}, NOW)
    other.close()
    store.close()


def test_a_server_that_went_away_is_try_later_and_then_forgotten(postgres_url: str) -> None:
    store = open_store(postgres_url)

    def cut() -> None:
        with store.begin() as tx:
            tx.conn.exec_driver_sql("SELECT pg_terminate_backend(pg_backend_pid())")

    with pytest.raises(TryLater):
        cut()
    with store.begin() as tx:
        tx.move_cursor("glpi", "x", {}, NOW)
    store.close()


def test_a_deadlock_is_try_later_for_the_one_who_loses(postgres_url: str) -> None:
    store = open_store(postgres_url)
    with store.begin() as tx:
        keys = tx.save([Change(ticket=ticket("a")), Change(ticket=ticket("b"))])
    gate = threading.Barrier(2)

    def act(n: int) -> str:
        with store.begin() as tx:
            tx.by_key([keys[n]], lock=True)
            gate.wait()
            tx.by_key([keys[1 - n]], lock=True)
        return "ok"

    assert Counter(at_once(2, act)) == {"ok": 1, TryLater: 1}
    store.close()
