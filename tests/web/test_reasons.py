"""Reasons that are kept as text are told in the reader's language, by what they are made of."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

from connector.domain.saying import Saying
from connector.web import i18n
from connector.web.reasons import told
from connector.web.reasons_known import REASONS

CONNECTOR = Path(__file__).parents[2] / "connector"
WHOLE = ("http", "answers", "guarded", "domain/address", "domain/signing", "domain/strict_json",
         "domain/handoffs/supplier_message", "domain/handoffs/handoff", "settings/supplier_keys", "channels/judgement",
         "channels/mail", "channels/webhook", "channels/supplier_file", "channels/letters", "channels/apprised")
"""Everything that these raise is known."""
RAISED = {"TryLater": 0, "Refused": 0, "Gone": 0, "Postponed": 0, "BadSignature": 0, "BadJson": 0, "_Fault": 0,
          "IllegalMove": 0, "mistake": 1, "append": 0, "_placed": 2}
HOLE = "\0"
COMPOSED = re.compile(r": %\(said\)s$| \(redirects are not followed\)$")
"""What is put behind such a text afterwards."""
FOR_PROGRAMS = {"expected an address such as https://tool.example.org, without login or query"}


def shape(node: ast.expr) -> str:
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else ""
    if isinstance(node, ast.JoinedStr):
        return "".join(part.value if isinstance(part, ast.Constant) else HOLE for part in node.values)
    if isinstance(node, ast.BinOp):
        return (shape(node.left) or HOLE) + (shape(node.right) or HOLE)
    return ""


def texts(file: Path) -> Iterator[str]:
    """All texts, as the templates have them."""
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Constant | ast.JoinedStr | ast.BinOp):
            yield shape(node)


def raised(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Call):
            name = getattr(node.func, "attr", getattr(node.func, "id", ""))
            place = RAISED.get(name, len(node.args))
            for argument in node.args[place:place + 1]:
                branches = [argument.body, argument.orelse] if isinstance(argument, ast.IfExp) else [argument]
                yield from (text for one in branches if re.search(r"[a-z] [a-z]", text := shape(one)))


def pattern(template: str) -> str:
    return re.sub(r"%\(\w+\)s", HOLE, template)


@pytest.fixture
def french(app: Flask) -> Iterator[None]:
    with app.test_request_context("/"):
        i18n.set_for_request("fr_CH", "Europe/Zurich", ("en", "fr"))
        yield


@pytest.fixture
def english(app: Flask) -> Iterator[None]:
    with app.test_request_context("/"):
        i18n.set_for_request("en", "Europe/Zurich", ("en", "fr"))
        yield


LIBRARY = re.compile(r"expecting|unterminated|invalid |extra data|illegal trailing|mapping values|could not find|"
                     r"found |expected [<',]|expected the node")
"""What Python's own reader of JSON and that of YAML say, with the first letter small."""


def test_no_reason_is_known_that_nobody_gives_any_more() -> None:
    folders = ("domain", "flows", "channels", "settings", "vendors", "web")
    files = [file for name in folders for file in (CONNECTOR / name).rglob("*.py") if "reasons" not in file.stem]
    given = {text for file in (*files, *CONNECTOR.glob("*.py")) for text in texts(file)}
    ends = {part for text in given for part in (text.partition(": ")[2],) if part}
    assert [one for one in REASONS
            if pattern(COMPOSED.sub("", one)) not in given | ends and not LIBRARY.match(one)] == []


def test_every_reason_of_the_way_out_and_of_suppliers_calls_is_known() -> None:
    known = {pattern(one) for one in REASONS}
    left = [f"{name}: {text!r}" for name in WHOLE for text in raised(CONNECTOR / f"{name}.py")
            if text not in known | FOR_PROGRAMS and text.partition(": ")[2] not in known]
    assert left == []


@pytest.mark.usefixtures("french")
@pytest.mark.parametrize(("text", "said"), [
    ("no answer from https://desk.example: the connection was refused",
     "pas de r\u00e9ponse de https://desk.example\u00a0: la connexion a \u00e9t\u00e9 refus\u00e9e"),
    ("POST https://desk.example/api: status 503: down for maintenance",
     "POST https://desk.example/api\u00a0: statut 503\u00a0: down for maintenance"),
    ("given up after 3 days, 0:00:00: status 500 after 0.2 s: oops",
     "abandonn\u00e9 apr\u00e8s 3 days, 0:00:00\u00a0: statut 500 apr\u00e8s 0.2 s\u00a0: oops"),
    ("environment variable CLOUD_SECRET is not set",
     "la variable d\u2019environnement CLOUD_SECRET n\u2019est pas d\u00e9finie"),
    ("line 3, column 4: expecting value", "ligne 3, colonne 4\u00a0: une valeur est attendue"),
    ("/data/status: is required: one line of at most 255 characters",
     "/data/status\u00a0: est requis\u00a0: une ligne d\u2019au plus 255 caract\u00e8res"),
    ("/type: expected an object; /data: expected base64",
     "/type\u00a0: attendu\u00a0: un objet; /data\u00a0: attendu\u00a0: du base64"),
    ("mappings/glpi.yaml:4:3: state: unknown value '7' in `status`",
     "mappings/glpi.yaml:4:3\u00a0: state\u00a0: valeur inconnue '7' dans `status`"),
    ("reason: longer than 20000 characters", "reason\u00a0: plus de 20000 caract\u00e8res"),
])  # fmt: skip
def test_a_reason_is_told_in_french(text: str, said: str) -> None:
    assert told(text) == said


@pytest.mark.usefixtures("french")
@pytest.mark.parametrize("text", ["", "Le disque: plein", "the moon is full", "a: b; c: d", "x" * 10_000])
def test_what_nobody_knows_stays_as_it_is(text: str) -> None:
    assert told(text) == text


@pytest.mark.usefixtures("french")
def test_a_saying_is_told_from_its_parts() -> None:
    assert told(Saying("%(name)s is missing", name="webhook-id")) == "webhook-id manque"


@pytest.mark.usefixtures("english")
def test_an_english_reader_reads_what_was_kept() -> None:
    assert told("no answer from x: the connection was refused") == "no answer from x: the connection was refused"
