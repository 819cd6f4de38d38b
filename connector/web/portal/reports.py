"""From a form to a signed intervention report."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from connector.domain.errors import ConnectorError
from connector.flows import handoffs as flow
from connector.paper.pdf import render
from connector.web import i18n
from connector.web.filters import actor
from connector.web.handoffs.pages import said
from connector.web.handoffs.view import Seen
from connector.web.i18n import _
from connector.web.papers.intervention import document
from connector.web.services import Services

MOST_PARTS: Final = 8
LONGEST: Final = 20_000


def sign(parts: Services, seen: Seen, form: Mapping[str, str], account: str) -> str:
    """Makes the PDF and keeps it with the handoff; trouble in words, "" when it is done."""
    work, name = form.get("work", "").replace("\r\n", "\n").strip(), form.get("signed_by", "").strip()
    arrived, left = (_moment(form.get(key, "")) for key in ("arrived", "left"))
    if not work or len(work) > LONGEST:
        return _("Say what was done.")
    if not name or len(name) > 200 or form.get("agreed") != "yes":
        return _("Sign the report: type your name and tick the box.")
    if arrived is None or left is None or left < arrived or arrived > parts.now():
        return _("Say when you arrived and when you left, in this order.")
    spare = spare_parts(form)
    told = document(seen.handoff, seen.title, parts.settings.name, arrived=arrived, left=left, work=work, parts=spare,
                    signed_by=name, signed_at=parts.now(), account=actor(account))
    file = f"report-{seen.handoff.ours or seen.handoff.id}-{parts.now():%Y%m%dT%H%M%SZ}.pdf"
    try:
        flow.report(parts.deps, seen.handoff.id, file.replace("/", "-"), [render(told)], account, signed_by=name,
                    parts=spare, arrived=arrived, left=left, receiver=seen.handoff.receiver)
    except ConnectorError as error:
        return said(error)[0]
    return ""


def spare_parts(form: Mapping[str, str]) -> list[dict[str, str]]:
    """Lines that name a part."""
    lines = ({key: form.get(f"part_{key}_{n}", "").strip()[:200] for key in ("name", "number", "quantity")}
             for n in range(MOST_PARTS))
    return [line for line in lines if line["name"]]


def _moment(given: str) -> datetime | None:
    try:
        return datetime.fromisoformat(given).replace(tzinfo=i18n.zone()).astimezone(UTC) if given else None
    except ValueError:
        return None
