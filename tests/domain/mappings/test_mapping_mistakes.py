"""Mistakes of a mapping file: all told when it is loaded, each with its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from connector import yaml12
from connector.domain.errors import ConfigError
from connector.domain.mapping import Mapping
from tests.domain.mappings.trial_mapping import GLPI, changed, load

ROOT = Path(__file__).parents[3]


def mistakes(text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load(text)
    return [str(problem) for problem in caught.value.problems]


def mistake_in(**fields: str) -> str:
    with pytest.raises(ConfigError) as caught:
        changed(**fields)
    return "\n".join(problem.message for problem in caught.value.problems)


def test_every_mistake_is_told_at_once_with_its_place() -> None:
    text = GLPI.replace("priority: {", "priorty: {").replace("5: resolved", "5: solved").replace(
        "owner: manual", "owner: nobody").replace("Network: 2", "Network: 7")
    found = mistakes(text)

    def place(of: str) -> str:
        before = text[: text.index(of)]
        return f"m.yaml:{before.count(chr(10)) + 1}:{len(before) - before.rfind(chr(10))}"

    assert [line.split(": ")[0] for line in found] == [
        place("5: solved"), place("owner: nobody"), place("priorty"), place("Network: 7")]
    assert "unknown field `priorty`, did you mean `priority`?" in found[2]
    assert "7 is not a support level (expected 1, 2, 3 or 4)" in found[3]


@pytest.mark.parametrize(("fields", "message"), [
    ({"state": "{from: status, values: {2: in_progress, 3: in_progress}, write: true}"},
     "`in_progress` can be written as 2, 3: say which under `write`"),
    ({"state": "{from: status, values: {1: new, 2: in_progress}, write: {in_progress: 1}}"},
     "1 is read as `new`, so it cannot be written for `in_progress`"),
    ({"state": "{from: status, values: {1: new}, write: {new: 9}}"}, "9 is not among `values`"),
    ({"state": '{from: status, values: {1: new, "1": closed}}'}, "is there twice (keys are compared as text)"),
    ({"state": "{from: status, values: {1: pend}}"}, "'pend' is not a state (expected one of new, in_progress"),
    ({"state": "{from: status, values: {1: pending/nobody}}"}, "'nobody' is not a pending_on"),
    ({"state": "{from: status, values: {1: {state: closed, pending_on: customer}}}"}, "only pending has a reason"),
    ({"state": "{from: status, values: {1: null}}"}, "a ticket always has a state"),
    ({"state": "{from: status, values: {1: new}, else: as_is}"}, "`as_is` is for free text"),
    ({"level": "{from: x, values: {a: 5}}"}, "5 is not a support level"),
    ({"level": "{from: x, values: {a: true}}"}, "is not a support level"),
    ({"title": "{from: name, write: true, owner: set}"}, "owner `set` merges lists"),
    ({"title": "{from: name, owner: connector}"}, "owner `connector` needs `write`"),
    ({"title": "{form: name}"}, "unknown key `form`, did you mean `from`?"),
    ({"title": "{owner: tool}"}, "needs `from`, `value` or `write`"),
    ({"title": "{from: [a, b]}"}, "several values for one"),
    ({"title": "{from: [a, a], transform: first}"}, "a field is named twice"),
    ({"title": "{from: name, transform: shout}"}, "unknown transform `shout`"),
    ({"title": "{from: name, transform: {split: ','}}"}, "several values for one"),
    ({"title": "{from: name, transform: [int, {split: ','}, upper]}"}, "`upper` takes a text, but here it gets a list"),
    ({"title": "{from: name, transform: {replace: [a, b]}, write: true}"}, "cannot be undone"),
    ({"title": "{value: x, from: name}"}, "cannot go with `from`"),
    ({"title": "{from: name, else: x}"}, "`else` needs `values`"),
    ({"title": "{from: name, write: {x: y}}"}, "a table of written values needs `values`"),
    ({"title": "[name]"}, "expected a tool field or a table"),
    ({"title": "{from: 5}"}, "expected the name of a tool field"),
    ({"custom.a b": "x"}, "after `custom.` comes a name of letters"),
    ({"tool": "x"}, "unknown field `tool`"),
    ({"state": "{from: status, kinds: {thing: {values: {1: new}}}}"}, "'thing' is not a kind"),
])
def test_mistakes(fields: dict[str, str], message: str) -> None:
    assert message in mistake_in(**fields)


@pytest.mark.parametrize("name", ["kind", "state", "opened_at", "updated_at"])
def test_what_every_ticket_has_must_be_mapped(name: str) -> None:
    data = yaml12.parse(GLPI.encode()).data
    del data["fields"][name]
    with pytest.raises(ConfigError, match=f"`{name}` is missing: every ticket has one"):
        Mapping.from_dict(data)


@pytest.mark.parametrize(("text", "message"), [
    ("", "expected a table"), ("- a", "expected a table"), ("mapping: x", "`vendor` is missing"),
    ("mapping: 5\nvendor: x\nid: y\nfields: {}", "`mapping` must be a name"),
    ("mapping: x\nvendor: x\nid: y\nfields: []", "expected a table of our fields"),
    ("mapping: x\nvendor: x\nid: y\nfeilds: {}", "unknown key `feilds`, did you mean `fields`?"),
])
def test_a_file_that_is_no_mapping_is_told(text: str, message: str) -> None:
    assert any(message in line for line in mistakes(text))


@pytest.mark.parametrize("path", sorted((ROOT / "mappings").glob("*.yaml")), ids=lambda path: path.stem)
def test_shipped_mappings_are_right(path: Path) -> None:
    document = yaml12.load(path)
    assert Mapping.from_dict(document.data, document.file, document.where).name == document.data["mapping"]
