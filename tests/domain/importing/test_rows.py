"""The `rows` section of a mapping: every mistake told when it is loaded."""

from __future__ import annotations

from typing import Any

import pytest

from connector import yaml12
from connector.domain.importing.rows import FIRST, TIME, Carry, Rows
from connector.domain.problems import Problems


def parsed(text: str) -> tuple[Rows, list[str]]:
    problems = Problems()
    rows = Rows.parse(problems, ("rows",), yaml12.parse(text.encode()).data)
    return rows, [str(problem) for problem in problems.found]


def test_all_of_it() -> None:
    rows, mistakes = parsed("""\
each: audit
tool: uci
time: at
tie: n
actor: who
note: text
case: [resolved_at]
carry: {state: {from: raw_state, skip: ["-100", 7]}}
timezone: Europe/Rome
gap: shift
fold: later
"null": ["?", -1]
dates: ["%d/%m/%Y %H:%M"]
delimiter: "\\\\t"
header: 3
""")
    assert mistakes == []
    assert rows == Rows(
        each="audit", tool="uci", time="at", tie="n", actor="who", note="text", case=frozenset({"resolved_at"}),
        carry={"state": Carry("raw_state", frozenset({"-100", "7"}))}, timezone="Europe/Rome", gap="shift",
        fold="later", null=frozenset({"?", "-1"}), dates=("%d/%m/%Y %H:%M",), delimiter="\\t", header=3)
    assert rows.reads() == {"at", "n", "who", "text", "resolved_at", "raw_state"}
    assert rows.makes() == {FIRST, TIME, "state"}


@pytest.mark.parametrize(("text", "message"), [
    ("[]", "expected a table with `each: ticket` or `each: audit`"), ("{}", "`each` is missing"),
    ("{each: row}", "'row' is not one of ticket, audit"), ("{each: audit}", "`time` is missing"),
    ("{each: ticket, tie: n}", "`tie` is for `each: audit` only"),
    ("{each: ticket, carry: {a: {from: b, skip: []}}}", "`carry` is for `each: audit` only"),
    ("{each: audit, time: at, case: [at]}", "the time of a row cannot be an attribute of the case"),
    ("{each: audit, time: 5}", "expected a text, not 5"), ("{each: ticket, timezone: Mars}", "is not a time zone"),
    ("{each: ticket, gap: jump}", "'jump' is not one of error, shift"),
    ("{each: ticket, fold: both}", "'both' is not one of earlier, later, error"),
    ("{each: ticket, dates: '%d'}", "expected a list of texts"),
    ("{each: ticket, dates: ['%d/%m']}", "does not hold year, month and day"),
    ("{each: ticket, 'null': [null]}", "expected a list of texts"),
    ("{each: ticket, delimiter: '::'}", "one character"),
    ("{each: ticket, header: 0}", "from 1"), ("{each: ticket, header: true}", "from 1"),
    ("{each: audit, time: at, carry: {a: b}}", "expected `{from: column, skip: [values that say nothing]}`"),
    ("{each: audit, time: at, carry: [a]}", "expected a table of made columns"),
    ("{each: ticket, encodng: x}", "unknown key `encodng`, did you mean `encoding`?"),
])
def test_mistakes(text: str, message: str) -> None:
    assert any(message in mistake for mistake in parsed(text)[1])


@pytest.mark.parametrize("data", [None, 5, "x", [1], {"each": []}, {"each": "audit", "time": {}, "case": {"a": 1}},
                                  {"carry": 5, "header": "x", "null": "?"}])
def test_a_wrong_shape_is_a_problem_and_not_a_crash(data: Any) -> None:
    problems = Problems()
    Rows.parse(problems, (), data)
    assert problems.found
