"""Structured logs: one JSON object a line, with the id of the request or job, and nothing that must stay private."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Mapping
from typing import IO, Any, Final

import orjson
import structlog
from structlog.typing import EventDict, WrappedLogger

HIDDEN: Final = "***"
LONGEST: Final = 1000

_SECRET: Final = re.compile(
    r"pass(word|phrase|wd)?$|secret|token$|api[_-]?key|authori[sz]ation|cookie|credential|signature|csrf|private_key|"
    r"session_id|whsec",
    re.IGNORECASE,
)
_BODY: Final = re.compile(
    r"^(body|raw|payload|description|comment|note|text|content|message_body|html|title|subject|old|new|values?|form|"
    r"email|requester(_email)?)$",
    re.IGNORECASE,
)
_IN_TEXT: Final = (
    (re.compile(r"(?i)\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{6,}"), r"\1 " + HIDDEN),
    (re.compile(r"(?<=://)[^/\s:@]*:[^@/\s]+@"), HIDDEN + "@"),
    (
        re.compile(
            r"(?i)((?:^|[?&;\s\"'])(?:access_|refresh_|user_|app_|session_)?(?:token|password|passwd|secret|api[_-]?key|sig|"
            r"signature|client_secret)[\"']?\s*[=:]\s*[\"']?)[^&;\s\"',}]+"
        ),
        r"\g<1>" + HIDDEN,
    ),
    (re.compile(r"\bsdc_[A-Za-z0-9_-]{8,}"), "sdc_" + HIDDEN),
    (re.compile(r"\bwhsec_[A-Za-z0-9+/=]{8,}"), "whsec_" + HIDDEN),
)


def redact(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Structlog processor: hides secrets and message bodies by name, and secrets inside texts by shape."""
    return {key: _clean(str(key), value) for key, value in event.items()}


def _clean(name: str, value: Any, depth: int = 0) -> Any:
    if value is None or isinstance(value, (bool, int, float)):
        return HIDDEN if _SECRET.search(name) and value is not None else value
    if _SECRET.search(name) or _BODY.search(name):
        return HIDDEN
    if depth > 6:
        return "..."
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, (bytes, bytearray, memoryview)):
        return f"<{len(value)} bytes>"
    if isinstance(value, Mapping):
        return {str(key): _clean(str(key), item, depth + 1) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_clean("", item, depth + 1) for item in value]
    return clean_text(str(value))


def clean_text(text: str) -> str:
    """The text without anything that looks like a credential, cut to `LONGEST` characters."""
    for pattern, instead in _IN_TEXT:
        text = pattern.sub(instead, text)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}... ({len(text)} characters)"


def _dumps(event: EventDict, **_: Any) -> str:
    return orjson.dumps(event, default=str).decode()


def configure(stream: IO[str] | None = None, level: int = logging.INFO) -> None:
    """Send structlog's and the standard library's messages to `stream` (stderr) as JSON lines.

    Tracebacks carry no local variables: they could hold a ticket's text.
    """
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.ExceptionRenderer(structlog.tracebacks.ExceptionDictTransformer(show_locals=False)),
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.PositionalArgumentsFormatter(), *shared],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                redact,
                structlog.processors.JSONRenderer(serializer=_dumps),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    # Their INFO lines repeat ours, and urllib3's carry whole addresses with query strings.
    for name in ("werkzeug", "urllib3", "apscheduler", "alembic"):
        logging.getLogger(name).setLevel(logging.WARNING)
