"""Agreements and their calendars: what is in force, and editing the files with every mistake shown at its line."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from connector.domain.agreements.profile import Profile
from connector.domain.agreements.registry import Registry
from connector.domain.errors import ConfigError, Conflict, NotFound, Problem
from connector.files import editing as files
from connector.files.in_force import Agreements
from connector.files.profiles import used_calendars
from connector.web import reasons, trials
from connector.web.auth.identity import who
from connector.web.i18n import _
from connector.web.pages import calendar_view
from connector.web.pages.agreement_texts import STARTERS, as_yaml
from connector.web.rights import Right, door
from connector.web.services import services

WEEKS: Final = 5
WITH: Final = ("customers", "operations", "suppliers")
"""Folders of profiles."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A file in the list, with the profile in force that came from it."""

    id: str
    profile: Profile | None
    calendar: str
    troubled: bool


def held() -> Agreements:
    found = services().agreements
    if found is None:
        abort(404)
    return found


@door(Right.AGREEMENTS_READ)
def index() -> ResponseReturnValue:
    agreements = services().agreements
    if agreements is None:
        return render_template("agreements/none.html")
    entries, problems = _entries(agreements), problems_of(agreements)
    return render_template(
        "agreements/index.html", entries=[e for e in entries if e.id.partition("/")[0] in WITH],
        others=[e for e in entries if not e.calendar and e.id.partition("/")[0] not in (*WITH, files.DIRECTORY_ID)],
        calendars=[e for e in entries if e.calendar], directory=any(e.id == files.DIRECTORY_ID for e in entries),
        problems=problems, warnings=_placed(agreements, agreements.folder_read.told(services().now())),
        file_parts=files.PARTS, registry=agreements.current(),
    )


def problems_of(agreements: Agreements) -> list[tuple[str, Problem]]:
    """What is wrong with the files on disk, each with the id of its file."""
    agreements.current()
    return _placed(agreements, agreements.problems)


def _placed(agreements: Agreements, problems: Sequence[Problem]) -> list[tuple[str, Problem]]:
    return [(files.id_of(agreements.folder, problem.file), problem) for problem in problems]


def _entries(agreements: Agreements) -> list[Entry]:
    folder = agreements.folder_read
    by_id = {files.id_of(agreements.folder, str(document["file"])): name for name, document in folder.documents.items()}
    profiles = {profile.name: profile for profile in folder.registry.profiles}
    troubled = {id for id, problem in _placed(agreements, agreements.problems)}
    return [
        Entry(id, profiles.get(by_id.get(id, "")), _calendar_name(agreements, id), id in troubled)
        for id in files.ids(agreements.folder)
    ]


def _calendar_name(agreements: Agreements, id: str) -> str:
    """The calendar in force that a file holds, by the name inside it; the file's own name when it has none."""
    part, _slash, name = id.partition("/")
    if part != files.CALENDARS:
        return ""
    said = calendar_view.name_in(files.read(agreements.folder, id).text)
    return said or name


@door(Right.AGREEMENTS_READ)
def show(id: str) -> ResponseReturnValue:
    agreements = held()
    entry = next((entry for entry in _entries(agreements) if entry.id == id), None)
    if entry is None:
        abort(404)
    folder = agreements.folder_read
    names = [entry.calendar] if entry.calendar else []
    if entry.profile is not None:
        names = sorted(used_calendars(entry.profile, folder.documents[entry.profile.name]["directory"]))
    today = services().now()
    return render_template(
        "agreements/show.html", entry=entry, profile=entry.profile, text=files.read(agreements.folder, id).text,
        calendars=[calendar_view.preview(folder.registry.calendar(name), today, WEEKS) for name in names
                   if name in folder.registry.calendars],
        always="24x7" in names, problems=[one for one in problems_of(agreements) if one[0] == id],
    )


