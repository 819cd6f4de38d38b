"""The report of a visit on paper, as its technician signs it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from connector.domain.handoffs.handoff import Handoff
from connector.paper.document import Block, Document, Grid, Heading, Pairs, Said, Text
from connector.web import i18n
from connector.web.i18n import _
from connector.web.papers.telling import moment
from connector.web.words import word


def document(handoff: Handoff, receiver: str, desk: str, *, arrived: datetime | None, left: datetime | None, work: str,
             parts: Sequence[Mapping[str, str]], signed_by: str, signed_at: datetime, account: str) -> Document:
    """In the language and zone of whoever signs."""
    stay = i18n.span(left - arrived) if arrived is not None and left is not None else ""
    facts = [(_("Our reference"), handoff.ours), (_("Their reference"), handoff.theirs), (_("Handoff"), handoff.id),
             *((word("details", name), handoff.details.get(name, "")) for name in ("site", "access")),
             (_("Arrived"), moment(arrived) if arrived else ""), (_("Left"), moment(left) if left else ""),
             (_("On site"), stay)]
    spare: list[Block] = [Heading(word("details", "parts")),
             Grid([_("Part"), _("Number"), _("Quantity")],
                  [[one.get("name", ""), one.get("number", ""), one.get("quantity", "")] for one in parts], [4, 3, 1],
                  right=[2])] if parts else []
    return Document(
        title=_("Intervention report"), subtitle=f"{receiver} \N{MIDDLE DOT} {moment(signed_at)}",
        author=receiver, language=i18n.locale().language, foot=f"{desk} \N{MIDDLE DOT} {handoff.id}",
        page_words=_("Page {page} of {pages}"),
        blocks=[Pairs([pair for pair in facts if pair[1]]), Heading(_("Work done")), Text(work), *spare,
                Heading(_("Signature")), Said(moment(signed_at), signed_by),
                Text(_("Signed by typing the name, with the account %(account)s. The file's SHA-256 stands in the "
                       "hash-linked history of the handoff after entry %(seq)s, whose hash is %(hash)s.")
                     % {"account": account, "seq": handoff.seq, "hash": handoff.head}, "quiet")],
    )
