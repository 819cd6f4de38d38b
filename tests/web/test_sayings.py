"""What the engine says is said in the reader's language, from its parts and not from its text."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from connector.domain.agreements.conditions import ALWAYS, condition
from connector.domain.agreements.durations import amount
from connector.domain.agreements.profile_format import parse
from connector.domain.calendar import ServiceCalendar
from connector.domain.history import Event, EventKind, Role
from connector.domain.problems import Problems
from connector.domain.saying import Saying
from connector.ports import Change
from connector.web import i18n, sayings
from connector.web.mistakes import MISTAKES
from connector.web.pages import clocks
from tests.web.agreed import agree
from tests.web.conftest import Browser
from tests.web.world import NOW, World

CONNECTOR = Path(__file__).parents[2] / "connector"
SAID = [*(CONNECTOR / "domain").rglob("*.py"), *(CONNECTOR / "files").glob("*.py"), CONNECTOR / "yaml12.py"]
NOT_OF_FILES = ("saying.py", "mapping.py", "mappings/", "importing/", "replay.py", "write_back.py")
"""Told on the command line only, about files that no page shows."""
FILES = [file for file in SAID if not any(part in file.as_posix() for part in NOT_OF_FILES)]
TELLS = {"add": 1, "bad": 1, "_report": 2, "Problem": 0, "_warning": 1, "_Unbounded": 1}
"""What tells a mistake, and which of its arguments does."""


@pytest.fixture
def french(app: Flask) -> Iterator[None]:
    with app.test_request_context("/"):
        i18n.set_for_request("fr_CH", "Europe/Zurich", ("en", "fr"))
        yield


def calls(file: Path) -> Iterator[ast.Call]:
    return (node for node in ast.walk(ast.parse(file.read_text("utf-8"))) if isinstance(node, ast.Call) and node.args)


def name(call: ast.Call) -> str:
    return getattr(call.func, "attr", getattr(call.func, "id", ""))


def templates() -> set[str]:
    """Those of every `Saying(...)`."""
    return {ast.literal_eval(call.args[0]) for file in SAID for call in calls(file)
            if name(call) == "Saying" and file.stem != "saying"}


def told(file: Path) -> Iterator[ast.expr]:
    """The texts that mistakes in this file's subject are told with."""
    for call in calls(file):
        place = TELLS.get(name(call), len(call.args))
        texts = call.args[place:place + 1]
        while texts:
            text = texts.pop()
            if isinstance(text, ast.IfExp):
                texts += [text.body, text.orelse]
            else:
                yield text


def sentences() -> set[str]:
    """The fixed ones."""
    return {text.value for file in FILES for text in told(file)
            if isinstance(text, ast.Constant) and isinstance(text.value, str) and text.value}


def test_every_saying_of_the_domain_can_be_translated() -> None:
    assert templates() | sentences() == {*sayings.SAYINGS, *MISTAKES}


def test_no_mistake_in_a_file_of_agreements_is_told_in_a_text_that_cannot_be_translated() -> None:
    mixed = [f"{file.name}: {ast.unparse(text)}" for file in FILES for text in told(file)
             if isinstance(text, ast.JoinedStr) or (isinstance(text, ast.BinOp) and "' " in ast.unparse(text))]
    assert mixed == []


@pytest.mark.usefixtures("french")
def test_a_mistake_is_told_in_french_with_its_hint() -> None:
    problems = Problems()
    parse({"profile": "x", "agreement": "slb", "applies_to": {"costumer": "A", "state": []}, "calender": "24x7",
           "targets": {"resolution": "8 hrs"}}, problems)
    told = {problem.path: sayings.said(problem.message) for problem in problems.found}
    assert told["calender"] == "cl\u00e9 inconnue `calender`, vouliez-vous dire `calendar`\u202f?"
    assert told["agreement"].startswith("'slb' est inconnu, vouliez-vous dire `sla`\u202f?")
    assert told["targets.resolution"] == (
        "'8 hrs' n\u2019est pas une dur\u00e9e\u202f; attendu\u00a0: une dur\u00e9e telle que 15m, 4h, 1h30m ou "
        '"3 working days"')
    assert told["applies_to.costumer"].startswith("champ inconnu `costumer`, vouliez-vous dire `customer`\u202f?")
    assert told["applies_to.state"] == "`state` a une liste vide\u00a0: elle ne serait jamais vraie"


