"""Agreements on pages: who may read and change them, mistakes at their line, and files saved whole or not at all."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from connector.domain.errors import ConfigError, Conflict, NotFound
from connector.domain.history import EventKind
from connector.files import editing as files
from connector.files.in_force import Agreements
from connector.flows import assess
from connector.web import trials
from tests.web.agreed import agree
from tests.web.conftest import Browser, app_of
from tests.web.world import World

ACME = "/agreements/edit/customers/acme"
Enter = Callable[[str], Browser]


@pytest.fixture
def agreements(there: World, tmp_path: Path) -> Agreements:
    return agree(there, tmp_path)


@pytest.fixture
def folder(agreements: Agreements) -> Path:
    return agreements.folder


@pytest.fixture
def app(there: World, agreements: Agreements) -> Flask:
    return app_of(there)


def text_of(folder: Path, id: str = "customers/acme") -> str:
    return files.read(folder, id).text


def send(client: Browser, folder: Path, do: str, text: str, id: str = "customers/acme", **more: Any) -> Any:
    given = {"do": do, "text": text.replace("\n", "\r\n"), "digest": files.read(folder, id).digest, **more}
    return client.post_form(f"/agreements/edit/{id}", given, page=f"/agreements/edit/{id}")


def attempt(folder: Path) -> dict[str, object]:
    """A form that would be saved, if it may be."""
    now = files.read(folder, "customers/acme")
    return {"do": "save", "text": now.text + "# x\n", "reason": "because", "digest": now.digest}


def audits(there: World, action: str = "agreement.save") -> list[Any]:
    return there.services.queries.audit(action=action).items


# reading

@pytest.mark.parametrize("role", ["admin", "planner", "agent", "viewer"])
def test_everybody_but_suppliers_reads_agreements(as_role: Enter, role: str) -> None:
    client = as_role(role)
    listed = client.get("/agreements").get_data(as_text=True)
    for said in ("acme-gold", "network-ola", "hosting-uc", "weekdays", "In force", "customers/acme.yaml"):
        assert said in listed
    shown = client.get("/agreements/files/customers/acme").get_data(as_text=True)
    for said in ("3 working days", "State = Pending", "08:00\u201312:00", "Good Friday", "# the first source"):
        assert said in shown
    assert ("Edit" in shown) == (role == "admin")
    for page in ("files/directory", "files/calendars/weekdays", "versions/standard"):
        assert client.get(f"/agreements/{page}").status_code == 200


def test_a_supplier_sees_no_agreement(as_role: Enter) -> None:
    client = as_role("supplier")
    for page in ("/agreements", "/agreements/files/customers/acme", "/agreements/versions/standard"):
        assert client.get(page).status_code == 403


@pytest.mark.parametrize("role", ["planner", "agent", "viewer", "supplier"])
def test_only_an_administrator_changes_agreements(as_role: Enter, folder: Path, role: str) -> None:
    client, before = as_role(role), text_of(folder)
    assert client.get(ACME).status_code == 403
    assert client.get("/agreements/apply/acme-gold").status_code == 403
    for path in (ACME, "/agreements/check/customers/acme", "/agreements/apply/acme-gold", "/agreements"):
        assert client.post_form(path, attempt(folder), page="/account").status_code == 403, path
    assert text_of(folder) == before


def test_without_the_forms_secret_nothing_is_saved(as_role: Enter, folder: Path) -> None:
    client, before = as_role("admin"), text_of(folder)
    assert client.post(ACME, data=attempt(folder)).status_code == 400
    assert client.post("/agreements/apply/acme-gold").status_code == 400
    assert text_of(folder) == before


@pytest.mark.parametrize("id", [
    "../connector", "customers/../../connector", "customers/acme.yaml", "customers/", "team/x", "customers/.hidden",
    "customers/a/b", "directory/x", "/etc/passwd", "customers/a%2e%2e", "customers/a\x00", "ladders/x", "DIRECTORY",
])  # fmt: skip
def test_no_path_leads_out_of_the_folder(as_role: Enter, folder: Path, id: str) -> None:
    with pytest.raises(NotFound):
        files.path_of(folder, id)
    client = as_role("admin")
    for page in ("files", "edit"):
        assert client.get(f"/agreements/{page}/{id}").status_code in (404, 308), page


def test_a_link_out_of_the_folder_is_not_followed(as_role: Enter, folder: Path, tmp_path: Path) -> None:
    (tmp_path / "outside.yaml").write_text("secret: yes\n")
    (folder / "calendars" / "link.yaml").symlink_to(tmp_path / "outside.yaml")
    with pytest.raises(NotFound):
        files.read(folder, "calendars/link")
    client = as_role("admin")
    assert client.get("/agreements").status_code == 200
    assert client.get("/agreements/files/calendars/link").status_code == 404


# mistakes

def test_mistakes_are_shown_at_their_line_and_nothing_is_saved(as_role: Enter, folder: Path, there: World) -> None:
    client, before = as_role("admin"), text_of(folder)
    bad = before.replace("P2: 8h", "P2: 8x")
    line = bad.split("\n").index("    P2: 8x") + 1
    for do in ("check", "try", "past", "save"):
        answer = send(client, folder, do, bad, reason="because")
        assert answer.status_code == 422
        page = answer.get_data(as_text=True)
        assert f'data-line="{line}"' in page
        assert "is not a duration" in page
        assert "P2: 8x" in page, "what was typed is kept"
    assert text_of(folder) == before
    assert audits(there) == []


def test_the_script_is_told_the_same(as_role: Enter, folder: Path) -> None:
    client = as_role("admin")
    bad = text_of(folder).replace("calendar: weekdays", "calendar: weekday")
    told = client.post_form("/agreements/check/customers/acme", {"text": bad}, page=ACME).json
    assert told is not None
    (problem,) = told["problems"]
    assert (problem["line"], problem["here"], problem["severity"]) == (5, True, "error")
    assert "did you mean `weekdays`" in problem["text"]
    good = client.post_form("/agreements/check/customers/acme", {"text": text_of(folder)}, page=ACME)
    assert good.json == {"problems": []}


@pytest.mark.parametrize("text", ["", "\t\x01", "profile: [", "a: &a [*a]", "profile: acme-gold\n" * 20_000, "\ud7ff"])
def test_no_text_breaks_the_check(as_role: Enter, folder: Path, text: str) -> None:
    told = as_role("admin").post_form("/agreements/check/customers/acme", {"text": text}, page=ACME)
    assert told.status_code == 200
    assert told.json is not None
    assert told.json["problems"]


def test_a_calendar_that_others_count_on_cannot_be_renamed(as_role: Enter, folder: Path) -> None:
    text = text_of(folder, "calendars/weekdays").replace("calendar: weekdays", "calendar: weekday")
    answer = send(as_role("admin"), folder, "save", text, "calendars/weekdays", reason="because")
    assert answer.status_code == 422
    assert "customers/acme.yaml" in answer.get_data(as_text=True), "the file that would break is named"


@pytest.mark.parametrize("file", ["/etc/passwd", "../../connector.yaml", "../../outside.ics", "weekdays.yaml"])
def test_a_calendar_reads_no_file_from_outside_the_folder(folder: Path, tmp_path: Path, file: str) -> None:
    (tmp_path / "outside.ics").write_text("BEGIN:VCALENDAR\nEND:VCALENDAR\n")
    text = text_of(folder, "calendars/lyon") + "# more\n"
    text = re.sub(r"^holidays:$", f"holidays:\n  - {{ical: {file}}}", text, flags=re.MULTILINE)
    assert "ical" in text
    with pytest.raises(ConfigError, match="inside the folder of agreements"):
        files.tried(folder, "calendars/lyon", text)


# trying

def test_a_dry_run_tells_which_open_tickets_would_change(as_role: Enter, folder: Path, there: World) -> None:
    before = text_of(folder, "customers/standard")
    edited = before.replace("P1: 8h", "P1: 9h")
    page = send(as_role("admin"), folder, "try", edited, "customers/standard").get_data(as_text=True)
    assert re.search(r"\d+ open tickets? would change", page)
    assert text_of(folder, "customers/standard") == before, "trying changes nothing"


def test_a_backtest_tells_what_would_have_become_of_the_past(as_role: Enter, folder: Path) -> None:
    edited = text_of(folder, "customers/standard").replace("P1: 8h, P2: 2 working days", "P1: 100h, P2: 100h")
    page = send(as_role("admin"), folder, "past", edited, "customers/standard").get_data(as_text=True)
    assert "41 tickets were tried: all there are." in page
    assert re.search(r"Resolution: Breached \u2192 (Met|Running|Paused), \d+ ticket", page)


def test_shares_before_and_after_count_the_same_tickets(there: World, folder: Path) -> None:
    """Agreements tried against themselves change nothing, whatever a ticket's number of cycles."""
    found = trials.past(there.services, files.tried(folder, "customers/acme", text_of(folder)).registry)
    assert found.changes == []
    assert found.targets
    assert [row["before"] for row in found.targets] == [row["met_share"] for row in found.targets]