@door(Right.AGREEMENTS_READ)
def versions(name: str) -> ResponseReturnValue:
    """The versions kept of a profile, and two of them side by side as one diff."""
    agreements = held()
    current = next((p.version for p in agreements.current().profiles if p.name == name), "")
    kept = services().queries.agreement_versions(name)
    if not kept:
        abort(404)
    texts = {one.version: as_yaml(one.document) for one in kept}
    ordered = [one.version for one in kept]
    new = request.args.get("new", current if current in texts else ordered[0])
    old = request.args.get("old", next((version for version in ordered if version != new), new))
    if new not in texts or old not in texts:
        abort(404)
    diff = list(difflib.unified_diff(texts[old].splitlines(), texts[new].splitlines(), old, new, lineterm="", n=4))
    entry = next((e for e in _entries(agreements) if e.profile is not None and e.profile.name == name), None)
    saved = services().queries.audit(action="agreement.save", subject=f"agreement/{entry.id}", limit=100).items \
        if entry is not None else []
    return render_template("agreements/versions.html", name=name, kept=kept, current=current, old=old, new=new,
                           diff=diff, entry=entry, saved={str(row.detail.get("version", "")): row for row in saved})


@door(Right.AGREEMENTS_MANAGE)
def new() -> ResponseReturnValue:
    part, name = request.form.get("part", ""), request.form.get("name", "").strip()
    id = f"{part}/{name}"
    try:
        there = files.read(held().folder, id).digest
    except NotFound:
        there = "no name"
    if there or part not in files.PARTS:
        flash(_("A file needs a new name of letters, digits, - and _ (at most 80)."), "bad")
        return redirect(url_for("agreements.index"), 303)
    return redirect(url_for("agreements.edit", id=id), 303)


@door(Right.AGREEMENTS_MANAGE)
def edit(id: str) -> ResponseReturnValue:
    return _form(id, _read(id))


def _read(id: str) -> files.Text:
    try:
        found = files.read(held().folder, id)
    except NotFound:
        abort(404)
    if found.digest:
        return found
    part, _slash, name = id.partition("/")
    return files.Text(STARTERS.get(part, "").replace("NAME", name), "")


def _form(id: str, text: files.Text, status: int = 200, **more: Any) -> ResponseReturnValue:
    given = {"problems": [], "reason": "", "trouble": "", "checked": False, "diff": [], **more}
    page = render_template("agreements/edit.html", id=id, text=text.text, digest=text.digest,
                           lines=text.text.split("\n"), **given)
    return page, status


@door(Right.AGREEMENTS_MANAGE)
def check(id: str) -> ResponseReturnValue:
    """For the script of the edit page: the mistakes in a text that was not saved."""
    _read(id)
    problems = _problems(id, request.form.get("text", ""))
    return {"problems": [{"line": p.line, "column": p.column, "severity": p.severity, "file": p.file,
                          "here": p.file in ("", f"{id}.yaml"), "text": said(p)} for p in problems]}


def said(problem: Problem) -> str:
    message = reasons.told(problem.message)
    return f"{problem.path}: {message}" if problem.path else message


def _problems(id: str, text: str) -> list[Problem]:
    try:
        return files.tried(held().folder, id, text).told(services().now())
    except ConfigError as error:
        return list(error.problems)


