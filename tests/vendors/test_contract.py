"""The rules that every make keeps, over real HTTP: what a flow may rely on without knowing the tool."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, timedelta
from typing import Any

import pytest

from connector import sandbox, vendors
from connector.domain.errors import BadSignature, ConnectorError, NotFound, Refused, TryLater, Unsupported
from connector.domain.history import EventKind, Role, effective
from connector.domain.ticket import Attachment, Comment, PendingOn, State
from connector.ports import Capability
from connector.settings import Secret
from tests.vendors.conftest import MAKES, Bench

AFTERWARDS = ["lost_answer", "error_after", "html_200", "half"]
"""Faults that strike when the work has been done."""
TEXTS = [
    "two\nlines", "a < b & c > d", "<b>not markup</b> &amp; not an entity &lt;", "quotes \" and ' and \\ and %20",
    "Z\u00fcrich \u2013 \u65e5\u672c\u8a9e \u20ac", "on fire \U0001f525", "data: looks like a URL", "1. one\n\n2. two",
]


def once(kind: str) -> dict[str, Any]:
    return {"after": True} if kind == "html_200" else {}


def file(data: bytes = b"hello", name: str = "log.txt", chunk: int = 64 * 1024) -> Attachment:
    def chunks() -> Iterator[bytes]:
        return (data[start:start + chunk] for start in range(0, len(data), chunk))

    return Attachment(name=name, media_type="text/plain", size=len(data), open=chunks)


def test_every_make_is_held_to_this_contract() -> None:
    assert set(vendors.makes()) == set(sandbox.MAKES) == set(MAKES)


# what it can do

def verbs(bench: Bench) -> dict[Capability, Callable[[], Any]]:
    vendor, id = bench.vendor, bench.some().id
    return {
        Capability.READ: lambda: vendor.get([id]), Capability.HISTORY: lambda: vendor.history([id]),
        Capability.CREATE: lambda: vendor.create(bench.draft(), "verbs/create"),
        Capability.UPDATE: lambda: vendor.update(id, {"title": "Changed"}),
        Capability.COMMENT: lambda: vendor.comment(id, Comment(text="Hello", public=True), "verbs/comment"),
        Capability.NOTE: lambda: vendor.comment(id, Comment(text="Hello"), "verbs/note"),
        Capability.ATTACH: lambda: vendor.attach(id, file(), "verbs/attach"),
        Capability.ATTACHMENTS: lambda: vendor.attachments(id), Capability.DELETIONS: lambda: vendor.deletions({}),
        Capability.IDS: lambda: list(vendor.ids()), Capability.FIND: lambda: vendor.find("verbs/nothing"),
    }


def test_a_verb_works_if_and_only_if_it_is_among_the_capabilities(bench: Bench) -> None:
    can = bench.vendor.capabilities()
    assert Capability.READ in can
    for capability, verb in verbs(bench).items():
        if capability in can:
            verb()
        else:
            with pytest.raises(Unsupported):
                verb()


def test_the_check_tells_version_and_account(bench: Bench) -> None:
    found = bench.vendor.diagnose()
    assert found.version
    assert found.account
    assert found.capabilities == bench.vendor.capabilities()
    assert all(remark.strip() for remark in found.remarks)


def test_the_mapping_names_fields_the_tool_has(bench: Bench) -> None:
    names = {field.name for field in bench.vendor.fields()}
    bare = {name for name in bench.mapping.reads if not name.startswith("_") and "." not in name}
    assert bare <= names


def test_the_clock_of_the_tool_is_measured(bench: Bench) -> None:
    now = bench.tool.desk.clock.now()
    bench.tool.desk.clock.shift = timedelta(minutes=7)
    vendor = bench.again(now=lambda: now)
    vendor.capabilities()
    list(vendor.changed({}))
    skew = vendor.skew()
    assert skew is not None
    assert abs(skew - timedelta(minutes=7)) <= timedelta(seconds=30)


# reading

def test_the_first_load_gives_every_ticket_once_oldest_first(bench: Bench) -> None:
    pages = list(bench.vendor.changed({}))
    got = [ticket.id for page in pages for ticket in page.tickets]
    assert len(pages) > 1
    assert len(set(got)) == len(got)
    assert set(got) == {id for some in bench.vendor.ids() for id in some}
    assert not [bad for page in pages for bad in page.rejected]
    for page in pages:
        stamps = [ticket.updated_at for ticket in page.tickets]
        assert stamps == sorted(stamps)


def test_a_reading_can_be_resumed_after_any_page_by_another_process(bench: Bench) -> None:
    pages = list(bench.vendor.changed({}))
    for place, page in enumerate(pages):
        rest = {ticket.id for later in pages[place + 1:] for ticket in later.tickets}
        resumed = {ticket.id for later in bench.again().changed(page.cursor) for ticket in later.tickets}
        assert rest <= resumed


def test_a_second_reading_gives_nothing_new(bench: Bench) -> None:
    pages, cursor = bench.since({})
    seen = {ticket.id: ticket for page in pages for ticket in page.tickets}
    bench.settle()
    again, cursor = bench.since(cursor)
    assert [ticket for page in again for ticket in page.tickets if seen.get(ticket.id) != ticket] == []
    bench.settle()
    third, _ = bench.since(cursor)
    assert sum(len(page.tickets) for page in third) <= 1


def test_a_change_and_a_new_ticket_are_in_the_next_reading(bench: Bench) -> None:
    _, cursor = bench.since({})
    id = bench.some().id
    bench.settle()
    bench.tool.edit(id, title="Now on fire")
    new = bench.tool.create(title="Another one", kind="incident")
    bench.settle()
    pages, cursor = bench.since(cursor)
    got = {ticket.id: ticket.title for page in pages for ticket in page.tickets}
    assert got[id] == "Now on fire"
    assert got[new] == "Another one"


def test_two_changes_within_one_second_are_both_seen(bench: Bench) -> None:
    id, other = bench.some(0).id, bench.some(1).id
    _, cursor = bench.since({})
    bench.settle()
    bench.tool.edit(id, title="First")
    pages, cursor = bench.since(cursor)
    bench.tool.edit(other, title="Second")
    bench.tool.edit(id, title="Third")
    bench.settle()
    more, _ = bench.since(cursor)
    last = {ticket.id: ticket.title for page in [*pages, *more] for ticket in page.tickets}
    assert last[id] == "Third"
    assert last[other] == "Second"


def test_what_is_gone_or_hidden_is_absent(bench: Bench) -> None:
    kept, gone, hidden = (bench.some(place).id for place in range(3))
    bench.tool.delete(gone)
    bench.tool.hide(hidden)
    page = bench.vendor.get([gone, kept, hidden, bench.about.missing])
    assert [ticket.id for ticket in page.tickets] == [kept]
    assert not page.rejected
    assert not {gone, hidden} & {id for some in bench.vendor.ids() for id in some}


def test_a_deletion_is_listed_where_the_tool_lists_them(bench: Bench) -> None:
    if Capability.DELETIONS not in bench.vendor.capabilities():
        with pytest.raises(Unsupported):
            bench.vendor.deletions({})
        return
    _, cursor = bench.vendor.deletions({})
    id = bench.some().id
    bench.settle()
    bench.tool.trash(id) if bench.make == "glpi" else bench.tool.delete(id)
    bench.settle()
    gone, after = bench.vendor.deletions(cursor)
    assert id in gone
    assert bench.vendor.deletions(after)[0] in ([], [id])


def test_an_unknown_value_sets_one_ticket_aside_and_no_other(bench: Bench) -> None:
    """The mapping loses the value of one ticket's priority, as if the tool had just got a new one."""
    before = bench.everything()
    wanted = before[0].priority

    def forget(data: dict[str, Any]) -> None:
        rule = data["fields"]["priority"]
        rule["values"] = {raw: value for raw, value in rule["values"].items() if value != wanted}
        rule.pop("write", None)
        rule.pop("owner", None)
        rule.pop("else", None)

    pages = list(bench.again(forget).changed({}))
    aside = [bad for page in pages for bad in page.rejected]
    kept = {ticket.id for page in pages for ticket in page.tickets}
    assert {bad.ticket for bad in aside} == {ticket.id for ticket in before if ticket.priority == wanted}
    assert kept == {ticket.id for ticket in before if ticket.priority != wanted}
    assert all("unknown value" in str(bad) and "priority" in str(bad) and bad.tool == "desk" for bad in aside)


