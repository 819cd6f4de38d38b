"""Sending a supplier a message again, through the API."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from connector.domain.delivery import Order
from connector.web.rights import Right
from tests.flows.fake_channel import FakeChannel, with_channels
from tests.web.conftest import app_of
from tests.web.world import World


def test_a_sent_message_can_be_sent_again_and_nothing_else(there: World) -> None:
    there.services = replace(there.services, deps=with_channels(there.services.deps, FakeChannel("supplier:hosting")))
    client, headers = app_of(there).test_client(), there.token(Right.DELIVERIES_READ, Right.DELIVERIES_RETRY)
    with there.store.begin() as tx:
        tx.enqueue([Order(key="handoff/H1/2", target="supplier:hosting", verb="handoff", lane="handoff/H1",
                          payload={"type": "handoff.offered"})], there.clock())
        (one,) = tx.claim("tests", there.clock(), timedelta(minutes=1), {"supplier:hosting": 1})
    path = f"/api/v1/deliveries/{one.id}/redeliver"
    assert client.post(path, headers=headers).status_code == 409
    with there.store.begin() as tx:
        tx.done(one, there.clock(), {"status": 202})
    assert client.post(path, headers=headers).status_code == 202
    listed = client.get("/api/v1/deliveries?target=supplier:hosting", headers=headers).json["items"]
    assert [item["key"] for item in listed] == [f"handoff/H1/2~{one.id}", "handoff/H1/2"]
    assert client.post("/api/v1/deliveries/999999/redeliver", headers=headers).status_code == 404
    assert client.post(path, headers=there.token(Right.DELIVERIES_READ)).status_code == 403