@pytest.mark.usefixtures("french")
def test_a_saying_is_told_in_french_and_plain_text_as_it_is() -> None:
    assert sayings.said(Saying("closes %(days)s days on end; is the year right?", days=120)).startswith(
        "ferme 120 jours de suite")
    assert sayings.said("unknown key `x`") == "unknown key `x`"


@pytest.mark.usefixtures("french")
@pytest.mark.parametrize(("data", "text"), [
    ({"state": "pending", "pending_on": ["customer", "supplier"]},
     "\u00c9tat = En attente et En attente de parmi client, fournisseur"),
    ({"customer": "ACME SA", "not": {"supplier": None}}, "Client = ACME SA et pas (Fournisseur inconnu)"),
    ({"kind": "incident", "any": [{"priority": "P1"}, {"custom.affected_users": ">= 1000"}]},
     "Type = Incident et (Priorit\u00e9 = P1 ou affected users >= 1\u202f000)"),
    ({"category": {"like": "VPN*"}, "tags": "vip"}, "Cat\u00e9gorie comme VPN* et \u00c9tiquettes = vip"),
    ({"acknowledged": False, "reopenings": 2}, "pris en charge = non et r\u00e9ouvertures = 2"),
])  # fmt: skip
def test_a_condition_is_read_in_french(data: dict[str, Any], text: str) -> None:
    problems = Problems()
    assert sayings.rule(condition(data, problems)) == text
    assert problems.found == []


@pytest.mark.usefixtures("french")
def test_no_condition_is_always() -> None:
    assert sayings.rule(ALWAYS) == "toujours"


@pytest.mark.usefixtures("french")
@pytest.mark.parametrize(("written", "text"), [
    ("15m", "15 min"), ("1h30m", "1 h 30 min"), ("2d", "48 h"), ("1 working day", "1 jour ouvr\u00e9"),
    ({"within": "4h", "calendar": "24x7"}, "4 h de 24x7"),
    ({"within": "5 working days", "at": "end of day"}, "5 jours ouvr\u00e9s, fin de journ\u00e9e"),
])  # fmt: skip
def test_an_amount_is_read_in_french(written: Any, text: str) -> None:
    assert sayings.amount(amount(written, Problems())) == text


@pytest.mark.usefixtures("french")
def test_a_pause_without_a_reason_of_its_own_tells_its_condition_and_a_written_one_stays() -> None:
    problems = Problems()
    found = parse({
        "profile": "x", "agreement": "sla", "applies_to": {}, "calendar": "24x7", "targets": {"resolution": "4h"},
        "conditions": {"pause": [{"when": {"pending_on": "customer"}},
                                 {"when": {"pending_on": "supplier"}, "reason": "wir warten"}]},
    }, problems)
    assert (problems.found, found is None) == ([], False)
    assert found is not None
    given = sayings.reasons(found)
    assert clocks.why("pending_on = customer", given) == "En attente de = client"
    spent = clocks.why("pending_on = customer: pause used up", given)
    assert spent == "En attente de = client\u00a0: pause \u00e9puis\u00e9e"
    assert clocks.why("wir warten", given) == "wir warten"


@pytest.mark.usefixtures("french")
def test_public_holidays_have_their_french_names_and_dates_of_ones_own_keep_theirs() -> None:
    calendar = ServiceCalendar.from_dict({
        "timezone": "Europe/Zurich", "hours": {"mon-fri": [["08:00", "17:00"]]},
        "holidays": [{"country": "CH", "subdivision": "VD"}, {"date": "2026-12-24", "name": "Company day"}]})
    assert sayings.holiday("Good Friday", date(2026, 4, 3), [calendar]) == "Vendredi saint"
    assert sayings.holiday("Company day", date(2026, 12, 24), [calendar]) == "Company day"
    assert sayings.holiday("", date(2026, 12, 25), [calendar]) == ""