def test_threads_share_an_adapter(bench: Bench) -> None:
    ids = [ticket.id for ticket in bench.everything()]
    with ThreadPoolExecutor(4) as pool:
        for page in pool.map(lambda place: bench.vendor.get(ids[place:place + 5]), range(0, 20, 5)):
            assert len(page.tickets) == 5


# answers that are none

@pytest.mark.parametrize("kind", ["html_200", "half", "closed", "429", "500", "empty_202"])
def test_a_reading_that_gets_no_answer_is_tried_later(kind: str, bench: Bench) -> None:
    bench.everything()
    bench.tool.faults.add(kind, times=None, retry_after=7)
    with pytest.raises(TryLater) as caught:
        list(bench.vendor.changed({}))
    if kind == "429":
        assert caught.value.wait == timedelta(seconds=7)
    with pytest.raises(TryLater):
        bench.vendor.get([bench.about.missing])
    bench.tool.faults.clear()
    assert bench.everything()


@pytest.mark.parametrize("status", [301, 302, 307, 401, 403])
def test_redirects_and_refusals_end_in_an_error_of_ours_and_show_no_secret(status: int, bench: Bench) -> None:
    bench.everything()
    bench.tool.faults.add("500", times=None, status=status)
    with pytest.raises((TryLater, Refused)) as caught:
        list(bench.vendor.changed({}))
    settings = bench.tool.settings("desk", bench.tool.settings("x", None).mapping)  # type: ignore[arg-type]
    for secret in settings.auth.values():
        assert not isinstance(secret, Secret) or secret.reveal() not in str(caught.value)