@door(Right.AGREEMENTS_MANAGE)
def change(id: str) -> ResponseReturnValue:
    """One of the buttons under the text: check, try on open tickets, try on the past, save."""
    disk = _read(id)
    text = files.Text(files.tidy(request.form.get("text", "")), request.form.get("digest", ""))
    wish, reason = request.form.get("do", "check"), request.form.get("reason", "").strip()
    try:
        tried = files.tried(held().folder, id, text.text)
    except ConfigError as error:
        return _form(id, text, 422, problems=error.problems, reason=reason)
    given: dict[str, Any] = {"problems": tried.told(services().now()), "reason": reason, "checked": True}
    if wish == "try":
        return _form(id, text, dry=trials.dry_run(services(), tried.registry), **given)
    if wish == "past":
        return _form(id, text, past=trials.past(services(), tried.registry), **given)
    if wish != "save":
        return _form(id, text, **given)
    if len(reason) < 3:
        return _form(id, text, 422, trouble=_("Say why: the reason is kept in the audit trail."), **given)
    if disk.digest and text.digest == disk.digest and text.text == disk.text:
        return _form(id, text, trouble=_("Nothing was changed."), **given)
    try:
        _save(id, text, disk, reason, tried.registry)
    except Conflict:
        return _overtaken(id, text, given)
    except OSError as error:
        return _form(id, text, 500, trouble=_("The file could not be written: %(why)s") % {"why": error.strerror},
                     **given)
    flash(_("Saved. New tickets follow it at once; running clocks keep their version until it is applied."), "good")
    return redirect(url_for("agreements.show", id=id), 303)


def _save(id: str, text: files.Text, disk: files.Text, reason: str, tried: Registry) -> None:
    """The record and the file go together: a file that cannot be written leaves no record."""
    parts, agreements = services(), held()
    with parts.deps.store.begin() as tx:
        digest = files.save(agreements.folder, id, text.text, text.digest)
        tx.audit(parts.now(), who().label, "agreement.save", f"agreement/{id}",
                 {"reason": reason[:1000], "before": disk.digest[:12], "after": digest[:12],
                  "version": _version(text.text, tried)})


def _version(text: str, registry: Registry) -> str:
    """The version that the profile in a text has; "" when it holds none."""
    name = calendar_view.name_in(text, "profile")
    return next((profile.version for profile in registry.profiles if profile.name == name), "")


def _overtaken(id: str, text: files.Text, given: dict[str, Any]) -> ResponseReturnValue:
    now = files.read(held().folder, id)
    diff = list(difflib.unified_diff(now.text.splitlines(), text.text.splitlines(), _("on disk now"), _("your text"),
                                     lineterm="", n=3))
    trouble = _("Somebody changed this file meanwhile. What differs is shown below: saving again replaces theirs.")
    return _form(id, files.Text(text.text, now.digest), 409, trouble=trouble, diff=diff, **given)


@door(Right.AGREEMENTS_MANAGE)
def ask(name: str) -> ResponseReturnValue:
    """What applying the version in force would do to the open tickets."""
    registry = held().current()
    profile = next((p for p in registry.profiles if p.name == name), None)
    if profile is None:
        abort(404)
    return render_template("agreements/apply.html", profile=profile, dry=trials.dry_run(services(), registry))


@door(Right.AGREEMENTS_MANAGE)
def apply(name: str) -> ResponseReturnValue:
    parts = services()
    profile = next((p for p in held().current().profiles if p.name == name), None)
    if profile is None:
        abort(404)
    done = trials.apply(parts, who().label, name)
    with parts.deps.store.begin() as tx:
        tx.audit(parts.now(), who().label, "agreement.apply", f"agreement/{name}",
                 {"version": profile.version, "finished": not done.cut})
    if done.cut:
        flash(_("The time of a page is used up: part of the open tickets is bound. Apply again to go on."), "warn")
        return redirect(url_for("agreements.ask", name=name), 303)
    flash(_("Applied: %(count)s open tickets took up the version in force.") % {"count": done.tickets}, "good")
    return redirect(url_for("agreements.versions", name=name), 303)


def blueprint() -> Blueprint:
    page = Blueprint("agreements", __name__)
    page.get("/agreements")(index)
    page.post("/agreements")(new)
    page.get("/agreements/files/<path:id>")(show)
    page.get("/agreements/edit/<path:id>")(edit)
    page.post("/agreements/edit/<path:id>")(change)
    page.post("/agreements/check/<path:id>")(check)
    page.get("/agreements/versions/<name>")(versions)
    page.get("/agreements/apply/<name>")(ask)
    page.post("/agreements/apply/<name>")(apply)
    return page
