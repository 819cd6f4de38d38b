"""`connector handoffs` and `connector supplier`: a handoff from offer to proof, a supplier from nothing to a test."""

from __future__ import annotations

import base64
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from click.testing import CliRunner, Result

from connector.cli import main
from connector.commands.demo_desk import Tools
from connector.domain.handoffs.moves import Move, Side
from connector.files.profiles import load
from connector.flows import handoffs
from connector.settings import load as load_settings
from connector.store import admin
from connector.wiring import deployed

ROOT = Path(__file__).parents[2]


class Desk:
    def __init__(self, path: Path) -> None:
        self.path = path

    def tried(self, *arguments: str, **more: Any) -> Result:
        return CliRunner().invoke(main, ["--config", str(self.path), *arguments], **more)

    def run(self, *arguments: str) -> str:
        done = self.tried(*arguments)
        assert done.exit_code == 0, done.output
        return done.output

    def theirs(self, id: str, what: Move, reason: str = "") -> None:
        from connector import vendors

        with deployed(load_settings(self.path, {}, vendors.schemas)) as deployment:
            handoffs.act(deployment.deps, id, what, "tom", side=Side.THEIRS, reason=reason)


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    monkeypatch.chdir(ROOT)
    with Tools(60, 1) as tools:
        path = tools.write(tmp_path, 0)
        admin.upgrade(f"sqlite:///{tmp_path}/connector.db")
        made = Desk(path)
        made.run("sync", "glpi", "--no-history")
        yield made


def open_ticket(desk: Desk) -> str:
    """TOOL/ID of a ticket that may be handed over."""
    from connector import vendors
    from connector.domain.ticket import ENDED

    with deployed(load_settings(desk.path, {}, vendors.schemas)) as deployment, deployment.store.read() as tx:
        first, last = tx.keys() or (1, 0)
        return str(next(one.ticket.ref for one in tx.walk(first, last) if one.ticket.state not in ENDED))


def test_a_handoff_from_offer_to_proof(desk: Desk, tmp_path: Path) -> None:
    ticket = open_ticket(desk)
    told = desk.run("handoffs", "offer", ticket, "hosting", "--reason", "no answer", "--priority", "P1", "--once", "a")
    id = told.split(":")[0]
    assert desk.run("handoffs", "offer", ticket, "hosting", "--reason", "no answer", "--once", "a") == told
    assert desk.run("handoffs", "list", "--view", "offered").startswith(f"{id}\t")
    desk.theirs(id, Move.START)
    desk.theirs(id, Move.PROPOSE, "restarted it")
    assert desk.run("handoffs", "list", "--view", "ours", "--receiver", "hosting").split("\t")[4] == "resolved_proposed"
    assert "rejected" in desk.run("handoffs", "reject", id, "--reason", "still down")
    desk.theirs(id, Move.PROPOSE, "replaced it")
    assert "accepted" in desk.run("handoffs", "accept", id)
    shown = desk.run("handoffs", "show", id)
    for said in ("ACCEPTED", "Severity 1", "reject (resolved_proposed -> rejected): still down", "resolution MET"):
        assert said in shown
    assert json.loads(desk.run("handoffs", "show", id, "--json"))["problem"] == ""
    wrong = desk.tried("handoffs", "accept", id)
    assert wrong.exit_code == 1
    assert "a handoff that is accepted does not take accept; we may: dispute, close" in wrong.output

    strict = tmp_path / "strict"
    shutil.copytree(desk.path.parent / "sla_profiles", strict)
    contract = strict / "suppliers/hosting-uc.yaml"
    contract.write_text(contract.read_text().replace("resolution: {P1: 2h, P2: 6h, else: 12h}", "resolution: 0s"))
    told = desk.run("handoffs", "trial", "--profiles", str(strict), "--receiver", "hosting")
    line = next(line.split("\t") for line in told.splitlines() if line.startswith("hosting\tresolution\t"))
    assert line[2:5] == ["1", "0", "-"]
    assert int(line[5]) + int(line[6]) == 1

    file = tmp_path / "proof.json"
    desk.run("handoffs", "proof", id, "-o", str(file))
    assert "whole" in desk.run("handoffs", "proof", "--verify", str(file))
    assert desk.run("handoffs", "proof", id, "--pdf", "-o", str(tmp_path / "proof.pdf"))
    assert (tmp_path / "proof.pdf").read_bytes().startswith(b"%PDF")
    document = orjson.loads(file.read_bytes())
    document["entries"][2]["actor"] = "nobody"
    file.write_bytes(orjson.dumps(document))
    changed = desk.tried("handoffs", "proof", "--verify", str(file))
    assert changed.exit_code == 1
    assert "signature" in changed.output
    assert desk.tried("handoffs", "proof", "--verify", str(desk.path)).exit_code == 1


