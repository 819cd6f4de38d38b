"""The board of handoffs, one handoff with both sides' view, its feed, its proof."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from flask import Blueprint, Flask, Response, abort, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from markupsafe import Markup, escape

from connector.domain.errors import ConnectorError, Refused, TryLater
from connector.domain.handoffs.chain import Entry
from connector.domain.handoffs.handoff import Choice, Handoff, IllegalMove
from connector.domain.handoffs.moves import Move, Side
from connector.domain.handoffs.receiver import ReceiverKind
from connector.domain.history import Event
from connector.flows import handoffs as flow
from connector.store.handoff_queries import SORTS, VIEWS
from connector.store.views import Paged
from connector.web.auth.identity import who
from connector.web.errors import from_connector
from connector.web.filters import may, when
from connector.web.handoffs import proofs, sending
from connector.web.handoffs.view import Seen, left, moves, registry_of, see
from connector.web.i18n import _
from connector.web.pages import clocks, query
from connector.web.papers import telling
from connector.web.reasons import told
from connector.web.rights import Right, door
from connector.web.services import services
from connector.web.words import value_name, word
from connector.web.words_handoffs import MOVED

ORDERS: Final = tuple(sign + name for name in SORTS for sign in ("", "-"))


def titles() -> dict[str, str]:
    """Receiver -> how people call it; looked up once a request."""
    found: dict[str, str] | None = g.get("receiver_titles")
    if found is None:
        registry = registry_of(services())
        found = {} if registry is None else {name: one.title for name, one in sorted(registry.receivers.items())}
        g.receiver_titles = found
    return found


@door(Right.HANDOFFS_READ)
def board() -> ResponseReturnValue:
    asked = request.args
    view = asked["view"] if asked.get("view") in VIEWS else "open"
    sort = asked["sort"] if asked.get("sort") in ORDERS else "-changed"
    receiver, text = asked.get("receiver", ""), asked.get("q", "").strip()[:100]
    chosen = [receiver] if receiver else None
    reads = services().handoffs
    page = query.paged(lambda cursor: reads.board(
        view, only=chosen, text=text, sort=sort.removeprefix("-"), descending=sort.startswith("-"),
        limit=query.limit(), cursor=cursor))
    if not isinstance(page, Paged):
        return page
    return render_template("handoffs/board.html", page=page, view=view, sort=sort, receiver=receiver, text=text,
                           counts=reads.counts(chosen, text), receivers=titles())


@door(Right.HANDOFFS_READ)
def feed() -> ResponseReturnValue:
    text = request.args.get("q", "").strip()[:100]
    return render_template("handoffs/feed.html", fed=services().handoffs.feed(text), text=text, receivers=titles(),
                           one=False)


def found(id: str) -> Seen:
    seen = see(services(), id)
    if seen is None:
        abort(404)
    return seen


def read(id: str) -> Seen:
    """The handoff, after the look at it was recorded where looks are."""
    seen = found(id)
    if seen.receiver is None or seen.receiver.kind is not ReceiverKind.SECURITY:
        return seen
    flow.looked(services().deps, id, who().label)
    return found(id)


@door(Right.HANDOFFS_READ)
def show(id: str) -> ResponseReturnValue:
    return page_of(read(id))


def page_of(seen: Seen, trouble: str = "", status: int = 200) -> ResponseReturnValue:
    can = who().may(Right.HANDOFFS_WRITE)
    handoff, receiver = seen.handoff, seen.receiver
    page = render_template(
        "handoffs/show.html", seen=seen, handoff=handoff, receiver=receiver, receivers=titles(), left=left(seen),
        moves=moves(handoff, Side.OURS) if can else [], theirs=moves(handoff, Side.THEIRS), can=can,
        choices=list(Choice) if can and handoff.decision_due else [], trouble=trouble, form=request.form,
        clocks=clocks.of_readings(seen.reading.clocks, seen.reading.problems, services().now()), detail=None,
        fed=services().handoffs.feed(id=handoff.id), one=True, published=_published(seen),
        talks=can and not handoff.ended and (receiver is None or receiver.free_text),
        sends=can and not handoff.ended and receiver is not None and receiver.shares.attachments != "none",
        shows=can and receiver is not None and not receiver.one_way,
        largest=sending.largest(services()),
    )
    return page, status


def _published(seen: Seen) -> set[int]:
    return {int(entry.body["seq"]) for entry in seen.entries if entry.kind == "published" and "seq" in entry.body}


def said(error: Exception) -> tuple[str, int]:
    """Trouble in words and its status."""
    if isinstance(error, IllegalMove):
        if "decide first" in error.reason:
            return _("It came back too often: decide first what happens to the work."), 409
        can = ", ".join(word("moves", one) for one in error.allowed) or _("nothing")
        return _("This is not possible now. Possible: %(moves)s.") % {"moves": can}, 409
    if isinstance(error, Refused) and error.reason.startswith("reason:"):
        return _("Say why: this needs a reason."), 422
    if isinstance(error, (Refused, TryLater)):
        status = getattr(error, "status", None)
        return told(error.reason), status if status in (404, 409, 412, 422) else from_connector(error).status
    return told(str(error)), from_connector(error).status if isinstance(error, ConnectorError) else 422


@door(Right.HANDOFFS_WRITE)
def act(id: str) -> ResponseReturnValue:
    found(id)
    form = request.form
    try:
        what = Move(form.get("move", ""))
    except ValueError:
        abort(400)
    revision = form.get("revision", "")
    try:
        flow.act(services().deps, id, what, who().label, reason=form.get("reason", "").replace("\r\n", "\n"),
                 effect=form.get("effect", ""), only_at=int(revision) if revision.isdigit() else None)
    except ConnectorError as error:
        return page_of(found(id), *said(error))
    flash(_("Done."), "good")
    return redirect(url_for("handoffs.show", id=id), 303)


@door(Right.HANDOFFS_WRITE)
def decide(id: str) -> ResponseReturnValue:
    found(id)
    try:
        choice = Choice(request.form.get("choice", ""))
    except ValueError:
        return page_of(found(id), _("Choose what happens to the work."), 422)
    try:
        made = flow.decide(services().deps, id, choice, who().label, request.form.get("reason", ""))
    except ConnectorError as error:
        return page_of(found(id), *said(error))
    if choice is Choice.REROUTE:
        flash(_("Decided. Now say who gets the work."), "good")
        return redirect(url_for("handover.form", key=made.ticket), 303)
    flash(_("Decided."), "good")
    return redirect(url_for("handoffs.show", id=id), 303)


@door(Right.HANDOFFS_WRITE)
def comment(id: str) -> ResponseReturnValue:
    found(id)
    text = request.form.get("text", "").replace("\r\n", "\n")
    try:
        flow.comment(services().deps, id, text, who().label, once=request.form.get("once", ""))
    except ConnectorError as error:
        return page_of(found(id), *said(error))
    return redirect(url_for("handoffs.show", id=id), 303)


@door(Right.HANDOFFS_WRITE)
def attach(id: str) -> ResponseReturnValue:
    """The form's secret is verified after the rights: until then nobody sends more than a page's worth."""
    found(id)
    trouble = sending.take(services(), id, who().label, Side.OURS)
    if trouble:
        return page_of(found(id), *trouble)
    return redirect(url_for("handoffs.show", id=id), 303)


@door(Right.HANDOFFS_WRITE)
def publish(id: str) -> ResponseReturnValue:
    found(id)
    seq = request.form.get("seq", "")
    if not seq.isdigit():
        abort(400)
    try:
        flow.publish(services().deps, id, int(seq), who().label)
    except ConnectorError as error:
        return page_of(found(id), *said(error))
    flash(_("It is on its way to the ticket, where the requester sees it."), "good")
    return redirect(url_for("handoffs.show", id=id), 303)


@door(Right.HANDOFFS_READ)
def file(id: str, digest: str) -> ResponseReturnValue:
    return sending.give(services(), read(id), digest)


@door(Right.HANDOFFS_READ)
def proof(id: str, form: str) -> ResponseReturnValue:
    """The signed pack (json), or what it says on paper (pdf)."""
    seen = read(id)
    raw = proofs.signed(services(), seen)
    name = proofs.name_of(raw)
    if form == "json":
        return _download(raw, "application/json", f"{name}.json")
    if form != "pdf":
        abort(404)
    return _download(proofs.on_paper(services(), raw), "application/pdf", f"{name}.pdf")


def _download(body: bytes, kind: str, name: str) -> Response:
    return Response(body, content_type=kind, headers={"Content-Disposition": f'attachment; filename="{name}"'})


def entry_who(entry: Entry, receiver: str) -> str:
    return telling.who(str(entry.side), entry.actor, receiver)


def told_value(raw: Any, field: str) -> Any:
    return ", ".join(raw) if isinstance(raw, (list, tuple)) else value_name(field, raw)



def visit(text: str) -> Any:
    """A moment of a visit with its zone; words that are none stay as they are."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return text
    return when(at, "brief") if at.tzinfo is not None else text


