"""Reading a table while it changes: nothing is lost, the server is not believed, pages shrink when they must."""

from __future__ import annotations

import random
import re
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.domain.errors import Refused, TryLater
from connector.http import Http
from connector.vendors.servicenow.client import Client
from connector.vendors.servicenow.login import Fixed
from connector.vendors.servicenow.paging import Pager, Place
from tests.vendors.servicenow.instance import BASE, Instance, error, later, sid

OVERLAP = timedelta(seconds=120)


def pager(size: int = 1000, **more: Any) -> Pager:
    client = Client(Http(BASE), Fixed.basic("u", "p"))
    return Pager(client, "incident", ("sys_mod_count",), size=size, overlap=more.pop("overlap", OVERLAP), **more)


def read_all(reader: Pager, place: Place | None = None) -> tuple[list[str], Place]:
    found: list[str] = []
    last = place or Place()
    for part in reader.read(last):
        found += [row["sys_id"] for row in part.rows]
        last = part.place
    return found, last


def test_pysnow_gives_one_page_only_and_we_read_them_all(instance: Instance) -> None:
    for number in range(25):
        instance.incident(number)
        later(instance, seconds=number % 3)
    found, _ = read_all(pager(10))
    assert sorted(set(found)) == sorted(instance.tables["incident"])


def test_many_rows_of_one_second_are_drained_by_sys_id(instance: Instance) -> None:
    for number in range(35):
        instance.incident(number)
    later(instance, hours=1)
    found, _ = read_all(pager(10))
    assert found == [sid(number) for number in range(35)]
    assert instance.count("GET", "sys_updated_on=2025-11-24 10:00:00^sys_id>") >= 3
    assert not any(re.search(r"\^OR(?!DERBY)", query) for query in instance.queries())


def test_one_request_when_everything_fits_a_page(instance: Instance) -> None:
    instance.incident(1)
    read_all(pager(10))
    assert len(instance.requests) == 1


def test_a_short_page_is_not_the_end_because_the_limit_comes_before_access_rules(instance: Instance) -> None:
    for number in range(30):
        instance.incident(number)
        later(instance, seconds=5)
    later(instance, hours=1)
    instance.hidden = {sid(number) for number in range(30) if number % 10 not in (3, 4)}
    found, _ = read_all(pager(10))
    assert set(found) == set(instance.tables["incident"]) - instance.hidden


def test_pages_with_no_visible_row_at_all_are_stepped_over(instance: Instance) -> None:
    for number in range(60):
        instance.incident(number)
        later(instance, seconds=5)
    later(instance, hours=1)
    instance.hidden = {sid(number) for number in range(55)}
    found, _ = read_all(pager(10))
    assert set(found) == {sid(number) for number in range(55, 60)}


def test_rows_that_move_while_hidden_ones_are_stepped_over_are_not_lost(instance: Instance) -> None:
    for number in range(60):
        instance.incident(number)
        later(instance, seconds=5)
    later(instance, hours=1)
    instance.hidden = {sid(number) for number in range(40)}

    def move(request: Any) -> None:
        if "sysparm_offset=40" in request.url and instance.tables["incident"][sid(0)]["sys_mod_count"] == "0":
            for number in range(5):
                instance.touch(instance.tables["incident"][sid(number)])

    instance.before = move
    found, _ = read_all(pager(10))
    assert set(found) >= {sid(number) for number in range(40, 60)}


def test_a_row_that_changes_after_its_page_was_sorted_does_not_drag_the_reading_along(instance: Instance) -> None:
    for number in range(40):
        instance.incident(number)
        later(instance, seconds=5)
    later(instance, hours=1)

    def change(rows: list[dict[str, Any]]) -> None:
        if len(rows) == 10 and rows[-1]["sys_mod_count"] == "0":
            instance.touch(rows[-1])

    instance.during = change
    found, _ = read_all(pager(10))
    assert set(found) == set(instance.tables["incident"])


@pytest.mark.parametrize("counts", [True, False])
def test_the_end_is_told_by_the_count_and_without_one_by_an_empty_page(instance: Instance, counts: bool) -> None:
    instance.counts = counts
    for number in range(10):
        instance.incident(number)
        later(instance, seconds=1)
    later(instance, hours=1)
    found, _ = read_all(pager(10))
    assert len(set(found)) == 10
    assert (len(instance.requests) == 1) is counts


def test_without_a_count_the_link_header_tells_of_a_next_page(instance: Instance) -> None:
    instance.counts = False
    instance.incident(1)
    instance.headers["Link"] = f'<{BASE}/api/now/table/incident?sysparm_offset=0>;rel="first"'
    read_all(pager(10))
    assert len(instance.requests) == 1


def test_the_next_reading_begins_at_the_start_of_this_one_by_the_servers_clock_less_the_overlap(
        instance: Instance) -> None:
    instance.incident(1)
    later(instance, hours=2)
    _, place = read_all(pager())
    assert place in (Place(start="2025-11-24 11:58:00"), Place(start="2025-11-24 11:57:59"))


def test_a_server_clock_set_back_does_not_move_the_start_back(instance: Instance) -> None:
    _, place = read_all(pager(), Place(start="2025-11-24 12:00:00"))
    assert place.start == "2025-11-24 12:00:00"


