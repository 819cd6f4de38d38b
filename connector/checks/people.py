"""What `connector check` tells of people beyond their files: secrets that are not there, services and channels that are
not set up, hours nobody is on duty."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

from marshmallow import ValidationError

from connector import yaml12
from connector.domain.agreements.registry import Registry
from connector.domain.errors import Problem
from connector.domain.notices.informing import By
from connector.domain.notices.people import Person, Way
from connector.domain.notices.people_checks import roster_problems
from connector.settings.channels import AppriseSettings, ChannelSettings
from connector.settings.secret import resolve


def problems(
    registry: Registry, channels: ChannelSettings, environ: Mapping[str, str], folder: Path, now: datetime
) -> list[Problem]:
    """Each with its line and column. Nothing of a secret is shown."""
    found = [*roster_problems(registry.people, registry.calendars, now)]
    for person in registry.people.people.values():
        found += _secrets(person, channels, environ, folder)
    return list(_placed([*found, *_channels(registry, channels)]))


def _secrets(
    person: Person, channels: ChannelSettings, environ: Mapping[str, str], folder: Path
) -> Iterator[Problem]:
    """Such a person would be reached another way, or not at all."""
    for way, (kind, name) in person.secrets.items():
        path = f"people.{person.id}.{way}"
        try:
            address = resolve({kind: name}, environ, folder).reveal()
        except ValidationError as error:
            yield Problem(str(error.messages[0]), person.file, path=path)
            continue
        given = _settings(channels, way)
        service = urlsplit(address.strip()).scheme.lower()
        if given is not None and service not in given.services:
            known = f"`{service}` is" if service.isalnum() and len(service) <= 20 else "what it begins with is"
            yield Problem(f"the address it refers to: {known} not among `channels.{way}.services`", person.file,
                          path=path)


def _settings(channels: ChannelSettings, way: Way) -> AppriseSettings | None:
    return channels.chat if way is Way.CHAT else channels.sms if way is Way.SMS else None


def _channels(registry: Registry, channels: ChannelSettings) -> Iterator[Problem]:
    """Ways that people have and nobody set up: what is meant for them waits, or goes another way."""
    there = {Way.MAIL: channels.mail, Way.CHAT: channels.chat, Way.SMS: channels.sms}
    for way, given in there.items():
        first = next((person for person in registry.people.people.values() if person.has(way)), None)
        if first is not None and given is None:
            key = "email" if way is Way.MAIL else way.value
            yield Problem(f"people are reached by {way}, but `channels.{way}` is not set up in connector.yaml",
                          first.file, path=f"people.{first.id}.{key}", severity="warning")
    for rule in registry.informing:
        if rule.by is By.MAIL and channels.mail is None:
            yield Problem("informs by mail, but `channels.mail` is not set up in connector.yaml: nobody is told",
                          rule.file, path="by", severity="warning")


def _placed(found: Iterable[Problem]) -> Iterator[Problem]:
    documents: dict[str, yaml12.Document] = {}
    for problem in found:
        if problem.file not in documents:
            documents[problem.file] = yaml12.load(Path(problem.file), problem.file)
        path = tuple(int(part) if part.isdigit() else part for part in problem.path.split("."))
        line, column = documents[problem.file].where(path)
        yield replace(problem, line=line, column=column)
