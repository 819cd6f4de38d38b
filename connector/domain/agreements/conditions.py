"""Conditions over a ticket's fields, written as data: checked once, then fast to ask.

A table holds when all its keys do. `any`, `all` and `not` combine; a leaf is `field: value`, a list (one of), a
comparison (">= 100"), null (not known) or {like: "VPN*"}.
"""

from __future__ import annotations

import fnmatch
import operator
import re
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from connector.domain.problems import Path, Problems, did_you_mean, shown
from connector.domain.saying import Saying
from connector.domain.ticket import FIELDS, Value
from connector.domain.vocabulary import DATES, NAMES, canonical

Facts = Mapping[str, Value]
"""What is known at one moment: canonical fields, `custom.x`, and the derived facts below."""

DERIVED: Final = ("acknowledged", "responded", "awaiting_reply", "reassignments", "reopenings", "major_incident")
"""Facts that follow from the history rather than stand on the ticket."""
COUNTED: Final = ("reassignments", "reopenings")
DEEPEST: Final = 20
"""Conditions inside conditions; nobody reads more."""
_KNOWN: Final = ("tool", *(field for field in FIELDS if field not in DATES and field != "custom"), *DERIVED)
_COMPARE: Final[dict[str, Callable[[Any, Any], bool]]] = {
    ">=": operator.ge, "<=": operator.le, ">": operator.gt, "<": operator.lt,
}
_COMPARISON: Final = re.compile(r"\s*(>=|<=|>|<)\s*(-?\d+(?:\.\d+)?)\s*")


@dataclass(frozen=True, slots=True)
class Condition:
    """`weight` is the number of leaves: of several conditions that hold, the heaviest is the most specific."""

    holds: Callable[[Facts], bool]
    fields: frozenset[str]
    weight: int
    text: str
    equals: Value = None
    """The value asked for, when the condition is nothing but one field equal to one value."""
    same: Hashable = None
    """Equal for conditions that say the same in another order."""
    shape: tuple[Any, ...] = ("always",)
    """What `text` says, for pages in other languages: ("all" or "any", parts...), ("not", part), ("=", field, value),
    ("in", field, values), (a sign, field, number), ("like", field, pattern), ("unknown", field), ("has", tag)."""

    def __str__(self) -> str:
        return self.text


ALWAYS: Final = Condition(lambda facts: True, frozenset(), 0, "always")
NEVER: Final = Condition(lambda facts: False, frozenset(), 0, "never", shape=("never",))


def condition(data: Any, problems: Problems, path: Path = ()) -> Condition:
    """A condition from its written form. What is wrong goes to `problems`; the result is then NEVER."""
    if len(path) > DEEPEST:
        problems.add(path, "is nested too deeply")
        return NEVER
    if not isinstance(data, Mapping):
        problems.add(path, Saying("%(value)s is not a condition; expected a table such as {state: pending}",
                                  value=shown(data)))
        return NEVER
    if not data:
        return ALWAYS
    parts = [_part(str(key), value, problems, (*path, key)) for key, value in data.items()]
    return parts[0] if len(parts) == 1 else _all(parts)


def _part(key: str, value: Any, problems: Problems, path: Path) -> Condition:
    if key in ("any", "all"):
        if not isinstance(value, (list, tuple)) or not value:
            problems.add(path, Saying("expected a list of conditions under `%(key)s`", key=key))
            return NEVER
        parts = [condition(item, problems, (*path, i)) for i, item in enumerate(value)]
        return _all(parts) if key == "all" else _any(parts)
    if key == "not":
        inner = condition(value, problems, path)
        if inner is NEVER:
            return NEVER
        return Condition(lambda facts: not inner.holds(facts), inner.fields, inner.weight, f"not ({inner.text})",
                         same=("not", _same(inner)), shape=("not", inner.shape))
    field = _field(key, problems, path)
    return NEVER if field is None else _leaf(field, value, problems, path)


def _all(parts: list[Condition]) -> Condition:
    if len(parts) == 1:
        return parts[0]
    checks = tuple(part.holds for part in parts)
    first, second = checks[0], checks[-1]

    def both(facts: Facts) -> bool:
        return first(facts) and second(facts)

    def every(facts: Facts) -> bool:
        for check in checks:  # noqa: SIM110 - half the time of all()
            if not check(facts):
                return False
        return True

    holds = both if len(checks) == 2 else every
    return Condition(holds, _fields(parts), sum(p.weight for p in parts), " and ".join(p.text for p in parts),
                     same=("all", frozenset(map(_same, parts))), shape=("all", *(p.shape for p in parts)))


def _any(parts: list[Condition]) -> Condition:
    if len(parts) == 1:
        return parts[0]
    checks = tuple(part.holds for part in parts)
    first, second = checks[0], checks[-1]

    def either(facts: Facts) -> bool:
        return first(facts) or second(facts)

    def some(facts: Facts) -> bool:
        for check in checks:  # noqa: SIM110 - half the time of any()
            if check(facts):
                return True
        return False

    holds = either if len(checks) == 2 else some
    weight = min(part.weight for part in parts)
    return Condition(holds, _fields(parts), weight, "(" + " or ".join(p.text for p in parts) + ")",
                     same=("any", frozenset(map(_same, parts))), shape=("any", *(p.shape for p in parts)))


def _same(part: Condition) -> Hashable:
    return part.text if part.same is None else part.same


def either(*parts: Condition) -> Condition:
    """Holds when one of the parts does."""
    return _any(list(parts))


