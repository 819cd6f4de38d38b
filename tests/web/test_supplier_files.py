"""Files of a handoff: fetched by its supplier with the link of our message, and with nothing else."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from connector.domain.handoffs.file_link import VALID, FileLink, link
from connector.domain.handoffs.supplier_envelope import envelope, with_links
from connector.flows import handoffs
from connector.settings.app_key import FILE_LINKS, derived
from connector.web.handoffs.view import see
from connector.web.portal import thread
from tests.web.supplied import PROFILE, Desk, supplied
from tests.web.world import World

RAW = b"what we know so far\n"
DIGEST = hashlib.sha256(RAW).hexdigest()


@pytest.fixture
def desk(there: World, tmp_path: Path) -> Desk:
    found = supplied(there, tmp_path)
    path = tmp_path / "sla_profiles/suppliers/alpha.yaml"
    path.write_text(PROFILE.format(name="alpha", variable="ALPHA") + "  shares: {attachments: chosen}\n")
    handoffs.attach(there.services.deps, found.work["alpha"], "notes \u00e9.txt", "text/plain", [RAW], "user:a")
    return found


def url(desk: Desk, one: FileLink | None = None) -> str:
    key = derived(desk.there.services.settings, FILE_LINKS)
    return (one or told(desk)).url("", key)


def told(desk: Desk) -> FileLink:
    return link("alpha", desk.work["alpha"], DIGEST, desk.there.clock())


def test_the_link_of_the_message_gives_the_file_as_a_download(desk: Desk) -> None:
    answer = desk.client.get(url(desk))
    assert (answer.status_code, answer.data) == (200, RAW)
    assert answer.headers["Content-Disposition"].startswith("attachment;")
    assert "sandbox" in answer.headers["Content-Security-Policy"]


def test_a_link_ends(desk: Desk) -> None:
    there = url(desk)
    desk.there.clock.move(seconds=VALID.total_seconds() + 1)
    assert desk.client.get(there).status_code == 404


def test_a_changed_link_opens_nothing(desk: Desk) -> None:
    there = url(desk)
    for wrong in (there.replace(DIGEST, "0" * 64), there.replace("/alpha/", "/beta/"), there[:-1],
                  there.replace("until=", "until=9"), there.split("?")[0], there.replace("until=", "until=\u0661")):
        assert desk.client.get(wrong).status_code == 404


def test_a_well_signed_link_to_what_was_never_told_opens_nothing(desk: Desk) -> None:
    """The store decides, even if a key leaked: not another's handoff, not a file of the supplier's own,
    no other file."""
    for other in (replace_link(desk, receiver="beta"), replace_link(desk, handoff=desk.work["beta"]),
                  replace_link(desk, digest="0" * 64), replace_link(desk, handoff="ho-nothing")):
        assert desk.client.get(url(desk, other)).status_code == 404


def replace_link(desk: Desk, **changes: str) -> FileLink:
    one = told(desk)
    return FileLink(changes.get("receiver", one.receiver), changes.get("handoff", one.handoff),
                    changes.get("digest", one.digest), one.until)


def test_who_names_the_hash_of_a_file_we_keep_for_others_does_not_get_it(desk: Desk) -> None:
    """Naming an address with the hash of a file is no proof of having it, and it is never fetched if it is there."""
    there = desk.there
    kept = there.services.deps.options["files"] / hashlib.sha256(b"secret").hexdigest()
    kept.write_bytes(b"secret")
    named = {"name": "mine.txt", "sha256": kept.name, "size": 6, "url": "https://alpha.example/mine.txt"}
    assert desk.tell("handoff.attachment_added", attachments=[named]).status_code == 202
    assert desk.client.get(url(desk, replace_link(desk, digest=kept.name))).status_code == 404
    seen = see(there.services, desk.work["alpha"], ["alpha"])
    assert seen is not None
    assert [one.digest for one in thread.files(seen)] == [DIGEST]
    assert kept.name not in str([entry.body for entry in thread.shown(seen)])


def test_a_file_no_longer_kept_is_not_there(desk: Desk) -> None:
    (desk.there.services.deps.options["files"] / DIGEST).unlink()
    assert desk.client.get(url(desk)).status_code == 404


def test_the_channel_tells_the_same_link_that_the_door_opens(desk: Desk) -> None:
    with desk.there.store.read() as tx:
        (payload,) = [one.payload for one in tx.outstanding("supplier:alpha", "handoff")
                      if one.payload["type"] == "handoff.attachment_added"]
    key = derived(desk.there.services.settings, FILE_LINKS)
    message = with_links(envelope("k", payload, "https://desk.example"), "alpha", "https://desk.example", key)
    (file,) = message["data"]["attachments"]
    assert desk.client.get(file["url"].removeprefix("https://desk.example")).data == RAW
