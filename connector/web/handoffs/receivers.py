"""Receivers: how their traffic goes, who may answer for them in the portal, and what the month says of them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from flask import Blueprint, Response, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from connector.domain.errors import Conflict
from connector.domain.handoffs.clocks import reading
from connector.domain.handoffs.handoff import Handoff
from connector.domain.handoffs.look import contract_of
from connector.domain.handoffs.penalties import Owed, owed
from connector.domain.handoffs.proof import exact
from connector.domain.handoffs.proof_seal import seal
from connector.domain.handoffs.receiver import Receiver
from connector.domain.handoffs.review import Case, Period, Review, as_dict, month_of, review
from connector.flows import switch
from connector.paper.pdf import render
from connector.settings.proof_key import private_key
from connector.store.traffic import Traffic
from connector.store.views import User
from connector.web import gates, i18n
from connector.web.auth import invitations
from connector.web.auth.identity import who
from connector.web.handoffs.proofs import key_of
from connector.web.handoffs.view import registry_of
from connector.web.i18n import _
from connector.web.papers import review as paper
from connector.web.rights import Right, Role, door
from connector.web.services import services

DAY: Final = timedelta(days=1)
_MONTH: Final = re.compile(r"([0-9]{4})-([0-9]{2})")
_LOGIN: Final = re.compile(r"[^\s]{1,100}")


@dataclass(frozen=True, slots=True)
class Health:
    """`breaker` is None for a receiver that nothing is sent to: it comes and looks."""

    receiver: Receiver
    breaker: gates.Breaker | None
    traffic: Traffic
    counts: dict[str, int]
    changed: datetime | None
    problems: tuple[str, ...]

    @property
    def well(self) -> bool:
        return not self.problems and (self.breaker is None or self.breaker.state == "closed") and not self.traffic.dead


def known() -> dict[str, Receiver]:
    registry = registry_of(services())
    return {} if registry is None else dict(sorted(registry.receivers.items()))


def one(name: str) -> Receiver:
    found = known().get(name)
    if found is None:
        abort(404)
    return found


def healths(receivers: list[Receiver]) -> list[Health]:
    parts = services()
    traffic, counts = parts.handoffs.traffic(parts.now() - DAY), parts.handoffs.by_receiver()
    changed, breakers = parts.handoffs.last_heard(), gates.breakers(parts)
    return [Health(receiver, breakers.get(receiver.target) if receiver.reach.pushes else None,
                   traffic.get(receiver.target, Traffic()), counts.get(receiver.name, {}), changed.get(receiver.name),
                   _problems(receiver)) for receiver in receivers]


def _problems(receiver: Receiver) -> tuple[str, ...]:
    """Why nothing can go out to it, whatever its state."""
    parts = services()
    found = list(parts.keys.problems(receiver))
    if receiver.reach.pushes and receiver.target not in parts.deps.channels:
        found.append(_("There is no way to send to it from here."))
    return tuple(found)


@door(Right.HANDOFFS_READ)
def index() -> ResponseReturnValue:
    return render_template("handoffs/receivers.html", rows=healths(list(known().values())))


@door(Right.HANDOFFS_READ)
def show(name: str) -> ResponseReturnValue:
    return page_of(one(name))


def page_of(receiver: Receiver, status: int = 200, **more: object) -> ResponseReturnValue:
    months = _months(services().now())
    given: dict[str, object] = {"trouble": "", "link": "", "until": None, "guest": None, "secret": "", **more}
    return render_template(
        "handoffs/receiver.html", row=healths([receiver])[0], receiver=receiver, users=users_of(receiver),
        months=months, form=request.form, **given), status


def users_of(receiver: Receiver) -> list[User]:
    return [user for user in services().accounts.users()
            if Role(user.role) is Role.SUPPLIER and user.supplier in {receiver.name, receiver.supplier} - {""}]


@door(Right.RECEIVERS_MANAGE)
def invite(name: str) -> ResponseReturnValue:
    """A new account without a password, or another invitation for one that has none or forgot it (`user`)."""
    receiver, parts = one(name), services()
    if not receiver.reach.portal:
        return page_of(receiver, 409, trouble=_("The contract of this receiver does not open the portal to it."))
    again = request.form.get("user", "")
    guest = _again(receiver, int(again)) if again.isdigit() else None
    if guest is None:
        login = request.form.get("login", "").strip()
        if not _LOGIN.fullmatch(login):
            return page_of(receiver, 422, trouble=_("A login has 1 to 100 characters and no spaces."))
        try:
            guest = parts.accounts.create_user(
                login, invitations.NO_PASSWORD, "supplier", parts.now(), name=request.form.get("name", "").strip(),
                email=request.form.get("email", "").strip(), supplier=receiver.name)
        except Conflict:
            return page_of(receiver, 409, trouble=_("There is already a user with this login."))
    token, until = invitations.token(parts, guest)
    with parts.deps.store.begin() as tx:
        tx.audit(parts.now(), who().label, "user invited", f"user/{guest.login}", {"receiver": receiver.name})
    return page_of(receiver, guest=guest, until=until, link=_absolute(url_for("invitation.show", token=token)))


def _again(receiver: Receiver, id: int) -> User | None:
    """The account with every earlier invitation and session ended."""
    if id not in {user.id for user in users_of(receiver)}:
        abort(404)
    services().accounts.end_sessions(id)
    return services().accounts.user(id)


def _absolute(path: str) -> str:
    base = services().settings.public_url.rstrip("/") or request.host_url.rstrip("/")
    return base + path


@door(Right.RECEIVERS_MANAGE)
def enable(name: str) -> ResponseReturnValue:
    if switch.enable(services().deps, one(name).target, who().label):
        flash(_("Enabled: what waited goes out now."), "good")
    return redirect(url_for("receivers.show", name=name), 303)


def _months(now: datetime) -> list[tuple[str, str]]:
    """The last twelve months and this one, newest first: value and words."""
    local = now.astimezone(i18n.zone())
    found = []
    for back in range(13):
        year, month = divmod(local.year * 12 + local.month - 1 - back, 12)
        start = month_of(year, month + 1, i18n.zone()).start
        found.append((f"{year:04d}-{month + 1:02d}", paper.month(start)))
    return found


def period_of(given: str) -> Period | None:
    """None for what is no month."""
    match = _MONTH.fullmatch(given)
    try:
        return month_of(int(match[1]), int(match[2]), i18n.zone()) if match else None
    except ValueError:
        return None


@dataclass(frozen=True, slots=True)
class Cost:
    """What one handoff's broken promise costs by the contract."""

    handoff: Handoff
    owed: Owed


