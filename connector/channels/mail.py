"""E-mail over SMTP. What a server says for good is told apart from what will pass, and for whom it holds."""

from __future__ import annotations

import smtplib
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from typing import Any, Final

from connector import recorder
from connector.channels.letters import letter
from connector.domain.delivery import Delivery
from connector.domain.errors import Postponed, Refused, TryLater
from connector.domain.notices.mail_address import same
from connector.settings.channels import MailSettings

TIMEOUT: Final = 20.0
"""Seconds for one answer of the server; a whole delivery has at most ten of them."""
GIVE_UP: Final = timedelta(days=2)
_IDLE: Final = 30.0
"""Seconds a connection is kept for the next message; servers close idle ones themselves."""
_MOST: Final = 100
"""Messages over one connection."""
_SHUTTING: Final = 421
_LONGEST_ANSWER: Final = 200


MOST_UNANSWERED: Final = 5
"""How often one message is sent that a server takes without an answer: it may have arrived each time."""


class _Unanswered(TryLater):
    """Nobody knows whether the server took the message."""


class MailChannel:
    """`name` is that of the service, for the foot of each message. `own`: addresses nothing is ever sent to."""

    name = "mail"
    give_up = GIVE_UP

    def __init__(self, settings: MailSettings, service: str, own: tuple[str, ...] = (),
                 clock: Callable[[], float] = time.monotonic) -> None:
        self._settings, self._service, self._own, self._clock = settings, service, own, clock
        self.concurrency, self.per_minute = settings.concurrency, settings.per_minute
        self._idle: list[_Line] = []
        self._lock = threading.Lock()
        self._unanswered: dict[str, int] = {}

    def deliver(self, delivery: Delivery, now: datetime) -> Mapping[str, Any]:
        """Raises as ports.Channel. A repeat after a lost answer bears the same Message-ID."""
        message, to = letter(delivery.payload, delivery.key, self._settings, self._service, now)
        if same(to, self._own):
            raise Refused("this is an address of ours: the message would come back as a ticket")
        content = message.as_bytes()
        noted = recorder.note("SMTP", f"smtp://{self._settings.host}:{self._settings.port}", {
            "Content-Type": "message/rfc822", "Message-ID": str(message["Message-ID"])}, content)
        try:
            line, said = self._send(to, content, delivery.key)
        except (TryLater, Refused) as error:
            if noted is not None:
                noted.failed(error.reason, int(error.reason[:3]) if error.reason[:3].isdecimal() else None)
            raise
        self._keep(line)
        if noted is not None:
            noted.answered(250, {}, lambda: said.encode())
        return {"id": str(message["Message-ID"])}

    def _send(self, to: str, content: bytes, key: str) -> tuple[_Line, str]:
        with _told():
            line = self._ready()
            try:
                said = line.send(to, content)
            except BaseException as error:
                line.end()
                if isinstance(error, _Unanswered):
                    self._count(key)
                raise
        with self._lock:
            self._unanswered.pop(key, None)
        return line, said

    def _count(self, key: str) -> None:
        """After a lost answer a message is sent again, but not without end: each may have arrived."""
        with self._lock:
            times = self._unanswered.pop(key, 0) + 1
            if times < MOST_UNANSWERED:
                self._unanswered[key] = times
                return
        raise Refused(f"the mail server took the message {times} times and never said so; it may have arrived")

    def close(self) -> None:
        with self._lock:
            idle, self._idle = self._idle, []
        for line in idle:
            line.end()

    def _ready(self) -> _Line:
        """A connection on which the server has taken our sender."""
        kept, sender = self._kept(), self._settings.sender[1]
        if kept is not None:
            try:
                kept.begin(sender)
                return kept
            except (TryLater, smtplib.SMTPException, OSError):
                kept.end()  # Closed by the server meanwhile, most likely; nothing was sent over it.
        line = self._open()
        try:
            line.begin(sender)
        except BaseException:
            line.end()
            raise
        return line

    def _kept(self) -> _Line | None:
        while True:
            with self._lock:
                line = self._idle.pop() if self._idle else None
            if line is None or self._clock() - line.since < _IDLE:
                return line
            line.end()

    def _keep(self, line: _Line) -> None:
        line.since, line.used = self._clock(), line.used + 1
        if line.used < _MOST:
            with self._lock:
                self._idle.append(line)
        else:
            line.end()

    def _open(self) -> _Line:
        settings = self._settings
        context = ssl.create_default_context()
        if settings.trust:
            context.load_verify_locations(settings.trust)
        server: smtplib.SMTP
        if settings.security == "tls":
            server = smtplib.SMTP_SSL(settings.host, settings.port, timeout=TIMEOUT, context=context)
        else:
            server = smtplib.SMTP(settings.host, settings.port, timeout=TIMEOUT)
        try:
            if settings.security == "starttls":
                server.starttls(context=context)
            if settings.user and settings.password is not None:
                _login(server, settings.user, settings.password.reveal())
        except BaseException:
            server.close()
            raise
        return _Line(server, self._clock())


