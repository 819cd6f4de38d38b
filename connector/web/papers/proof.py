"""A proof pack on paper. The JSON is the proof; the paper is for people, and says how to check it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from connector.domain.handoffs.proof import lasted
from connector.paper.document import Block, Document, Grid, Heading, Pairs, Said, Text
from connector.web import i18n
from connector.web.i18n import _, ngettext, span, speaking
from connector.web.pages.clocks import why
from connector.web.papers.telling import moment, what, who, words
from connector.web.words import word

DASH: Final = "\N{EN DASH}"


def document(pack: Mapping[str, Any], key: str, language: str, zone: str) -> Document:
    """`pack` as parsed from its JSON, `key` the fingerprint of the key that signed it."""
    with speaking(language, zone):
        handoff = pack["handoff"]
        number = pack["ticket"]["number"] or handoff.get("ours") or pack["ticket"]["id"]
        as_of = _("as of %(time)s") % {"time": moment(pack["made_at"])}
        return Document(
            title=_("Proof pack of a handoff"), language=i18n.locale().language, author=pack["made_by"],
            subtitle=f"{number} \N{MIDDLE DOT} {_receiver(pack)} \N{MIDDLE DOT} {as_of}",
            blocks=tuple(_blocks(pack, key, zone)), foot=f"{pack['made_by']} \N{MIDDLE DOT} {handoff['id']}",
            page_words=_("Page {page} of {pages}"), keywords=(str(handoff["id"]), str(number)),
        )


def _receiver(pack: Mapping[str, Any]) -> str:
    contract = pack.get("contract") or {}
    return str(contract.get("title") or pack["handoff"]["receiver"])


def _blocks(pack: Mapping[str, Any], key: str, zone: str) -> Iterator[Block]:
    handoff = pack["handoff"]
    yield Pairs([(name, value) for name, value in _record(pack, handoff) if value])
    yield Text(_("All times in %(zone)s unless another zone is named.") % {"zone": zone}, "quiet")
    if handoff.get("reason") or handoff.get("tried"):
        yield Heading(_("What was handed over"))
        yield from (Said(name, str(handoff[field])) for field, name in
                    (("reason", _("Reason")), ("tried", _("What was tried"))) if handoff.get(field))
    if handoff.get("details"):
        yield Pairs([(word("details", name), str(value)) for name, value in handoff["details"].items()])
    yield from _contract(pack.get("contract"))
    yield from _clocks(pack["clocks"])
    yield from _correspondence(pack)
    yield from _files(pack)
    yield from _history(pack)
    yield from _check(pack, key)


def _record(pack: Mapping[str, Any], handoff: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    yield _("Our reference"), str(pack["ticket"]["number"] or handoff.get("ours") or "")
    yield _("Their reference"), str(handoff.get("theirs", ""))
    yield _("Receiver"), _receiver(pack)
    yield _("State"), word("handoff_states", handoff["state"])
    yield _("Severity"), str(handoff.get("severity", ""))
    yield _("Data class"), str(handoff.get("data_class", ""))
    yield "TLP", str(handoff.get("tlp", "")).upper()
    yield _("Accountable"), str(handoff.get("owner", "")).removeprefix("user:")
    yield _("Contact"), str(handoff.get("contact", ""))
    yield _("Offered"), moment(handoff["offered_at"]) if handoff.get("offered_at") else ""
    yield _("Reply by"), moment(handoff["reply_by"]) if handoff.get("reply_by") else ""
    yield _("Came back undone"), i18n.number(handoff["bounces"]) if handoff.get("bounces") else ""
    yield _("Resolutions rejected"), i18n.number(handoff["rejections"]) if handoff.get("rejections") else ""


def _contract(contract: Mapping[str, Any] | None) -> Iterator[Block]:
    yield Heading(_("Contract"))
    if contract is None:
        yield Text(_("No contract applied."), "quiet")
        return
    yield Pairs([(_("Contract"), f"{contract['name']}, {_('version')} {contract['version'] or DASH}"),
                 *((word("targets", name), ", ".join(f"{_else(priority)} {text}" for priority, text in amounts.items()))
                   for name, amounts in contract["targets"].items() if amounts),
                 *((_("Reasons that pause the clock"), ", ".join(contract[name])) for name in ("pause_reasons",)
                   if contract.get(name)),
                 *((_("Penalty"), _penalty(one)) for one in contract.get("penalties", ()))])


def _else(priority: str) -> str:
    return _("otherwise") if priority == "else" else priority


def _penalty(one: Mapping[str, str]) -> str:
    amount = " ".join(part for part in (one["amount"], one["currency"], one["per"] and f"/ {one['per']}") if part)
    return f"{word('targets', one['target'])}{_(':')} " + ", ".join(part for part in (amount, one["text"]) if part)


def _clocks(clocks: list[Mapping[str, Any]]) -> Iterator[Block]:
    yield Heading(_("Clocks"))
    if not clocks:
        yield Text(_("No clock ran."), "quiet")
    for clock in clocks:
        title = f"{word('targets', clock['target'])}{_(':')} {word('clock_states', clock['state'])}"
        yield Heading(f"{title} ({_('cycle %(n)s') % {'n': clock['cycle']}})" if clock["cycle"] > 1 else title, 2)
        yield Pairs([
            (_("Target"), f"{clock['amount']} = {span(lasted(clock['target_time']))}"),
            (_("Calendar"), f"{clock['calendar']}, {clock['zone']}"),
            (_("Used"), f"{span(lasted(clock['active']))}, {_('paused')} {span(lasted(clock['paused']))}, "
                        f"{_('remaining')} {span(lasted(clock['remaining']))}"),
            (_("Due"), moment(clock["due"])),
            *(((_("Breached"), moment(clock["breached_at"])),) if clock.get("breached_at") else ()),
        ])
        if clock["lines"]:
            yield Grid([_("From"), _("To"), _("Clock"), _("Business time"), _("Why")],
                       [_line(line) for line in clock["lines"]], [2.2, 2.2, 1.2, 1.4, 3], right=[3])


def _line(line: Mapping[str, Any]) -> list[str]:
    says = {"run": _("runs"), "pause": _("paused"), "stop": _("stopped"), "cancel": _("does not apply"),
            "off": _("not started")}
    return [moment(line["start"]), moment(line["end"]), says.get(line["mode"], line["mode"]),
            span(lasted(line["business"])), why(line["why"])]


def _correspondence(pack: Mapping[str, Any]) -> Iterator[Block]:
    said = [entry for entry in pack["entries"] if words(entry["kind"], entry["body"]) and entry["kind"] != "edited"]
    if said:
        yield Heading(_("Correspondence"))
    for entry in said:
        yield Said(f"{entry['seq']}. {who(entry['side'], entry['actor'], _receiver(pack))} "
                   f"{what(entry['kind'], entry['body'])}, {moment(entry['at'])}", words(entry["kind"], entry["body"]))


def _files(pack: Mapping[str, Any]) -> Iterator[Block]:
    if pack["files"]:
        yield Heading(_("Files"))
        yield Grid([_("Entry"), _("Name"), _("Size"), "SHA-256"],
                   [[str(one["seq"]), one["name"], i18n.size(int(one["size"])), one["sha256"]]
                    for one in pack["files"]],
                   [0.7, 3, 1.2, 5], right=[2])


def _history(pack: Mapping[str, Any]) -> Iterator[Block]:
    yield Heading(_("History"))
    yield Grid(["#", _("Time"), _("Who"), _("What"), "SHA-256"],
               [[str(entry["seq"]), moment(entry["at"]), who(entry["side"], entry["actor"], _receiver(pack)),
                 what(entry["kind"], entry["body"]), f"{entry['hash'][:16]}…"] for entry in pack["entries"]],
               [0.5, 2.4, 2.4, 3.2, 1.9])


def _check(pack: Mapping[str, Any], key: str) -> Iterator[Block]:
    yield Heading(_("How to check this"))
    chain = pack["chain"]
    if chain["problem"]:
        yield Text(_("The history does not hold together: %(why)s.") % {"why": chain["problem"]}, "bad")
    else:
        n = chain["length"]
        yield Text(ngettext("The history is whole: %(num)d entry, sealed with the hash below.",
                            "The history is whole: %(num)d entries, each sealed with the hash of the one before.", n)
                   % {"num": n}, "good")
    yield Pairs([(_("Last hash"), chain["head"]), (_("Signed with the key"), key)])
    yield Text(_("This paper is printed from the signed file of the same name (.json), which is the proof. Whoever has "
                 "that file checks it with `connector handoffs proof --verify FILE`, or as docs/handoffs.md says with "
                 "any program that knows Ed25519 and SHA-256."), "quiet")


def name_of(pack: Mapping[str, Any]) -> str:
    """File name without its ending."""
    number = str(pack["ticket"]["number"] or pack["handoff"]["id"])
    plain = "".join(letter if letter.isascii() and (letter.isalnum() or letter in "-_") else "-" for letter in number)
    made = datetime.fromisoformat(pack["made_at"])
    return f"proof-{plain}-{pack['handoff']['id'][:8]}-{made:%Y%m%dT%H%M%SZ}"
