"""Channels follow the agreements in force."""

from __future__ import annotations

from dataclasses import replace

from connector.channels.suppliers import SupplierChannels
from connector.channels.webhook import WebhookChannel
from connector.domain.address import AddressPolicy
from connector.domain.agreements.registry import Registry
from connector.domain.handoffs.receiver import Reach, Receiver, ReceiverKind
from connector.guarded import Guarded
from connector.ports import Channel
from connector.settings.supplier_keys import SupplierKeys
from tests.channels.endpoint import RECEIVER
from tests.flows.fake_channel import FakeChannel


class Files:
    """A registry that changes as files do."""

    def __init__(self, *receivers: Receiver) -> None:
        self.receivers = receivers

    def __call__(self) -> Registry:
        registry = Registry(())
        registry.__dict__["receivers"] = {receiver.name: receiver for receiver in self.receivers}
        return registry


def build(receiver: Receiver) -> Channel | None:
    if receiver.reach.webhook is None:
        return None
    return WebhookChannel(receiver, SupplierKeys({}), Guarded(AddressPolicy()))


def test_a_supplier_with_an_endpoint_is_a_channel_beside_the_others() -> None:
    mail = FakeChannel()
    channels = SupplierChannels({"mail": mail}, Files(RECEIVER), build)
    assert sorted(channels) == ["mail", "supplier:hosting"]
    assert channels["mail"] is mail
    assert len(channels) == 2


def test_who_comes_and_looks_has_none() -> None:
    portal = Receiver(name="portal", kind=ReceiverKind.SUPPLIER, reach=Reach(portal=True))
    assert dict(SupplierChannels({}, Files(portal), build)) == {}


def test_a_changed_contract_changes_the_channel_and_an_unchanged_one_does_not() -> None:
    files = Files(RECEIVER)
    channels = SupplierChannels({}, files, build)
    first = channels["supplier:hosting"]
    assert channels["supplier:hosting"] is first
    files.receivers = (replace(RECEIVER, title="Hosting AG"),)
    assert channels["supplier:hosting"] is not first
    files.receivers = ()
    assert "supplier:hosting" not in channels


def test_without_agreements_there_are_only_the_others() -> None:
    assert dict(SupplierChannels({}, None, build)) == {}
