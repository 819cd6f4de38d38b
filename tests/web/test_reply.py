"""A supplier without a system and without an account answers with the link of its mail."""

from __future__ import annotations

from datetime import UTC
from pathlib import Path

import pytest

from connector.channels.supplier_mail import SupplierMail
from connector.domain.handoffs.chain import EntryKind
from connector.domain.handoffs.file_link import VALID, reply_url
from connector.flows import handoffs
from connector.settings.app_key import FILE_LINKS, REPLY_LINKS, derived
from connector.web.portal.reply import BUCKET
from tests.flows.fake_channel import FakeChannel
from tests.web.supplied import PROFILE, Desk, supplied
from tests.web.world import World


@pytest.fixture
def desk(there: World, tmp_path: Path) -> Desk:
    found = supplied(there, tmp_path)
    text = PROFILE.format(name="alpha", variable="ALPHA").replace(
        '{webhook: {url: "https://alpha.example/hooks", secrets: [ALPHA, ALPHA_OLD]}}', "{email: desk@alpha.example}")
    (tmp_path / "sla_profiles/suppliers/alpha.yaml").write_text(text + "  shares: {fields: [title]}\n")
    return found


def link(desk: Desk, receiver: str = "alpha", handoff: str = "") -> str:
    key = derived(desk.there.services.settings, REPLY_LINKS)
    return reply_url("", receiver, handoff or desk.work[receiver], desk.there.clock(), key)


def test_the_link_of_the_mail_opens_the_handoff(desk: Desk) -> None:
    mail = FakeChannel()
    key = derived(desk.there.services.settings, REPLY_LINKS)
    receiver = desk.there.services.deps.registry().receivers["alpha"]  # type: ignore[misc]
    with desk.there.store.read() as tx:
        (offer,) = tx.outstanding("supplier:alpha", "handoff")
    SupplierMail(receiver, mail, base="https://desk.example", reply_key=key, zone=UTC).deliver(offer,
        desk.there.clock())
    (url,) = mail.got[0].payload["links"]
    page = desk.client.get(url.removeprefix("https://desk.example"))
    assert page.status_code == 200
    assert "Printer on floor 3 out of toner" in page.get_data(as_text=True)


def test_looking_changes_nothing(desk: Desk) -> None:
    before = desk.handoff()
    for _ in range(3):
        assert desk.client.get(link(desk)).status_code == 200
    assert desk.handoff() == before


def test_a_button_answers_and_no_account_or_cookie_is_needed(desk: Desk) -> None:
    there = link(desk)
    assert desk.app.test_client().post(there, data={"move": "acknowledge"}).status_code == 303
    assert desk.handoff().state == "acknowledged"
    assert desk.app.test_client().post(there, data={"move": "propose_resolution",
        "reason": "new disk"}).status_code == 303
    assert desk.handoff().state == "resolved_proposed"


def test_words_that_lack_and_moves_that_may_not_be_are_told_on_the_page(desk: Desk) -> None:
    there = link(desk)
    lacking = desk.client.post(there, data={"move": "decline", "reason": " "})
    assert lacking.status_code == 422
    assert desk.client.post(there, data={"move": "resume"}).status_code == 409
    assert desk.client.post(there, data={"move": "accept"}).status_code == 409, "ours to make"
    assert desk.client.post(there, data={"move": "teleport", "text": " "}).status_code == 422
    assert desk.handoff().state == "offered"


def test_words_reach_the_desk_once(desk: Desk) -> None:
    for _ in range(2):
        desk.client.post(link(desk), data={"text": "on our way", "once": "a"})
    (entry,) = desk.entries(EntryKind.COMMENT)
    assert (entry.body["text"], str(entry.side)) == ("on our way", "theirs")


def test_a_link_opens_one_handoff_of_one_receiver_for_a_time(desk: Desk) -> None:
    there = link(desk)
    for wrong in (there.replace("/alpha/", "/beta/"), there.replace(desk.work["alpha"], desk.work["beta"]), there[:-1],
                  there.split("?")[0], link(desk, "beta"), link(desk, "alpha", desk.work["beta"])):
        assert desk.client.get(wrong).status_code == 404
        assert desk.client.post(wrong, data={"move": "acknowledge"}).status_code == 404
    desk.there.clock.move(seconds=VALID.total_seconds() + 1)
    assert desk.client.get(there).status_code == 404
    assert desk.handoff().state == desk.handoff("beta").state == "offered"


def test_a_link_to_a_file_opens_no_handoff(desk: Desk) -> None:
    key = derived(desk.there.services.settings, FILE_LINKS)
    other = reply_url("", "alpha", desk.work["alpha"], desk.there.clock(), key)
    assert desk.client.get(other).status_code == 404


def test_guessing_ends_soon(desk: Desk) -> None:
    statuses = [desk.client.get("/reply/alpha/ho-x?until=1&proof=x").status_code for _ in range(60)]
    assert statuses.count(404) == desk.app.extensions[BUCKET].burst
    assert statuses[-1] == 429


def test_a_page_is_not_indexed_and_passes_no_address_on(desk: Desk) -> None:
    page = desk.client.get(link(desk))
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert "noindex" in page.headers["X-Robots-Tag"]
    assert page.headers["Cache-Control"] == "no-store"


def test_in_french_too(desk: Desk) -> None:
    page = desk.client.get(link(desk), headers={"Accept-Language": "fr"}).get_data(as_text=True)
    assert "Votre r\u00e9ponse" in page


def test_nothing_of_ours_that_does_not_travel_is_shown(desk: Desk) -> None:
    handoffs.offer(desk.there.services.deps, desk.there.keys["8"], handoffs.Offer(receiver="beta", reason="s3cret"),
        "u")
    page = desk.client.get(link(desk)).get_data(as_text=True)
    assert "s3cret" not in page
    assert "please" in page
