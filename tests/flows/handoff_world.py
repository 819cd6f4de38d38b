"""A desk with a supplier, a security team and a field service, their contracts and channels."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from connector.domain.agreements.profile import Profile
from connector.domain.agreements.profile_format import parse
from connector.domain.agreements.registry import Registry
from connector.domain.handoffs.chain import Entry, EntryKind, broken
from connector.domain.handoffs.clocks import Reading, reading
from connector.domain.handoffs.handoff import Handoff
from connector.domain.handoffs.look import contract_of
from connector.domain.handoffs.moves import Move, Side
from connector.domain.handoffs.supplier_message import Command, MessageType, SentFile
from connector.domain.history import Event, EventKind
from connector.domain.problems import Problems
from connector.flows import assess, backlog, deliver, handoffs, intake
from connector.flows.handoffs import Answer, Offer
from connector.ports import Store, Stored
from tests.flows.fake_channel import FakeChannel, with_channels
from tests.flows.fake_tool import Clock, FakeTool, connect

CUSTOMER: dict[str, Any] = {
    "profile": "customer", "agreement": "sla", "calendar": "24x7", "targets": {"resolution": "100h"},
    "conditions": {"pause": [{"when": {"state": "pending", "pending_on": "supplier"}, "reason": "supplier"},
                             {"when": {"state": "pending", "pending_on": "customer"}, "reason": "customer"}],
                   "stop": {"state": ["resolved", "closed"]}},
}
HOSTING: dict[str, Any] = {
    "profile": "hosting-uc", "agreement": "uc", "calendar": "24x7",
    "targets": {"acknowledge": {"P1": "15m", "else": "1h"}, "first_response": "2h", "update": "5h", "resolution": "8h",
                "hand_back": "30m", "approval": "4h"},
    "receiver": {
        "name": "hosting", "supplier": "Hosting AG",
        "reach": {"webhook": {"url": "https://hosting.example/hooks", "secrets": ["HOSTING_SECRET"]}},
        "shares": {"fields": ["title", "priority", "group", "impact"], "comments": "published",
                   "attachments": "chosen"},
        "severities": {"P1": "Sev 1", "P2": "Sev 2"}, "statuses": {"fixed": "propose_resolution"},
        "mirrors": {"title": "newest", "group": "manual", "priority": "partner", "impact": "newest"},
        "pause_reasons": ["customer information"], "silent_after": "6h"},
}
NETWORK: dict[str, Any] = {
    "profile": "network-ola", "agreement": "ola", "calendar": "24x7", "targets": {"resolution": "8h"},
    "receiver": {"name": "network", "kind": "operations", "reach": "portal", "reply_within": "1h"}}
SOC: dict[str, Any] = {
    "profile": "soc-ola", "agreement": "ola", "calendar": "24x7", "targets": {"acknowledge": "15m"},
    "receiver": {"name": "soc", "kind": "security", "tlp": "amber+strict", "reach": {"email": "soc@example.org"},
                 "shares": {"fields": ["priority", "category", "service"], "attachments": "chosen"}}}
FIELD: dict[str, Any] = {
    "profile": "field-ola", "agreement": "ola", "calendar": "24x7", "targets": {"resolution": "16h"},
    "receiver": {"name": "field", "kind": "field_service", "reach": {"email": "field@example.org"},
                 "shares": {"fields": ["title"]}}}


def profile(data: dict[str, Any], version: str = "1") -> Profile:
    problems = Problems()
    found = parse(data, problems, version)
    problems.stop()
    assert found is not None
    return found


def registry(*more: Profile) -> Registry:
    return Registry.checked([*map(profile, (CUSTOMER, HOSTING, NETWORK, SOC, FIELD)), *more], {})


class World:
    """One ticket, and what happens to its handoffs. Every look checks the chains."""

    def __init__(self, store: Store, files: Any = None, contracts: Registry | None = None) -> None:
        self.clock = Clock()
        self.tool = FakeTool(self.clock)
        self.channel = FakeChannel("supplier:hosting")
        self.mails = FakeChannel("supplier:soc")
        agreed = contracts or registry()
        deps = connect(store, self.tool, **({} if files is None else {"files": files}))
        self.deps = with_channels(replace(deps, registry=lambda: agreed), self.channel, self.mails,
                                  FakeChannel("supplier:field"))
        self.id = self.tool.opened("1", title="Mail is down", description="Anna cannot read mail", priority="P1",
                                   number="INC1", category="mail", group="desk")
        self.messages = 0
        intake.poll(self.deps, "desk")
        self.settle()

    @property
    def stored(self) -> Stored:
        with self.deps.store.read() as tx:
            return tx.tickets("desk", [self.id])[self.id]

    def offer(self, receiver: str = "hosting", actor: str = "ines", once: str = "", **more: Any) -> Handoff:
        what = Offer(receiver=receiver, **{"reason": "server does not answer", **more})
        return handoffs.offer(self.deps, self.stored.key, what, actor, once)

    def act(self, id: str, what: Move, reason: str = "", **more: Any) -> Handoff:
        return handoffs.act(self.deps, id, what, more.pop("actor", "ines"), reason=reason, **more)

    def told(self, id: str, status: str = "", reason: str = "", *, message: str = "", receiver: str = "hosting",
             digest: str = "", **more: Any) -> Answer:
        """A message of theirs."""
        self.messages += 1
        type = more.pop("type", MessageType.STATUS if status else MessageType.COMMENT)
        command = Command(type=str(type), known=more.pop("known", True), handoff=id, status=status, reason=reason,
                          **more)
        message = message or f"msg_{self.messages}"
        return handoffs.answer(self.deps, self.deps.registry().receivers[receiver],  # type: ignore[misc]
                               message, digest or message, command)

    def settle(self, **passed: float) -> None:
        """Time passes; ticks, deliveries and readings until nothing is left to do."""
        self.clock.now += timedelta(**passed)
        for _ in range(4):
            assess.tick(self.deps)
            deliver.tick(self.deps)
            intake.poll(self.deps, "desk")
            backlog.run(self.deps, "desk")

    def handoff(self, id: str) -> Handoff:
        with self.deps.store.read() as tx:
            found = tx.handoffs([id])[id]
            assert broken(id, tx.entries([id])[id], found.head) == ""
            return found

    def entries(self, id: str, *kinds: EntryKind) -> list[Entry]:
        with self.deps.store.read() as tx:
            return [entry for entry in tx.entries([id])[id] if not kinds or entry.kind in kinds]

    def moves(self, id: str) -> list[str]:
        return [entry.body["move"] for entry in self.entries(id, EntryKind.MOVED)]

    def clocks(self, id: str) -> list[str]:
        """What was remembered of its clocks."""
        return [" ".join(str(entry.body[name]) for name in ("target", "cycle", "what") if name in entry.body)
                for entry in self.entries(id, EntryKind.CLOCK)]

    def events(self) -> list[Event]:
        with self.deps.store.read() as tx:
            history = tx.history([self.stored.key])[self.stored.key]
        return sorted((one for one in history if one.kind is EventKind.HANDOFF), key=lambda one: (one.at, one.seq))

    def reading(self, id: str, now: datetime | None = None) -> Reading:
        contracts = self.deps.registry()  # type: ignore[misc]
        handoff = self.handoff(id)
        return reading(handoff, self.entries(id), contract_of(handoff, contracts), contracts, self.stored.ticket,
                       now or self.clock.now)

    def sent(self) -> list[tuple[str, dict[str, Any]]]:
        """What arrived at the supplier: types and data."""
        return [(one.payload["type"], one.payload["data"]) for one in self.channel.got if one.verb == "handoff"]


def theirs(what: Move) -> tuple[Side, Move]:
    return Side.THEIRS, what


def a_file(content: bytes, digest: str, name: str = "log.txt") -> SentFile:
    return SentFile(name=name, sha256=digest, size=len(content), media_type="text/plain", content=content)
