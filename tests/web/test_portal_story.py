"""The whole story with a supplier that only has the portal, told through the pages alone."""

from __future__ import annotations

import json
import re
from pathlib import Path

from flask import Flask

from connector.domain.handoffs.proof import lasted
from connector.domain.handoffs.proof_seal import verify
from connector.flows import assess
from tests.web import handed
from tests.web.conftest import Browser, app_of
from tests.web.world import World

GOOD = "a long enough sentence"


def test_from_invitation_to_proof(there: World, tmp_path: Path) -> None:
    handed.agree(there, tmp_path)
    app = app_of(there)
    desk, guest = browser(app), browser(app)
    there.user("admin")
    desk.sign_in("admin")

    def ours(handoff: str, **form: str) -> None:
        page = f"/handoffs/{handoff}"
        assert desk.post_form(f"{page}/act", dict(form), page=page).status_code == 303

    def theirs(handoff: str, **form: str) -> None:
        page = f"/portal/{handoff}"
        assert guest.post_form(f"{page}/act", dict(form), page=page).status_code == 303

    def later(minutes: int) -> None:
        there.clock.move(minutes=minutes)
        assess.tick(there.services.deps)

    page = "/receivers/hosting"
    told = desk.post_form(f"{page}/invite", {"login": "nina"}, page=page).get_data(as_text=True)
    invitation = found(r'mb-0">http://localhost(/invitation/[^<]+)<', told)
    assert guest.post_form(invitation, {"new": GOOD, "again": GOOD}, page=invitation).status_code == 303

    path = f"/tickets/{there.keys['5']}/hand-over"
    made = desk.post_form(path, {"receiver": "hosting", "reason": "The reader is dead.", "priority": "P1",
                                 "once": "1"}, page=f"{path}?receiver=hosting")
    handoff = made.location.rsplit("/", 1)[1]
    assert handoff in guest.get("/portal").get_data(as_text=True)
    later(31)
    assert "Acknowledgement late" in desk.get("/handoffs?view=late").get_data(as_text=True)
    later(4)
    theirs(handoff, move="acknowledge")
    later(30)
    theirs(handoff, move="wait_customer", reason="Access to site")
    later(120)
    theirs(handoff, move="resume")
    later(30)
    theirs(handoff, move="propose_resolution", reason="Reader replaced.")
    later(20)
    ours(handoff, move="reject", reason="It opens for everybody now.")
    later(15)
    theirs(handoff, move="propose_resolution", reason="Configured and tested.")
    later(5)
    ours(handoff, move="accept")
    ours(handoff, move="close")

    raw = desk.get(f"/handoffs/{handoff}/proof.json").data
    assert verify(raw).mistakes == ()
    clocks = {clock["target"]: clock for clock in json.loads(raw)["clocks"]}
    assert (clocks["acknowledge"]["state"], lasted(clocks["acknowledge"]["active"]).total_seconds()) == (
        "breached", 35 * 60)
    # 30 before the wait, 30 after it, 15 after the rejection; not the customer's two hours, nor our 20 minutes.
    assert (clocks["resolution"]["state"], lasted(clocks["resolution"]["active"]).total_seconds()) == ("met", 75 * 60)
    said = [entry["body"].get("reason") for entry in json.loads(raw)["entries"] if entry["kind"] == "moved"]
    assert "It opens for everybody now." in said
    review = desk.get("/receivers/hosting/review?month=2026-03&form=json").get_json()
    figures = {one["name"]: (one["numerator"], one["denominator"]) for one in review["measures"]}
    assert (figures["acknowledge_in_time"], figures["resolution_in_time"], figures["rejected"]) == (
        (0, 1), (1, 1), (1, 2))
    closed = guest.get("/portal?view=closed").get_data(as_text=True)
    assert handoff in closed


def browser(app: Flask) -> Browser:
    client = app.test_client()
    assert isinstance(client, Browser)
    return client


def found(pattern: str, text: str) -> str:
    match = re.search(pattern, text)
    assert match is not None, pattern
    return match.group(1)