def test_warnings_are_told_in_the_readers_language_while_trying(there: World, folder: Path) -> None:
    there.user("admin", login="claire", language="fr")
    client = app_of(there).test_client()
    assert isinstance(client, Browser)
    client.sign_in("claire")
    edited = text_of(folder).replace("P2: 8h", "P2: 2d")
    assert "un jour est fait de 24 heures" in send(client, folder, "check", edited).get_data(as_text=True)


def test_a_trial_ends_with_its_time_and_says_so(app: Flask, there: World, folder: Path,
                                                monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trials, "STEP", 10)
    found = trials.past(there.services, files.tried(folder, "customers/acme", text_of(folder)).registry, seconds=-1)
    assert (found.cut, found.tickets) == (True, 0)
    monkeypatch.setattr(trials, "MOST_TICKETS", 15)
    found = trials.past(there.services, files.tried(folder, "customers/acme", text_of(folder)).registry)
    assert found.cut
    assert 15 <= found.tickets < 41


# saving

def test_saving_writes_the_text_as_it_is_and_records_who_when_and_why(as_role: Enter, folder: Path, there: World,
                                                                      agreements: Agreements) -> None:
    edited = text_of(folder).replace("P2: 8h", "P2: 7h   # agreed on the phone")
    answer = send(as_role("admin"), folder, "save", edited, reason="ACME pays for it")
    assert answer.status_code == 303
    assert text_of(folder) == edited, "comments and order stay"
    (row,) = audits(there)
    assert (row.actor, row.subject) == ("user:admin", "agreement/customers/acme")
    assert row.detail["reason"] == "ACME pays for it"
    assert "7h" in str(next(p for p in agreements.current().profiles if p.name == "acme-gold").targets)
    assert len(there.services.queries.agreement_versions("acme-gold")) == 2