def test_a_condition_the_server_dropped_is_noticed_by_its_rows(instance: Instance) -> None:
    instance.incident(1)
    instance.dropped = {"sys_updated_on"}
    with pytest.raises(Refused, match="ignores the condition"):
        read_all(pager(), Place(start="2025-11-24 12:00:00"))


def test_a_dropped_condition_on_sys_id_does_not_read_for_ever(instance: Instance) -> None:
    for number in range(30):
        instance.incident(number)
    later(instance, hours=1)
    instance.dropped = {"sys_id"}
    with pytest.raises(Refused, match="sys_id"):
        read_all(pager(10))


def test_a_stamp_we_may_not_read_is_told_not_taken_for_empty(instance: Instance) -> None:
    instance.incident(1)
    instance.unreadable = {"sys_updated_on"}
    with pytest.raises(Refused, match="cannot be read"):
        read_all(pager())


def test_rows_out_of_order_move_no_cursor(instance: Instance) -> None:
    for number in range(30):
        instance.incident(number)
        later(instance, seconds=1)
    later(instance, hours=1)
    select = instance.select
    instance.select = lambda rows, query: list(reversed(select(rows, query)))  # type: ignore[method-assign]
    with pytest.raises(TryLater, match="order"):
        read_all(pager(10))


QUOTA = error("Transaction cancelled: maximum execution time exceeded", "Check logs for error trace")


def test_a_transaction_over_quota_makes_the_page_smaller_and_the_reading_goes_on(instance: Instance) -> None:
    for number in range(20):
        instance.incident(number)
        later(instance, seconds=30)
    later(instance, hours=1)
    partial = {"result": [instance.tables["incident"][sid(0)]], **QUOTA}
    instance.say = [instance.json(200, partial), instance.json(200, partial)]
    reader = pager(1000)
    found, _ = read_all(reader)
    assert set(found) == set(instance.tables["incident"])
    sizes = [query.split("sysparm_limit=")[1].split("&")[0] for query in instance.queries()]
    assert sizes[:3] == ["1000", "250", "62"]


def test_a_body_that_stops_in_the_middle_counts_as_too_much_and_gives_no_row(instance: Instance) -> None:
    instance.incident(1)
    status, headers, body = instance.json(200, {"result": [{"sys_id": sid(1)}]})
    instance.say = [(status, headers, body[:-9])]
    found, _ = read_all(pager())
    assert found == [sid(1)]
    assert len(instance.requests) == 2


def test_over_quota_with_the_smallest_page_means_later(instance: Instance) -> None:
    instance.say = [instance.json(200, {"result": [], **QUOTA})] * 20
    with pytest.raises(TryLater, match="maximum execution time"):
        read_all(pager())


def test_a_sweep_sees_every_id_once_past_hidden_ones(instance: Instance) -> None:
    for number in range(50):
        instance.incident(number)
    instance.hidden = {sid(number) for number in range(10, 45)}
    found = [row["sys_id"] for rows in pager(10).sweep() for row in rows]
    assert found == [sid(number) for number in range(50) if not 10 <= number < 45]


@settings(derandomize=True, max_examples=200, deadline=None)
@given(st.integers(0, 2**32), st.integers(10, 14), st.integers(1, 60), st.sampled_from([0, 1, 7]), st.booleans(),
       st.integers(0, 60))
def test_nothing_is_lost_from_a_table_that_changes_while_it_is_read(
        seed: int, size: int, rows: int, speed: int, counts: bool, hidden: int) -> None:
    """Whatever changes between requests, after two quiet readings every visible row was given in its last state."""
    rng = random.Random(seed)
    instance = Instance()
    instance.counts = counts
    for number in range(rows):
        instance.incident(number)
        later(instance, seconds=rng.choice((0, 0, 0, 1, 200)))
    if counts:  # without a count nobody can tell a hidden stretch from the end
        instance.hidden = set(rng.sample(sorted(instance.tables["incident"]), min(hidden, rows - 1)))
    given: dict[str, str] = {}
    place = Place()

    def life(request: Any) -> None:
        later(instance, seconds=rng.choice((0, 1, speed, 40)))
        for _ in range(rng.randrange(4) if speed else 0):
            table = instance.tables["incident"]
            if rng.random() < 0.3:
                instance.incident(rng.randrange(10_000, 10**6))
            else:
                # Committed late: stamped up to a minute ago.
                row = table[rng.choice(sorted(table))]
                instance.touch(row)
                row["sys_updated_on"] = _ago(instance, rng.randrange(60))

    def in_between(page: list[dict[str, Any]]) -> None:
        if page and speed and rng.random() < 0.3:
            instance.touch(rng.choice([*page, page[-1], page[-1]]))

    with instance.open():
        instance.before = life
        instance.during = in_between
        for reading in range(7):
            if reading == 5:  # the first of the last two may still be the rest of one that was killed
                instance.before = lambda request: None
                instance.during = lambda page: None
                later(instance, seconds=200)
            for part in pager(size).read(place):
                given.update({row["sys_id"]: row["sys_mod_count"] for row in part.rows})
                place = part.place
                if rng.random() < 0.1 and reading < 5:
                    break  # the process is killed; the stored place is all that is left
    visible = {id: row["sys_mod_count"] for id, row in instance.tables["incident"].items() if id not in instance.hidden}
    assert given == visible


def _ago(instance: Instance, seconds: int) -> str:
    return (instance.now - timedelta(seconds=seconds)).strftime("%Y-%m-%d %H:%M:%S")
