"""Handoffs on the desk's pages: board, one handoff, handing over, feed, proof."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask

from connector.domain.handoffs.chain import Entry
from connector.domain.handoffs.handoff import Handoff
from connector.domain.handoffs.moves import HandoffState, Move, Side
from connector.domain.handoffs.proof_seal import public_of, verify
from connector.domain.ticket import AttachmentInfo
from connector.settings.proof_key import private_key
from tests.web import handed
from tests.web.conftest import Browser, app_of
from tests.web.world import NOW, World

Enter = Callable[[str], Browser]


@pytest.fixture
def made(there: World, tmp_path: Path) -> dict[str, Handoff]:
    handed.agree(there, tmp_path)
    return handed.fill(there)


@pytest.fixture
def app(there: World, made: dict[str, Handoff]) -> Flask:
    return app_of(there)


def now_of(there: World, id: str) -> tuple[Handoff, list[Entry]]:
    with there.store.read() as tx:
        return tx.handoffs([id])[id], tx.entries([id])[id]


def text(client: Browser, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200, path
    return answer.get_data(as_text=True)


def rows(page: str) -> list[str]:
    return re.findall(r'data-step href="/handoffs/([^"]+)"', page)


def act(client: Browser, id: str, **form: object) -> int:
    return client.post_form(f"/handoffs/{id}/act", dict(form), page=f"/handoffs/{id}").status_code


def test_the_board_counts_and_filters(as_role: Enter, made: dict[str, Handoff]) -> None:
    client = as_role("viewer")
    page = text(client, "/handoffs")
    assert len(rows(page)) == 5
    for words in ("All open (5)", "Offered (3)", "Waiting for us (1)", "At work (1)", "Disputed (0)"):
        assert words in page
    assert rows(text(client, "/handoffs?view=ours")) == [made["work"].id]
    assert rows(text(client, "/handoffs?receiver=soc")) == [made["soc"].id]
    assert "Offered (1)" in text(client, "/handoffs?receiver=soc")


@pytest.mark.parametrize("asked", ["?view=nothing", "?sort=nothing", "?cursor=x", "?receiver=nobody", "?q=%25"])
def test_an_odd_address_still_shows_a_board(as_role: Enter, made: dict[str, Handoff], asked: str) -> None:
    assert as_role("viewer").get(f"/handoffs{asked}", follow_redirects=True).status_code == 200


def test_late_and_silent_work_is_found(as_role: Enter, there: World, made: dict[str, Handoff]) -> None:
    from connector.flows import assess

    there.clock.move(hours=3)
    assess.tick(there.services.deps)
    page = text(as_role("viewer"), "/handoffs?view=late")
    assert made["offered"].id in rows(page)
    assert "Acknowledgement late" in page


def test_either_sides_number_finds_a_handoff(as_role: Enter, there: World, made: dict[str, Handoff]) -> None:
    from connector.flows.handoff_number import number_of_theirs

    number_of_theirs(there.services.deps, made["work"].id, "S-4711", "user:nina", "hosting")
    client = as_role("viewer")
    for number in ("S-47", "inc0000001", made["work"].id[:10]):
        assert rows(text(client, f"/handoffs?q={number}")) == [made["work"].id], number
        assert made["work"].id in text(client, f"/handoffs/feed?q={number}")
    assert rows(text(client, "/handoffs?q=%25")) == []


def test_the_order_can_be_chosen_and_pages_follow_each_other(there: World, made: dict[str, Handoff]) -> None:
    reads = there.services.handoffs
    seen: list[str] = []
    cursor = None
    while True:
        page = reads.board("open", sort="created", descending=False, limit=2, cursor=cursor)
        seen += [row.handoff.id for row in page.items]
        cursor = page.next
        if cursor is None:
            break
    assert sorted(seen) == sorted(one.id for one in made.values())
    assert len(set(seen)) == len(seen)


def test_a_handoff_shows_both_sides_clocks_words_and_moves(as_role: Enter, made: dict[str, Handoff]) -> None:
    page = text(as_role("agent"), f"/handoffs/{made['work'].id}")
    for words in ("Accept the resolution", "Which disk, the left or the right one?", "What they see",
                  "They may now:", "Acknowledgement", "Severity 1", "6 entries, hash-linked", "photo of the rack.jpg"):
        assert words in page, words


def test_a_viewer_may_look_and_not_act(as_role: Enter, made: dict[str, Handoff]) -> None:
    client = as_role("viewer")
    assert "Accept the resolution" not in text(client, f"/handoffs/{made['work'].id}")
    assert client.post_form(f"/handoffs/{made['work'].id}/act", {"move": "accept"}, page="/account").status_code == 403


def test_a_resolution_is_rejected_with_words_then_accepted_and_closed(as_role: Enter, there: World,
                                                                     made: dict[str, Handoff]) -> None:
    client, id = as_role("agent"), made["work"].id
    assert act(client, id, move="reject") == 422
    assert act(client, id, move="reject", reason="still slow") == 303
    handed.act(there, made["work"], Move.PROPOSE)
    assert act(client, id, move="accept") == 303
    assert act(client, id, move="close") == 303
    handoff, entries = now_of(there, id)
    assert (handoff.state, handoff.rejections) == (HandoffState.CLOSED, 1)
    assert entries[-1].actor == "user:agent"


def test_a_move_that_is_not_allowed_says_what_is(as_role: Enter, made: dict[str, Handoff]) -> None:
    client, id = as_role("agent"), made["offered"].id
    answer = client.post_form(f"/handoffs/{id}/act", {"move": "accept"}, page=f"/handoffs/{id}")
    assert answer.status_code == 409
    assert "Possible: Open a dispute, Withdraw." in answer.get_data(as_text=True)


@pytest.mark.parametrize("move", ["acknowledge", "decline", "expire"])
def test_the_desk_does_not_move_for_the_other_side(as_role: Enter, made: dict[str, Handoff], move: str) -> None:
    assert act(as_role("agent"), made["offered"].id, move=move, reason="x") == 409


def test_a_dispute_says_what_it_does_to_the_clock(as_role: Enter, there: World, made: dict[str, Handoff]) -> None:
    client, id = as_role("agent"), made["work"].id
    assert act(client, id, move="dispute", reason="not done", effect="frozen") == 303
    assert str(now_of(there, id)[0].dispute_effect) == "frozen"
    assert act(client, id, move="settle", reason="agreed", effect="credited") == 303
    assert now_of(there, id)[0].state is HandoffState.RESOLVED_PROPOSED


def test_the_third_return_waits_for_a_decision(as_role: Enter, there: World, made: dict[str, Handoff]) -> None:
    client, one = as_role("agent"), made["offered"]
    for _ in range(2):
        handed.act(there, one, Move.DECLINE)
        assert act(client, one.id, move="offer") == 303
    handed.act(there, one, Move.DECLINE)
    assert "It came back 3 times" in text(client, f"/handoffs/{one.id}")
    assert act(client, one.id, move="offer") == 409
    page = f"/handoffs/{one.id}"
    assert client.post_form(f"{page}/decide", {"reason": "x"}, page=page).status_code == 422
    assert client.post_form(f"{page}/decide", {"choice": "keep", "reason": ""}, page=page).status_code == 422
    assert client.post_form(f"{page}/decide", {"choice": "keep", "reason": "we do it"}, page=page).status_code == 303
    assert now_of(there, one.id)[0].state is HandoffState.CLOSED


def test_words_to_a_security_team_are_not_offered_and_looks_are_recorded(as_role: Enter, there: World,
                                                                        made: dict[str, Handoff]) -> None:
    client, id = as_role("agent"), made["soc"].id
    page = text(client, f"/handoffs/{id}")
    assert "This receiver is sent no free text." in page
    assert "looked at it" in page
    assert client.post_form(f"/handoffs/{id}/comment", {"text": "a name"}, page=f"/handoffs/{id}").status_code == 409
    looks = [entry for entry in now_of(there, id)[1] if entry.kind == "access"]
    assert {entry.actor for entry in looks} == {"user:agent"}


def test_a_file_for_them_is_kept_and_one_without_a_secret_is_not(as_role: Enter, there: World,
                                                                made: dict[str, Handoff]) -> None:
    client, id = as_role("agent"), made["work"].id
    page = f"/handoffs/{id}"
    assert client.post(f"{page}/files", data={"file": (io.BytesIO(b"x"), "x.txt")}).status_code == 400
    assert client.post_form(f"{page}/files", {"file": (io.BytesIO(b"log"), "l.txt")}, page=page).status_code == 303
    entry = now_of(there, id)[1][-1]
    assert (entry.side, entry.body["name"]) == (Side.OURS, "l.txt")
    assert client.get(f"{page}/files/{entry.body['sha256']}").data == b"log"


def test_what_they_wrote_is_shown_to_the_customer_only_when_asked(as_role: Enter, there: World,
                                                                 made: dict[str, Handoff]) -> None:
    client, id = as_role("agent"), made["work"].id
    ticket = text(client, f"/tickets/{there.keys['1']}")
    assert "Which disk, the left or the right one?" not in ticket
    page = f"/handoffs/{id}"
    assert client.post_form(f"{page}/publish", {"seq": "3"}, page=page).status_code == 303
    assert "Which disk, the left or the right one?" in text(client, f"/tickets/{there.keys['1']}")
    assert "the customer sees it" in text(client, page)


def test_the_ticket_shows_its_handoffs(as_role: Enter, there: World, made: dict[str, Handoff]) -> None:
    page = text(as_role("agent"), f"/tickets/{there.keys['1']}")
    assert f'href="/handoffs/{made["work"].id}"' in page
    assert "proposed a resolution" in page
    assert f'href="/tickets/{there.keys["1"]}/hand-over"' in page


def test_the_preview_is_exactly_what_leaves(as_role: Enter, there: World, made: dict[str, Handoff]) -> None:
    client, key = as_role("agent"), there.keys["11"]
    form = {"receiver": "cloud", "reason": "Needs you", "tried": "All", "contact": "Jo", "preview": "yes"}
    path = f"/tickets/{key}/hand-over"
    page = client.post_form(path, dict(form), page=f"{path}?receiver=cloud").get_data(as_text=True)
    shown = page[page.index('id="preview"'):]
    assert "Needs you" in shown
    del form["preview"]
    client.post_form(path, {**form, "once": "k"}, page=f"{path}?receiver=cloud")
    with there.store.read() as tx:
        (handoff,) = tx.handoffs_of([key])[key]
    from connector.domain.handoffs.message import offered

    with there.store.read() as tx:
        told = offered(handoff, tx.by_key([key])[key].ticket, there.services.agreements.current().receivers["cloud"])  # type: ignore[union-attr]
    told.pop("reply_by", None)
    for value in [*told["fields"].values(), *(told[name] for name in ("reason", "tried", "contact", "severity"))]:
        assert str(value) in shown, value


def test_a_form_sent_twice_hands_over_once(as_role: Enter, there: World, made: dict[str, Handoff]) -> None:
    client, key = as_role("agent"), there.keys["11"]
    path = f"/tickets/{key}/hand-over"
    for _ in range(2):
        answer = client.post_form(path, {"receiver": "hosting", "reason": "x", "once": "same"},
                                  page=f"{path}?receiver=hosting")
        assert answer.status_code == 303
    with there.store.read() as tx:
        assert len(tx.handoffs_of([key])[key]) == 1


def test_only_chosen_comments_and_files_go_along(as_role: Enter, there: World, made: dict[str, Handoff]) -> None:
    info = AttachmentInfo(id="f1", name="trace.txt", size=5, media_type="text/plain", created_at=NOW)
    there.vendor.files = {"f1": (info, b"trace"), "f2": (AttachmentInfo(id="f2", name="other.txt", size=1,
                                                                       media_type="text/plain", created_at=NOW), b"o")}
    client, key = as_role("agent"), there.keys["1"]
    handed.act(there, made["work"], Move.ACCEPT, Side.OURS)
    handed.act(there, made["work"], Move.CLOSE, Side.OURS)
    path = f"/tickets/{key}/hand-over"
    page = text(client, f"{path}?receiver=hosting")
    assert "We found the cause" in page
    assert "call back before noon" not in page, "an internal note is not on the list"
    answer = client.post_form(path, {"receiver": "hosting", "reason": "again", "comment": ["t1", "t2"],
                                     "file_id": ["f1"]}, page=f"{path}?receiver=hosting")
    id = answer.location.rsplit("/", 1)[1]
    entries = now_of(there, id)[1]
    assert [entry.body["text"] for entry in entries if entry.kind == "comment"] == [
        "We found the cause: a disk of the mail store is full."]
    assert [entry.body["name"] for entry in entries if entry.kind == "file"] == ["trace.txt"]
    assert "may not be shared" in text(client, f"/handoffs/{id}")


def test_what_is_missing_is_told_and_nothing_typed_is_lost(as_role: Enter, there: World,
                                                         made: dict[str, Handoff]) -> None:
    client, path = as_role("agent"), f"/tickets/{there.keys['11']}/hand-over"
    assert client.post_form(path, {"receiver": "nobody"}, page=f"{path}?receiver=hosting").status_code == 422
    answer = client.post_form(path, {"receiver": "hosting", "tried": "All I could"}, page=f"{path}?receiver=hosting")
    assert answer.status_code == 422
    page = answer.get_data(as_text=True)
    assert "Say why: this needs a reason." in page
    assert "All I could" in page


def test_times_of_a_visit_travel_with_their_zone(as_role: Enter, there: World, made: dict[str, Handoff]) -> None:
    client, path = as_role("agent"), f"/tickets/{there.keys['11']}/hand-over"
    client.post_form(path, {"receiver": "field", "reason": "x", "visit_from": "2026-07-01T08:00", "site": "Basel"},
                     page=f"{path}?receiver=field")
    with there.store.read() as tx:
        (handoff,) = tx.handoffs_of([there.keys["11"]])[there.keys["11"]]
    assert handoff.details == {"site": "Basel", "visit_from": "2026-07-01T08:00+02:00"}


def test_the_proof_is_signed_whole_and_printed(as_role: Enter, there: World, made: dict[str, Handoff]) -> None:
    client, id = as_role("viewer"), made["work"].id
    answer = client.get(f"/handoffs/{id}/proof.json")
    verdict = verify(answer.data, public_of(private_key(there.services.settings)))
    assert (verdict.mistakes, verdict.trusted, verdict.entries) == ((), True, 6)
    told = json.loads(answer.data)
    assert {clock["target"]: clock["state"] for clock in told["clocks"]} == {"acknowledge": "met", "resolution": "met"}
    assert told["contract"]["targets"]["resolution"] == {"P1": "4h", "else": "12h"}
    assert told["files"][0]["kept"] is True
    pdf = client.get(f"/handoffs/{id}/proof.pdf")
    assert pdf.data.startswith(b"%PDF-")
    assert pdf.headers["Content-Disposition"].startswith('attachment; filename="proof-INC0000001-')
    assert client.get(f"/handoffs/{id}/proof.exe").status_code == 404


def test_a_history_changed_in_the_database_is_seen(as_role: Enter, there: World, made: dict[str, Handoff]) -> None:
    from sqlalchemy import text as sql

    with there.store.begin() as tx:
        tx.run(sql("UPDATE handoff_entries SET document = replace(document, 'The left one', 'The right one')"))
    client, id = as_role("viewer"), made["work"].id
    assert "changed behind our back: entry 4 was changed" in text(client, f"/handoffs/{id}")
    assert verify(client.get(f"/handoffs/{id}/proof.json").data).mistakes == ("history: entry 4 was changed",)


def test_the_proof_on_paper_says_the_same_in_french(there: World, made: dict[str, Handoff]) -> None:
    from connector.web.handoffs import proofs
    from connector.web.handoffs.view import see
    from connector.web.papers import proof as paper

    seen = see(there.services, made["work"].id)
    assert seen is not None
    told = json.loads(proofs.signed(there.services, seen))
    words = list(paper.document(told, "key", "fr_CH", "Europe/Zurich").texts())
    assert words[:2] == ["Dossier de preuve d\u2019un transfert",
                         "INC0000001 · Hosting AG, Zürich · état du 2 mars 2026, 10:21:00 CET"]
    assert "Disk replaced, mail store rebuilt." in words
    assert "6. nina (Hosting AG, Zürich) a proposé une résolution, 2 mars 2026, 10:14:00 CET" in words
    assert told["chain"]["head"] in words


@pytest.mark.parametrize("path", ["/handoffs/none", "/handoffs/none/proof.json", "/handoffs/none/files/x"])
def test_what_is_not_there_is_said_so(as_role: Enter, made: dict[str, Handoff], path: str) -> None:
    assert as_role("admin").get(path).status_code == 404


def test_home_tells_what_handoffs_need_of_a_person(as_role: Enter, there: World, made: dict[str, Handoff]) -> None:
    client = as_role("agent")
    page = text(client, "/")
    assert "1 handoff waits for us." in page
    assert "/handoffs?view=ours" in page
    assert "nothing is heard of" not in page
