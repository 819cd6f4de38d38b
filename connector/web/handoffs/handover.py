"""Handing a ticket over: whom to, why, what goes along, with exactly what will leave shown before it does."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from connector.domain.errors import ConnectorError, Refused
from connector.domain.handoffs.handoff import Handoff
from connector.domain.handoffs.message import VISIT, offered
from connector.domain.handoffs.receiver import Comments, Files, Receiver, ReceiverKind
from connector.domain.history import Event, EventKind, effective
from connector.domain.ticket import AttachmentInfo
from connector.flows import handoffs as flow
from connector.store.views import TicketDetail
from connector.web import attachments, i18n
from connector.web.auth.identity import who
from connector.web.handoffs import sending
from connector.web.handoffs.pages import said
from connector.web.handoffs.view import registry_of
from connector.web.i18n import _
from connector.web.pages.ticket import found
from connector.web.rights import Right, door
from connector.web.services import services

WORDS: Final = ("reason", "tried", "contact", "data_class", "owner", "severity", "priority")
TIMES: Final = ("visit_from", "visit_to")


@door(Right.HANDOFFS_WRITE)
def form(key: int) -> ResponseReturnValue:
    return _page(found(key))


def _page(detail: TicketDetail, trouble: str = "", status: int = 200) -> ResponseReturnValue:
    given = request.form if request.method == "POST" else request.args
    receivers = _receivers()
    chosen = receivers.get(given.get("receiver", ""))
    what = _offer(chosen, given) if chosen is not None else None
    with services().deps.store.read() as tx:
        running = tx.handoffs_of([detail.key]).get(detail.key, [])
    return render_template(
        "handoffs/handover.html", detail=detail, ticket=detail.ticket, receivers=receivers, chosen=chosen, form=given,
        comments=_comments(detail, chosen), files=_files(detail, chosen), trouble=trouble,
        running=[one for one in running if not one.ended], visit=VISIT if _visits(chosen) else (), times=TIMES,
        preview=None if chosen is None or what is None or not given.get("preview") else _preview(detail, chosen, what),
        picked=set(given.getlist("comment")), picked_files=set(given.getlist("file_id")),
    ), status


def _receivers() -> dict[str, Receiver]:
    registry = registry_of(services())
    return {} if registry is None else {name: one for name, one in sorted(registry.receivers.items()) if one.active}


def _visits(chosen: Receiver | None) -> bool:
    return chosen is not None and chosen.kind is ReceiverKind.FIELD_SERVICE


def _comments(detail: TicketDetail, chosen: Receiver | None) -> list[Event]:
    """Those of the ticket that may go along: a list of the receiver says which kinds, a person which ones."""
    if chosen is None or chosen.shares.comments is Comments.NONE or not chosen.free_text:
        return []
    kinds = {EventKind.COMMENTED} if chosen.shares.comments is Comments.PUBLISHED else {
        EventKind.COMMENTED, EventKind.NOTED}
    return [event for event in effective(detail.events) if event.kind in kinds and event.text]


def _files(detail: TicketDetail, chosen: Receiver | None) -> list[AttachmentInfo]:
    """Those the tool has of the ticket; none when it cannot be asked now."""
    if chosen is None or chosen.shares.attachments is Files.NONE:
        return []
    try:
        return attachments.listed(services(), detail)
    except ConnectorError:
        return []


def _offer(receiver: Receiver, given: Any) -> flow.Offer:
    """Raises nothing: what is missing is told when it is sent."""
    details = {name: _detail(name, given.get(name, "").strip()) for name in VISIT if given.get(name, "").strip()}
    words = {name: given.get(name, "").replace("\r\n", "\n").strip() for name in WORDS}
    return flow.Offer(receiver=receiver.name, details=details if _visits(receiver) else {},
                      reply_by=_moment(given.get("reply_by", "")), **words)


def _detail(name: str, given: str) -> str:
    """Times of a visit travel with their zone."""
    at = _moment(given) if name in TIMES else None
    return given if at is None else at.astimezone(i18n.zone()).isoformat(timespec="minutes")


def _moment(given: str) -> datetime | None:
    """A date and time as a browser's field gives it, in the reader's zone."""
    try:
        return datetime.fromisoformat(given).replace(tzinfo=i18n.zone()).astimezone(UTC) if given else None
    except ValueError:
        return None


def _preview(detail: TicketDetail, receiver: Receiver, what: flow.Offer) -> dict[str, Any]:
    """The very function that makes the message, over a handoff that is not written down."""
    priority = what.priority or detail.ticket.priority or ""
    draft = Handoff(
        id="", ticket=detail.key, receiver=receiver.name, ours=detail.ticket.number or detail.ticket.id,
        reason=what.reason, priority=priority, severity=what.severity or receiver.severity(priority), tried=what.tried,
        contact=what.contact, data_class=what.data_class, tlp=str(receiver.tlp or ""), details=what.details,
        reply_by=what.reply_by, created_at=services().now(),
    )
    return {"ticket": draft.ours, **offered(draft, detail.ticket, receiver)}


@door(Right.HANDOFFS_WRITE)
def hand(key: int) -> ResponseReturnValue:
    """The same form twice is one handoff."""
    detail = found(key)
    chosen = _receivers().get(request.form.get("receiver", ""))
    if chosen is None:
        return _page(detail, _("Choose who gets the work."), 422)
    if request.form.get("preview"):
        return _page(detail)
    parts, asking = services(), who().label
    try:
        once = f"form/{request.form.get('once', '')}" if request.form.get("once") else ""
        made = flow.offer(parts.deps, key, _offer(chosen, request.form), asking, once)
    except ConnectorError as error:
        return _page(found(key), *said(error))
    lost = [*_share(made, detail, chosen), *_send(made, detail, chosen)]
    if made.decision_due:
        flash(_("It came back too often: decide first what happens to the work."), "warn")
    else:
        flash(_("Handed over to %(name)s.") % {"name": chosen.title}, "good")
    for text in lost:
        flash(text, "bad")
    return redirect(url_for("handoffs.show", id=made.id), 303)


def _share(made: Handoff, detail: TicketDetail, chosen: Receiver) -> list[str]:
    """The chosen comments, each once. What could not go along is told: the handoff itself stands."""
    may = {event.key for event in _comments(detail, chosen)}
    lost = []
    for key in dict.fromkeys(request.form.getlist("comment")):
        try:
            if key not in may:
                raise Refused(_("This comment may not be shared."))
            flow.share(services().deps, made.id, key, who().label)
        except ConnectorError as error:
            lost.append(said(error)[0])
    return lost


def _send(made: Handoff, detail: TicketDetail, chosen: Receiver) -> list[str]:
    """The chosen files of the ticket, read from its tool now."""
    parts, lost = services(), []
    known = {info.id: info for info in _files(detail, chosen)}
    wanted = dict.fromkeys(request.form.getlist("file_id"))
    for id in wanted:
        info = known.get(id)
        try:
            if info is None:
                raise Refused(_("The tool no longer has this file."))
            vendor = attachments.vendor_of(parts, detail.ticket.tool)
            flow.attach(parts.deps, made.id, info.name, sending.media_type(info.media_type or ""),
                        vendor.download(detail.ticket.id, id), who().label)
        except ConnectorError as error:
            lost.append(f"{info.name if info else id}{_(':')} {said(error)[0]}")
    return lost


def blueprint() -> Blueprint:
    page = Blueprint("handover", __name__)
    page.get("/tickets/<int:key>/hand-over")(form)
    page.post("/tickets/<int:key>/hand-over")(hand)
    return page