@pytest.mark.parametrize("kind", ["html_200", "closed", "429", "500", "empty_202"])
def test_a_write_that_was_not_done_is_never_taken_for_done(kind: str, bench: Bench) -> None:
    draft = bench.draft()
    bench.fault(kind, "create", times=None)
    with pytest.raises(TryLater):
        bench.vendor.create(draft, "never/1")
    bench.tool.faults.clear()
    assert bench.vendor.find("never/1") is None
    assert bench.vendor.create(draft, "never/1", again=True) == bench.vendor.find("never/1")


@pytest.mark.parametrize("kind", ["closed", "429", "html_200"])
def test_an_update_that_was_not_done_is_never_taken_for_done(kind: str, bench: Bench) -> None:
    id = bench.some().id
    bench.fault(kind, "update", times=None)
    with pytest.raises(TryLater):
        bench.vendor.update(id, {"title": "Lost"})


# writing once

def test_the_same_key_twice_makes_one_ticket(bench: Bench) -> None:
    draft = bench.draft(title="Only one")
    first = bench.vendor.create(draft, "one/1")
    assert bench.vendor.find("one/1") == first
    assert bench.again().create(draft, "one/1", again=True) == first
    other = bench.vendor.create(draft, "one/2")
    assert other != first
    assert bench.vendor.find("one/3") is None
    bench.settle()
    assert sum(ticket.title == "Only one" for ticket in bench.everything()) == 2


@pytest.mark.parametrize("kind", AFTERWARDS)
def test_a_creation_whose_answer_was_lost_is_found_and_not_repeated(kind: str, bench: Bench) -> None:
    draft = bench.draft(title="Only one")
    bench.fault(kind, "create", **once(kind))
    try:
        first = bench.vendor.create(draft, "lost/1")
    except TryLater:
        first = bench.again().create(draft, "lost/1", again=True)
    bench.settle()
    assert [ticket.id for ticket in bench.everything() if ticket.title == "Only one"] == [first.id]


def test_the_same_key_on_two_tickets_is_two_comments(bench: Bench) -> None:
    """A key of a comment is unique within its ticket only: people number their requests as they like."""
    text, ids = "Said on both.", [bench.some(0).id, bench.some(1).id]
    for id in ids:
        bench.vendor.comment(id, Comment(text=text, public=True), "\u2116 1")
        bench.vendor.attach(id, file(name="both.txt"), "\u2116 1")
    bench.settle()
    told = bench.vendor.history(ids)
    for id in ids:
        assert [event.text for event in told[id] if event.kind is EventKind.COMMENTED].count(text) == 1
        assert [info.name for info in bench.vendor.attachments(id)].count("both.txt") == 1


@pytest.mark.parametrize("public", [True, False])
@pytest.mark.parametrize("kind", [*AFTERWARDS, ""])
def test_a_comment_is_there_once_whatever_happens_to_its_answer(kind: str, public: bool, bench: Bench) -> None:
    id, comment = bench.some().id, Comment(text="We are looking at it.", public=public)
    if kind:
        bench.fault(kind, "comment", **once(kind))
    with suppress(TryLater):
        bench.vendor.comment(id, comment, "say/1")
    bench.settle()
    bench.again().comment(id, comment, "say/1", again=True)
    bench.settle()
    wanted = EventKind.COMMENTED if public else EventKind.NOTED
    said = [e for e in bench.vendor.history([id])[id] if e.text == comment.text]
    assert [event.kind for event in said] == [wanted]