@contextmanager
def _told() -> Iterator[None]:
    """What goes wrong with the server itself, as what the caller does next."""
    try:
        yield
    except smtplib.SMTPDataError as error:
        raise _sorted(error.smtp_code, error.smtp_error) from None
    except smtplib.SMTPResponseException as error:
        raise TryLater(_said(error.smtp_code, error.smtp_error)) from None
    except smtplib.SMTPNotSupportedError as error:
        raise TryLater(f"the mail server cannot do what is asked of it: {error}") from None
    except ssl.SSLError as error:
        raise TryLater(f"no safe connection to the mail server: {error.reason or 'TLS failed'}") from None
    except (smtplib.SMTPException, OSError) as error:
        raise TryLater(f"the mail server does not answer ({type(error).__name__})") from None


class _Line:
    """One connection to the server."""

    def __init__(self, server: smtplib.SMTP, since: float) -> None:
        self.server, self.since, self.used = server, since, 0

    def begin(self, sender: str) -> None:
        """The envelope's sender. What a server says to it holds for all messages."""
        self.server.ehlo_or_helo_if_needed()
        code, answer = self.server.mail(sender)
        if code != 250:
            raise TryLater(f"the mail server does not take our sender: {_said(code, answer)}")

    def send(self, to: str, message: bytes) -> str:
        """Recipient and message; gives the last answer. What a server says to them holds for this message only, unless
        it is shutting down."""
        code, answer = self.server.rcpt(to)
        if code in (250, 251):
            try:
                code, answer = self.server.data(message)
            except (smtplib.SMTPServerDisconnected, OSError) as error:
                raise _Unanswered(f"the mail server does not answer ({type(error).__name__})") from None
        if code != 250:
            raise _sorted(code, answer)
        return _said(code, answer)

    def end(self) -> None:
        with suppress(smtplib.SMTPException, OSError):
            self.server.quit()
        self.server.close()


def _login(server: smtplib.SMTP, user: str, password: str) -> None:
    try:
        server.login(user, password)
    except smtplib.SMTPAuthenticationError as error:
        # Not Refused: a password that is out of date must not bury what waits.
        raise TryLater(f"the mail server refuses our sign-in (code {error.smtp_code})") from None


def _sorted(code: int, answer: bytes | str) -> Exception:
    """RFC 5321, 4.2.1: 4yz will pass, 5yz will not."""
    text = _said(code, answer)
    if code == _SHUTTING:
        return TryLater(text)
    if 400 <= code < 500:
        return Postponed(text)
    return Refused(text, code) if 500 <= code < 600 else TryLater(text)


def _said(code: int, answer: bytes | str) -> str:
    """A server's answer as one line, for people; addresses in it are left out."""
    text = answer.decode("utf-8", "replace") if isinstance(answer, bytes) else answer
    words = ("***" if "@" in word else word for word in text.split())
    shown = "".join(letter for letter in " ".join(words) if letter.isprintable())
    return f"{code} {shown[:_LONGEST_ANSWER]}".strip()
