"""Self-test of a supplier with a system of its own: a signed sample, a look at a call of theirs, the log of calls."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final
from uuid import uuid4

import orjson
from flask import Blueprint, abort, current_app, render_template, request, url_for
from flask.typing import ResponseReturnValue

from connector.channels.webhook import WebhookChannel
from connector.domain.errors import ConnectorError, Gone, Postponed, Refused, TryLater
from connector.domain.handoffs.receiver import Receiver
from connector.domain.handoffs.supplier_check import Checked, check, fingerprint
from connector.domain.handoffs.supplier_envelope import encoded, envelope
from connector.domain.signing import ID, SIGNATURE, TIMESTAMP, sign
from connector.settings.supplier_keys import new_secret
from connector.web.auth.identity import who
from connector.web.auth.throttle import Bucket
from connector.web.handoffs import calls, receivers
from connector.web.i18n import _
from connector.web.rights import Right, door
from connector.web.services import Services, services

PER_MINUTE: Final = 6
MOST_SENDINGS: Final = 20
LONGEST_BODY: Final = 256 * 1024
_BUCKETS: Final = "connector_samples"


@dataclass(frozen=True, slots=True)
class Sample:
    """What was sent and what came back. `said` is what was wrong, in words."""

    good: bool
    said: str
    headers: dict[str, str]
    body: str
    result: dict[str, Any] = field(default_factory=dict)


def send(parts: Services, receiver: Receiver) -> Sample:
    """A message of type handoff.test through the very channel that messages take, at most a few a minute."""
    channel = parts.deps.channels.get(receiver.target)
    now, key = parts.now(), f"test_{uuid4().hex}"
    payload = {"type": "handoff.test", "time": now.isoformat(), "handoff": "",
               "data": {"text": "Test of the connection: nothing has to be done."}}
    message = envelope(key, payload, parts.settings.public_url)
    raw = encoded(message)
    secrets = parts.keys.of(receiver)
    headers = sign(message["id"], now, raw, secrets) if secrets else {}
    shown = orjson.dumps(message, option=orjson.OPT_INDENT_2).decode()
    if not isinstance(channel, WebhookChannel):
        return Sample(False, _("Nothing can be sent from here: this deployment has no channel to it."), headers, shown)
    if _bucket(parts).take(receiver.name):
        return Sample(False, _("Too many samples: wait a minute."), headers, shown)
    try:
        result = channel.send(message["id"], raw, now)
    except (TryLater, Postponed, Gone, Refused) as error:
        return Sample(False, error.reason, headers, shown)
    except ConnectorError as error:
        return Sample(False, str(error), headers, shown)
    return Sample(True, "", headers, shown, dict(result))


def _bucket(parts: Services) -> Bucket:
    found: Bucket = current_app.extensions.setdefault(_BUCKETS, Bucket(PER_MINUTE, PER_MINUTE, parts.now))
    return found


def looked_at(parts: Services, receiver: Receiver) -> Checked:
    """The call in the form, judged step by step; nothing is done."""
    form = request.form
    headers = {ID: form.get("id", "").strip(), TIMESTAMP: form.get("timestamp", "").strip(),
               SIGNATURE: form.get("signature", "").strip()}
    body = form.get("body", "")[:LONGEST_BODY].encode("utf-8", "surrogatepass")
    return check(headers, body, parts.keys.of(receiver), parts.now())


def context(receiver: Receiver, action: str) -> dict[str, Any]:
    """What the page shows; a posted form asks for one of the tests."""
    parts = services()
    test = request.form.get("test", "") if request.method == "POST" else ""
    base = parts.settings.public_url.rstrip("/") or request.host_url.rstrip("/")
    return {
        "receiver": receiver, "action": action, "form": request.form,
        "endpoint": f"{base}{url_for('suppliers.receive', supplier=receiver.name)}",
        "sample": send(parts, receiver) if test == "sample" else None,
        "checked": looked_at(parts, receiver) if test == "check" else None,
        "calls": calls.latest(parts, receiver), "sendings": parts.handoffs.sendings(receiver.target, MOST_SENDINGS),
        "problems": parts.keys.problems(receiver),
        "fingerprints": [fingerprint(secret) for secret in parts.keys.of(receiver)],
        "skew": timedelta(minutes=5),
    }


@door(Right.RECEIVERS_MANAGE)
def desk(name: str) -> ResponseReturnValue:
    receiver = _with_webhook(name)
    return render_template("handoffs/selftest_desk.html", **context(receiver, url_for("selftest.desk", name=name)))


@door(Right.RECEIVERS_MANAGE)
def secret(name: str) -> ResponseReturnValue:
    """A new secret, shown once and kept nowhere: it goes into the environment, where the contract says."""
    receiver, parts = _with_webhook(name), services()
    with parts.deps.store.begin() as tx:
        tx.audit(parts.now(), who().label, "secret made", receiver.target, {})
    return render_template("handoffs/selftest_desk.html", fresh=new_secret(),
                           **context(receiver, url_for("selftest.desk", name=name)))


def _with_webhook(name: str) -> Receiver:
    receiver = receivers.one(name)
    if receiver.reach.webhook is None:
        abort(404)
    return receiver


def blueprint() -> Blueprint:
    page = Blueprint("selftest", __name__)
    page.get("/receivers/<name>/self-test")(desk)
    page.post("/receivers/<name>/self-test", endpoint="desk_test")(desk)
    page.post("/receivers/<name>/secret")(secret)
    return page
