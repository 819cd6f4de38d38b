"""The one place where a deployment is put together: settings in, dependencies out."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from connector import store as stores
from connector import vendors
from connector.channels.mail import MailChannel
from connector.channels.supplier_file import Keep
from connector.channels.supplier_mail import SupplierMail
from connector.channels.suppliers import SupplierChannels
from connector.channels.webhook import WebhookChannel
from connector.domain.agreements.registry import Registry
from connector.domain.errors import ConfigError, Problem
from connector.domain.handoffs.receiver import Receiver
from connector.domain.links import Links
from connector.domain.notices.desk import Desk
from connector.domain.notices.people import Way
from connector.files.in_force import Agreements
from connector.flows import files
from connector.flows.notices import OPTION
from connector.guarded import Guarded
from connector.jobs import orphans
from connector.ports import Channel, Deps, Tool
from connector.settings import Settings, ToolSettings, load_mapping
from connector.settings.app_key import ACKNOWLEDGEMENTS, FILE_LINKS, REPLY_LINKS, derived
from connector.settings.supplier_keys import SupplierKeys
from connector.store.sql import SqlStore


def utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Deployment:
    """Everything that lives as long as the process. `close` gives back connections and sessions in tools."""

    settings: Settings
    store: SqlStore
    deps: Deps
    agreements: Agreements | None

    def close(self) -> None:
        for tool in self.deps.tools.values():
            tool.vendor.close()
        for channel in self.deps.channels.values():
            channel.close()
        self.store.close()


def deploy(settings: Settings, now: Callable[[], datetime] = utc_now, out: Guarded | None = None) -> Deployment:
    """Raises ConfigError when a mapping, the agreements or the store cannot be used.

    `out` stands in for the way to suppliers: a sandbox has them on this machine, which the real one never calls.
    """
    tools = {name: _tool(tool, now) for name, tool in settings.tools.items()}
    store = open_store(settings)
    agreements = _agreements(settings, store, now)
    registry = None if agreements is None else agreements.current
    people = _to_people(settings, registry)
    out = out or _guarded(settings)
    to_suppliers = _to_suppliers(settings, out, lambda chunks: files.keep(deps, chunks), people.get("mail"))
    deps = Deps(
        store=store, tools=tools, now=now, owner=orphans.owner(), registry=registry,
        channels=SupplierChannels(people, registry, to_suppliers),
        options={"files": Path(settings.file).resolve().parent / "var" / "files", "retention": settings.retention,
                 OPTION: _desk(settings)},
    )
    return Deployment(settings, store, deps, agreements)


@contextmanager
def deployed(
    settings: Settings, now: Callable[[], datetime] = utc_now, out: Guarded | None = None,
) -> Iterator[Deployment]:
    deployment = deploy(settings, now, out)
    try:
        yield deployment
    finally:
        deployment.close()


def open_store(settings: Settings) -> SqlStore:
    password = settings.store_password
    return stores.open(settings.store_url, None if password is None else password.reveal())


def _tool(settings: ToolSettings, now: Callable[[], datetime]) -> Tool:
    mapping = load_mapping(settings.mapping)
    return Tool(
        name=settings.name, vendor=vendors.build(settings, mapping, now), mapping=mapping,
        poll_every=settings.poll_every, concurrency=settings.concurrency, per_minute=settings.per_minute,
    )


def _desk(settings: Settings) -> Desk:
    return Desk(settings.name, settings.languages[0], settings.timezone, settings.channels.own,
                Links(settings.public_url, derived(settings, ACKNOWLEDGEMENTS)))


def _to_people(settings: Settings, registry: Callable[[], Registry] | None) -> dict[str, Channel]:
    found: dict[str, Channel] = {}
    given, folder = settings.channels, Path(settings.file).resolve().parent
    if given.mail is not None:
        found["mail"] = MailChannel(given.mail, settings.name, given.own)
    for way, apprise in ((Way.CHAT, given.chat), (Way.SMS, given.sms)):
        if apprise is not None and registry is not None:
            # Apprise is large: only who uses it waits for it.
            from connector.channels.apprised import AppriseChannel

            found[way.value] = AppriseChannel(way, apprise, lambda: registry().people, os.environ, folder)
    return found


def _guarded(settings: Settings) -> Guarded:
    trust = settings.suppliers.trust
    try:
        return Guarded(settings.suppliers.policy, ca=trust or None)
    except OSError:
        raise ConfigError([Problem(f"{trust} cannot be read as certificates", path="suppliers.trust")]) from None


def _to_suppliers(
    settings: Settings, out: Guarded, keep: Keep, mail: Channel | None,
) -> Callable[[Receiver], Channel | None]:
    keys, base = SupplierKeys(), settings.public_url

    def build(receiver: Receiver) -> Channel | None:
        if receiver.reach.webhook is not None:
            return WebhookChannel(receiver, keys, out, base, derived(settings, FILE_LINKS), keep)
        if receiver.reach.email and mail is not None:
            return SupplierMail(receiver, mail, base=base, link_key=derived(settings, FILE_LINKS),
                                reply_key=derived(settings, REPLY_LINKS), language=settings.languages[0],
                                zone=ZoneInfo(settings.timezone))
        return None

    return build


def _agreements(settings: Settings, store: SqlStore, now: Callable[[], datetime]) -> Agreements | None:
    folder = Path(settings.file).resolve().parent / "sla_profiles"
    return Agreements(folder, store, now) if folder.is_dir() else None
