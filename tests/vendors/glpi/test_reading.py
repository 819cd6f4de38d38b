"""Reading loses nothing, whatever changes meanwhile, and costs as many requests as pages."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import responses
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.domain.errors import Refused, TryLater
from connector.vendors.glpi.adapter import Glpi
from connector.vendors.glpi.options import numbers, verify
from tests.vendors.glpi.conftest import NOW, URL
from tests.vendors.glpi.replay import recorded
from tests.vendors.glpi.searching import Tool

Make = Callable[..., Glpi]
START = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)


@pytest.fixture
def tool(logged_in: responses.RequestsMock) -> Tool:
    made = Tool()
    made.attach(logged_in)
    return made


def read(glpi: Glpi, since: dict[str, object]) -> tuple[list[tuple[str, datetime]], dict[str, object]]:
    seen, cursor = [], dict(since)
    for page in glpi.changed(since):
        seen += [(ticket.id, ticket.updated_at) for ticket in page.tickets]
        cursor = page.cursor
        assert not page.rejected
    return seen, cursor


def test_the_first_load_reads_every_ticket_once_and_says_how_many(tool: Tool, make: Make) -> None:
    for id in range(1, 12):
        tool.put(id, START + timedelta(minutes=id))
    pages = list(make(page=4).changed({}))
    assert [ticket.id for page in pages for ticket in page.tickets] == [str(id) for id in range(1, 12)]
    assert {page.total for page in pages} == {11}
    assert len(tool.queries) == 6  # two a page, none a ticket


def test_a_poll_with_nothing_new_is_one_request_and_keeps_the_cursor(tool: Tool, make: Make) -> None:
    for id in range(1, 10):
        tool.put(id, START + timedelta(minutes=id))
    glpi = make()
    _, cursor = read(glpi, {})
    tool.queries.clear()
    seen, again = read(glpi, cursor)
    assert len(tool.queries) == 1
    assert again == cursor
    assert [id for id, _ in seen] == ["9"]


def test_a_page_of_a_long_reading_is_bounded_on_both_sides(tool: Tool, make: Make) -> None:
    """GLPI joins all that match before it cuts a page, so the cost of a page would grow with the number of tickets."""
    for id in range(1, 12):
        tool.put(id, START + timedelta(minutes=id))
    list(make(page=4).changed({}))
    whole = [query for query in tool.queries if "%5D=21" in query]
    assert all("lessthan&criteria%5B" in query for query in whole)


def test_a_row_that_moves_away_between_the_two_looks_is_read_where_it_went(tool: Tool, make: Make) -> None:
    for id in range(1, 7):
        tool.put(id, START + timedelta(minutes=id))
    moves = iter([2, 1])

    def move() -> None:
        if (id := next(moves, None)) is not None:
            tool.put(id, START + timedelta(minutes=10 + id), "moved")

    tool.before_answer = move
    seen, _ = read(make(page=2), {})
    assert {id for id, _ in seen} == {"1", "2", "3", "4", "5", "6"}


def test_a_load_that_fills_its_last_page_ends_with_a_plain_watermark(tool: Tool, make: Make) -> None:
    for id in (1, 2, 3, 4):
        tool.put(id, START + timedelta(minutes=id))
    _, cursor = read(make(page=2), {})
    assert cursor == {"at": "2026-11-24 08:04:00"}


def test_more_tickets_in_one_second_than_fit_a_page_are_all_read(tool: Tool, make: Make) -> None:
    for id in range(1, 30):
        tool.put(id, START)
    tool.put(30, START + timedelta(seconds=1))
    seen, _ = read(make(page=4), {})
    assert sorted(int(id) for id, _ in seen) == list(range(1, 31))
    assert len(seen) == 30


def test_a_second_change_within_the_second_already_read_is_seen(tool: Tool, make: Make) -> None:
    tool.put(1, START, "before")
    glpi = make()
    _, cursor = read(glpi, {})
    tool.put(1, START, "after")
    assert [ticket.title for page in glpi.changed(cursor) for ticket in page.tickets] == ["after"]


def test_a_slow_request_that_appears_behind_a_newer_one_is_seen(tool: Tool, make: Make) -> None:
    """GLPI stamps a change with the time its request began."""
    tool.put(1, START + timedelta(seconds=30))
    glpi = make()
    _, cursor = read(glpi, {})
    tool.put(2, START + timedelta(seconds=5))
    seen, _ = read(glpi, cursor)
    assert "2" in [id for id, _ in seen]


def test_a_reading_stopped_half_way_goes_on_where_it_stopped(tool: Tool, make: Make) -> None:
    for id in range(1, 10):
        tool.put(id, START + timedelta(minutes=id))
    glpi = make(page=3)
    first = next(iter(glpi.changed({})))
    seen, _ = read(glpi, first.cursor)
    assert [ticket.id for ticket in first.tickets] + [id for id, _ in seen] == [str(id) for id in range(1, 10)]


def test_a_stamp_in_the_future_does_not_hide_what_comes_before_it(tool: Tool, make: Make) -> None:
    tool.put(1, datetime(2030, 1, 1, tzinfo=UTC))
    glpi = make()
    _, cursor = read(glpi, {})
    tool.put(2, NOW)
    seen, _ = read(glpi, cursor)
    assert "2" in [id for id, _ in seen]


@settings(max_examples=60, derandomize=True, deadline=None)
@given(st.lists(st.lists(st.tuples(st.integers(1, 8), st.integers(0, 3)), max_size=4), min_size=1, max_size=8),
       st.integers(1, 4), st.sampled_from(["UTC", "Europe/Zurich"]), st.sampled_from([-3600, 0, 2400, 7200]))
def test_every_change_is_read_whatever_changes_while_reading(
        edits: list[list[tuple[int, int]]], size: int, zone: str, shift: int) -> None:
    """Also across the hour that the end of daylight saving time repeats (01:00 UTC on 25 October 2026)."""
    tool = Tool(ZoneInfo(zone))
    clock = [datetime(2026, 10, 25, 0, 20, tzinfo=UTC) + timedelta(seconds=shift)]
    todo = iter(edits)
    newest: dict[str, datetime] = {}

    def change() -> None:
        for id, seconds in next(todo, []):
            clock[0] += timedelta(seconds=seconds * 400)
            tool.put(id, clock[0])
            newest[str(id)] = clock[0]

    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        mock.get(f"{URL}/initSession", json={"session_token": "S1"})
        mock.get(f"{URL}/getGlpiConfig", json={"cfg_glpi": {"version": "10.0.12"}})
        tool.attach(mock)
        glpi = build_for(zone, size, lambda: clock[0])
        change()
        tool.before_answer = change
        cursor: dict[str, object] = {}
        shown: dict[str, str] = {}
        for _ in range(len(edits) + 3):
            for page in glpi.changed(cursor):
                for ticket in page.tickets:
                    shown[ticket.id] = glpi._zone.local(ticket.updated_at)
                cursor = page.cursor
    assert shown == {id: glpi._zone.local(at) for id, at in newest.items()}


def build_for(zone: str, size: int, now: Callable[[], datetime]) -> Glpi:
    from ruamel.yaml import YAML

    from connector.domain.mapping import Mapping
    from connector.settings import Secret, ToolSettings
    from connector.vendors.glpi import build
    from tests.vendors.glpi.conftest import MAPPING

    mapping = Mapping.from_dict(YAML(typ="safe").load(MAPPING.read_text("utf-8")))
    tool = ToolSettings(name="glpi", vendor="glpi", url=URL, mapping=MAPPING, timezone=zone, page=size,
                        auth={"user_token": Secret("U")})
    made = build(tool, mapping, now)
    assert isinstance(made, Glpi)
    return made


# one ticket, ids, trash


def test_a_ticket_in_the_trash_is_shown_as_deleted_and_a_purged_one_not_at_all(tool: Tool, make: Make) -> None:
    for id in (1, 2):
        tool.put(id, START)
    tool.rows[2].deleted = True
    page = make().get(["1", "2", "3", "x"])
    assert [(ticket.id, ticket.deleted) for ticket in page.tickets] == [("1", False), ("2", True)]


def test_many_ids_are_read_in_requests_that_fit_a_request_line(tool: Tool, make: Make) -> None:
    for id in range(1, 100_061, 1000):
        tool.put(id, START)
    ids = [str(id) for id in tool.rows]
    page = make().get(ids)
    assert len(page.tickets) == len(ids)
    assert len(tool.queries) == 4
    assert max(len(query) for query in tool.queries) < 6000


def test_ids_are_swept_without_the_trash(tool: Tool, make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connector.vendors.glpi.reading.IDS_PAGE", 3)
    for id in range(1, 9):
        tool.put(id, START)
    tool.rows[4].deleted = True
    assert [id for ids in make().ids() for id in ids] == ["1", "2", "3", "5", "6", "7", "8"]


def test_deletions_are_those_put_into_the_trash_since(tool: Tool, make: Make) -> None:
    for id in (1, 2, 3):
        tool.put(id, START + timedelta(hours=id))
    tool.rows[1].deleted = True
    glpi = make()
    ids, cursor = glpi.deletions({})
    assert ids == ["1"]
    tool.rows[3].deleted = True
    ids, _ = glpi.deletions(cursor)
    assert "3" in ids
    assert glpi.deletions({"at": "2026-11-25 00:00:00"}) == ([], {"at": "2026-11-25 00:00:00"})


# records


def test_recorded_rows_become_tickets(logged_in: responses.RequestsMock, make: Make) -> None:
    """Names with the row, text unescaped exactly once, people by login, unset columns empty."""
    logged_in.get(f"{URL}/listSearchOptions/Ticket", json=with_email(recorded("search_options_ticket")))
    logged_in.get(f"{URL}/search/Ticket", status=206, json={"totalcount": 1, "data": [{
        "2": 3, "1": "VPN &#60;b&#62;down&#60;/b&#62; &#38; &#38;lt; slow", "12": 2, "14": 2, "10": 4, "11": 4, "3": 4,
        "15": "2026-11-24 03:36:26", "19": "2026-11-24 03:36:31", "80": "Root entity", "7": "Hardware > Printer",
        "21": "&#60;p&#62;a &#38;amp; b &#38;#38; c&#60;/p&#62;", "4": ["7", "9"], "5": "4", "8": ["Network", "Desk"],
        "6": None, "18": "2026-11-24 16:00:00", "16": None, "17": None, "83": None, "34": None}]})
    people = {"totalcount": 2, "data": [{"1": "alice", "2": 7, "5": "alice@example.com"}, {"1": "tech", "2": 4}]}
    logged_in.add_callback(responses.GET, f"{URL}/search/User", lambda request: (
        200, {"Content-Type": "application/json"},
        __import__("json").dumps(people if "is_deleted" not in request.url else {"totalcount": 0})))
    [page] = make().changed({})
    [ticket] = page.tickets
    assert ticket.title == "VPN <b>down</b> & &lt; slow"
    assert ticket.description == "a & b & c"
    assert (ticket.kind, ticket.state, ticket.priority) == ("service_request", "in_progress", "P2")
    assert (ticket.category, ticket.customer, ticket.site) == ("Hardware > Printer", "Root entity", "")
    assert ticket.requester == "#9 | alice"
    assert ticket.requester_email == "alice@example.com"
    assert ticket.assignee == "tech"
    assert ticket.group == "Desk | Network"
    assert ticket.due_at is None, "the date of GLPI's own SLA is no due time of ours"
    assert ticket.custom["time_to_resolve"] == "2026-11-24 16:00:00"


def with_email(exchange: dict[str, dict[str, dict[str, dict[str, str]]]]) -> object:
    listed: dict[str, object] = dict(exchange["response"]["body"])
    return {**listed, "34": {"table": "glpi_tickets_users", "field": "alternative_email"}}


def test_an_unknown_requester_is_reached_by_the_address_given(tool: Tool, make: Make) -> None:
    tool.put(1, START)
    cells = tool._cells
    tool._cells = lambda row: {**cells(row), "34": "outside@example.org"}  # type: ignore[method-assign]
    [page] = make().changed({})
    assert (page.tickets[0].requester, page.tickets[0].requester_email) == ("", "outside@example.org")


def test_one_ticket_that_cannot_be_read_does_not_stop_the_others(tool: Tool, make: Make) -> None:
    tool.put(1, START)
    tool.put(2, START)
    cells = tool._cells
    tool._cells = lambda row: {**cells(row), "12": 99 if row.id == 1 else 1}  # type: ignore[method-assign]
    [page] = make().changed({})
    assert [ticket.id for ticket in page.tickets] == ["2"]
    assert [(bad.tool, bad.ticket) for bad in page.rejected] == [("glpi", "1")]
    assert "99" in str(page.rejected[0])


def test_people_are_looked_up_together_and_once(tool: Tool, make: Make, logged_in: responses.RequestsMock) -> None:
    for id in range(1, 41):
        tool.put(id, START)
    cells = tool._cells
    tool._cells = lambda row: {**cells(row), "4": str(row.id)}  # type: ignore[method-assign]
    glpi = make()
    list(glpi.changed({}))
    asked = sum("/search/User" in str(call.request.url) for call in logged_in.calls)
    assert asked == 4  # 40 people in two requests, and two more to look among the deleted
    list(glpi.changed({}))
    assert sum("/search/User" in str(call.request.url) for call in logged_in.calls) == asked


def test_a_search_option_that_means_something_else_is_refused_before_reading() -> None:
    listed = recorded("search_options_ticket")["response"]["body"]
    verify(numbers({"name", "status", "itilcategories_id", "_groups_id_assign"}), listed)
    wrong = {**listed, "8": {"table": "glpi_plugin_x", "field": "y"}}
    with pytest.raises(Refused, match=r"_groups_id_assign \(8 is glpi_plugin_x\.y\)"):
        verify(numbers({"_groups_id_assign"}), wrong)


def test_a_field_without_search_option_is_refused_by_name() -> None:
    assert numbers({"option.76665"})["option.76665"] == 76665
    with pytest.raises(Refused, match=r"nope, option\.x"):
        numbers({"nope", "option.x"})


@pytest.mark.parametrize("body", [[], {}, {"data": []}, "x", None])
def test_an_answer_without_count_is_no_empty_result(logged_in: responses.RequestsMock, make: Make,
                                                    body: object) -> None:
    logged_in.get(f"{URL}/listSearchOptions/Ticket", json=with_email(recorded("search_options_ticket")))
    logged_in.get(f"{URL}/search/Ticket", json=body)
    with pytest.raises(TryLater):
        list(make().changed({}))


def test_glpi_11_keeps_text_as_typed_so_nothing_is_unescaped(server: responses.RequestsMock, make: Make) -> None:
    server.get(f"{URL}/initSession", json={"session_token": "S1"})
    server.get(f"{URL}/getGlpiConfig", json={"cfg_glpi": {"version": "11.0.4"}})
    tool = Tool()
    tool.attach(server)
    tool.put(1, START, "how to write &lt;b&gt; & more")
    [page] = make().changed({})
    assert page.tickets[0].title == "how to write &lt;b&gt; & more"
