"""Suppliers' messages as bytes on a wire, through the real server."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from connector.domain.handoffs.chain import EntryKind
from connector.domain.signing import sign
from connector.web.server import LARGEST_BODY, Server
from tests.channels.endpoint import NEW
from tests.web.supplied import PATH, Desk, supplied
from tests.web.world import World


class Wire:
    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.server = Server(desk.app, "127.0.0.1", 0)
        threading.Thread(target=self.server.run, daemon=True).start()
        self.body = json.dumps({"type": "handoff.comment_added", "data": {
            "handoff_id": desk.work["alpha"], "comment": "over the wire"}}).encode()
        self.sent = 0

    def ask(self, framing: list[str], payload: bytes, method: str = "POST") -> int:
        """Status of the answer to a request with these header lines and this payload."""
        self.sent += 1
        return self.send(f"wire-{self.sent}", framing, payload, method)

    def send(self, id: str, framing: list[str], payload: bytes, method: str = "POST") -> int:
        signed = sign(id, self.desk.there.clock(), self.body, (NEW,))
        lines = [f"{method} {PATH.format('alpha')} HTTP/1.1", "Host: desk", "Connection: close",
                 "Content-Type: application/json", *(f"{name}: {value}" for name, value in signed.items()), *framing]
        with socket.create_connection(("127.0.0.1", self.server.port), 20) as line:
            line.sendall("\r\n".join(lines).encode() + b"\r\n\r\n" + payload)
            answer = b""
            while piece := line.recv(65536):
                answer += piece
        return int(answer.split(b" ", 2)[1])


@pytest.fixture
def wire(there: World, tmp_path: Path) -> Iterator[Wire]:
    found = Wire(supplied(there, tmp_path))
    yield found
    found.server.end()


def test_a_plain_request_is_taken(wire: Wire) -> None:
    assert wire.ask([f"Content-Length: {len(wire.body)}"], wire.body) == 202


def test_a_body_in_chunks_is_taken_whole(wire: Wire) -> None:
    half = len(wire.body) // 2
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (wire.body[:half], wire.body[half:]))
    assert wire.ask(["Transfer-Encoding: chunked"], chunks + b"0\r\n\r\n") == 202


def test_without_length_it_is_asked_for(wire: Wire) -> None:
    assert wire.ask([], b"") == 411


def test_too_long_a_body_is_refused(wire: Wire) -> None:
    body = b" " * (1024 * 1024 + 1)
    assert wire.ask([f"Content-Length: {len(body)}"], body) == 413


def test_what_no_form_can_hold_is_refused_before_it_is_read(wire: Wire) -> None:
    assert wire.ask([f"Content-Length: {LARGEST_BODY + 1}"], b"the beginning") == 413


@pytest.mark.parametrize("framing", [
    ["Content-Length: -1"], ["Content-Length: abc"], ["Content-Length: 5, 6"],
    ["Transfer-Encoding: gzip, chunked"], ["Transfer-Encoding: identity"]])
def test_odd_framing_is_refused(wire: Wire, framing: list[str]) -> None:
    assert wire.ask(framing, b"") in (400, 411, 501)


def test_length_and_chunks_together_smuggle_nothing(wire: Wire) -> None:
    """RFC 9112, 6.1: either the request is refused, or chunks decide and the line is closed."""
    chunks = b"%x\r\n%s\r\n0\r\n\r\n" % (len(wire.body), wire.body)
    assert wire.ask(["Transfer-Encoding: chunked", "Content-Length: 4"], chunks) in (202, 400)


def test_the_same_message_many_times_at_once_has_one_effect_and_one_answer(wire: Wire) -> None:
    framing = [f"Content-Length: {len(wire.body)}"]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: wire.send("same", framing, wire.body), range(24)))
    assert set(answers) == {202}
    assert len(wire.desk.entries(EntryKind.COMMENT)) == 1


def test_many_messages_at_once_all_have_their_effect(wire: Wire) -> None:
    framing = [f"Content-Length: {len(wire.body)}"]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda n: wire.send(f"m-{n}", framing, wire.body), range(24)))
    assert set(answers) == {202}
    assert len(wire.desk.entries(EntryKind.COMMENT)) == 24
