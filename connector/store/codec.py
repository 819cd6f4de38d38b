"""Documents as JSON text. What comes back equals what went in, datetimes and tuples included.

JSON knows neither: where the type of a value is open (event values, payloads) a datetime is written as {"$utc": "..."}
and a tuple as {"$tuple": [...]}. A canonical value is never an object, so the two cannot be confused.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from connector.domain.history import Event
from connector.domain.ticket import Ticket

_TAGGED: Final = (datetime, tuple)
_PLAIN: Final = frozenset({str, int, float, bool, type(None)})


_encode = msgspec.json.Encoder().encode
_ticket = msgspec.json.Decoder(Ticket).decode
_event = msgspec.json.Decoder(Event).decode
_events = msgspec.json.Decoder(list[Event]).decode


def clean(text: str) -> str:
    """Text that every database takes: no NUL, no lone surrogates."""
    if "\0" in text:
        text = text.replace("\0", "\N{REPLACEMENT CHARACTER}")
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace").decode()
    return text


def json_text(value: Any) -> str:
    try:
        return _encode(value).decode()
    except UnicodeEncodeError:
        return _encode(_cleaned(msgspec.to_builtins(value))).decode()


def _cleaned(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {_cleaned(key): _cleaned(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_cleaned(item) for item in value]
    return value


def read_ticket(text: str) -> Ticket:
    return _ticket(text)


def event_text(event: Event) -> str:
    if not (isinstance(event.old, _TAGGED) or isinstance(event.new, _TAGGED)
            or any(isinstance(value, _TAGGED) for value in event.data.values())):
        return json_text(event)
    return json_text(replace(event, old=pack(event.old), new=pack(event.new), data=pack(event.data)))


def read_event(text: str) -> Event:
    return _whole(_event(text))


def read_events(texts: str) -> list[Event]:
    """Of several, joined by commas."""
    return [event if type(event.old) in _PLAIN and type(event.new) in _PLAIN and not event.data else _whole(event)
            for event in _events(f"[{texts}]")]


def _whole(event: Event) -> Event:
    """With its values as they were before they became JSON."""
    return replace(event, old=unpack(event.old), new=unpack(event.new), data=unpack(event.data))


def payload_text(payload: Mapping[str, Any]) -> str:
    return json_text(pack(dict(payload)))


def read_payload(text: str) -> dict[str, Any]:
    value: dict[str, Any] = unpack(msgspec.json.decode(text))
    return value


def pack(value: Any) -> Any:
    if type(value) in _PLAIN:
        return value
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise ValueError(f"naive datetime {value.isoformat()}: expected one in UTC")
        return {"$utc": value.astimezone(UTC)}
    if isinstance(value, tuple):
        return {"$tuple": [pack(item) for item in value]}
    if isinstance(value, Mapping):
        return {key: pack(item) for key, item in value.items()}
    if isinstance(value, list):
        return [pack(item) for item in value]
    return value


def unpack(value: Any) -> Any:
    if type(value) in _PLAIN:
        return value
    if isinstance(value, list):
        return [unpack(item) for item in value]
    if len(value) == 1:
        if "$utc" in value:
            return datetime.fromisoformat(value["$utc"])
        if "$tuple" in value:
            return tuple(unpack(item) for item in value["$tuple"])
    return {key: unpack(item) for key, item in value.items()}
