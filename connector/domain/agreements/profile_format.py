"""The written form of a profile: parsing and checking, all problems at once. The format is in docs/sla-profiles.md."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from connector.domain.agreements.conditions import ALWAYS, NEVER, condition
from connector.domain.agreements.profile import (
    OF_HANDOFFS,
    Agreement,
    Profile,
)
from connector.domain.agreements.profile_reader import Reader, choice
from connector.domain.handoffs.receiver_format import receiver
from connector.domain.problems import Problems, did_you_mean, shown
from connector.domain.saying import Saying

KEYS: Final = (
    "profile", "agreement", "description", "applies_to", "calendar", "timezone", "classification", "targets",
    "conditions", "retroactive", "reopen", "responder", "on_change", "manual_due", "children", "coverage", "nests",
    "escalate", "receiver", "party",
)


def parse(data: Any, problems: Problems, version: str = "") -> Profile | None:
    """A profile from its table, or None; what is wrong goes to `problems`."""
    profile = draft(data, problems, version)
    return None if problems.errors else profile


def draft(data: Any, problems: Problems, version: str = "") -> Profile | None:
    """As `parse`, and with mistakes what could be read nevertheless, so that more of them can be told at once."""
    if not isinstance(data, Mapping):
        problems.add((), Saying("%(value)s is not a profile; expected a table", value=shown(data)))
        return None
    problems.keys((), data, KEYS)
    kind = choice(data.get("agreement"), tuple(Agreement), problems, ("agreement",))
    name = data.get("profile")
    if not isinstance(name, str) or not name:
        problems.add(("profile",), "is required: the name of this profile")
    reader = Reader(problems, Agreement(kind) if kind else Agreement.SLA)
    conditions, within = reader.conditions(data.get("conditions"))
    if "reopen" in data:
        within = reader.reopen(data["reopen"], ("reopen",))
    matrix, major = reader.classification(data.get("classification"))
    start, kept = reader.retroactive(data.get("retroactive"))
    nests = data.get("nests", ())
    if not isinstance(nests, (list, tuple)) or not all(isinstance(item, str) for item in nests):
        problems.add(("nests",), "expected a list of profile names")
        nests = ()
    given = receiver(data["receiver"], str(name), problems) if "receiver" in data else None
    unasked = ALWAYS if given is None else NEVER
    applies_to = condition(data["applies_to"], problems, ("applies_to",)) if "applies_to" in data else unasked
    if reader.agreement is Agreement.SLA and "major_incident" in applies_to.fields:
        problems.add(("applies_to",), "an SLA says what a major incident is, so only an OLA or UC can ask for one")
    if reader.agreement is Agreement.SLA and "receiver" in data:
        problems.add(("receiver",), "work is handed over under an OLA or UC, not under an SLA")
    if reader.agreement is Agreement.SLA and "party" in data:
        problems.add(("party",), "a ticket has one SLA; only an OLA or UC can stand beside another")
    profile = Profile(
        name=str(name),
        agreement=reader.agreement,
        applies_to=applies_to,
        calendar=reader.chain(data.get("calendar"), ("calendar",)),
        timezone=reader.chain(data["timezone"], ("timezone",)) if "timezone" in data else None,
        targets=reader.targets(data.get("targets"), conditions),
        matrix=matrix,
        major=major,
        start_from=start,
        pauses_kept=kept,
        reopen_within=within,
        responder=reader.responder(data.get("responder")),
        floor=reader.floor(data.get("on_change")),
        manual_due=reader.flag(data, "manual_due", "wins", "ignored"),
        children=reader.flag(data, "children", "own clock", "no clock"),
        coverage=reader.coverage(data.get("coverage")),
        nests=tuple(nests),
        receiver=given,
        escalate=reader.text(data.get("escalate", ""), ("escalate",)),
        description=reader.text(data.get("description", ""), ("description",)),
        party=reader.text(data.get("party", ""), ("party",)),
        version=version,
        file=problems.file,
    )
    if given is None:
        for target in profile.targets:
            if target.name in OF_HANDOFFS:
                problems.add(("targets", target.name), Saying(
                    "%(target)s is measured on handoffs: it needs a `receiver`", target=target.name))
    else:
        promised = [str(target.name) for target in profile.targets]
        for i, penalty in enumerate(given.penalties):
            if penalty.target and penalty.target not in promised:
                problems.add(("receiver", "penalties", i, "target"), Saying(
                    "this contract has no target `%(target)s`%(hint)s", target=penalty.target,
                    hint=did_you_mean(penalty.target, promised)))
    return profile
