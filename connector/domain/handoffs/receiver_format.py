"""The written form of a receiver: section `receiver` of a profile in suppliers/ or operations/ (docs/handoffs.md)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Any, Final, TypeVar

from connector.domain.agreements.durations import Amount, amount
from connector.domain.handoffs.handoff import DisputeEffect
from connector.domain.handoffs.moves import RULES, Move, Side
from connector.domain.handoffs.receiver import (
    Comments,
    Files,
    Penalty,
    Reach,
    Receiver,
    ReceiverKind,
    Shares,
    Tlp,
    Webhook,
    is_free_text,
)
from connector.domain.mappings.rules import Owner
from connector.domain.problems import Path, Problems, did_you_mean, missing, one_of, shown
from connector.domain.saying import Saying
from connector.domain.ticket import FIELDS, PRIORITIES
from connector.domain.values import FIXED
from connector.domain.vocabulary import DATES, kind_of

KEYS: Final = (
    "name", "title", "kind", "reach", "supplier", "shares", "tlp", "one_way", "severities", "statuses", "mirrors",
    "pause_reasons",
    "penalties", "silent_after", "reply_within", "bounce_limit", "dispute_clock", "active",
)
REACH_KEYS: Final = ("webhook", "email", "portal")
SHARES_KEYS: Final = ("fields", "comments", "attachments")
PENALTY_KEYS: Final = ("target", "amount", "currency", "per", "text")
WINNERS: Final = {"tool": Owner.TOOL, "partner": Owner.CONNECTOR, "newest": Owner.NEWEST, "set": Owner.SET,
                  "manual": Owner.MANUAL}
"""Who wins when both sides changed a field."""
PER: Final = ("breach", "hour", "day", "month")
THEIR_MOVES: Final = tuple(move for move, rule in RULES.items() if Side.THEIRS in rule.sides)
NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
VARIABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}")
EMAIL: Final = re.compile(r"[^\s@<>,;\"]+@[^\s@<>,;\"]+\.[^\s@<>,;\"]+")
URL: Final = re.compile(r"https?://[^\s\x00-\x1f]+", re.I)
_E = TypeVar("_E", bound=StrEnum)


def receiver(data: Any, profile: str, problems: Problems, path: Path = ("receiver",)) -> Receiver | None:
    """A receiver from its table, or None; what is wrong goes to `problems`."""
    reader = _Reader(problems)
    table = reader.table(data, path, KEYS)
    if table is None:
        return None
    name = reader.text(table, "name", path)
    if not NAME.fullmatch(name):
        unfit = Saying("%(value)s: expected lower-case letters, digits and dashes (it is part of the address they "
                       "call)", value=shown(name))
        problems.add((*path, "name"), unfit if name else "is required: lower-case letters, digits and dashes")
    kind = reader.choice(table.get("kind", ReceiverKind.SUPPLIER), ReceiverKind, (*path, "kind"))
    security = kind is ReceiverKind.SECURITY
    tlp = reader.choice(table["tlp"], Tlp, (*path, "tlp")) if "tlp" in table else None
    if security and "tlp" not in table:
        problems.add((*path, "tlp"), Saying("is required for a security team: %(names)s", names=", ".join(Tlp)))
    return Receiver(
        name=name, kind=kind or ReceiverKind.SUPPLIER, profile=profile,
        title=reader.text(table, "title", path) or name,
        supplier=reader.text(table, "supplier", path),
        reach=reader.reach(table.get("reach"), (*path, "reach")),
        shares=reader.shares(table.get("shares"), (*path, "shares"), security=security),
        tlp=tlp,
        one_way=reader.flag(table, "one_way", path, security),
        severities=reader.severities(table.get("severities"), (*path, "severities")),
        statuses=reader.statuses(table.get("statuses"), (*path, "statuses")),
        mirrors=reader.mirrors(table.get("mirrors"), table, path),
        pause_reasons=tuple(dict.fromkeys(
            one.strip().casefold() for one in reader.texts(table.get("pause_reasons"), (*path, "pause_reasons")))),
        penalties=reader.penalties(table.get("penalties"), (*path, "penalties")),
        silent_after=reader.amount(table, "silent_after", path),
        reply_within=reader.amount(table, "reply_within", path),
        bounce_limit=reader.count(table.get("bounce_limit", 3), (*path, "bounce_limit")),
        dispute_clock=reader.choice(table.get("dispute_clock", DisputeEffect.RUNS), DisputeEffect,
                                    (*path, "dispute_clock")) or DisputeEffect.RUNS,
        active=reader.flag(table, "active", path, True),
    )


class _Reader:
    def __init__(self, problems: Problems) -> None:
        self.problems = problems

    def table(self, data: Any, path: Path, keys: tuple[str, ...]) -> Mapping[str, Any] | None:
        if not isinstance(data, Mapping):
            self.problems.add(path, Saying(
                "%(value)s is not a table; expected %(keys)s", value=shown(data), keys=", ".join(keys)))
            return None
        self.problems.keys(path, data, keys)
        return data

    def text(self, table: Mapping[str, Any], key: str, path: Path) -> str:
        value = table.get(key, "")
        if isinstance(value, str) and not any(ord(letter) < 32 for letter in value):
            return value
        self.problems.add((*path, key), Saying("%(value)s is not a text of one line", value=shown(value)))
        return ""

    def texts(self, data: Any, path: Path) -> list[str]:
        if data is None:
            return []
        if not isinstance(data, (list, tuple)):
            self.problems.add(path, Saying("%(value)s is not a list of texts", value=shown(data)))
            return []
        for i, one in enumerate(data):
            if not isinstance(one, str) or not one.strip():
                self.problems.add((*path, i), Saying("%(value)s is not a text", value=shown(one)))
        return [one for one in data if isinstance(one, str) and one.strip()]

    def choice(self, value: Any, choices: type[_E], path: Path) -> _E | None:
        names = [str(one) for one in choices]
        if isinstance(value, str) and value in names:
            return choices(value)
        hint = did_you_mean(str(value), names) or one_of(names)
        self.problems.add(path, Saying("%(value)s is unknown%(expected)s", value=shown(value), expected=hint))
        return None

    def flag(self, table: Mapping[str, Any], key: str, path: Path, default: bool) -> bool:
        value = table.get(key, default)
        if not isinstance(value, bool):
            self.problems.add((*path, key), Saying("%(value)s is not true or false", value=shown(value)))
        return bool(value)

    def count(self, value: Any, path: Path) -> int:
        if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= 100:
            return value
        self.problems.add(path, Saying("%(value)s is not a number from 1 to 100", value=shown(value)))
        return 3

    def amount(self, table: Mapping[str, Any], key: str, path: Path) -> Amount | None:
        return amount(table[key], self.problems, (*path, key)) if key in table else None

    def reach(self, data: Any, path: Path) -> Reach:
        if data == "portal":
            return Reach(portal=True)
        if data is None:
            self.problems.add(path, "is required: portal, {email: address} or {webhook: {url, secrets}}")
            return Reach()
        table = self.table(data, path, REACH_KEYS) or {}
        email = self.text(table, "email", path)
        if email and not EMAIL.fullmatch(email):
            self.problems.add((*path, "email"), Saying("%(value)s is not one mail address", value=shown(email)))
        made = Reach(self._webhook(table["webhook"], (*path, "webhook")) if "webhook" in table else None, email,
                     self.flag(table, "portal", path, False))
        if table and not made.pushes and not made.portal and "webhook" not in table:
            self.problems.add(path, "leads nowhere: expected portal, email or webhook")
        return made

    def _webhook(self, data: Any, path: Path) -> Webhook | None:
        table = self.table(data, path, ("url", "secrets"))
        if table is None:
            return None
        url = self.text(table, "url", path)
        if not URL.fullmatch(url):
            self.problems.add((*path, "url"), Saying(
                "%(value)s is not an address such as https://desk.example/hooks", value=shown(url)))
        secrets = self.texts(table.get("secrets"), (*path, "secrets"))
        if not secrets:
            self.problems.add((*path, "secrets"), "is required: names of environment variables that hold the secrets")
        for i, one in enumerate(secrets):
            if not VARIABLE.fullmatch(one):
                self.problems.add((*path, "secrets", i), "is not the name of an environment variable; "
                                  "a secret is never written in the file")
        return Webhook(url, tuple(secrets))

    def shares(self, data: Any, path: Path, *, security: bool) -> Shares:
        if data is None:
            return Shares()
        table = self.table(data, path, SHARES_KEYS) or {}
        fields = self.texts(table.get("fields"), (*path, "fields"))
        for i, name in enumerate(fields):
            where = (*path, "fields", i)
            if name == "custom":
                self.problems.add(where, "name the fields one by one, such as custom.asset")
            elif name not in FIELDS and not name.startswith("custom."):
                self.problems.add(where, missing(Saying("field"), name, FIELDS))
            elif security and is_free_text(name):
                self.problems.add(where, Saying(
                    "`%(name)s` is free text, which a security team is never sent", name=name))
        comments = self.choice(table.get("comments", Comments.NONE), Comments, (*path, "comments"))
        files = self.choice(table.get("attachments", Files.NONE), Files, (*path, "attachments"))
        if security and comments is not Comments.NONE:
            self.problems.add((*path, "comments"), "comments are free text, which a security team is never sent")
        return Shares(tuple(dict.fromkeys(fields)), comments or Comments.NONE, files or Files.NONE)

    def severities(self, data: Any, path: Path) -> dict[str, str]:
        if data is None:
            return {}
        table = self.table(data, path, PRIORITIES) or {}
        return {key: self.text(table, key, path) for key in table if key in PRIORITIES}

    def statuses(self, data: Any, path: Path) -> dict[str, Move]:
        if data is None:
            return {}
        if not isinstance(data, Mapping):
            self.problems.add(path, Saying(
                "%(value)s is not a table; expected their words and our moves", value=shown(data)))
            return {}
        found: dict[str, Move] = {}
        for word, name in data.items():
            if not isinstance(word, str) or not word.strip():
                self.problems.add((*path, word), "is not a word of theirs")
            elif name not in THEIR_MOVES:
                names = [str(one) for one in THEIR_MOVES]
                self.problems.add((*path, word), Saying(
                    "%(value)s is no move of theirs%(hint)s",
                    value=shown(name),
                    hint=did_you_mean(str(name), names) or one_of(names)))
            elif word.strip().casefold() in found:
                self.problems.add((*path, word), "is there twice")
            else:
                found[word.strip().casefold()] = Move(name)
        return found

    def mirrors(self, data: Any, receiver: Mapping[str, Any], path: Path) -> dict[str, Owner]:
        where = (*path, "mirrors")
        if data is None:
            return {}
        if not isinstance(data, Mapping):
            self.problems.add(where, Saying(
                "%(value)s is not a table; expected fields and who wins", value=shown(data)))
            return {}
        if receiver.get("kind") == ReceiverKind.SECURITY or receiver.get("one_way") is True:
            self.problems.add(where, "what one receiver only takes is not exchanged with it")
        shares = receiver.get("shares")
        listed = shares.get("fields", ()) if isinstance(shares, Mapping) else ()
        found: dict[str, Owner] = {}
        for name, rule in data.items():
            if name not in (listed or ()):
                self.problems.add((*where, name), "only fields in shares.fields are exchanged")
            elif name in FIXED or name in DATES or name in ("kind", "state", "pending_on"):
                self.problems.add((*where, name), Saying(
                    "%(name)s is not exchanged; states are told by moves", name=name))
            elif rule not in WINNERS:
                names = list(WINNERS)
                self.problems.add((*where, name), Saying(
                    "%(value)s is unknown%(expected)s",
                    value=shown(rule),
                    expected=did_you_mean(str(rule), names) or one_of(names)))
            elif rule == Owner.SET and kind_of(str(name)) != "list":
                self.problems.add((*where, name), Saying("%(name)s is no list, so sides cannot be united", name=name))
            else:
                found[str(name)] = WINNERS[rule]
        return found

    def penalties(self, data: Any, path: Path) -> tuple[Penalty, ...]:
        if data is None:
            return ()
        if not isinstance(data, (list, tuple)):
            self.problems.add(path, Saying(
                "%(value)s is not a list of {%(names)s}", value=shown(data), names=", ".join(PENALTY_KEYS)))
            return ()
        return tuple(self._penalty(one, (*path, i)) for i, one in enumerate(data))

    def _penalty(self, data: Any, path: Path) -> Penalty:
        table = self.table(data, path, PENALTY_KEYS) or {}
        figure = table.get("amount", "")
        if figure != "" and (isinstance(figure, bool) or not _is_number(figure)):
            self.problems.add((*path, "amount"), Saying("%(value)s is not a number", value=shown(figure)))
        per = self.text(table, "per", path)
        if per and per not in PER:
            self.problems.add((*path, "per"), Saying(
                "%(value)s is unknown%(expected)s", value=shown(per), expected=one_of(PER)))
        made = Penalty(self.text(table, "target", path), str(figure), self.text(table, "currency", path), per,
                       self.text(table, "text", path))
        if table and not made.target:
            self.problems.add((*path, "target"), "is required: the target that costs when it is missed")
        if table and not made.amount and not made.text:
            self.problems.add(path, "says nothing: expected amount or text")
        return made


def _is_number(value: Any) -> bool:
    try:
        return Decimal(str(value)).is_finite()
    except InvalidOperation:
        return False
