"""Chat and text messages: who is reached at which address, and what Apprise may not do."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from connector.channels.apprised import AppriseChannel, plain
from connector.domain.delivery import Delivery
from connector.domain.errors import Postponed, Refused
from connector.domain.notices.people import People, Person, Way
from connector.settings.channels import SERVICES, AppriseSettings

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)


class Room(ThreadingHTTPServer):
    """A chat service on this machine, spoken to by Apprise's `json` service."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.got: list[dict[str, Any]] = []
        self.status = 200
        self.location = ""

    @property
    def address(self) -> str:
        return f"json://127.0.0.1:{self.server_address[1]}/hook?token=hush"


class _Handler(BaseHTTPRequestHandler):
    server: Room

    def do_POST(self) -> None:
        self.server.got.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(self.server.status)
        if self.server.location:
            self.send_header("Location", self.server.location)
        self.end_headers()

    def log_message(self, *args: Any) -> None: ...


@pytest.fixture
def room() -> Iterator[Room]:
    server = Room()
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def channel(room: Room | None, *, services: tuple[str, ...] = ("json",), environ: dict[str, str] | None = None,
            way: Way = Way.CHAT) -> AppriseChannel:
    ann = Person("ann", "Ann", secrets={way: ("env", "CHAT_ANN")})
    given = {"CHAT_ANN": room.address} if room is not None and environ is None else environ or {}
    return AppriseChannel(way, AppriseSettings(services), lambda: People({"ann": ann}), given, Path("/nowhere"))


def delivery(person: str = "ann", short: str = "INC1 breached") -> Delivery:
    return Delivery(id=1, key="k", target="chat", verb="notify", lane="k", ticket=1, attempts=0, created_at=NOW,
                    owner="one", payload={"person": person, "short": short, "severity": "critical"})


def test_the_short_text_goes_to_the_address_of_the_person(room: Room) -> None:
    assert channel(room).deliver(delivery(), NOW) == {"service": "json"}
    assert [one["message"] for one in room.got] == ["INC1 breached"]
    assert room.got[0]["type"] == "failure"


@pytest.mark.parametrize("status", [400, 404, 429, 500, 503])
def test_a_service_that_fails_concerns_this_message_only(room: Room, status: int) -> None:
    room.status = status
    with pytest.raises(Postponed, match="json did not take the message") as told:
        channel(room).deliver(delivery(), NOW)
    assert "hush" not in str(told.value)


def test_a_redirect_is_not_followed(room: Room) -> None:
    room.status, room.location = 307, room.address.replace("json://", "http://")
    with pytest.raises(Postponed):
        channel(room).deliver(delivery(), NOW)
    assert len(room.got) == 1


def test_a_service_that_is_not_in_the_list_is_not_called(room: Room) -> None:
    with pytest.raises(Refused, match="`json` is not among"):
        channel(room, services=SERVICES["chat"]).deliver(delivery(), NOW)
    assert room.got == []


def test_two_addresses_in_one_are_not_taken_as_two(room: Room) -> None:
    with pytest.raises((Refused, Postponed)):
        channel(room, environ={"CHAT_ANN": f"json://127.0.0.1:1/x, {room.address}"}).deliver(delivery(), NOW)
    assert room.got == []


@pytest.mark.parametrize(("environ", "told"), [
    ({}, "environment variable CHAT_ANN is not set"), ({"CHAT_ANN": "json://"}, "not an Apprise address of json"),
    ({"CHAT_ANN": "secret-token"}, "is not among"),
])
def test_an_address_that_cannot_be_is_refused_without_showing_it(environ: dict[str, str], told: str) -> None:
    with pytest.raises(Refused, match=told) as error:
        channel(None, environ=environ).deliver(delivery(), NOW)
    assert "secret-token" not in str(error.value)


def test_who_is_gone_or_has_no_such_address_any_more_is_refused(room: Room) -> None:
    with pytest.raises(Refused, match="`bob` has no chat any more"):
        channel(room).deliver(delivery("bob"), NOW)


def test_no_title_calls_a_whole_room_together() -> None:
    assert plain("@here and @Channel at a@example.org", 100) == "@\u200bhere and @\u200bChannel at a@example.org"
    assert plain("x" * 500, 459) == "x" * 456 + "..."