def test_versions_tell_who_made_them_and_why(as_role: Enter, folder: Path, agreements: Agreements) -> None:
    client = as_role("admin")
    send(client, folder, "save", text_of(folder).replace("P2: 8h", "P2: 7h"), reason="ACME pays for it")
    version = next(p.version for p in agreements.current().profiles if p.name == "acme-gold")
    page = client.get("/agreements/versions/acme-gold").get_data(as_text=True)
    rows = page.split("<tbody>")[1].split("</tr>")[:2]
    mine, theirs = sorted(rows, key=lambda row: version not in row)
    assert version in mine
    assert "ACME pays for it" in mine
    assert "admin" in mine
    assert "changed on disk" in theirs


def test_saving_asks_for_a_reason(as_role: Enter, folder: Path, there: World) -> None:
    before = text_of(folder)
    answer = send(as_role("admin"), folder, "save", before.replace("P2: 8h", "P2: 7h"), reason=" ")
    assert answer.status_code == 422
    assert "Say why" in answer.get_data(as_text=True)
    assert (text_of(folder), audits(there)) == (before, [])


def test_a_file_changed_meanwhile_is_not_overwritten_unseen(as_role: Enter, folder: Path) -> None:
    client, before = as_role("admin"), text_of(folder)
    digest = files.read(folder, "customers/acme").digest
    theirs = before.replace("P3: 3 working days", "P3: 4 working days")
    (folder / "customers" / "acme.yaml").write_text(theirs)
    mine = before.replace("P2: 8h", "P2: 7h")
    answer = send(client, folder, "save", mine, reason="because", digest=digest)
    assert answer.status_code == 409
    page = answer.get_data(as_text=True)
    assert "-    P3: 4 working days" in page
    assert "+    P3: 3 working days" in page
    assert text_of(folder) == theirs
    shown = re.search(r'name="digest" value="([0-9a-f]*)"', page)
    assert shown is not None
    assert send(client, folder, "save", mine, reason="seen", digest=shown.group(1)).status_code == 303


def test_a_new_file_begins_with_a_text_that_can_be_saved(as_role: Enter, folder: Path, there: World) -> None:
    client = as_role("admin")
    for part in ("customers", "operations", "suppliers", "calendars", "teams", "messages", "informing"):
        answer = client.post_form("/agreements", {"part": part, "name": f"new-{part}"}, page="/agreements")
        assert answer.location == f"/agreements/edit/{part}/new-{part}"
        page = client.get(answer.location).get_data(as_text=True)
        found = re.search(r"<textarea[^>]*>(.*?)</textarea>", page, re.DOTALL)
        assert found is not None
        text = found.group(1).replace("&#34;", '"').replace("&gt;", ">")
        saved = send(client, folder, "save", text, f"{part}/new-{part}", reason="new")
        assert saved.status_code == 303, part
    assert stat.S_IMODE((folder / "customers" / "new-customers.yaml").stat().st_mode) == 0o644
    again = client.post_form("/agreements", {"part": "customers", "name": "acme"}, page="/agreements")
    assert again.location == "/agreements"


