"""What pages and the API see: filters, sort orders, keyset pages."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event as listening

from connector.domain.errors import BadRecord, Problem
from connector.domain.history import EventKind
from connector.domain.ticket import Kind, State, Ticket
from connector.ports import Capability, Change, Diagnosis
from connector.store import SqlStore
from connector.store.queries import Queries
from connector.store.sql import SqlTx
from connector.store.views import BadCursor, Paged, TicketFilter, TicketSort
from tests.store.making import NOW, event, order, ticket

MINUTE = timedelta(minutes=1)


def save(store: SqlStore, *tickets: Ticket) -> list[int]:
    with store.begin() as tx:
        return tx.save([Change(ticket=each) for each in tickets])


def found(store: SqlStore, **where: Any) -> list[str]:
    page = Queries(store).tickets(TicketFilter(**where), sort="number", descending=False)
    return [row.id for row in page.items]


def walk(store: SqlStore, **options: Any) -> list[str]:
    ids: list[str] = []
    cursor = None
    while True:
        page: Paged[Any] = Queries(store).tickets(limit=3, cursor=cursor, **options)
        assert len(page.items) <= 3
        ids += [row.id for row in page.items]
        cursor = page.next
        if cursor is None:
            return ids


def test_each_filter_keeps_what_it_names(store: SqlStore) -> None:
    save(
        store,
        ticket("1", kind=Kind.PROBLEM, priority="P1", group="Network", assignee="anna", customer="ACME", service="VPN",
               supplier="Telco", state=State.PENDING, opened_at=NOW - MINUTE, updated_at=NOW + MINUTE),
        ticket("2"),
        ticket("3", deleted=True),
        ticket("4", tool="snow"),
    )
    for name, value in {"kind": "problem", "priority": "P1", "group": "Network", "assignee": "anna", "customer": "ACME",
                        "service": "VPN", "supplier": "Telco", "state": "pending"}.items():
        assert found(store, **{name: (value,)}) == ["1"], name
    assert found(store) == ["1", "2", "4"]
    assert found(store, tool=("snow", "other")) == ["4"]
    assert found(store, group=("Network", "")) == ["1", "2", "4"]
    assert found(store, deleted=True) == ["3"]
    assert found(store, deleted=None) == ["1", "2", "3", "4"]
    assert found(store, number="INC2") == ["2"]
    assert found(store, opened_before=NOW) == ["1"]
    assert found(store, opened_from=NOW) == ["2", "4"]
    assert found(store, updated_from=NOW + MINUTE) == ["1"]
    assert found(store, updated_before=NOW + MINUTE) == ["2", "4"]
    assert found(store, state=("new",), tool=("glpi",)) == ["2"]


def test_text_is_found_in_number_and_title_whatever_the_case_and_accents(store: SqlStore) -> None:
    save(store, ticket("1", title="Réseau coupé à 100%"), ticket("2", title="Straße gesperrt"), ticket("30"))
    assert found(store, text="reseau") == ["1"]
    assert found(store, text="COUPÉ réseau") == ["1"]
    assert found(store, text="STRASSE") == ["2"]
    assert found(store, text="inc3") == ["30"]
    assert found(store, text="100%") == ["1"]
    assert found(store, text="%") == ["1"]
    assert found(store, text="_") == []
    assert found(store, text="réseau printer") == []


def test_a_change_on_its_way_can_be_asked_for(store: SqlStore) -> None:
    with store.begin() as tx:
        tx.save([Change(ticket=ticket("1"), base=ticket("1", title="old")), Change(ticket=ticket("2"))])
    assert found(store, on_its_way=True) == ["1"]
    assert found(store, on_its_way=False) == ["2"]


@pytest.mark.parametrize("descending", [True, False])
@pytest.mark.parametrize("sort", ["updated", "opened", "priority", "number"])
def test_pages_show_every_ticket_once_in_order(store: SqlStore, sort: TicketSort, descending: bool) -> None:
    rows = [ticket(str(n), updated_at=NOW + MINUTE * (n // 4), opened_at=NOW - MINUTE * (n // 3),
                   priority=[None, "P1", "P3"][n % 3], number=f"INC{n // 2}") for n in range(20)]
    save(store, *rows)
    place = {"updated": lambda t: t.updated_at, "opened": lambda t: t.opened_at,
             "priority": lambda t: t.priority or "P9", "number": lambda t: int(t.number[3:])}[sort]
    expected = sorted(rows, key=lambda t: (place(t), int(t.id)), reverse=descending)
    assert walk(store, sort=sort, descending=descending) == [each.id for each in expected]


def test_what_is_written_between_two_pages_moves_no_other_ticket(store: SqlStore) -> None:
    save(store, *(ticket(str(n), updated_at=NOW + MINUTE * n) for n in range(6)))
    first = Queries(store).tickets(limit=3)
    save(store, ticket("new", updated_at=NOW + 9 * MINUTE))
    second = Queries(store).tickets(limit=3, cursor=first.next)
    assert [row.id for row in [*first.items, *second.items]] == list("543210")
    assert second.next is None


@pytest.mark.parametrize("cursor", ["", "x", "W10", "WyJ0aWNrZXRzL3VwZGF0ZWQvZG93biIsICJ4IiwgMV0", "é", "bnVsbA"])
def test_a_foreign_cursor_is_refused(store: SqlStore, cursor: str) -> None:
    with pytest.raises(BadCursor):
        Queries(store).tickets(cursor=cursor)


def test_a_cursor_of_another_order_is_refused(store: SqlStore) -> None:
    save(store, *(ticket(str(n)) for n in range(3)))
    cursor = Queries(store).tickets(limit=1, sort="opened").next
    with pytest.raises(BadCursor, match="another list or order"):
        Queries(store).tickets(limit=1, sort="updated", cursor=cursor)


def test_whole_tickets_are_paged_the_same_way(store: SqlStore) -> None:
    rows = [ticket(str(n), description="long " * 100, updated_at=NOW + MINUTE * n) for n in range(3)]
    save(store, *rows)
    page = Queries(store).documents(limit=2)
    assert [each.ticket for each in page.items] == [rows[2], rows[1]]
    assert [each.ticket for each in Queries(store).documents(cursor=page.next).items] == [rows[0]]


def test_choices_are_the_values_in_use(store: SqlStore) -> None:
    save(store, ticket("1", group="B"), ticket("2", group="A"), ticket("3", group="B"), ticket("4"))
    assert Queries(store).choices("group") == ["A", "B"]
    with pytest.raises(ValueError, match="not one of"):
        Queries(store).choices("title")


def test_one_ticket_comes_with_history_conflicts_and_open_deliveries(store: SqlStore) -> None:
    lost = event("x", kind=EventKind.CONFLICT, field="title", at=NOW + MINUTE)
    with store.begin() as tx:
        (key,) = tx.save([Change(ticket=ticket(), base=ticket(title="old"), events=[event(), lost], next_check_at=NOW)])
        tx.enqueue([order("done", ticket=key), order("dead", ticket=key), order("next", ticket=key)], NOW)
        tx.done(tx.claim("w", NOW, MINUTE, {"glpi": 1})[0], NOW, {})
        tx.bury(tx.claim("w", NOW, MINUTE, {"glpi": 1})[0], NOW, "status 400")
    queries = Queries(store)
    assert queries.find("glpi", "1") == key
    assert queries.find("glpi", "2") is None
    shown = queries.ticket(key)
    assert shown is not None
    assert (shown.ticket, shown.base, shown.revision, shown.next_check_at) == (ticket(), ticket(title="old"), 1, NOW)
    assert [each.key for each in shown.events] == ["created", "x"]
    assert shown.conflicts == [lost]
    assert [(each.key, each.state, each.reason) for each in shown.deliveries] == [
        ("dead", "dead", "status 400"), ("next", "waiting", "")]
    assert queries.ticket(999) is None


def test_deliveries_are_filtered_and_paged_newest_first(store: SqlStore) -> None:
    with store.begin() as tx:
        (key,) = tx.save([Change(ticket=ticket())])
        tx.enqueue([order(str(n), f"lane{n}", target="snow" if n % 2 else "glpi") for n in range(7)], NOW)
        tx.enqueue([order("mine", ticket=key)], NOW)
        (one,) = tx.claim("w", NOW, MINUTE, {"glpi": 1})
        tx.bury(one, NOW, "no")
    queries = Queries(store)
    page = queries.deliveries(state=("waiting",), target="snow", limit=2)
    rest = queries.deliveries(state=("waiting",), target="snow", limit=2, cursor=page.next)
    assert [row.key for row in [*page.items, *rest.items]] == ["5", "3", "1"]
    assert [row.key for row in queries.deliveries(state=("dead", "leased")).items] == ["0"]
    assert [row.key for row in queries.deliveries(ticket=key).items] == ["mine"]
    whole = queries.delivery(one.id)
    assert whole is not None
    assert (whole.payload, whole.reason, whole.attempts) == (one.payload, "no", 1)
    assert page.items[0].payload is None
    assert queries.delivery(999) is None


def test_quarantine_is_paged_by_tool_and_ticket(store: SqlStore) -> None:
    with store.begin() as tx:
        tx.set_aside([BadRecord("b", "1", [Problem("x", path="state")]), BadRecord("a", "2", [Problem("y")]),
                      BadRecord("a", "1", [Problem("z")])], NOW)
    queries = Queries(store)
    first = queries.quarantine(limit=2)
    assert [(row.tool, row.ticket) for row in first.items] == [("a", "1"), ("a", "2")]
    (last,) = queries.quarantine(limit=2, cursor=first.next).items
    assert (last.problems, last.tries, last.next_at) == (("state: x",), 1, NOW + 5 * MINUTE)
    assert [row.ticket for row in queries.quarantine(tool="b").items] == ["1"]


def test_the_audit_trail_is_newest_first_and_filtered(store: SqlStore) -> None:
    with store.begin() as tx:
        for n, (actor, action, subject) in enumerate([
            ("anna", "login", "user/1"), ("anna", "edit", "ticket/12"), ("bob", "edit", "ticket/1"),
            ("bob", "edit", "ticket/1/x"),
        ]):  # fmt: skip
            tx.audit(NOW + MINUTE * n, actor, action, subject, {"n": n})
    queries = Queries(store)
    page = queries.audit(limit=3)
    assert [row.detail["n"] for row in page.items] == [3, 2, 1]
    assert [row.detail["n"] for row in queries.audit(cursor=page.next).items] == [0]
    assert [row.detail["n"] for row in queries.audit(actor="anna").items] == [1, 0]
    assert [row.detail["n"] for row in queries.audit(action="edit", subject="ticket/1").items] == [2]
    assert [row.detail["n"] for row in queries.audit(subject="ticket/").items] == [3, 2, 1]
    assert [row.detail["n"] for row in queries.audit(since=NOW + MINUTE, before=NOW + 2 * MINUTE).items] == [1]


def test_connections_show_health_ages_and_depth(store: SqlStore) -> None:
    said = Diagnosis(version="10.0.12", account="api", capabilities=frozenset({Capability.READ, Capability.HISTORY}),
                     plugin="1.0", skew=timedelta(seconds=3), remarks=("no right to delete",))
    with store.begin() as tx:
        tx.save([Change(ticket=ticket("1"), history_due=True), Change(ticket=ticket("2", deleted=True))])
        tx.move_cursor("glpi", "changes", {}, NOW)
        tx.hint("glpi", ["1"], NOW)
        tx.set_aside([BadRecord("glpi", "9", [])], NOW)
        tx.enqueue([order("a", "a"), order("b", "b")], NOW)
        tx.claim("w", NOW, MINUTE, {"glpi": 1})
        tx.health("glpi", NOW - timedelta(hours=30), failed=50, reason="old")
        tx.health("glpi", NOW - MINUTE, worked=9, diagnosis=said)
        tx.health("glpi", NOW, worked=2, failed=1, reason="status 503")
        tx.health("glpi", NOW, skew=timedelta(seconds=-2))
    glpi, snow = Queries(store).connections(NOW, ("snow",))
    assert (glpi.tool, glpi.reachable, glpi.reason, glpi.version, glpi.account) == ("glpi", False, "status 503",
                                                                                  "10.0.12", "api")
    assert (glpi.capabilities, glpi.remarks, glpi.skew) == (("history", "read"), said.remarks, timedelta(seconds=-2))
    assert (glpi.ok_at, glpi.failed_at) == (NOW, NOW)
    assert (glpi.worked, glpi.failed, glpi.error_rate) == (11, 1, 1 / 12)
    assert [(each.stream, each.moved_at) for each in glpi.streams] == [("changes", NOW)]
    assert (glpi.waiting, glpi.leased, glpi.dead, glpi.oldest_waiting) == (1, 1, 0, NOW)
    assert (glpi.hints, glpi.quarantined, glpi.history_due, glpi.tickets) == (1, 1, 1, 1)
    assert (snow.tool, snow.reachable, snow.error_rate) == ("snow", None, None)


def test_a_connection_that_works_again_is_shown_as_reachable(store: SqlStore) -> None:
    with store.begin() as tx:
        tx.health("glpi", NOW, failed=1, reason="no answer")
        tx.health("glpi", NOW + MINUTE, worked=1)
    (row,) = Queries(store).connections(NOW + MINUTE)
    assert (row.reachable, row.reason, row.failed_at, row.ok_at) == (True, "", NOW, NOW + MINUTE)


def test_counts_of_an_empty_store_are_empty(store: SqlStore) -> None:
    counts = Queries(store).counts()
    assert (counts.tickets, counts.deliveries, counts.oldest_waiting, counts.hints) == ({}, {}, {}, {})


ACTS: dict[str, tuple[Callable[[SqlStore], object], str]] = {
    "claim: what is ready": (lambda store: claim(store), "ix_deliveries_ready"),
    "claim: heads of lanes": (lambda store: claim(store), "ix_deliveries_lane"),
    "claim: expired leases": (lambda store: claim(store), "ix_deliveries_state (state=? AND target=?)"),
    "due": (lambda store: in_tx(store, lambda tx: tx.due(NOW, 5)), "ix_tickets_next_check"),
    "history backlog": (lambda store: in_tx(store, lambda tx: tx.history_backlog("glpi", 5)), "ix_tickets_history_due"),
    "tickets of a page": (lambda store: in_tx(store, lambda tx: tx.tickets("glpi", ["1"])), "(tool=? AND tool_id=?)"),
    "hints": (lambda store: in_tx(store, lambda tx: tx.hints("glpi", 5)), "ix_hints_at"),
    "pages": (lambda store: walk(store), "ix_tickets_updated"),
    "pages of a group": (lambda store: walk(store, where=TicketFilter(group=("x",))), "ix_tickets_group"),
    "counts": (lambda store: Queries(store).counts(), "COVERING INDEX ix_tickets_state"),
}


def claim(store: SqlStore) -> object:
    return in_tx(store, lambda tx: tx.claim("w", NOW, MINUTE, {"glpi": 4}))


def in_tx(store: SqlStore, act: Callable[[SqlTx], object]) -> object:
    with store.begin() as tx:
        return act(tx)


@pytest.mark.parametrize("name", ACTS)
def test_hot_statements_find_their_index(sqlite_store: SqlStore, name: str) -> None:
    save(sqlite_store, *(ticket(str(n), group="x") for n in range(5)))
    act, index = ACTS[name]
    ran: list[tuple[str, Any]] = []
    listening.listen(sqlite_store.engine, "before_cursor_execute", lambda *seen: ran.append(seen[2:4]))
    act(sqlite_store)
    with sqlite_store.engine.connect() as conn:
        plans = [" / ".join(row[3] for row in conn.connection.execute(f"EXPLAIN QUERY PLAN {sql}", given))
                 for sql, given in ran if sql.startswith("SELECT")]
    assert any(index in plan for plan in plans), plans
    assert not [plan for plan in plans if "SCAN deliveries" in plan]