@pytest.mark.parametrize("kind", [*AFTERWARDS, ""])
def test_a_file_is_there_once_whatever_happens_to_the_answer(kind: str, bench: Bench) -> None:
    id = bench.some().id
    if kind:
        bench.fault(kind, "attach", **once(kind))
    with suppress(TryLater):
        bench.vendor.attach(id, file(name="once.txt"), "file/1")
    bench.again().attach(id, file(name="once.txt"), "file/1", again=True)
    assert [info.name for info in bench.vendor.attachments(id)].count("once.txt") == 1


# values

def test_an_update_is_what_the_tool_then_shows(bench: Bench) -> None:
    id, group = bench.some().id, "Network"
    patch = {"title": "VPN down (again)", "group": group, "state": State.PENDING, "pending_on": PendingOn.CUSTOMER}
    after = bench.vendor.update(id, patch)
    for ticket in (bench.one(id), *([after] if after is not None else [])):
        assert (ticket.title, ticket.group, ticket.state) == ("VPN down (again)", group, State.PENDING)
        assert ticket.pending_on is PendingOn.CUSTOMER
    bench.vendor.update(id, {"state": State.IN_PROGRESS, "pending_on": None}, again=True)
    assert (bench.one(id).state, bench.one(id).pending_on) == (State.IN_PROGRESS, None)


def test_an_update_that_is_already_so_changes_nothing(bench: Bench) -> None:
    id = bench.some().id
    bench.vendor.update(id, {"title": "Same"})
    before = bench.one(id)
    bench.settle()
    bench.vendor.update(id, {"title": "Same"}, again=True)
    assert bench.one(id).title == before.title


def test_a_ticket_created_by_us_is_read_as_it_was_drafted(bench: Bench) -> None:
    ref = bench.vendor.create(bench.draft(title="Drafted", group="Network"), "draft/1")
    ticket = bench.one(ref.id)
    assert (ref.tool, ticket.title, ticket.description, ticket.group) == (
        "desk", "Drafted", "Since this morning.", "Network")


@pytest.mark.parametrize("text", TEXTS)
def test_text_comes_back_as_it_was_sent(text: str, bench: Bench) -> None:
    line = " ".join(text.split())
    ref = bench.vendor.create(bench.draft(title=line, description=text), "text/1")
    ticket = bench.one(ref.id)
    assert ticket.title == bench.about.keeps(line)
    assert ticket.description == bench.about.keeps(text)
    bench.vendor.comment(ref.id, Comment(text=text, public=True), "text/2")
    bench.settle()
    said = [event.text for event in bench.vendor.history([ref.id])[ref.id] if event.kind is EventKind.COMMENTED]
    assert said == [bench.about.keeps(text)]


@pytest.mark.parametrize("patch", [{"group": "No Such Group"}, {"assignee": "nobody.at.all"}])
def test_what_the_tool_does_not_have_is_refused_and_changes_nothing(patch: dict[str, str], bench: Bench) -> None:
    ticket = bench.some()
    with pytest.raises(Refused) as caught:
        bench.vendor.update(ticket.id, patch)
    assert next(iter(patch.values())) in str(caught.value)
    assert (bench.one(ticket.id).group, bench.one(ticket.id).assignee) == (ticket.group, ticket.assignee)


def test_writing_to_what_is_gone_is_refused(bench: Bench) -> None:
    for verb in (lambda: bench.vendor.update(bench.about.missing, {"title": "x"}),
                 lambda: bench.vendor.comment(bench.about.missing, Comment(text="x", public=True), "gone/1"),
                 lambda: bench.vendor.attach(bench.about.missing, file(), "gone/2")):
        with pytest.raises(Refused):
            verb()


# history

def test_history_tells_who_did_what_in_our_words(bench: Bench) -> None:
    ticket = bench.some()
    bench.settle()
    bench.tool.edit(ticket.id, title="By an agent", group="Database")
    bench.settle()
    bench.vendor.update(ticket.id, {"title": "By us", "state": State.RESOLVED, "pending_on": None})
    bench.settle()
    events = effective(bench.vendor.history([ticket.id])[ticket.id])
    titles = [event for event in events if event.kind is EventKind.CHANGED and event.field == "title"]
    assert [event.new for event in titles[-2:]] == ["By an agent", "By us"]
    assert titles[-1].old == "By an agent"
    assert titles[-1].role is Role.CONNECTOR
    assert titles[-1].actor in bench.vendor.me()
    assert titles[-2].actor not in bench.vendor.me()
    states = [event.new for event in events if event.kind is EventKind.CHANGED and event.field == "state"]
    assert states[-1] == State.RESOLVED
    groups = [event.new for event in events if event.kind is EventKind.CHANGED and event.field == "group"]
    assert groups[-1] == "Database"


