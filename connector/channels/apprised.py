"""Chat and text messages, by Apprise (https://github.com/caronc/apprise).

Apprise calls addresses with requests itself, outside our address guard, so what it may be given is contained: the
address comes from the environment or a file only the administrator writes, never from YAML, pages or tickets; its
service must be one of the list in the settings, by default services that live at an address of their own; one address,
no redirects, no attachments, no configuration fetched from elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from apprise import Apprise, AppriseAsset, NotifyFormat, NotifyType
from marshmallow import ValidationError

from connector import recorder
from connector.domain.delivery import Delivery
from connector.domain.errors import Postponed, Refused
from connector.domain.notices.people import People, Severity, Way
from connector.settings.channels import AppriseSettings
from connector.settings.secret import resolve

GIVE_UP: Final = timedelta(hours=6)
"""A chat message of yesterday helps nobody."""
LONGEST: Final = {Way.CHAT: 1500, Way.SMS: 459}
"""Characters; 459 are three text messages."""
_CALLS: Final = re.compile(r"@(?=(everyone|here|channel|all|room)\b)", re.IGNORECASE)
_TYPES: Final = {Severity.CRITICAL: NotifyType.FAILURE, Severity.HIGH: NotifyType.WARNING}


class AppriseChannel:
    """`way` is `chat` or `sms`; people and secrets are looked up at each delivery, as they are then."""

    give_up = GIVE_UP

    def __init__(self, way: Way, settings: AppriseSettings, people: Callable[[], People], environ: Mapping[str, str],
                 folder: Path) -> None:
        self.name, self._way, self._settings = way.value, way, settings
        self.concurrency, self.per_minute = settings.concurrency, settings.per_minute
        self._people, self._environ, self._folder = people, environ, folder
        # No plugins from disk, nothing of an address in a log line, no pictures fetched from elsewhere.
        self._asset = AppriseAsset(secure_logging=True, async_mode=False, plugin_paths=[], image_url_mask="",
                                   image_url_logo="", image_path_mask="", interpret_escapes=False,
                                   allow_templates=False, http_redirects=False, app_id="servicedesk-connector")

    def deliver(self, delivery: Delivery, now: datetime) -> Mapping[str, Any]:
        """Raises as ports.Channel. Apprise says only whether it worked, so a failure concerns this message alone: other
        people are at other services."""
        address = self._address(str(delivery.payload.get("person", "")))
        service = urlsplit(address).scheme.lower()
        if service not in self._settings.services:
            raise Refused(f"the service `{service}` is not among `channels.{self.name}.services`")
        plugin = Apprise.instantiate(address, asset=self._asset, suppress_exceptions=True)
        if plugin is None:
            raise Refused(f"not an Apprise address of {service}")
        plugin.redirects = False
        severity = delivery.payload.get("severity")
        sort = _TYPES.get(Severity(severity), NotifyType.INFO) if severity in tuple(Severity) else NotifyType.INFO
        text = plain(str(delivery.payload["short"]), LONGEST[self._way])
        # Neither the address, which is a secret, nor the answer: Apprise tells only whether it worked.
        noted = recorder.note("NOTIFY", f"{service}://{service}", {"Content-Type": "text/plain"}, text)
        worked = plugin.notify(body=text, notify_type=sort, body_format=NotifyFormat.TEXT)
        if not worked:
            if noted is not None:
                noted.failed(f"{service} did not take the message")
            raise Postponed(f"{service} did not take the message")
        if noted is not None:
            noted.answered(200, {})
        return {"service": service}

    def _address(self, id: str) -> str:
        person = self._people().people.get(id)
        where = person.secrets.get(self._way) if person is not None else None
        if person is None or where is None:
            raise Refused(f"`{id}` has no {self.name} any more")
        try:
            return resolve({where[0]: where[1]}, self._environ, self._folder).reveal().strip()
        except ValidationError as error:
            raise Refused(f"the {self.name} address of `{id}`: {error.messages[0]}") from None

    def close(self) -> None: ...


def plain(text: str, longest: int) -> str:
    """A message in which no title of a ticket can call a whole room together, cut to a length."""
    shown = _CALLS.sub("@\u200b", text)
    return shown if len(shown) <= longest else f"{shown[: longest - 3]}..."