# on the pages


@pytest.fixture
def reader(app: Flask, there: World, tmp_path: Path) -> Browser:
    """A French administrator at a desk with agreements."""
    from tests.web.conftest import app_of

    agree(there, tmp_path)
    there.user("admin", language="fr_CH")
    client = app_of(there).test_client()
    assert isinstance(client, Browser)
    client.sign_in("admin")
    return client


def test_pages_of_agreements_are_french_all_over(reader: Browser) -> None:
    text = reader.get("/agreements/files/customers/acme").get_data(as_text=True)
    for part in ("Client = ACME SA et Type = Incident", "3 jours ouvr\u00e9s",
                 "5 jours ouvr\u00e9s, fin de journ\u00e9e",
                 "\u00c9tat = En attente et En attente de parmi client", "Vendredi saint", "5 jours"):
        assert part in text
    assert "Good Friday" not in text
    assert "Kind =" not in text


def test_all_files_of_agreements_are_listed_with_what_they_are(reader: Browser) -> None:
    text = reader.get("/agreements").get_data(as_text=True)
    for part in ("quand du travail lui est confi\u00e9", "teams/people.yaml", "Personnes et groupes"):
        assert part in text


def test_the_ledger_of_a_ticket_is_french_all_over(reader: Browser, there: World) -> None:
    text = reader.get(f"/tickets/{there.keys['1']}").get_data(as_text=True)
    for part in ("Client = ACME SA et Type = Incident", "\u00c9tat\u00a0: R\u00e9solu", "CET"):
        assert part in text


def test_an_impossible_event_is_told_with_the_clocks_and_in_the_history(reader: Browser, there: World) -> None:
    store = there.store
    with store.begin() as tx:
        stored = tx.by_key([there.keys["1"]])[there.keys["1"]]
        told = Event(key="clamped/x", at=NOW, kind=EventKind.CLAMPED, role=Role.CONNECTOR,
                     data={"event": "x", "told": "2026-02-27T08:00:00+00:00", "taken": "2026-03-02T04:00:00+00:00"})
        tx.save([Change(ticket=stored.ticket, before=stored, base=stored.base, events=[told])])
    text = reader.get(f"/tickets/{there.keys['1']}").get_data(as_text=True)
    assert "1 \u00e9v\u00e9nement a \u00e9t\u00e9 annonc\u00e9 pour un moment avant l\u2019ouverture" in text
    assert "27 f\u00e9vr. 2026, 09:00 CET" in text


def test_warnings_are_french_with_their_place(reader: Browser, tmp_path: Path) -> None:
    file = tmp_path / "sla_profiles" / "customers" / "standard.yaml"
    file.write_text(file.read_text().replace("P1: 8h,", "P1: 2d,"))
    text = reader.get("/agreements").get_data(as_text=True)
    assert "un jour est fait de 24 heures" in text
    assert "targets.resolution" in text


def test_a_target_that_cannot_be_computed_says_so_in_french(app: Flask) -> None:
    with app.test_request_context("/"):
        i18n.set_for_request("fr", "UTC", ("fr",))
        assert clocks.problem("acme-gold/resolution cannot be computed: the calendar ends") == (
            "R\u00e9solution de acme-gold ne peut \u00eatre calcul\u00e9\u00a0: the calendar ends")


def test_a_ticket_without_any_agreement_says_so(reader: Browser, there: World, as_role: Callable[[str], Browser]
                                                ) -> None:
    request = next(key for key in there.keys.values()
                   if there.services.queries.ticket(key).ticket.kind == "service_request")  # type: ignore[union-attr]
    text = reader.get(f"/tickets/{request}").get_data(as_text=True)
    assert "Aucun accord ne s\u2019applique" in text