def test_history_has_unique_keys_utc_times_and_is_the_same_twice(bench: Bench) -> None:
    ids = [ticket.id for ticket in bench.everything()]
    told = bench.vendor.history([*ids, bench.about.missing])
    assert set(told) <= set(ids)
    assert any(len(events) > 3 for events in told.values())
    for events in told.values():
        assert len({event.key for event in events}) == len(events)
        assert all(event.at.tzinfo is UTC for event in events)
    assert bench.again().history(ids) == told


def test_the_last_values_of_the_history_are_the_ticket_s(bench: Bench) -> None:
    tickets = {ticket.id: ticket for ticket in bench.everything()}
    for id, events in bench.vendor.history(list(tickets)).items():
        last = {event.field: event.new for event in effective(events) if event.kind is EventKind.CHANGED}
        for field in ("state", "group", "title"):
            if field in last:
                assert last[field] == getattr(tickets[id], field), (id, field)


# files

def test_a_file_goes_and_comes_in_pieces(bench: Bench) -> None:
    data = bytes(range(256)) * 2000
    taken: list[int] = []

    def chunks() -> Iterator[bytes]:
        for start in range(0, len(data), 50_000):
            taken.append(start)
            yield data[start:start + 50_000]

    id = bench.some().id
    name = "r\u00e9sum\u00e9 of the day.txt"
    bench.vendor.attach(id, Attachment(name=name, media_type="text/plain", size=len(data), open=chunks), "big/1")
    assert len(taken) >= 11
    info = next(info for info in bench.vendor.attachments(id) if info.name == name)
    assert info.size in (None, len(data))
    pieces = list(bench.vendor.download(id, info.id))
    assert len(pieces) > 1
    assert b"".join(pieces) == data


def test_a_download_cut_short_is_not_a_file(bench: Bench) -> None:
    id = bench.some().id
    bench.vendor.attach(id, file(b"x" * 200_000, "cut.txt"), "cut/1")
    info = next(info for info in bench.vendor.attachments(id) if info.name == "cut.txt")
    bench.tool.faults.add("half", method="GET", path="(attach|Document)", times=None)
    with pytest.raises(TryLater):
        list(bench.vendor.download(id, info.id))


def test_a_file_that_is_not_there_is_not_found(bench: Bench) -> None:
    with pytest.raises((NotFound, Refused)):
        list(bench.vendor.download(bench.some().id, bench.about.missing))


# webhooks

def test_a_webhook_of_the_tool_points_at_its_ticket_and_only_whole_and_fresh(bench: Bench) -> None:
    told: list[Any] = []
    bench.tool.desk.listen(told.append)
    id = bench.some().id
    bench.tool.edit(id, title="Hooked")
    now = bench.tool.desk.clock.now()
    secret = bench.tool.side.webhook_secret()
    headers, body = bench.tool.side.hook(told[0], secret, 1, now.timestamp())
    hint = bench.vendor.verify_webhook(headers, body, now)
    assert hint.ids == (id,)
    assert hint.message
    assert bench.vendor.verify_webhook(headers, body, now).message == hint.message
    with pytest.raises(BadSignature):
        bench.vendor.verify_webhook(headers, body + b" ", now)
    with pytest.raises(BadSignature):
        bench.vendor.verify_webhook({}, body, now)
    with pytest.raises(BadSignature):
        bench.again(webhook_secrets=(Secret("another"),)).verify_webhook(headers, body, now)
    if any("time" in name.lower() for name in headers):
        with pytest.raises(BadSignature):
            bench.vendor.verify_webhook(headers, body, now + timedelta(days=2))


def test_nothing_but_our_errors_leaves_an_adapter(bench: Bench) -> None:
    """Every verb, with every request answered by every fault in turn."""
    for kind in ("half", "html_200", "500", "empty_202", "closed", "429", "expired"):
        for verb in verbs(bench).values():
            bench.tool.faults.add(kind, times=1)
            with suppress(ConnectorError):
                verb()
            bench.tool.faults.clear()