def _fields(parts: list[Condition]) -> frozenset[str]:
    return frozenset().union(*(part.fields for part in parts))


def _field(key: str, problems: Problems, path: Path) -> str | None:
    """The fact a key speaks of. A bare name that is no ticket field is a custom field, unless it looks like a slip."""
    if key in _KNOWN or (key.startswith("custom.") and len(key) > 7):
        return key
    hint = did_you_mean(key, _KNOWN)
    if "did you mean" in hint:
        problems.add(path, Saying("unknown field `%(key)s`%(hint)s (a custom field is written custom.%(key)s)", key=key,
                                  hint=hint))
        return None
    if not re.fullmatch(r"[A-Za-z_]\w*", key):
        problems.add(path, Saying("`%(key)s` is not a field of a ticket", key=key))
        return None
    return f"custom.{key}"


def _leaf(field: str, value: Any, problems: Problems, path: Path) -> Condition:
    one = frozenset((field,))
    if isinstance(value, (list, tuple)):
        return _one_of(field, value, problems, path)
    if isinstance(value, Mapping):
        return _pattern(field, value, problems, path)
    if value is None:
        return Condition(lambda facts: facts.get(field) in (None, "", ()), one, 1, f"{field} not known",
                         shape=("unknown", field))
    compared = _COMPARISON.fullmatch(value) if isinstance(value, str) and field not in NAMES else None
    if compared:
        return _comparison(field, compared[1], float(compared[2]))
    try:
        wanted = _wanted(field, value)
    except ValueError as error:
        problems.add(path, str(error))
        return NEVER
    said, shape = f"{field} = {_plain(value)}", ("=", field, value)
    if field == "tags":
        return Condition(lambda facts: value in (facts.get("tags") or ()), one, 1,  # type: ignore[operator]
                         f"tags has {value}", shape=("has", value))
    if field.startswith("custom."):
        alike = _alike(wanted)
        return Condition(lambda facts: facts.get(field) in alike, one, 1, said, shape=shape)
    return Condition(lambda facts: facts.get(field) == wanted, one, 1, said, wanted, shape=shape)


def _wanted(field: str, value: Any) -> Value:
    """Raises ValueError for a value that this fact cannot have."""
    if field in COUNTED:
        if isinstance(value, bool) or not isinstance(value, int):
            raise ValueError(f'{shown(value)} is not a number; expected one such as 2, or ">= 2"')
        return value
    if field in DERIVED:
        if not isinstance(value, bool):
            raise ValueError(f"{shown(value)} is not true or false")
        return value
    if field == "tags" and not isinstance(value, str):
        raise ValueError(f"{shown(value)} is not a tag")
    return canonical(field, value)


def _alike(wanted: Value) -> tuple[Value, ...]:
    """Tools send numbers and flags as text or not, as they please."""
    if isinstance(wanted, bool):
        return (wanted, *(("true", "True", "1") if wanted else ("false", "False", "0")))
    if isinstance(wanted, (int, float)):
        return wanted, str(wanted)
    if isinstance(wanted, str) and re.fullmatch(r"-?[0-9]{1,15}", wanted):
        return wanted, int(wanted)
    return (wanted,)


def _one_of(field: str, values: Sequence[Any], problems: Problems, path: Path) -> Condition:
    leaves = [_leaf(field, item, problems, (*path, i)) if not isinstance(item, (list, tuple)) else None
              for i, item in enumerate(values)]
    if not leaves or None in leaves:
        problems.add(path, Saying("`%(field)s` has a list within its list", field=field) if leaves
                     else Saying("`%(field)s` has an empty list: it could never hold", field=field))
        return NEVER
    found = [leaf for leaf in leaves if leaf is not None]
    text, same = f"{field} in [{', '.join(map(_plain, values))}]", ("any", frozenset(map(_same, found)))
    shape = ("in", field, tuple(values))
    if all(leaf.equals is not None for leaf in found):
        # A tuple, not a set: an enum member equals its text but does not have its hash.
        asked = tuple(leaf.equals for leaf in found)
        return Condition(lambda facts: facts.get(field) in asked, frozenset((field,)), 1, text, same=same, shape=shape)
    return Condition(_any(found).holds, frozenset((field,)), 1, text, same=same, shape=shape)


def _comparison(field: str, sign: str, limit: float) -> Condition:
    compare = _COMPARE[sign]

    def holds(facts: Facts) -> bool:
        value = facts.get(field)
        if isinstance(value, str):
            try:
                value = float(value)
            except ValueError:
                return False
        return isinstance(value, (int, float)) and not isinstance(value, bool) and compare(value, limit)

    return Condition(holds, frozenset((field,)), 1, f"{field} {sign} {limit:g}", shape=(sign, field, limit))


def _pattern(field: str, value: Mapping[Any, Any], problems: Problems, path: Path) -> Condition:
    wanted = value.get("like")
    if set(value) != {"like"} or not isinstance(wanted, str):
        problems.add(path, Saying("%(value)s is not a comparison; expected a value, a list or {like: \"VPN*\"}",
                                  value=shown(dict(value))))
        return NEVER
    match = re.compile(fnmatch.translate(wanted), re.IGNORECASE).match

    def holds(facts: Facts) -> bool:
        text = facts.get(field)
        if isinstance(text, tuple):
            return any(match(item) for item in text)
        return isinstance(text, str) and match(text) is not None

    return Condition(holds, frozenset((field,)), 1, f"{field} like {wanted}", shape=("like", field, wanted))


def _plain(value: Any) -> str:
    return "not known" if value is None else str(value)
