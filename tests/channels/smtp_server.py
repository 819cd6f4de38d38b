"""A real SMTP server in a thread, that can be told to be difficult."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session


@dataclass
class Box:
    """What arrived, and what to answer instead of "250 OK" at each step ("" for a normal answer)."""

    envelopes: list[Envelope] = field(default_factory=list)
    rcpt: Callable[[str], str] = lambda address: ""
    data: Callable[[], str] = lambda: ""
    mail: Callable[[], str] = lambda: ""
    drops: Callable[[str], bool] = lambda step: False
    """Whether the connection is cut: "mail" before MAIL FROM is answered, "data" after the message was taken in."""
    sessions: int = 0
    port: int = 0
    logins: list[bytes] = field(default_factory=list)

    @property
    def messages(self) -> list[EmailMessage]:
        found = [message_from_bytes(one.content or b"", policy=default) for one in self.envelopes]
        return [one for one in found if isinstance(one, EmailMessage)]


class Handler:
    def __init__(self, box: Box) -> None:
        self.box = box

    async def handle_EHLO(self, server: SMTP, session: Session, envelope: Envelope, hostname: str,  # noqa: N802
                          responses: list[str]) -> list[str]:
        self.box.sessions += 1
        session.host_name = hostname
        return responses

    async def handle_MAIL(self, server: SMTP, session: Session, envelope: Envelope, address: str,  # noqa: N802
                          options: list[str]) -> str:
        if self.box.drops("mail"):
            server.transport.close()
        answer = self.box.mail()
        if not answer:
            envelope.mail_from = address
        return answer or "250 OK"

    async def handle_RCPT(self, server: SMTP, session: Session, envelope: Envelope, address: str,  # noqa: N802
                          options: list[str]) -> str:
        answer = self.box.rcpt(address)
        if not answer:
            envelope.rcpt_tos.append(address)
        return answer or "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        answer = self.box.data()
        if not answer:
            self.box.envelopes.append(envelope)
        if self.box.drops("data"):
            server.transport.close()
        return answer or "250 OK"


class _OnAnyPort(Controller):
    def _trigger_server(self) -> None:
        """Its first connection, to the port it really has."""
        assert self.server is not None
        self.port = self.server.sockets[0].getsockname()[1]  # type: ignore[attr-defined]
        super()._trigger_server()


@contextmanager
def smtp(box: Box, certificate: ssl.SSLContext | None = None, password: str = "") -> Iterator[Box]:
    """The server on a free port of this machine; `box.port` says which."""
    more: dict[str, Any] = {}
    if certificate is not None:
        more |= {"tls_context": certificate, "require_starttls": True}

    def check(server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: LoginPassword) -> AuthResult:
        box.logins.append(data.login)
        return AuthResult(success=data.password == password.encode(), handled=False)

    if password:
        more |= {"authenticator": check, "auth_required": True}
    controller = _OnAnyPort(Handler(box), hostname="127.0.0.1", port=0, **more)
    controller.start()
    try:
        box.port = controller.port
        yield box
    finally:
        controller.stop()
