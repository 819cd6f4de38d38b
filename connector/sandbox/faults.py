"""Faults on demand: rules that say which requests go wrong, and how.

A rule is asked once per request, in the order in which the rules were added; the first that fires decides. Chance comes
from a seed, so that a run can be repeated.
"""

from __future__ import annotations

import random
import re
import threading
from dataclasses import dataclass, field
from typing import Any, Final

KINDS: Final = {
    "429": "answers 429 and does nothing; `retry_after` seconds",
    "500": "answers 500 and does nothing; `status` for another number",
    "lost_answer": "does the work, then closes the connection without an answer; `hang` seconds before",
    "html_200": "answers 200 with an HTML page and does nothing; `after` true: does the work first",
    "slow": "answers after `seconds`",
    "half": "does the work, sends half of the body, closes the connection",
    "closed": "closes the connection before doing anything",
    "empty_202": "answers 202 with an empty body and does nothing",
    "expired": "forgets all sessions and tokens, then goes on",
    "error_after": "does the work, then answers `status` (502)",
}


@dataclass(slots=True)
class Fault:
    """One rule. `method` and `path` (a regular expression searched in path and query) choose requests; `skip` lets so
    many pass first, `times` limits how often it fires (None: always), `chance` is the probability of firing."""

    kind: str
    method: str = ""
    path: str = ""
    times: int | None = 1
    skip: int = 0
    chance: float = 1.0
    options: dict[str, Any] = field(default_factory=dict)
    id: int = 0
    fired: int = 0

    def as_dict(self) -> dict[str, Any]:
        return {"id": self.id, "kind": self.kind, "method": self.method, "path": self.path, "times": self.times,
                "skip": self.skip, "chance": self.chance, "fired": self.fired, **self.options}


class Faults:
    """The rules of one stand-in. Thread-safe."""

    def __init__(self, seed: int = 1) -> None:
        self._random = random.Random(f"faults/{seed}")
        self._rules: list[Fault] = []
        self._lock = threading.Lock()
        self._next = 1

    def add(self, kind: str, *, method: str = "", path: str = "", times: int | None = 1, skip: int = 0,
            chance: float = 1.0, **options: Any) -> Fault:
        """Raises ValueError for an unknown kind or an unreadable path."""
        if kind not in KINDS:
            raise ValueError(f"unknown fault {kind!r} (expected one of {', '.join(KINDS)})")
        if not 0 <= chance <= 1:
            raise ValueError(f"chance {chance} is not between 0 and 1")
        try:
            re.compile(path)
        except re.error as error:
            raise ValueError(f"path {path!r} is not a regular expression: {error}") from None
        with self._lock:
            fault = Fault(kind, method.upper(), path, times, skip, chance, options, self._next)
            self._next += 1
            self._rules.append(fault)
            return fault

    def remove(self, fault: Fault | int) -> None:
        number = fault if isinstance(fault, int) else fault.id
        with self._lock:
            self._rules = [rule for rule in self._rules if rule.id != number]

    def clear(self) -> None:
        with self._lock:
            self._rules.clear()

    def rules(self) -> list[Fault]:
        with self._lock:
            return list(self._rules)

    def match(self, method: str, target: str) -> Fault | None:
        """The fault for this request, if any; counts it."""
        with self._lock:
            for rule in self._rules:
                if (rule.method and rule.method != method) or not re.search(rule.path, target):
                    continue
                if rule.times is not None and rule.fired >= rule.times:
                    continue
                if rule.skip > 0:
                    rule.skip -= 1
                    continue
                if rule.chance < 1 and self._random.random() >= rule.chance:
                    continue
                rule.fired += 1
                return rule
        return None
