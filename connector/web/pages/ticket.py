"""One ticket with its history; editing and commenting from the page."""

from __future__ import annotations

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from connector.domain.errors import ConnectorError, Refused, TryLater
from connector.domain.ticket import Comment
from connector.flows import acknowledging
from connector.store.views import TicketDetail
from connector.web import actions, attachments, editing, ladders, scope, timeline
from connector.web.auth.identity import who
from connector.web.errors import from_connector
from connector.web.i18n import _
from connector.web.pages import clocks
from connector.web.reasons import told
from connector.web.rights import Right, door
from connector.web.services import services

LONGEST_COMMENT = 60_000


def found(key: int) -> TicketDetail:
    detail = scope.visible(services().queries.ticket(key), who())
    if detail is None:
        abort(404)
    return detail


@door(Right.TICKETS_READ)
def show(key: int) -> ResponseReturnValue:
    return _page(found(key))


def _page(
    detail: TicketDetail, trouble: str = "", form: dict[str, str] | None = None, status: int = 200
) -> ResponseReturnValue:
    tool = services().deps.tools.get(detail.ticket.tool)
    shown: timeline.Show = request.args.get("show", "all")  # type: ignore[assignment]
    if shown not in ("all", "comments", "changes"):
        shown = "all"
    can_edit = who().may(Right.TICKETS_WRITE) and tool is not None and not detail.ticket.deleted
    inputs = editing.inputs(tool.mapping, detail.ticket) if tool is not None and can_edit else []
    page = render_template(
        "ticket.html",
        detail=detail,
        ticket=detail.ticket,
        entries=timeline.entries(detail.events, shown),
        shown=shown,
        inputs=inputs,
        suggestions={item.name: services().queries.choices(item.name) for item in inputs if item.suggest},
        can_edit=can_edit,
        differs=actions.differs(detail),
        clocks=clocks.of(detail, who()),
        ladders=ladders.of(detail, who()),
        unanswered=who().may(Right.TICKETS_WRITE) and acknowledging.unanswered(detail.events),
        largest=attachments.largest(services()),
        trouble=trouble,
        form=form or {},
    )
    return page, status


@door(Right.TICKETS_WRITE)
def edit(key: int) -> ResponseReturnValue:
    detail = found(key)
    tool = services().deps.tools.get(detail.ticket.tool)
    form = request.form.to_dict()
    if tool is None:
        return _page(detail, _("This tool is no longer connected."), form, 409)
    overtaken = editing.overtaken(tool.mapping, detail.ticket, form)
    if overtaken:
        says = _("Somebody changed this meanwhile: %(fields)s. Look at the history, then save again.")
        return _page(detail, says % {"fields": ", ".join(overtaken)}, form, 409)
    try:
        patch = editing.patch(tool.mapping, detail.ticket, form)
        if patch:
            actions.edit(services(), detail, patch, who())
            flash(_("Saved. The change is on its way to %(tool)s.") % {"tool": detail.ticket.tool}, "good")
    except (ConnectorError, ValueError) as error:
        return _page(found(key), *_said(error, form))
    return redirect(url_for("ticket.show", key=key), 303)


@door(Right.TICKETS_WRITE)
def comment(key: int) -> ResponseReturnValue:
    detail = found(key)
    form = request.form.to_dict()
    text = form.get("text", "").replace("\r\n", "\n").strip()
    if not text or len(text) > LONGEST_COMMENT:
        return _page(detail, _("A comment has between 1 and 60,000 characters."), form, 422)
    try:
        said = Comment(text=text, public=form.get("public") == "yes", author=who().name)
        actions.comment(services(), detail, said, who(), once=form.get("once", ""))
    except (ConnectorError, ValueError) as error:
        return _page(detail, *_said(error, form))
    flash(_("Comment added. It is on its way to %(tool)s.") % {"tool": detail.ticket.tool}, "good")
    return redirect(url_for("ticket.show", key=key), 303)


def _said(error: Exception, form: dict[str, str]) -> tuple[str, dict[str, str], int]:
    """Trouble in words, what was typed, and the status: nothing a person wrote is lost."""
    if isinstance(error, (Refused, TryLater)):
        return told(error.reason), form, from_connector(error).status
    if isinstance(error, ConnectorError):
        return told(str(error)), form, from_connector(error).status
    return told(str(error)), form, 422


def blueprint() -> Blueprint:
    ticket = Blueprint("ticket", __name__)
    ticket.get("/tickets/<int:key>")(show)
    ticket.post("/tickets/<int:key>/edit")(edit)
    ticket.post("/tickets/<int:key>/comment")(comment)
    return ticket
