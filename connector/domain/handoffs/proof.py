"""The proof pack of a handoff: all that both sides need at a contract review, as one document.

Its entries are hash-linked, its whole is signed (proof_seal), so that nobody can change it unseen. Members are text,
whole numbers, true, false, null, lists and objects; times are ISO 8601 in UTC, durations ISO 8601 seconds, so that
every language writes them alike and anybody can compute hashes and signature again (docs/handoffs.md).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Final

import msgspec

from connector.domain.agreements.clock import Mode
from connector.domain.agreements.engine import NamedClock
from connector.domain.agreements.explain import Line, explain
from connector.domain.agreements.profile import Profile, Target
from connector.domain.handoffs.chain import Entry, EntryKind, broken
from connector.domain.handoffs.handoff import Handoff
from connector.domain.handoffs.receiver import Receiver
from connector.domain.ticket import Ticket

FORMAT: Final = "servicedesk-connector/handoff-proof/1"


def pack(
    handoff: Handoff, entries: Sequence[Entry], *, ticket: Ticket, contract: Profile | None, receiver: Receiver | None,
    clocks: Iterable[NamedClock], made_by: str, now: datetime, kept: Callable[[str], bool] = lambda _: True,
) -> dict[str, Any]:
    """The unsigned pack. `kept` says of a SHA-256 whether we still hold that file.

    Of the ticket only its numbers are told: what else left is in the entries.
    """
    return {
        "format": FORMAT,
        "made_at": now.astimezone(UTC).isoformat(),
        "made_by": made_by,
        "handoff": exact(msgspec.structs.asdict(handoff)),
        "ticket": {"tool": ticket.tool, "id": ticket.id, "number": ticket.number or ""},
        "contract": _contract(contract, receiver),
        "clocks": [exact(_clock(clock, now)) for clock in clocks],
        "files": [_file(entry, kept) for entry in entries if entry.kind in (EntryKind.FILE, EntryKind.REPORT)
                  and "sha256" in entry.body],
        "entries": [exact(msgspec.structs.asdict(entry)) for entry in entries],
        "chain": {"length": len(entries), "head": handoff.head,
                  "problem": broken(handoff.id, entries, handoff.head)},
    }


def exact(value: Any) -> Any:
    """JSON that every language writes alike. Raises TypeError for what has no such form."""
    if value is None or isinstance(value, (bool, int)):
        return value
    if isinstance(value, StrEnum):
        return str(value)
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, timedelta):
        return lasting(value)
    if isinstance(value, Mapping):
        return {str(key): exact(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [exact(item) for item in value]
    raise TypeError(f"a proof pack cannot hold {type(value).__name__}")


def lasting(value: timedelta) -> str:
    """ISO 8601 in seconds: `PT5400S`, `-PT1.5S`."""
    micros = abs(value) // timedelta(microseconds=1)
    seconds, rest = divmod(micros, 1_000_000)
    fraction = f".{rest:06d}".rstrip("0") if rest else ""
    return f"{'-' if value < timedelta() else ''}PT{seconds}{fraction}S"


def lasted(text: str) -> timedelta:
    """The other way round. Raises ValueError."""
    sign, body = (-1, text[1:]) if text.startswith("-") else (1, text)
    if not body.startswith("PT") or not body.endswith("S"):
        raise ValueError(f"{text!r} is not a duration in seconds")
    whole, _dot, rest = body[2:-1].partition(".")
    return sign * timedelta(seconds=int(whole), microseconds=int((rest or "0").ljust(6, "0")[:6]))


def _contract(contract: Profile | None, receiver: Receiver | None) -> dict[str, Any] | None:
    if contract is None:
        return None
    told: dict[str, Any] = {
        "name": contract.name, "version": contract.version, "agreement": str(contract.agreement),
        "targets": {str(target.name): _amounts(target) for target in contract.targets},
        "coverage": dict(contract.coverage),
    }
    if receiver is not None:
        told["receiver"] = receiver.name
        told["title"] = receiver.title
        told["pause_reasons"] = list(receiver.pause_reasons)
        told["penalties"] = [{"target": one.target, "amount": one.amount, "currency": one.currency, "per": one.per,
                              "text": one.text} for one in receiver.penalties]
    return told


def _amounts(target: Target) -> dict[str, str]:
    told = {key: amount.text for key, amount in target.amounts.items()}
    return told if target.otherwise is None else {**told, "else": target.otherwise.text}


def _clock(named: NamedClock, now: datetime) -> dict[str, Any]:
    told = explain(named, now)
    values = {name: getattr(told, name) for name in told.__slots__ if name not in ("lines", "ahead", "shares")}
    return {**values, "lines": [_line(line) for line in told.lines],
            "ahead": None if told.ahead is None else _line(told.ahead)}


def _line(line: Line) -> dict[str, Any]:
    mode = line.mode.value if isinstance(line.mode, Mode) else str(line.mode)
    return {"start": line.start, "end": line.end, "mode": mode, "business": line.business, "why": line.why,
            "windows": line.windows, "more_windows": line.more_windows, "closed": line.closed}


def _file(entry: Entry, kept: Callable[[str], bool]) -> dict[str, Any]:
    body = entry.body
    return {"seq": entry.seq, "side": str(entry.side), "name": str(body.get("name", "")),
            "size": body.get("size", 0), "media_type": str(body.get("media_type", "")),
            "sha256": str(body["sha256"]), "kept": kept(str(body["sha256"]))}
