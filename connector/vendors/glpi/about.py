"""What GLPI says about itself and our account: version, rights, clock, and advice for whoever runs it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from connector.ports import Capability, FieldInfo
from connector.vendors.glpi.client import Client
from connector.vendors.glpi.options import FREE, TICKET
from connector.vendors.glpi.zone import Zone

_READ, _UPDATE, _CREATE = 1, 2, 4
_TICKET_READ_ALL: Final = 1024
_TICKET_ASSIGN: Final = 8192
_FOLLOWUP_ADD: Final = 4 | 2048 | 4096
_FOLLOWUP_SEE_PRIVATE: Final = 8192
"""Bits of a profile's rights as constants of Ticket and ITILFollowup (GLPI 10) name them."""


@dataclass(frozen=True, slots=True)
class About:
    version: str
    id: str
    login: str
    friendly: str
    now: str
    timezone: str
    capabilities: frozenset[Capability]
    remarks: tuple[str, ...]


def ask(client: Client) -> About:
    """Raises Refused, TryLater."""
    body = client.get("getFullSession")
    session = body.get("session", {}) if isinstance(body, dict) else {}
    profile = session.get("glpiactiveprofile")
    rights = profile if isinstance(profile, dict) else {}
    capabilities, remarks = _rights(rights)
    return About(
        version=client.version() or "(version not shown to this account)",
        id=str(session.get("glpiID", "")), login=str(session.get("glpiname") or ""),
        friendly=str(session.get("glpifriendlyname") or ""), now=str(session.get("glpi_currenttime") or ""),
        timezone=str(session.get("glpi_tz") or ""), capabilities=capabilities,
        remarks=remarks,
    )


def _rights(rights: dict[str, Any]) -> tuple[frozenset[Capability], tuple[str, ...]]:
    """What the profile allows. A profile that cannot be read is taken to allow everything: GLPI decides anyway."""
    every = {Capability.HISTORY, Capability.CREATE, Capability.UPDATE, Capability.COMMENT, Capability.NOTE,
             Capability.ATTACH, Capability.ATTACHMENTS}
    if not rights:
        return frozenset(every), ()
    remarks = []

    def has(right: str, bits: int) -> bool:
        value = rights.get(right)
        return not isinstance(value, int) or bool(value & bits)

    if rights.get("interface") == "helpdesk":
        remarks.append("The profile uses the simplified interface: it sees only its own tickets.")
    for right, bits, lost, advice in (
        ("ticket", _CREATE, Capability.CREATE, "create tickets"),
        ("ticket", _UPDATE, Capability.UPDATE, "update tickets"),
        ("followup", _FOLLOWUP_ADD, Capability.COMMENT, "add followups"),
        ("logs", _READ, Capability.HISTORY, "see the history of tickets"),
        ("document", _CREATE, Capability.ATTACH, "add documents"),
        ("document", _READ, Capability.ATTACHMENTS, "see documents"),
    ):
        if not has(right, bits):
            every.discard(lost)
            remarks.append(f"The profile has no right to {advice}.")
    if Capability.COMMENT not in every:
        every.discard(Capability.NOTE)
    for right, bits, advice in (("ticket", _TICKET_READ_ALL, "see all tickets: some stay hidden"),
                                ("ticket", _TICKET_ASSIGN, "assign tickets"),
                                ("followup", _FOLLOWUP_SEE_PRIVATE, "see private followups"),
                                ("user", _READ, "see users: people appear as #id"),
                                ("group", _READ, "see groups"), ("itilcategory", _READ, "see categories")):
        if not has(right, bits):
            remarks.append(f"The profile has no right to {advice}.")
    return frozenset(every), tuple(remarks)


def clock(known: About, zone: Zone, now: datetime, skew: timedelta | None) -> Iterator[str]:
    """Advice about time: the zone in the settings must be the one GLPI uses for the account."""
    named = f" ({known.timezone}, it says)" if known.timezone else ""
    if known.now:
        try:
            seen = zone.utc(known.now)
        except ValueError:
            seen = None
        there = now + (skew or timedelta(0))
        # The session's clock stands at its beginning: only whole quarters of an hour can come from a wrong zone.
        off = round((seen - there).total_seconds() / 900) if seen else 0
        if off and abs((seen - there).total_seconds() - off * 900) < 120:  # type: ignore[operator]
            yield (f"GLPI's local time for the account is {off * 15:+d} minutes from time zone {zone.name}{named}: "
                   "set `timezone` to the zone of the account that owns the token.")
    yield from steadiness(zone, now)


def steadiness(zone: Zone, now: datetime) -> Iterator[str]:
    if not zone.steady(now.year):
        yield (f"Time zone {zone.name} changes its clock: in the hour repeated each autumn times can be one hour "
               "early. Set the time zone of the account to UTC in GLPI, and `timezone: UTC` here.")


def offset(told: str, zone: Zone) -> Iterator[str]:
    """Advice when a time that GLPI gives with its offset does not have the offset of the zone in the settings."""
    try:
        at = datetime.fromisoformat(told)
    except ValueError:
        return
    if at.tzinfo is not None and at.utcoffset() != zone.offset(at):
        yield (f"GLPI's times for the account have the offset {at.strftime('%z')}, time zone {zone.name} has another: "
               "set `timezone` to the zone of the account.")


def fields(listed: Any) -> list[FieldInfo]:
    """The search options as fields a mapping can read."""
    named = {number: name for name, number in TICKET.items()}
    found = []
    for key, option in (listed if isinstance(listed, dict) else {}).items():
        if not str(key).isdigit() or not isinstance(option, dict) or "table" not in option:
            continue
        name = named.get(int(key), f"{FREE}{key}")
        found.append(FieldInfo(name=name, label=str(option.get("name") or ""), writable=int(key) in named,
                               choices=CHOICES.get(name)))
    return found


_SCALE: Final = {"1": "Very low", "2": "Low", "3": "Medium", "4": "High", "5": "Very high"}
CHOICES: Final[dict[str, dict[str, str]]] = {
    "status": {"1": "New", "2": "Assigned", "3": "Planned", "4": "Pending", "5": "Solved", "6": "Closed"},
    "type": {"1": "Incident", "2": "Request"}, "urgency": _SCALE, "impact": _SCALE,
    "priority": {**_SCALE, "6": "Major"},
}