def test_looks_at_a_security_handoff_are_recorded_on_the_command_line_too(desk: Desk, tmp_path: Path) -> None:
    id = desk.run("handoffs", "offer", open_ticket(desk), "security", "--reason", "a strange mail").split(":")[0]
    assert "command line" in desk.run("handoffs", "show", id).splitlines()[-1]
    desk.run("handoffs", "proof", id, "-o", str(tmp_path / "proof.json"))
    entries = json.loads((tmp_path / "proof.json").read_bytes())["entries"]
    assert [entry["kind"] for entry in entries] == ["moved", "access", "access"]


def test_wrong_names_are_told_in_words(desk: Desk) -> None:
    assert "there is no handoff nothing" in desk.tried("handoffs", "show", "nothing").output
    ticket = open_ticket(desk)
    wrong = desk.tried("handoffs", "offer", ticket, "hostin", "--reason", "r")
    assert "there is no `hostin`, did you mean `hosting`?" in wrong.output
    assert "there is no receiver `hostin`, did you mean `hosting`?" in desk.tried("supplier", "test", "hostin").output
    assert desk.tried("handoffs", "proof").exit_code == 2


def secret_in(text: str) -> tuple[str, str]:
    line = next(line for line in text.splitlines() if "=whsec_" in line)
    name, _, value = line.partition("=")
    return name, value


def test_a_supplier_is_added_with_a_secret_that_is_shown_once(desk: Desk) -> None:
    told = desk.run("supplier", "add", "print-co", "--title", "Print: & Co", "--url", "https://print.example/hooks",
                    "--resolution", "3 working days", "--calendar", "weekdays")
    name, secret = secret_in(told)
    assert name == "PRINT_CO_SECRET"
    assert len(base64.b64decode(secret.removeprefix("whsec_"))) == 32
    assert "/api/v1/webhooks/suppliers/print-co" in told
    folder = desk.path.parent / "sla_profiles"
    assert secret not in (folder / "suppliers/print-co-uc.yaml").read_text(encoding="utf-8")
    receiver = load(folder).registry.receivers["print-co"]
    assert receiver.title == "Print: & Co"
    assert receiver.reach.webhook is not None
    assert receiver.reach.webhook.secrets == ("PRINT_CO_SECRET",)
    assert "is there already" in desk.tried("supplier", "add", "print-co").output

    name, second = secret_in(desk.run("supplier", "rotate-secret", "print-co"))
    assert (name, second != secret) == ("PRINT_CO_SECRET_2", True)
    again = load(folder).registry.receivers["print-co"].reach.webhook
    assert again is not None
    assert again.secrets == ("PRINT_CO_SECRET_2", "PRINT_CO_SECRET")


@pytest.mark.parametrize(("arguments", "said"), [
    (["Print Co"], "lower-case letters"),
    (["p", "--url", "http://print.example"], "https is required"),
    (["p", "--url", "https://anna:secret@print.example"], "no login"),
    (["p", "--email", "not an address"], "is not one mail address"),
    (["p", "--resolution", "soon"], "is not a duration"),
    (["p", "--calendar", "moon"], "there is no calendar `moon`"),
])
def test_a_supplier_that_cannot_be_is_not_written(desk: Desk, arguments: list[str], said: str) -> None:
    done = desk.tried("supplier", "add", *arguments)
    assert done.exit_code != 0
    assert said in done.output
    assert not (desk.path.parent / "sla_profiles/suppliers/p-uc.yaml").exists()


def test_a_supplier_of_the_portal_has_no_secret(desk: Desk) -> None:
    assert "whsec_" not in desk.run("supplier", "add", "small-co")
    assert "it has no secret" in desk.tried("supplier", "rotate-secret", "small-co").output
    assert "comes and looks in the portal" in desk.tried("supplier", "test", "small-co").output