def reviewed(receiver: Receiver, period: Period) -> tuple[Review, list[Cost]]:
    """The review from all histories as they are now, and what the promises broken in the period cost."""
    parts = services()
    registry, now = registry_of(parts), parts.now()
    records = parts.handoffs.of_receiver(receiver.name, period.end, period.start)
    with parts.deps.store.read() as tx:
        entries = tx.entries([handoff.id for handoff in records])
        tickets = tx.by_key(sorted({handoff.ticket for handoff in records}))
    cases = []
    for handoff in records:
        contract = contract_of(handoff, registry) if registry is not None else None
        told = None if registry is None else reading(handoff, entries[handoff.id], contract, registry,
                                                     tickets[handoff.ticket].ticket, now)
        cases.append(Case(handoff, entries[handoff.id], told.clocks if told else ()))
    return review(receiver.name, cases, period, now), list(_costs(cases, receiver, period))


def _costs(cases: list[Case], receiver: Receiver, period: Period) -> Iterator[Cost]:
    for case in cases:
        broken = [named for named in case.clocks if period.holds(named.clock.breached_at)]
        yield from (Cost(case.handoff, one) for one in owed(broken, receiver.penalties))


@door(Right.HANDOFFS_READ)
def month(name: str) -> ResponseReturnValue:
    """`month=2026-03` (else the present one); `form=json` signed like a proof pack, `form=pdf` on paper."""
    receiver, parts = one(name), services()
    now = parts.now()
    asked = request.args.get("month", "") or f"{now.astimezone(i18n.zone()):%Y-%m}"
    period = period_of(asked)
    if period is None or period.start > now:
        abort(404)
    (found, costs), form = reviewed(receiver, period), request.args.get("form", "")
    if form == "json":
        raw = seal(exact(as_dict(found, parts.settings.name, now)), private_key(parts.settings))
        return _file(raw, "application/json", f"review-{name}-{asked}.json")
    if form == "pdf":
        told = paper.document(found, receiver, parts.settings.name, now, str(i18n.locale()), parts.settings.timezone,
                              [(one.handoff.ours or one.handoff.id, one.owed) for one in costs])
        return _file(render(told), "application/pdf", f"review-{name}-{asked}.pdf")
    return render_template("handoffs/review.html", found=found, receiver=receiver, month=asked, months=_months(now),
                           said=paper.month(period.start), value=paper.value, made_of=paper.made_of,
                           costs=costs, cost=paper.cost, total=paper.total([one.owed for one in costs]), span=i18n.span,
                           key=key_of(parts))


def _file(body: bytes, kind: str, name: str) -> Response:
    return Response(body, content_type=kind, headers={"Content-Disposition": f'attachment; filename="{name}"'})


def blueprint() -> Blueprint:
    receivers = Blueprint("receivers", __name__)
    receivers.get("/receivers")(index)
    receivers.get("/receivers/<name>")(show)
    receivers.post("/receivers/<name>/invite")(invite)
    receivers.post("/receivers/<name>/enable")(enable)
    receivers.get("/receivers/<name>/review")(month)
    return receivers