def test_the_permissions_of_a_file_are_kept_and_no_half_file_is_left(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = folder / "customers" / "acme.yaml"
    path.chmod(0o640)
    before = files.read(folder, "customers/acme")
    files.save(folder, "customers/acme", before.text + "# more\n", before.digest)
    assert stat.S_IMODE(path.stat().st_mode) == 0o640

    def full(_handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    now = files.read(folder, "customers/acme")
    with pytest.raises(OSError, match="No space"):
        files.save(folder, "customers/acme", now.text + "# even more\n", now.digest)
    assert files.read(folder, "customers/acme") == now
    assert sorted(p.name for p in path.parent.iterdir()) == ["acme.yaml", "standard.yaml"]


def test_a_disk_that_is_full_is_told_and_leaves_no_record(as_role: Enter, folder: Path, there: World,
                                                          monkeypatch: pytest.MonkeyPatch) -> None:
    client, before = as_role("admin"), text_of(folder)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    answer = send(client, folder, "save", before + "# x\n", reason="because")
    assert answer.status_code == 500
    assert "No space left on device" in answer.get_data(as_text=True)
    assert (text_of(folder), audits(there)) == (before, [])


def test_a_bad_text_is_never_saved_by_any_way(folder: Path) -> None:
    before = files.read(folder, "customers/acme")
    with pytest.raises(ConfigError):
        files.save(folder, "customers/acme", before.text.replace("P2: 8h", "P2: 8x"), before.digest)
    with pytest.raises(Conflict):
        files.save(folder, "customers/acme", before.text + "# x\n", "0" * 64)
    assert files.read(folder, "customers/acme") == before


def test_a_bad_file_on_disk_is_shown_and_the_good_one_stays_in_force(as_role: Enter, folder: Path,
                                                                     agreements: Agreements) -> None:
    path = folder / "customers" / "acme.yaml"
    good = {p.name: p.version for p in agreements.current().profiles}
    path.write_text(path.read_text().replace("P2: 8h", "P2: 8x"))
    page = as_role("viewer").get("/agreements").get_data(as_text=True)
    assert "Mistakes in the file" in page
    assert "is not a duration" in page
    assert {p.name: p.version for p in agreements.current().profiles} == good


# versions and applying

def test_versions_are_compared_line_by_line(as_role: Enter, folder: Path) -> None:
    client = as_role("admin")
    send(client, folder, "save", text_of(folder).replace("P2: 8h", "P2: 7h"), reason="because")
    page = client.get("/agreements/versions/acme-gold").get_data(as_text=True)
    assert '<div class="del">-' in page
    assert "P2: 7h" in page
    assert client.get("/agreements/versions/nobody").status_code == 404
    assert client.get("/agreements/versions/acme-gold?old=nothing").status_code == 404


def test_applying_binds_open_tickets_and_is_recorded(as_role: Enter, folder: Path, there: World,
                                                     agreements: Agreements) -> None:
    with there.store.begin() as tx:
        tx.schedule({key: there.clock() for key in there.keys.values()})
    assess.tick(there.services.deps)
    client = as_role("admin")
    there.clock.move(seconds=5)
    edited = text_of(folder, "customers/standard").replace("P1: 8h", "P1: 9h")
    send(client, folder, "save", edited, "customers/standard", reason="because")
    asked = client.get("/agreements/apply/standard").get_data(as_text=True)
    assert re.search(r"\d+ open tickets? would change", asked)
    answer = client.post_form("/agreements/apply/standard", page="/agreements/apply/standard")
    assert answer.status_code == 303
    version = next(p.version for p in agreements.current().profiles if p.name == "standard")
    with there.store.read() as tx:
        events = [e for many in tx.history(list(there.keys.values())).values() for e in many]
    bound = [e for e in events if e.kind is EventKind.AGREED and e.data["version"] == version]
    assert bound
    assert {e.actor for e in bound} == {"user:admin"}
    assert "agreement/standard" in {row.subject for row in audits(there, "agreement.apply")}
    assert client.post_form("/agreements/apply/nobody", page="/account").status_code == 404


def test_without_agreements_the_page_says_how_to_begin(there: World) -> None:
    app = app_of(there)
    there.user("admin")
    client = app.test_client()
    assert isinstance(client, Browser)
    client.sign_in("admin")
    assert there.services.agreements is None
    assert "sla_profiles" in client.get("/agreements").get_data(as_text=True)
