"""A service desk that hands work over: receivers of every kind, and handoffs in several states."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from connector.domain.handoffs.handoff import Handoff
from connector.domain.handoffs.moves import Move, Side
from connector.files.in_force import Agreements
from connector.flows import handoffs as flow
from connector.settings.supplier_keys import SupplierKeys
from tests.web.world import World

CONTRACT = """
profile: {name}-contract
agreement: {agreement}
applies_to: {{supplier: "only {name}"}}
calendar: 24x7
timezone: Europe/Zurich
targets:
  acknowledge: {{P1: 30m, else: 2h}}
  resolution: {{P1: 4h, else: 12h}}
receiver:
  name: {name}
  title: {title}
  kind: {kind}
{more}
"""
HOSTING = """
  supplier: Hosting AG
  reach: portal
  shares: {fields: [title, service, site, description], comments: published, attachments: chosen}
  severities: {P1: Severity 1, P2: Severity 2}
  pause_reasons: [Access to site]
  silent_after: 8h
  penalties: [{target: resolution, amount: 250, currency: CHF, per: hour, text: At most 10 % of the month}]
"""
CLOUD = """
  supplier: Cloud SARL
  reach: {webhook: {url: "https://cloud.example/hooks", secrets: [CLOUD_SECRET]}, portal: true}
  shares: {fields: [title]}
"""
SECURITY = """
  reach: portal
  tlp: amber
  shares: {fields: [service, priority], attachments: none}
"""
FIELD = """
  reach: portal
  shares: {fields: [title, site]}
"""
OF = {"hosting": ("uc", "Hosting AG, Zürich", "supplier", HOSTING), "cloud": ("uc", "Cloud SARL", "supplier", CLOUD),
      "soc": ("ola", "Security team", "security", SECURITY), "field": ("ola", "Field service", "field_service", FIELD)}
SECRET = "whsec_" + "c2VjcmV0IG9mIHRoZSBjbG91ZCBzdXBwbGllcg=="


def agree(there: World, folder: Path) -> Agreements:
    place = folder / "sla_profiles"
    for name, (agreement, title, kind, more) in OF.items():
        part = place / ("suppliers" if agreement == "uc" else "operations")
        part.mkdir(parents=True, exist_ok=True)
        (part / f"{name}.yaml").write_text(CONTRACT.format(name=name, agreement=agreement, title=title, kind=kind,
                                                           more=more.strip("\n")))
    agreements = Agreements(place, there.store, there.clock)
    deps = replace(there.services.deps, registry=agreements.current, options={"files": folder / "files"})
    there.services = replace(there.services, deps=deps, agreements=agreements,
                             keys=SupplierKeys({"CLOUD_SECRET": SECRET}))
    return agreements


def offer(there: World, ticket: str, receiver: str, **more: Any) -> Handoff:
    given = {"reason": "The mail store needs a new disk.", "tried": "Restarted twice.", "contact": "Aline, 021 000",
             **more}
    return flow.offer(there.services.deps, there.keys[ticket], flow.Offer(receiver=receiver, **given), "user:aline")


def act(there: World, handoff: Handoff, what: Move, side: Side = Side.THEIRS, reason: str = "because",
        **more: Any) -> Handoff:
    there.clock.move(minutes=7)
    return flow.act(there.services.deps, handoff.id, what, "user:nina" if side is Side.THEIRS else "user:aline",
                    side=side, reason=reason, **more)


def fill(there: World) -> dict[str, Handoff]:
    """One of each kind the pages speak of; the clock has moved on."""
    deps = there.services.deps
    made = {"work": offer(there, "1", "hosting"), "offered": offer(there, "7", "hosting", reason="Needs a new cable."),
            "soc": offer(there, "6", "soc"), "cloud": offer(there, "5", "cloud"),
            "field": offer(there, "13", "field", details={"site": "Geneva, rue du Lac 1", "access": "Key at the desk",
                                                          "visit_from": "2026-03-03T08:00+01:00"})}
    made["work"] = act(there, made["work"], Move.ACKNOWLEDGE)
    flow.comment(deps, made["work"].id, "Which disk, the left or the right one?", "user:nina", side=Side.THEIRS,
                 once="c1")
    flow.comment(deps, made["work"].id, "The left one.\nIt blinks red.", "user:aline", once="c2")
    flow.attach(deps, made["work"].id, "photo of the rack.jpg", "image/jpeg", [b"\xff\xd8 not really"], "user:nina",
                side=Side.THEIRS)
    made["work"] = act(there, made["work"], Move.PROPOSE, reason="Disk replaced, mail store rebuilt.")
    made["field"] = act(there, made["field"], Move.START)
    return made
