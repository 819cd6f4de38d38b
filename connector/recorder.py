"""Writes down what one try of a delivery asked of the other side and what came back, while it happens.

The flow that delivers opens a `Recorder` around the try; whoever sends something (connector/http.py,
connector/guarded.py, the channels) notes it there, and nowhere when nobody records. What is noted belongs to the thread
that sends. Secrets are taken out at the end, when all that were sent are known.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from hashlib import sha256
from typing import Any, Final

from connector.domain.attempt import LONGEST_ANSWER, MOST_EXCHANGES, READING, Attempt, Exchange, Outcome
from connector.domain.delivery import Delivery
from connector.domain.redaction import Redaction, excerpt, place, secrets_of

SHOWN: Final = ("webhook-id", "webhook-timestamp", "message-id", "idempotency-key")
ANSWERED: Final = ("content-type", "retry-after", "content-length", "date")
_LONGEST_VALUE: Final = 200
_LONGEST_REASON: Final = 2_000
_now: ContextVar[Recorder | None] = ContextVar("recorder", default=None)


class Note:
    """One request on its way."""

    def __init__(self, method: str, url: str, headers: Mapping[str, Any], body: Any, typed: bool) -> None:
        self.method, self.url, self._typed = method, url, typed
        self._headers = {_text(name): _text(value) for name, value in headers.items()}
        content = body.encode() if isinstance(body, str) else body if isinstance(body, bytes) else None
        self._size = len(content) if content is not None else _size(body)
        self._digest = sha256(content).hexdigest() if content else ""
        self.secrets = secrets_of(url, self._headers, content, typed=typed)
        self._began = time.monotonic()
        self._ms: int | None = None
        self._status: int | None = None
        self._answer: dict[str, str] = {}
        self._said: Callable[[], bytes] = bytes
        self._error = ""

    def answered(self, status: int, headers: Mapping[str, str], said: Callable[[], bytes] = bytes) -> None:
        """`said` gives, later, as much of the body as was read by then."""
        self._ms = _since(self._began)
        self._status, self._said = status, said
        self._answer = {name.lower(): value for name, value in headers.items() if name.lower() in ANSWERED}

    def failed(self, error: str, status: int | None = None) -> None:
        self._ms, self._status, self._error = _since(self._began), status, error

    def exchange(self, redact: Redaction, private: bool) -> Exchange:
        lower = {name.lower(): value for name, value in self._headers.items()}
        kind = self._answer.get("content-type", "")
        # What was read and went well is what the ticket holds already.
        quiet = private or (self.method in READING and self._status is not None and self._status < 300)
        return Exchange(
            method=self.method, address=redact(place(self.url, typed=self._typed)),
            content_type=lower.get("content-type", "")[:_LONGEST_VALUE], size=self._size, sha256=self._digest,
            headers={name: redact(lower[name])[:_LONGEST_VALUE] for name in SHOWN if name in lower},
            ms=self._ms, status=self._status,
            answer_headers={name: redact(value)[:_LONGEST_VALUE] for name, value in self._answer.items()},
            answer="" if quiet else excerpt(self._said(), kind, redact, LONGEST_ANSWER),
            error=redact(self._error)[:_LONGEST_REASON])


class Recorder:
    """One try, from now on. `started_at` is our time, in UTC. `private`: no word of what comes back is kept."""

    def __init__(self, delivery: Delivery, started_at: datetime, *, private: bool = False) -> None:
        self._private = private
        self.n = delivery.attempts + 1
        self.begin(started_at)
        self._notes: list[Note] = []
        self._secrets: set[str] = set()
        self._calls = 0

    def begin(self, started_at: datetime) -> None:
        """Now, and not when it was made: it may have waited for a thread."""
        self.started_at = started_at
        self._began = time.monotonic()

    def note(self, method: str, url: str, headers: Mapping[str, Any], body: Any, typed: bool) -> Note:
        made = Note(method.upper(), url, headers, body, typed)
        self._calls += 1
        self._secrets |= made.secrets
        self._notes = [*self._notes[1 - MOST_EXCHANGES:], made]
        return made

    def hide(self, secrets: Iterable[str]) -> None:
        self._secrets |= {one for one in secrets if one}

    def words(self, reason: str) -> str:
        """A reason as it may be kept and shown."""
        hidden = Redaction(self._secrets)(reason)[:_LONGEST_REASON]
        # `status 500 after 0.1 s: what it said` ends before what it said.
        return hidden.partition(": ")[0] if self._private else hidden

    def ended(self, outcome: Outcome, reason: str = "") -> Attempt:
        redact = Redaction(self._secrets)
        return Attempt(n=self.n, started_at=self.started_at, ms=_since(self._began), outcome=outcome,
                       reason=redact(reason)[:_LONGEST_REASON], calls=self._calls,
                       exchanges=tuple(note.exchange(redact, self._private) for note in self._notes))


@contextmanager
def recording(recorder: Recorder) -> Iterator[None]:
    """What this thread sends meanwhile is noted in `recorder`."""
    token = _now.set(recorder)
    try:
        yield
    finally:
        _now.reset(token)


def note(method: str, url: str, headers: Mapping[str, Any], body: Any = None, *, typed: bool = False) -> Note | None:
    """`headers` are those of the request, secrets included. None when nobody records."""
    recorder = _now.get()
    return None if recorder is None else recorder.note(method, url, headers, body, typed)


def hide(*secrets: str) -> None:
    """Secrets that are used but not sent; what comes back must not show them either."""
    recorder = _now.get()
    if recorder is not None:
        recorder.hide(secrets)


def ended(outcome: Outcome, reason: str = "") -> Attempt | None:
    """The try that this thread is in, as it ended."""
    recorder = _now.get()
    return None if recorder is None else recorder.ended(outcome, reason)


def _since(began: float) -> int:
    return round((time.monotonic() - began) * 1000)


def _text(value: Any) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


def _size(body: Any) -> int | None:
    try:
        return 0 if body is None else len(body)
    except TypeError:
        return None
