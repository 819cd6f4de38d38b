"""The files of a ticket: those its tool has, and new ones on their way to it."""

from __future__ import annotations

from flask import Blueprint, current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import RequestEntityTooLarge

from connector.domain.errors import ConnectorError
from connector.web import attachments, i18n
from connector.web.auth.identity import who
from connector.web.errors import from_connector
from connector.web.i18n import _, ngettext
from connector.web.pages.ticket import found
from connector.web.rights import Right, door
from connector.web.services import services


@door(Right.TICKETS_READ)
def index(key: int) -> ResponseReturnValue:
    """Asked of the tool now."""
    detail = found(key)
    trouble = ""
    try:
        listed = attachments.listed(services(), detail)
    except ConnectorError as error:
        listed, trouble = [], from_connector(error).detail
    return render_template("files.html", detail=detail, ticket=detail.ticket, files=listed, trouble=trouble)


@door(Right.TICKETS_WRITE)
def add(key: int) -> ResponseReturnValue:
    """Reads the form only after the rights were checked: until then nobody sends more than a page's worth.

    That is why the form's secret is verified here and not beforehand, as for all others.
    """
    detail = found(key)
    largest = attachments.largest(services())
    request.max_content_length = attachments.room(largest)
    try:
        if current_app.config.get("WTF_CSRF_ENABLED", True):
            current_app.extensions["connector_csrf"].protect()
        given = [file for file in request.files.getlist("file") if file.filename]
        once = request.form.get("once", "")
        for n, file in enumerate(given):
            what = attachments.New(file.filename or "", file.mimetype, attachments.chunks(file.stream))
            attachments.add(services(), detail, what, who(), once and f"{once}/{n}")
    except RequestEntityTooLarge:
        flash(_("The files of one form have at most %(size)s.") % {"size": i18n.size(largest)}, "bad")
        return redirect(url_for("ticket.show", key=key), 303)
    except ConnectorError as error:
        flash(from_connector(error).detail, "bad")
        return redirect(url_for("ticket.show", key=key), 303)
    if given:
        said = ngettext("%(num)s file is on its way to %(tool)s.", "%(num)s files are on their way to %(tool)s.",
                        len(given))
        flash(said % {"num": i18n.number(len(given)), "tool": detail.ticket.tool}, "good")
    else:
        flash(_("Choose a file first."), "bad")
    return redirect(url_for("ticket.show", key=key), 303)


@door(Right.TICKETS_READ)
def download(key: int, id: str) -> ResponseReturnValue:
    return attachments.streamed(services(), found(key), id)


def blueprint() -> Blueprint:
    page = Blueprint("files", __name__)
    page.get("/tickets/<int:key>/attachments")(index)
    page.post("/tickets/<int:key>/attachments")(add)
    page.get("/tickets/<int:key>/attachments/<path:id>")(download)
    return page
