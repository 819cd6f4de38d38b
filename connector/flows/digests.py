"""What was held for a recipient goes out together, once its time has come."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from connector.domain.notices.notice import HELD, Held, Recipient, by_recipient, digest, of_person
from connector.domain.notices.people import Severity
from connector.domain.notices.template import Audience
from connector.flows.reading import Stop, log, never
from connector.ports import Deps, Tx

BATCH: Final = 5_000
"""Messages taken at once: of one recipient, no more than that are in one digest."""
_LEASE: Final = timedelta(minutes=1)
QUIET: Final = "held until the quiet hours of the recipient end"
TEMPLATES: Final = {Audience.INTERNAL: "digest", Audience.REQUESTER: "requester-digest"}


def tick(deps: Deps, stop: Stop = never) -> int:
    """How many held messages went out. Each batch is one transaction, so that each message is in one digest."""
    if deps.registry is None:
        return 0
    count = 0
    while not stop():
        with deps.store.begin() as tx:
            taken = _batch(tx, deps)
        count += taken
        if taken < BATCH:
            return count
    return count


def _batch(tx: Tx, deps: Deps) -> int:
    assert deps.registry is not None
    now, registry = deps.now(), deps.registry()
    claimed = tx.claim(deps.owner, now, _LEASE, {HELD: BATCH})
    waiting = {delivery.key: delivery for delivery in claimed}
    held = [Held(delivery.key, delivery.ticket, delivery.payload) for delivery in claimed]
    for id, some in by_recipient(held):
        recipient = _recipient(deps, id, some[-1])
        template = registry.templates.get(TEMPLATES[recipient.audience])
        if template is None:
            log.error("digest_without_template", recipient=id)
            continue
        quiet = recipient.quiet_until(now)
        if quiet is not None:
            for one in some:
                if one.severity is not Severity.CRITICAL:
                    tx.retry(waiting[one.key], quiet, QUIET)
            some = [one for one in some if one.severity is Severity.CRITICAL]
            if not some:
                continue
        order = digest(some, recipient, template, set(deps.channels))
        tx.enqueue([order], now)
        tx.done_together([waiting[one.key] for one in some], now, {"sent": order.key})
    return len(claimed)


def _recipient(deps: Deps, id: str, last: Held) -> Recipient:
    """As the recipient was when the latest message was held; a person as the files are now."""
    assert deps.registry is not None
    said = last.payload
    person = deps.registry().people.people.get(str(said["person"]))
    if person is not None:
        return of_person(person)
    return Recipient(id, str(said["name"]), str(said["to"]), str(said["language"]), str(said["timezone"]),
                     Audience(said["audience"]))
