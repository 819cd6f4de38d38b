"""Mappings as data: a tool's fields and values to ours and back.

A mapping is checked and compiled once; then it is pure, frozen and shared between threads.
"""

from __future__ import annotations

from collections.abc import Mapping as Table
from typing import Any, Final, NoReturn

from connector.domain.agreements import write_back
from connector.domain.errors import BadRecord, Problem, Refused
from connector.domain.importing.rows import Rows
from connector.domain.mappings.plan import Failed, Plan, takes_empty
from connector.domain.mappings.rules import Owner, Rule, compile_rule
from connector.domain.mappings.transforms import text
from connector.domain.problems import Problems, Where, did_you_mean, nowhere, shown
from connector.domain.ticket import Kind, Patch, PendingOn, State, Ticket, Value
from connector.domain.vocabulary import MAPPED, REQUIRED, When, canonical, kind_of

__all__ = ["Mapping", "Owner", "Record"]

Record = Table[str, Any]
"""A tool's ticket, flattened by the adapter: tool field name -> raw value."""

TOP: Final = ("mapping", "vendor", "id", "fields", "rows", "clocks", "description", "source")
_STATES: Final = ("state", "pending_on")


def _no_dates(raw: str) -> NoReturn:
    raise ValueError("no date parser given")


class Mapping:
    """What each canonical field of one tool is read from, written to, and owned by."""

    __slots__ = ("_base", "_custom", "_file", "_from", "_id", "_plans", "_variants", "clocks", "name", "reads", "rows",
                 "vendor", "writes")

    name: str
    vendor: str
    reads: frozenset[str]
    writes: frozenset[str]
    rows: Rows | None
    """How the rows of an exported file make tickets; None for a live tool."""
    clocks: Table[str, write_back.Told]
    """Custom fields that are told what the ticket's clocks say."""

    @classmethod
    def from_dict(cls, data: Table[str, Any], file: str = "", where: Where = nowhere) -> Mapping:
        """Check and compile. Raises ConfigError with every problem; `where` gives their line and column."""
        problems = Problems(file, where)
        self = cls()
        self._compile(problems, data)
        problems.stop()
        return self

    def _compile(self, problems: Problems, data: Any) -> None:
        self._file = problems.file
        self._base: dict[str, Rule] = {}
        self._variants: dict[str, dict[str, Rule]] = {}
        if not isinstance(data, Table):
            problems.add((), "expected a table with `mapping`, `vendor`, `id` and `fields`")
            return
        problems.keys((), data, TOP)
        self.name = self._word(problems, data, "mapping")
        self.vendor = self._word(problems, data, "vendor")
        self._id = self._word(problems, data, "id")
        fields = data.get("fields")
        if not isinstance(fields, Table):
            problems.add(("fields",) if "fields" in data else (), "expected a table of our fields under `fields`")
            fields = {}
        for name, spec in fields.items():
            if self._known(problems, name):
                self._base[name], self._variants[name] = compile_rule(problems, ("fields", name), name, spec)
        for name in REQUIRED:
            if name not in fields and isinstance(data.get("fields"), Table):
                problems.add(("fields",), f"`{name}` is missing: every ticket has one")
        self.rows = Rows.parse(problems, ("rows",), data["rows"]) if "rows" in data else None
        self.clocks = write_back.parse(problems, data.get("clocks", {}), self._base, self._variants, self.vendor)
        self._finish()

    @staticmethod
    def _word(problems: Problems, data: Table[str, Any], key: str) -> str:
        value = data.get(key)
        if not isinstance(value, str) or not value.strip():
            problems.add((key,) if key in data else (), f"`{key}` is missing" if value is None else
                         f"`{key}` must be a name, not {shown(value)}")
            return ""
        return value

    @staticmethod
    def _known(problems: Problems, name: Any) -> bool:
        if isinstance(name, str) and (name in MAPPED or (name.startswith("custom.") and name[7:].isidentifier())):
            return True
        hint = " (after `custom.` comes a name of letters, digits and _)" if str(name).startswith("custom.") else \
            did_you_mean(str(name), (*MAPPED, "custom.")) or " (own fields are written `custom.<name>`)"
        problems.add(("fields", name), f"unknown field `{name}`{hint}")
        return False

    def _finish(self) -> None:
        rules = [*self._base.values(), *(rule for own in self._variants.values() for rule in own.values())]
        self.reads = frozenset([self._id, *(source for rule in rules for source in rule.sources)]) - {""}
        self.writes = frozenset(target for rule in rules for target in rule.targets)
        self._from: dict[str, str] = {}
        for rule in sorted(rules, key=lambda rule: rule.name in ("level", "kind", "updated_at", "version")):
            for place, source in enumerate(rule.sources):
                second = rule.name == "state" and place > 0 and rule.table is not None and rule.table.width > 1
                self._from.setdefault(source, "pending_on" if second else rule.name)
        self._plans = {kind: self._plan(kind) for kind in ("", *Kind)}

    def _plan(self, kind: str) -> tuple[Plan, Plan]:
        rules = [rule for name in self._base if (rule := self._rule(name, kind)) is not None]
        return (Plan(rule for rule in rules if rule.name != "kind" and not rule.name.startswith("custom.")),
                Plan((rule for rule in rules if rule.name.startswith("custom.")), "custom."))

    def _rule(self, field: str, kind: str) -> Rule | None:
        """The rule of a field for a kind of ticket; None when there is none."""
        own = self._variants.get(field, {}).get(kind)
        return own if own is not None else self._base.get(field)

    @property
    def id_field(self) -> str:
        """The record's field that names the ticket."""
        return self._id

    # reading

    def read(self, tool: str, record: Record, when: When) -> Ticket:
        """The ticket a record shows. Raises BadRecord naming tool, ticket, field and value of every problem."""
        problems: list[Problem] = []
        try:
            ticket = text(record.get(self._id))
        except ValueError as error:
            ticket = ""
            problems.append(Problem(f"{error} in `{self._id}`", self._file, path="id"))

        def failed(rule: Rule, error: ValueError) -> None:
            problems.append(Problem(self._said(rule, error), self._file, path=rule.name))

        kind = self._read_kind(record, when, failed)
        plain, custom = self._plans[kind or ""]
        values: dict[str, Any] = {"tool": tool, "id": ticket, "kind": kind}
        plain.fill(values, record, when, failed)
        own: dict[str, Any] = {}
        custom.fill(own, record, when, failed)
        if own:
            values["custom"] = own
        if "state" in values:
            _take_state(values)
        if not ticket and not problems:
            problems.append(Problem(f"no value in `{self._id}`", self._file, path="id"))
        problems.extend(self._missing(values, problems))
        if problems:
            raise BadRecord(tool, ticket or "?", problems)
        return Ticket(**values)

    def _read_kind(self, record: Record, when: When, failed: Failed) -> Any:
        rule = self._base["kind"]
        if rule.fetch is None:
            return None
        if not takes_empty(rule) and record.get(rule.sources[0]) in (None, "", []):
            return None
        try:
            return rule.fetch(record, when)
        except ValueError as error:
            failed(rule, error)
            return None

    def _missing(self, values: Table[str, Any], problems: list[Problem]) -> list[Problem]:
        told = {problem.path for problem in problems}
        return [Problem(self._empty(name, values["kind"] or ""), self._file, path=name)
                for name in REQUIRED if values.get(name) is None and name not in told]

    def _said(self, rule: Rule, error: ValueError) -> str:
        return f"{error} in `{', '.join(rule.sources)}`" if rule.sources else str(error)

    def _empty(self, field: str, kind: str) -> str:
        rule = self._rule(field, kind)
        sources = ", ".join(rule.sources) if rule is not None else ""
        return f"no value in `{sources}`, and every ticket has one"

    def value(self, field: str, raw: Any, when: When | None = None, kind: str = "") -> Value:
        """One field's value from a raw one, as history shows it. Raises ValueError naming an unknown value.

        For a field read from several tool fields `raw` is a tuple, or the value of the first alone. `pending_on` takes
        what `state` takes, or, where it hangs on a second tool field, that field's value alone.
        """
        if field == "pending_on" and "pending_on" not in self._base:
            return self._pending(raw, when or _no_dates, kind)
        rule = self._rule(field, kind)
        if rule is None or rule.convert is None:
            raise ValueError(f"{field} is not mapped")
        if (raw is None or raw == "" or raw == []) and not takes_empty(rule):
            return () if field == "tags" else None if field.startswith("custom.") else _BLANK.get(field)
        table = rule.table
        if table is not None and table.width > 1 and not isinstance(raw, (tuple, list)):
            found = table.find_part(0, text(raw), _state if field == "state" else _same)
            return found  # type: ignore[no-any-return]
        found = rule.convert(raw, when or _no_dates)
        return found[0] if field == "state" and found is not None else found  # type: ignore[no-any-return]

    def _pending(self, raw: Any, when: When, kind: str) -> PendingOn | None:
        rule = self._rule("state", kind)
        if rule is None or rule.convert is None:
            raise ValueError("state is not mapped")
        if raw is None or raw == "":
            return None
        table = rule.table
        if table is not None and table.width > 1 and not isinstance(raw, (tuple, list)):
            reason = table.find_part(1, text(raw), _reason)
            return reason if isinstance(reason, PendingOn) else None
        pair = rule.convert(raw, when)
        return pair[1] if pair is not None else None

    def field_of(self, tool_field: str) -> str | None:
        """The canonical field fed by a tool field, for history entries; None when there is none."""
        return self._from.get(tool_field)

    # writing

    def write(self, patch: Patch, kind: str | None = None) -> dict[str, Any]:
        """Tool fields and raw values for a patch; times stay aware datetimes. Raises Refused naming field and value.

        `kind` is needed where the mapping tells kinds of tickets apart; a patch that sets `kind` says it itself.
        """
        of = str(patch.get("kind") or kind or "")
        out: dict[str, Any] = {}
        for field, value in patch.items():
            if field == "pending_on" and field not in self._base:
                if "state" in patch:
                    continue
                if value is None:
                    raise Refused(f"{self.name}: `pending_on` is written together with `state`")
            self._write(out, field, value, patch, of)
        return out

    def _write(self, out: dict[str, Any], field: str, value: Value, patch: Patch, kind: str) -> None:
        name = "state" if field in _STATES and field not in self._base else field
        rule = self._rule(name, kind)
        if rule is None or not rule.targets:
            needs = " without knowing the kind of ticket" if not kind and self._variants.get(name) else ""
            raise Refused(f"{self.name}: `{field}` cannot be written{needs}")
        try:
            raw = rule.encode(self._wanted(name, value, patch))
        except ValueError as error:
            raise Refused(f"{self.name}: `{field}`: {error}") from None
        for target, part in raw.items():
            if target in out and out[target] != part:
                raise Refused(f"{self.name}: `{field}` and another field disagree about `{target}`")
            out[target] = part

    def _wanted(self, field: str, value: Value, patch: Patch) -> Any:
        if field in ("kind", *REQUIRED) and (value is None or value == ""):
            raise ValueError("every ticket has one, so it cannot be emptied")
        if field != "state":
            return canonical(field, value) if value != "" else None
        state = canonical("state", patch.get("state", State.PENDING))
        reason = canonical("pending_on", patch.get("pending_on")) if state is State.PENDING else None
        return (state, None if "pending_on" in self._base else reason)

    # who decides

    def owner(self, field: str) -> Owner:
        rule = self._base.get("state" if field == "pending_on" and field not in self._base else field)
        return rule.owner if rule is not None else Owner.TOOL

    def writable(self, field: str) -> bool:
        """Whether the mapping has a way to write the field (its owner rule is another matter)."""
        name = "state" if field == "pending_on" and field not in self._base else field
        rules = [self._base.get(name), *self._variants.get(name, {}).values()]
        return any(rule is not None and rule.targets for rule in rules)

    def rule(self, field: str, kind: str = "") -> Rule | None:
        """The compiled rule of a field for a kind of ticket, for adapters that translate history."""
        return self._rule(field, kind)

    def rules(self) -> list[Rule]:
        """Every compiled rule, for the check against a live tool."""
        return [*self._base.values(), *(rule for own in self._variants.values() for rule in own.values())]


_BLANK: Final[dict[str, Value]] = {name: "" for name in MAPPED if kind_of(name) == "text"}


def _take_state(values: dict[str, Any]) -> None:
    state, reason = values["state"]
    values["state"] = state
    if reason is not None:
        values["pending_on"] = reason
    elif state is not State.PENDING:
        values.pop("pending_on", None)


def _same(value: Any) -> Any:
    return value


def _state(pair: tuple[State, PendingOn | None]) -> State:
    return pair[0]


def _reason(pair: tuple[State, PendingOn | None]) -> PendingOn | None:
    return pair[1]
