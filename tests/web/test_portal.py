"""The portal: a receiver sees its own handoffs and nothing else, and answers them as its contract says."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask

from connector.domain.handoffs.chain import Entry
from connector.domain.handoffs.handoff import Handoff
from connector.domain.handoffs.moves import HandoffState, Move, Side
from connector.flows import handoffs as flow
from connector.web.rights import Right, door_of
from tests.web import handed
from tests.web.conftest import Browser, app_of
from tests.web.world import World

Enter = Callable[[str], Browser]


@pytest.fixture
def made(there: World, tmp_path: Path) -> dict[str, Handoff]:
    handed.agree(there, tmp_path)
    return handed.fill(there)


@pytest.fixture
def app(there: World, made: dict[str, Handoff]) -> Flask:
    return app_of(there)


@pytest.fixture
def enter(app: Flask, there: World) -> Enter:
    """A browser of somebody who speaks for this receiver."""

    def sign_in(receiver: str) -> Browser:
        login = there.user("supplier", login=f"of-{receiver.lower().replace(' ', '-')}", supplier=receiver)
        client = app.test_client()
        assert isinstance(client, Browser)
        assert client.sign_in(login).status_code == 303
        return client

    return sign_in


def now_of(there: World, handoff: Handoff) -> tuple[Handoff, list[Entry]]:
    with there.store.read() as tx:
        return tx.handoffs([handoff.id])[handoff.id], tx.entries([handoff.id])[handoff.id]


def post(client: Browser, handoff: Handoff, what: str, **data: object) -> int:
    page = f"/portal/{handoff.id}"
    return client.post_form(f"{page}/{what}", dict(data), page=page).status_code


def portal_routes(app: Flask, id: str, digest: str) -> list[tuple[str, str]]:
    found = []
    for rule in app.url_map.iter_rules():
        if rule.rule.startswith("/portal/<id>"):
            path = rule.rule.replace("<id>", id).replace("<digest>", digest)
            found += [(method, path) for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})]
    return found


def test_a_receiver_sees_its_own_handoffs_in_the_list(enter: Enter, made: dict[str, Handoff]) -> None:
    page = enter("hosting").get("/portal").get_data(as_text=True)
    assert made["work"].id in page
    assert made["offered"].id in page
    assert not any(made[name].id in page for name in ("soc", "cloud", "field"))


def test_the_name_in_tickets_speaks_for_the_receiver_too(enter: Enter, made: dict[str, Handoff]) -> None:
    assert enter("Hosting AG").get(f"/portal/{made['work'].id}").status_code == 200


def test_on_every_route_not_yours_looks_as_if_not_there(app: Flask, enter: Enter, there: World,
                                                       made: dict[str, Handoff]) -> None:
    client = enter("cloud")
    app.config["WTF_CSRF_ENABLED"] = False
    digest = now_of(there, made["work"])[1][4].body["sha256"]
    theirs, nobodys = (portal_routes(app, id, digest) for id in (made["work"].id, "ho-ffffffffffffffffffff"))
    assert len(theirs) >= 7
    form = {"move": "propose_resolution", "text": "x", "reason": "x", "theirs": "1", "work": "x"}
    before = now_of(there, made["work"])
    for (method, path), (_, other) in zip(theirs, nobodys, strict=True):
        answers = [client.open(where, method=method, data=form if method == "POST" else None)
                   for where in (path, other)]
        assert [answer.status_code for answer in answers] == [404, 404], (method, path)
        bodies = [answer.get_data(as_text=True) for answer in answers]
        assert made["work"].id not in bodies[0]
        assert len(bodies[0]) == len(bodies[1])
    assert now_of(there, made["work"]) == before


def test_no_other_page_is_reached(app: Flask, enter: Enter, made: dict[str, Handoff]) -> None:
    client = enter("hosting")
    app.config["WTF_CSRF_ENABLED"] = False
    for rule in app.url_map.iter_rules():
        path = rule.rule.replace("<int:key>", "1").replace("<int:id>", "1").replace("<id>", made["work"].id)
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            guard = door_of(app.view_functions[rule.endpoint], method)
            if isinstance(guard, Right) and guard is not Right.HANDOFFS_ANSWER and not path.startswith("/api/"):
                assert client.open(path, method=method).status_code == 403, (method, rule.rule)


def test_home_leads_to_the_portal_and_the_page_to_no_desk_page(enter: Enter, made: dict[str, Handoff]) -> None:
    client = enter("hosting")
    assert client.get("/").location == "/portal"
    page = client.get("/portal").get_data(as_text=True)
    assert not any(f'href="{path}' in page for path in ("/tickets", "/handoffs", "/connections", "/api"))


def test_a_token_of_a_receiver_reads_no_ticket(app: Flask, there: World, made: dict[str, Handoff]) -> None:
    there.user("supplier", login="nina", supplier="Hosting AG")
    headers = there.token("tickets:read", user="nina")
    assert app.test_client().get("/api/v1/tickets", headers=headers).status_code == 403


def test_a_receiver_whose_contract_opens_no_portal_gets_none(there: World, tmp_path: Path, app: Flask, enter: Enter,
                                                            made: dict[str, Handoff]) -> None:
    file = tmp_path / "sla_profiles" / "suppliers" / "hosting.yaml"
    file.write_text(file.read_text().replace("reach: portal", "reach: {email: desk@hosting.example}"))
    client = enter("hosting")
    assert client.get(f"/portal/{made['work'].id}").status_code == 404
    assert made["work"].id not in client.get("/portal").get_data(as_text=True)


def test_what_was_never_offered_is_not_there(enter: Enter, there: World, made: dict[str, Handoff]) -> None:
    draft = flow.offer(there.services.deps, there.keys["11"], flow.Offer(receiver="hosting", reason="x", draft=True),
                       "user:aline")
    client = enter("hosting")
    assert client.get(f"/portal/{draft.id}").status_code == 404
    assert draft.id not in client.get("/portal").get_data(as_text=True)
    flow.act(there.services.deps, draft.id, Move.WITHDRAW, "user:aline", reason="a mistake")
    assert client.get(f"/portal/{draft.id}").status_code == 404
    assert draft.id not in client.get("/portal?view=closed").get_data(as_text=True)


def test_an_offer_is_acknowledged_worked_on_and_resolved(enter: Enter, there: World, made: dict[str, Handoff]) -> None:
    client, work = enter("hosting"), made["offered"]
    assert post(client, work, "act", move="acknowledge") == 303
    assert post(client, work, "act", move="start") == 303
    assert post(client, work, "number", theirs=" S-4711 ") == 303
    assert post(client, work, "act", move="propose_resolution", reason="New cable.\r\nTested.") == 303
    handoff, entries = now_of(there, work)
    assert (handoff.state, handoff.theirs) == (HandoffState.RESOLVED_PROPOSED, "S-4711")
    assert all(entry.side is Side.THEIRS and entry.actor == "user:of-hosting" for entry in entries[1:])
    assert entries[-1].body["reason"] == "New cable.\nTested."


def test_declining_needs_words_and_what_was_typed_stays(enter: Enter, there: World, made: dict[str, Handoff]) -> None:
    client, work = enter("hosting"), made["offered"]
    page = f"/portal/{work.id}"
    answer = client.post_form(f"{page}/act", {"move": "decline", "reason": "  "}, page=page)
    assert answer.status_code == 422
    assert "Say why: this needs a reason." in answer.get_data(as_text=True)
    assert post(client, work, "act", move="decline", reason="not our site") == 303
    assert now_of(there, work)[0].state is HandoffState.DECLINED


@pytest.mark.parametrize("move", ["accept", "reject", "withdraw", "close", "offer", "expire"])
def test_moves_of_the_other_side_are_refused(enter: Enter, there: World, made: dict[str, Handoff], move: str) -> None:
    assert post(enter("hosting"), made["work"], "act", move=move, reason="because") == 409
    assert now_of(there, made["work"])[0].state is HandoffState.RESOLVED_PROPOSED


def test_a_dispute_is_opened_but_its_clock_is_not_theirs_to_say(enter: Enter, there: World,
                                                               made: dict[str, Handoff]) -> None:
    assert post(enter("hosting"), made["work"], "act", move="dispute", reason="never rejected", effect="frozen") == 303
    handoff, _ = now_of(there, made["work"])
    assert (handoff.state, str(handoff.dispute_effect)) == (HandoffState.DISPUTED, "runs")


def test_a_comment_sent_twice_is_one(enter: Enter, there: World, made: dict[str, Handoff]) -> None:
    client = enter("hosting")
    for _ in range(2):
        assert post(client, made["work"], "comment", text="On my way.", once="k1") == 303
    said = [entry for entry in now_of(there, made["work"])[1] if entry.body.get("text") == "On my way."]
    assert len(said) == 1
    assert said[0].side is Side.THEIRS


def attach(client: Browser, handoff: Handoff, name: str, body: bytes, kind: str = "text/html") -> int:
    return post(client, handoff, "files", file=(io.BytesIO(body), name, kind))


def test_a_file_is_kept_with_a_safe_name_and_served_as_a_download(enter: Enter, there: World,
                                                                 made: dict[str, Handoff]) -> None:
    client = enter("hosting")
    assert attach(client, made["work"], "../../etc/x<script>.html", b"<script>alert(1)</script>") == 303
    entry = now_of(there, made["work"])[1][-1]
    assert entry.body["name"] == "x<script>.html"
    answer = client.get(f"/portal/{made['work'].id}/files/{entry.body['sha256']}")
    assert answer.data == b"<script>alert(1)</script>"
    assert answer.content_type == "application/octet-stream"
    assert answer.headers["Content-Disposition"].startswith("attachment;")
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_a_file_of_another_handoff_is_not_given_by_its_hash(enter: Enter, there: World,
                                                          made: dict[str, Handoff]) -> None:
    digest = now_of(there, made["work"])[1][4].body["sha256"]
    assert enter("hosting").get(f"/portal/{made['offered'].id}/files/{digest}").status_code == 404


def test_a_file_that_is_too_large_is_refused_and_nothing_is_kept(enter: Enter, there: World, app: Flask,
                                                                made: dict[str, Handoff]) -> None:
    there.services.deps.options["largest_file"] = 1000  # type: ignore[index]
    client, before = enter("hosting"), now_of(there, made["work"])
    assert attach(client, made["work"], "big.bin", b"x" * 2000) in (413, 422)
    assert attach(client, made["work"], "huge.bin", b"x" * 200_000) == 413
    assert now_of(there, made["work"]) == before


@pytest.mark.parametrize("kind", ["text/html; x=\"\r\n", "a/b/c", "../x", "", "x" * 200])
def test_a_media_type_that_is_none_is_not_kept(kind: str) -> None:
    from connector.web.handoffs.sending import media_type

    assert media_type(kind) == "application/octet-stream"


def test_files_need_the_forms_secret_too(enter: Enter, there: World, made: dict[str, Handoff]) -> None:
    answer = enter("hosting").post(f"/portal/{made['work'].id}/files", data={"file": (io.BytesIO(b"x"), "x.txt")})
    assert answer.status_code == 400


def test_a_security_team_reads_no_words_of_ours(enter: Enter, there: World, made: dict[str, Handoff]) -> None:
    page = enter("soc").get(f"/portal/{made['soc'].id}").get_data(as_text=True)
    assert "TLP:AMBER" in page
    for words in ("new disk", "Restarted twice", "Aline, 021", "Password reset", "aline"):
        assert words not in page, words


def test_other_receivers_read_only_the_fields_of_their_list(enter: Enter, made: dict[str, Handoff]) -> None:
    page = enter("hosting").get(f"/portal/{made['work'].id}").get_data(as_text=True)
    assert "Since 08:10 nobody in Geneva" in page
    for hidden in ("Luc Favre", "ACME SA", "4711", "call back before noon"):
        assert hidden not in page, hidden


def test_only_our_words_and_files_sent_to_them_are_shown(enter: Enter, there: World, made: dict[str, Handoff]) -> None:
    flow.publish(there.services.deps, made["work"].id, 3, "user:aline")
    page = enter("hosting").get(f"/portal/{made['work'].id}").get_data(as_text=True)
    assert "The left one." in page
    assert "showed it to the customer" not in page


def report(client: Browser, handoff: Handoff, **more: str) -> int:
    given = {"arrived": "2026-03-02T09:30", "left": "2026-03-02T10:05", "work": "Cable changed, tested.",
             "part_name_0": "Cable", "part_number_0": "C-6", "part_quantity_0": "2", "signed_by": "Fritz Muster",
             "agreed": "yes", **more}
    return post(client, handoff, "report", **given)


def test_a_visit_is_reported_with_parts_and_a_typed_signature(enter: Enter, there: World,
                                                            made: dict[str, Handoff]) -> None:
    there.clock.move(hours=1)
    client = enter("field")
    assert report(client, made["field"]) == 303
    entry = now_of(there, made["field"])[1][-1]
    assert (entry.kind, entry.body["signed_by"]) == ("report", "Fritz Muster")
    assert entry.body["parts"] == [{"name": "Cable", "number": "C-6", "quantity": "2"}]
    assert entry.body["arrived"] == "2026-03-02T08:30:00+00:00"
    pdf = client.get(f"/portal/{made['field'].id}/files/{entry.body['sha256']}").data
    assert pdf.startswith(b"%PDF-")


@pytest.mark.parametrize("wrong", [{"agreed": ""}, {"signed_by": " "}, {"work": ""}, {"left": "2026-03-02T09:00"},
                                   {"arrived": "2027-01-01T09:00", "left": "2027-01-01T10:00"}, {"arrived": "soon"}])
def test_a_report_that_is_not_signed_or_not_possible_is_not_kept(enter: Enter, there: World, made: dict[str, Handoff],
                                                               wrong: dict[str, str]) -> None:
    there.clock.move(hours=1)
    before = now_of(there, made["field"])
    assert report(enter("field"), made["field"], **wrong) == 422
    assert now_of(there, made["field"]) == before


def test_only_a_field_service_reports_visits(enter: Enter, made: dict[str, Handoff]) -> None:
    assert report(enter("hosting"), made["work"]) == 404


def test_the_portal_speaks_french(enter: Enter, made: dict[str, Handoff]) -> None:
    page = enter("hosting").get("/portal", headers={"Accept-Language": "fr-CH"}).get_data(as_text=True)
    assert "Travail qui vous est transféré" in page


def test_what_the_desk_changes_for_itself_is_not_told(enter: Enter, there: World, made: dict[str, Handoff]) -> None:
    """Only what goes out as a message too is shown: the owner and our priority are ours."""
    flow.edit(there.services.deps, made["work"].id, {"owner": "Secret Squad", "data_class": "internal only"},
              "user:aline")
    page = enter("hosting").get(f"/portal/{made['work'].id}").get_data(as_text=True)
    assert "Secret Squad" not in page
    assert "internal only" in page


def test_of_our_people_only_authors_of_words_are_named(enter: Enter, there: World, made: dict[str, Handoff]) -> None:
    page = enter("hosting").get(f"/portal/{made['offered'].id}").get_data(as_text=True)
    assert "aline (" not in page
    assert "aline (" in enter("Hosting AG").get(f"/portal/{made['work'].id}").get_data(as_text=True)