def handoffs_of(ticket: int) -> list[Handoff]:
    """Newest first."""
    with services().deps.store.read() as tx:
        return list(reversed(tx.handoffs_of([ticket]).get(ticket, [])))


def receiver_title(name: str) -> str:
    return titles().get(name, name)


def handoff_told(event: Event) -> Markup:
    """What a ticket's history tells of a handoff, with the way to it."""
    data = event.data
    what = str(data.get("what", ""))
    said = telling.what("moved" if what in MOVED else "clock" if data.get("target") or what == "silent" else what,
                        {**data, "move": what})
    title = receiver_title(str(data.get("receiver", "")))
    name = title if data.get("side") == Side.THEIRS else telling.who(str(data.get("side", "")), event.actor)
    link = url_for("handoffs.show", id=data.get("handoff", "")) if may("handoffs:read") else ""
    place = Markup('<a href="{}">{}</a>').format(link, title) if link else escape(title)
    return Markup('<strong>{}</strong> {} <span class="quiet">({} {})</span>').format(
        name, said, _("handoff to"), place)


def install(app: Flask) -> None:
    env: Any = app.jinja_env
    env.filters.update(instant=datetime.fromisoformat, told_value=told_value, visit=visit)
    env.globals.update(handoffs_of=handoffs_of, receiver_title=receiver_title, handoff_told=handoff_told,
                       entry_who=entry_who, entry_what=lambda entry: telling.what(str(entry.kind), entry.body),
                       entry_words=lambda entry: telling.words(str(entry.kind), entry.body))


def blueprint() -> Blueprint:
    handoffs = Blueprint("handoffs", __name__)
    handoffs.get("/handoffs")(board)
    handoffs.get("/handoffs/feed")(feed)
    handoffs.get("/handoffs/<id>")(show)
    handoffs.post("/handoffs/<id>/act")(act)
    handoffs.post("/handoffs/<id>/decide")(decide)
    handoffs.post("/handoffs/<id>/comment")(comment)
    handoffs.post("/handoffs/<id>/files")(attach)
    handoffs.post("/handoffs/<id>/publish")(publish)
    handoffs.get("/handoffs/<id>/files/<digest>")(file)
    handoffs.get("/handoffs/<id>/proof.<form>")(proof)
    return handoffs
