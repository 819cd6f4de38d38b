"""`connector supplier test` to its good end: over TLS, to a supplier that checks signatures with the reference package.

Suppliers never live on this machine, so only name service and dialling are bent: the name leads to a public address,
and the connection to that address arrives here. Address guard, pinning, certificate, signature and answer are real.
"""

from __future__ import annotations

import functools
import http.server
import json
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme
from click.testing import CliRunner, Result
from standardwebhooks import Webhook

from connector import wiring
from connector.cli import main
from connector.guarded import Guarded
from tests.channels.endpoint import NEW, OLD

PUBLIC = "93.184.216.34"
CONTRACT = """
profile: print-uc
agreement: uc
calendar: 24x7
targets: {resolution: 8h}
receiver:
  name: print
  kind: supplier
  reach: {webhook: {url: "https://hooks.print.example/desk?team=7", secrets: [PRINT_SECRET, PRINT_SECRET_OLD]}}
"""


class Partner:
    """The supplier's end. `status` and `more` are what it answers; `got` what passed its own check."""

    def __init__(self, folder: Path, secret: str) -> None:
        self.status, self.more, self.secret = 204, {"X-Partner": "yes"}, secret
        self.got: list[Any] = []
        self.refused = 0
        authority = trustme.CA()
        authority.cert_pem.write_to_path(str(folder / "ca.pem"))
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                given = {name.lower(): value for name, value in self.headers.items()}
                try:
                    outer.got.append((self.path, given["host"], Webhook(outer.secret).verify(body, given)))
                except Exception:
                    outer.refused += 1
                self.send_response(outer.status)
                for name, value in outer.more.items():
                    self.send_header(name, value)
                self.end_headers()

            def log_message(self, *args: Any) -> None: ...

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("hooks.print.example").configure_cert(context)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def dial(self, where: tuple[str, int], timeout: float | None = None) -> socket.socket:
        assert where == (PUBLIC, 443)
        return socket.create_connection(("127.0.0.1", self.server.server_port), timeout)


class Desk:
    def __init__(self, folder: Path, partner: Partner) -> None:
        self.folder, self.partner = folder, partner
        self.file = folder / "connector.yaml"
        (folder / "sla_profiles/suppliers").mkdir(parents=True)
        (folder / "sla_profiles/suppliers/print-uc.yaml").write_text(CONTRACT, encoding="utf-8")
        self.configured(trust=str(folder / "ca.pem"))
        assert self.run("db", "upgrade").exit_code == 0

    def configured(self, **suppliers: Any) -> None:
        self.file.write_text(json.dumps({"store": {"url": f"sqlite:///{self.folder}/connector.db"},
                                         "suppliers": suppliers}), encoding="utf-8")

    def run(self, *arguments: str) -> Result:
        return CliRunner().invoke(main, ["--config", str(self.file), *arguments])


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    partner = Partner(tmp_path, OLD)
    monkeypatch.setattr(wiring, "Guarded", functools.partial(
        Guarded, resolve=lambda host, port: [PUBLIC], dial=partner.dial))
    monkeypatch.setenv("PRINT_SECRET", NEW)
    monkeypatch.setenv("PRINT_SECRET_OLD", OLD)
    yield Desk(tmp_path, partner)
    partner.server.shutdown()
    partner.server.server_close()


def test_a_sample_arrives_signed_with_both_secrets_and_the_answer_is_told(desk: Desk) -> None:
    for secret in (OLD, NEW):
        desk.partner.secret = secret
        done = desk.run("supplier", "test", "print")
        assert done.exit_code == 0, done.output
        assert done.output.startswith("print: taken after ")
        assert "status 204" in done.output
    ((path, host, message), _) = desk.partner.got
    assert (path, host, desk.partner.refused) == ("/desk?team=7", "hooks.print.example", 0)
    assert (message["type"], message["specversion"]) == ("handoff.test", "1.0")


@pytest.mark.parametrize(("status", "more"), [
    (302, {"Location": "https://elsewhere.example/"}), (401, {}), (410, {}), (429, {"Retry-After": "7"}), (500, {})])
def test_any_answer_but_2xx_is_told_and_is_a_failure(desk: Desk, status: int, more: dict[str, str]) -> None:
    desk.partner.status, desk.partner.more = status, more
    done = desk.run("supplier", "test", "print")
    assert done.exit_code == 1
    assert str(status) in done.output
    assert "team=7" not in done.output
    assert "whsec_" not in done.output


def test_a_certificate_nobody_vouches_for_is_a_failure_and_nothing_is_sent(desk: Desk) -> None:
    desk.configured()
    done = desk.run("supplier", "test", "print")
    assert done.exit_code == 1
    assert "certificate" in done.output.lower()
    assert (desk.partner.got, desk.partner.refused) == ([], 0)


def test_a_host_that_is_not_on_the_deployments_list_is_not_called(desk: Desk) -> None:
    desk.configured(trust=str(desk.folder / "ca.pem"), allow_hosts=["*.partner.example"])
    done = desk.run("supplier", "test", "print")
    assert done.exit_code == 1
    assert "not among the hosts" in done.output
    desk.configured(trust=str(desk.folder / "ca.pem"), allow_hosts=["*.print.example"])
    assert desk.run("supplier", "test", "print").exit_code == 0
    assert len(desk.partner.got) == 1


def test_a_secret_that_is_not_set_is_named(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PRINT_SECRET")
    monkeypatch.delenv("PRINT_SECRET_OLD")
    done = desk.run("supplier", "test", "print")
    assert done.exit_code == 1
    assert "PRINT_SECRET" in done.output
