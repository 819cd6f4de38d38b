"""What `connector check` says of receivers: addresses this deployment may not call, secrets it does not have."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from connector.domain.address import AddressPolicy, parse
from connector.domain.agreements.registry import Registry
from connector.domain.errors import Problem, Refused
from connector.settings.supplier_keys import SupplierKeys


def supplier_problems(registry: Registry, policy: AddressPolicy, environ: Mapping[str, str]) -> Iterator[Problem]:
    """Of an address what can be told without asking for its host; no address and no secret is shown."""
    keys = SupplierKeys(environ)
    for profile in registry.profiles:
        receiver = profile.receiver
        if receiver is None or receiver.reach.webhook is None:
            continue
        try:
            parse(receiver.reach.webhook.url, policy)
        except Refused as error:
            yield Problem(error.reason, profile.file, path="receiver.reach.webhook.url")
        usable = keys.of(receiver)
        for problem in keys.problems(receiver):
            yield Problem(problem, profile.file, path="receiver.reach.webhook.secrets",
                          severity="warning" if usable else "error")
