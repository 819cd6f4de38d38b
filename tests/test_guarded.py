"""The guarded way out, against real servers on this machine: `dial` brings public-looking addresses to them."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import trustme

from connector.domain.address import AddressPolicy
from connector.domain.errors import Refused, TryLater
from connector.guarded import MOST_ADDRESSES, Guarded, judged, resolve

PUBLIC = "93.184.216.34"
OTHER = "93.184.216.35"
SIX = "2606:2800:220:1::1"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Server:
    """Answers each connection with fixed bytes and keeps what it was asked. `slow` waits between single bytes."""

    def __init__(self, answer: bytes, context: ssl.SSLContext | None = None, slow: float = 0) -> None:
        self.answer, self.context, self.slow = answer, context, slow
        self.seen: list[bytes] = []
        self.names: list[str | None] = []
        self.over = threading.Event()
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.address = self.socket.getsockname()
        if context is not None:
            context.sni_callback = lambda _wire, name, _context: self.names.append(name)
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while not self.over.is_set():
            try:
                wire, _ = self.socket.accept()
            except OSError:
                return
            threading.Thread(target=self._talk, args=(wire,), daemon=True).start()

    def _talk(self, wire: socket.socket) -> None:
        try:
            with self.context.wrap_socket(wire, server_side=True) if self.context else wire as line:
                request = b""
                while b"\r\n\r\n" not in request:
                    request += line.recv(65536)
                self.seen.append(request)
                if not self.slow:
                    line.sendall(self.answer)
                for byte in self.answer if self.slow else b"":
                    line.sendall(bytes([byte]))
                    if self.over.wait(self.slow):
                        return
        except OSError:
            return

    def close(self) -> None:
        self.over.set()
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()


@contextmanager
def serving(answer: bytes = OK, context: ssl.SSLContext | None = None, slow: float = 0) -> Iterator[Server]:
    server = Server(answer, context, slow)
    try:
        yield server
    finally:
        server.close()


@pytest.fixture(scope="module")
def ca() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def trusted(ca: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> str:
    path = Path(tmp_path_factory.mktemp("ca")) / "ca.pem"
    ca.cert_pem.write_to_path(str(path))
    return str(path)


def secure(ca: trustme.CA, name: str = "partner.example") -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert(name).configure_cert(context)
    return context


class Net:
    """What names resolve to, answer after answer, and where addresses lead."""

    def __init__(self, *answers: list[str], leads: dict[str, tuple[str, int]] | None = None) -> None:
        self.answers, self.leads = list(answers), leads or {}
        self.dialled: list[str] = []

    def resolve(self, host: str, port: int) -> list[str]:
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]

    def dial(self, where: tuple[str, int], timeout: float | None = None) -> socket.socket:
        self.dialled.append(where[0])
        if where[0] not in self.leads:
            raise ConnectionRefusedError
        return socket.create_connection(self.leads[where[0]], timeout)


PLAIN = AddressPolicy(allow_http=True)


def plain(net: Net, **more: float) -> Guarded:
    return Guarded(PLAIN, resolve=net.resolve, dial=net.dial, **more)  # type: ignore[arg-type]


def test_connects_to_the_judged_address_and_keeps_the_name(ca: trustme.CA, trusted: str) -> None:
    with serving(context=secure(ca)) as server:
        net = Net([PUBLIC], leads={PUBLIC: server.address})
        out = Guarded(AddressPolicy(), resolve=net.resolve, dial=net.dial, ca=trusted)
        answer = out.send("POST", "https://partner.example/hook?x=1", headers={"webhook-id": "m"}, body=b"{}")
    assert (answer.status, answer.body, answer.address) == (200, b"ok", PUBLIC)
    assert net.dialled == [PUBLIC]
    assert server.names == ["partner.example"]
    assert server.seen[0].startswith(b"POST /hook?x=1 HTTP/1.1\r\nHost: partner.example\r\n")


def test_a_certificate_of_another_name_is_not_accepted(ca: trustme.CA, trusted: str) -> None:
    with serving(context=secure(ca, "other.example")) as server:
        net = Net([PUBLIC], leads={PUBLIC: server.address})
        with pytest.raises(TryLater, match="TLS"):
            Guarded(AddressPolicy(), resolve=net.resolve, dial=net.dial, ca=trusted).send("POST",
                "https://partner.example/")
    assert server.seen == []


def test_a_certificate_nobody_vouches_for_is_not_accepted(ca: trustme.CA) -> None:
    with serving(context=secure(ca)) as server:
        net = Net([PUBLIC], leads={PUBLIC: server.address})
        with pytest.raises(TryLater, match="TLS"):
            Guarded(AddressPolicy(), resolve=net.resolve, dial=net.dial).send("POST", "https://partner.example/")
    assert server.seen == []


def test_a_name_that_resolves_otherwise_the_second_time_leads_nowhere_else() -> None:
    with serving() as server, serving() as inside:
        net = Net([PUBLIC], ["127.0.0.1"], leads={PUBLIC: server.address, "127.0.0.1": inside.address})
        assert plain(net).send("POST", "http://partner.example/").address == PUBLIC
        with pytest.raises(Refused, match="loopback"):
            plain(net).send("POST", "http://partner.example/")
    assert (len(server.seen), inside.seen, net.dialled) == (1, [], [PUBLIC])


def test_nothing_is_dialled_when_one_address_is_bad() -> None:
    net = Net([PUBLIC, "10.0.0.1"])
    with pytest.raises(Refused):
        plain(net).send("POST", "http://partner.example/")
    assert net.dialled == []


def test_a_redirect_is_an_answer_and_not_followed() -> None:
    with serving(b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1/\r\nContent-Length: 0\r\n\r\n") as server:
        net = Net([PUBLIC], leads={PUBLIC: server.address})
        assert plain(net).send("POST", "http://partner.example/").status == 302
    assert len(server.seen) == 1


def test_the_next_address_is_tried_when_one_takes_no_connection() -> None:
    with serving() as server:
        net = Net([SIX, OTHER, PUBLIC], leads={PUBLIC: server.address})
        assert plain(net).send("POST", "http://partner.example/").address == PUBLIC
    assert net.dialled == [SIX, OTHER, PUBLIC]


def test_a_host_with_very_many_addresses_holds_nobody_up() -> None:
    net = Net([f"8.8.{n // 250}.{n % 250 + 1}" for n in range(1000)])
    with pytest.raises(TryLater):
        plain(net).send("POST", "http://partner.example/")
    assert len(net.dialled) == MOST_ADDRESSES


def test_ipv6_in_the_address_itself() -> None:
    with serving() as server:
        net = Net([SIX], leads={SIX: server.address})
        assert plain(net).send("POST", f"http://[{SIX}]/").address == SIX
    assert f"Host: [{SIX}]\r\n".encode() in server.seen[0]


def test_proxies_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving() as server:
        for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "all_proxy"):
            monkeypatch.setenv(name, "http://127.0.0.1:9")
        net = Net([PUBLIC], leads={PUBLIC: server.address})
        assert plain(net).send("POST", "http://partner.example/").status == 200


def test_only_the_beginning_of_a_large_answer_is_read() -> None:
    with serving(b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 3_000_000) as server:
        net = Net([PUBLIC], leads={PUBLIC: server.address})
        assert len(plain(net, largest=1000).send("POST", "http://partner.example/").body) == 1000


def test_a_compressed_answer_is_not_unpacked() -> None:
    packed = b"\x1f\x8b" + b"\0" * 50
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 52\r\n\r\n"
    with serving(head + packed) as server:
        net = Net([PUBLIC], leads={PUBLIC: server.address})
        assert plain(net).send("POST", "http://partner.example/").body == packed


@pytest.mark.parametrize("answer", [OK, b"HTTP/1.1 200 OK\r\nContent-Length: 40\r\n\r\n" + b"x" * 40])
def test_an_answer_that_drips_is_cut(answer: bytes) -> None:
    with serving(answer, slow=0.1) as server:
        net = Net([PUBLIC], leads={PUBLIC: server.address})
        with pytest.raises(TryLater, match="no answer within"):
            plain(net, whole=0.3).send("POST", "http://partner.example/")


def test_a_drip_over_tls_is_cut_too(ca: trustme.CA, trusted: str) -> None:
    with serving(context=secure(ca), slow=0.1) as server:
        net = Net([PUBLIC], leads={PUBLIC: server.address})
        with pytest.raises(TryLater, match="no answer within"):
            Guarded(AddressPolicy(), resolve=net.resolve, dial=net.dial, ca=trusted, whole=0.5).send(
                "POST", "https://partner.example/")


@pytest.mark.parametrize("answer", [b"", b"SSH-2.0-OpenSSH\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok",
                                    b"HTTP/1.1 abc\r\n\r\n", b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 200 + b"\r\n"])
def test_half_an_answer_is_none(answer: bytes) -> None:
    with serving(answer) as server:
        net = Net([PUBLIC], leads={PUBLIC: server.address})
        with pytest.raises(TryLater):
            plain(net).send("POST", "http://partner.example/")


def test_an_unknown_name_may_be_known_later() -> None:
    def nowhere(host: str, port: int) -> list[str]:
        raise TryLater("the name partner.example is not known")

    with pytest.raises(TryLater):
        Guarded(PLAIN, resolve=nowhere).send("POST", "http://partner.example/")


def test_no_error_shows_path_or_query() -> None:
    calls: list[Callable[[], object]] = [
        lambda: plain(Net([PUBLIC])).send("POST", "http://partner.example/s3cret?s3cret"),
        lambda: plain(Net(["10.0.0.1"])).send("POST", "http://partner.example/s3cret?s3cret"),
        lambda: plain(Net([PUBLIC])).send("POST", "http://partner.example:1/s3cret?s3cret"),
    ]
    for call in calls:
        with pytest.raises((Refused, TryLater)) as caught:
            call()
        assert "s3cret" not in str(caught.value)
        assert caught.value.__cause__ is None


def test_the_watch_ends_with_the_exchange() -> None:
    def watches() -> list[threading.Thread]:
        return [thread for thread in threading.enumerate() if isinstance(thread, threading.Timer)]

    with serving() as server:
        net = Net([PUBLIC], leads={PUBLIC: server.address})
        plain(net).send("POST", "http://partner.example/")
    for thread in watches():
        thread.join(5)
    assert watches() == []


def test_a_page_can_ask_beforehand() -> None:
    assert judged("https://partner.example/", AddressPolicy(), lambda host, port: [PUBLIC]) == ""
    assert "private" in judged("https://partner.example/", AddressPolicy(), lambda host, port: ["10.0.0.1"])


def test_all_addresses_of_a_name_are_resolved() -> None:
    assert "127.0.0.1" in resolve("localhost", 443) or "::1" in resolve("localhost", 443)
    with pytest.raises(TryLater):
        resolve("\ud800", 443)
