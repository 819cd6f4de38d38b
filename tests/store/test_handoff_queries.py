"""The board, a receiver's own handoffs, the feed and the traffic, on SQLite and PostgreSQL alike."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from connector.domain.handoffs.handoff import Handoff, Moved, move
from connector.domain.handoffs.moves import Move, Side
from connector.ports import Change
from connector.store import SqlStore
from connector.store.handoff_queries import VIEWS, HandoffQueries
from connector.store.views import BadCursor
from tests.store.making import NOW, order, ticket

HOUR = timedelta(hours=1)


def keep(store: SqlStore, id: str, *moves: tuple[Side, Move], receiver: str = "hosting", after: int = 0,
         **values: Any) -> Moved:
    with store.begin() as tx:
        (key,) = tx.save([Change(ticket=ticket(id.removeprefix("h")))])
        so_far = Moved(handoff=Handoff(id=id, ticket=key, receiver=receiver, created_at=NOW, **values), entries=())
        for n, (side, what) in enumerate(moves, 1):
            so_far = so_far.then(move(so_far.handoff, side, what, NOW + (after + n) * HOUR, reason="because"))
        tx.save_handoffs([so_far])
    return so_far


OFFER, START, DISPUTE = (Side.OURS, Move.OFFER), (Side.THEIRS, Move.START), (Side.OURS, Move.DISPUTE)
PROPOSE, WITHDRAW = (Side.THEIRS, Move.PROPOSE), (Side.OURS, Move.WITHDRAW)


@pytest.fixture
def queries(store: SqlStore) -> HandoffQueries:
    keep(store, "h1", OFFER, ours="INC1", theirs="CS-77")
    keep(store, "h2", OFFER, START, after=1, late=("acknowledge",))
    keep(store, "h3", OFFER, START, PROPOSE, after=2, receiver="noc")
    keep(store, "h4", OFFER, DISPUTE, after=5)
    keep(store, "h5")
    keep(store, "h6", OFFER, WITHDRAW, after=7)
    keep(store, "h7", WITHDRAW, after=9)
    return HandoffQueries(store)


def shown(queries: HandoffQueries, view: str = "open", **more: Any) -> list[str]:
    return [row.handoff.id for row in queries.board(view, **more).items]


def test_each_view_shows_what_its_name_says_and_counts_the_same(queries: HandoffQueries) -> None:
    expected = {"open": {"h1", "h2", "h3", "h4", "h5"}, "offered": {"h1"}, "late": {"h2"}, "ours": {"h3", "h4", "h5"},
                "theirs": {"h2"}, "customer": set(), "disputed": {"h4"}, "closed": {"h6", "h7"}}
    assert {view: set(shown(queries, view)) for view in VIEWS} == expected
    assert queries.counts() == {view: len(ids) for view, ids in expected.items()}


def test_the_latest_change_comes_first_and_pages_hold_each_once(queries: HandoffQueries) -> None:
    assert shown(queries) == ["h4", "h3", "h2", "h1", "h5"]
    for sort in ("changed", "created", "receiver"):
        for descending in (True, False):
            seen, cursor = [], None
            while True:
                page = queries.board(sort=sort, descending=descending, limit=2, cursor=cursor)
                seen += [row.handoff.id for row in page.items]
                if (cursor := page.next) is None:
                    break
            assert sorted(seen) == ["h1", "h2", "h3", "h4", "h5"], (sort, descending)
    with pytest.raises(BadCursor):
        queries.board(sort="created", cursor=queries.board(limit=1).next)


def test_only_their_own_and_only_what_was_offered_is_a_receivers(queries: HandoffQueries) -> None:
    assert shown(queries, only=["noc"]) == ["h3"]
    assert shown(queries, only=[]) == []
    assert shown(queries, only=["hosting"], offered=True) == ["h4", "h2", "h1"]
    assert shown(queries, "closed", only=["hosting"], offered=True) == ["h6"]
    assert queries.counts(["hosting"], offered=True)["closed"] == 1
    assert queries.one("h3", ["hosting"]) is None
    assert queries.one("h5", ["hosting"]) is None
    assert queries.one("h5") is not None


@pytest.mark.parametrize(("text", "found"), [("CS-7", ["h1"]), ("cs-77", ["h1"]), ("INC2", ["h2"]), ("h3", ["h3"]),
                                             ("%", []), ("_", []), ("S-77", [])])
def test_the_beginning_of_either_number_finds_it(queries: HandoffQueries, text: str, found: list[str]) -> None:
    assert shown(queries, text=text) == found


def test_words_of_people_do_not_pass_for_an_offer(store: SqlStore) -> None:
    keep(store, "h9", reason='he said "offered_at": yes')
    assert shown(HandoffQueries(store), only=["hosting"], offered=True) == []


def test_the_feed_joins_what_happened_with_what_went_out(store: SqlStore, queries: HandoffQueries) -> None:
    made = queries.one("h2")
    assert made is not None
    with store.begin() as tx:
        tx.enqueue([order("handoff/h2/1", target="supplier:hosting", ticket=made.handoff.ticket),
                    order("handoff/h2/2/ticket", lane="y", ticket=made.handoff.ticket),
                    order("edit/1", lane="z", ticket=made.handoff.ticket)], NOW)
    fed = queries.feed(id="h2")
    assert [(line.entry.seq, [sent.target for sent in line.sent]) for line in fed] == [
        (2, ["glpi"]), (1, ["supplier:hosting"])]
    assert {line.handoff.id for line in queries.feed("CS-77")} == {"h1"}
    assert queries.feed("nothing") == []
    assert queries.feed()[0].handoff.id == "h7"


def test_a_review_reads_what_was_open_in_its_time(store: SqlStore, queries: HandoffQueries) -> None:
    ids = [one.id for one in queries.of_receiver("hosting", NOW + HOUR, NOW + 9 * HOUR)]
    assert ids == ["h1", "h2", "h4", "h5", "h6", "h7"]
    assert [one.id for one in queries.of_receiver("hosting", NOW + HOUR, NOW + 9.5 * HOUR)] == [
        "h1", "h2", "h4", "h5", "h7"]
    assert queries.of_receiver("hosting", NOW, NOW) == []


def test_figures_of_receivers(queries: HandoffQueries) -> None:
    assert queries.by_receiver()["noc"]["ours"] == 1
    assert queries.last_heard() == {"hosting": NOW + 10 * HOUR, "noc": NOW + 5 * HOUR}


def test_traffic_counts_tries_of_the_time_and_dead_ones_of_all_time(store: SqlStore, queries: HandoffQueries) -> None:
    with store.begin() as tx:
        tx.enqueue([order(f"k{n}", lane=f"l{n}", target="supplier:a") for n in range(3)], NOW)
        one, two, three = tx.claim("w", NOW, HOUR, {"supplier:a": 3})
        tx.done(one, NOW, {})
        tx.bury(two, NOW, "no")
        tx.retry(three, NOW, "later")
        tx.enqueue([order("other", lane="o", target="mail")], NOW)
    found = queries.traffic(NOW - HOUR)
    assert set(found) == {"supplier:a"}
    told = found["supplier:a"]
    assert (told.tries, told.failed, told.waiting, told.dead, told.last_done) == (3, 2, 1, 1, NOW)
    later = queries.traffic(NOW + HOUR)["supplier:a"]
    assert (later.tries, later.failed, later.dead, later.last_done) == (1, 1, 1, NOW)


def test_taken_messages_are_the_latest_of_that_receiver(store: SqlStore, queries: HandoffQueries) -> None:
    with store.begin() as tx:
        for n in range(3):
            tx.first_time("supplier/a", f"m{n}", "d", NOW + n * HOUR)
        tx.first_time("supplier/b", "x", "d", NOW)
    assert queries.taken("a", 2) == [("m2", NOW + 2 * HOUR), ("m1", NOW + HOUR)]
