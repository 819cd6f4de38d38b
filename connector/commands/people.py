"""`connector people`: who works here, who is on duty, and whether a message reaches them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from uuid import uuid4
from zoneinfo import ZoneInfo

import click

from connector.commands.context import Context, pass_context
from connector.domain.delivery import Delivery
from connector.domain.errors import NotFound, Refused, TryLater
from connector.domain.notices.people import Group, People, Person, Severity, Way
from connector.ports import Deps

TEST = {
    "en": ("Test: this reaches you", "This is a test of {name}. Nothing is to be done."),
    "fr": ("Essai : ceci vous parvient", "Ceci est un essai de {name}. Il n'y a rien à faire."),
}


@click.group()
def people() -> None:
    """Who works here, who is on duty; send a test message."""


@people.command("list")
@pass_context
def list_(context: Context) -> None:
    """Each person: id, name, ways for critical and for other messages, line of managers."""
    with context.deployed() as deployment:
        known = _people(deployment.deps)
        for person in known.people.values():
            ways = (",".join(person.ways(severity)) for severity in (Severity.CRITICAL, Severity.NORMAL))
            line = " > ".join(manager.id for manager in known.line(person))
            click.echo("\t".join((person.id, person.name, *ways, line)))


@people.command("on-duty")
@click.option("--at", type=click.DateTime(["%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M:%S%z"]),
              help="Another moment than now; without a zone in that of each group.")
@click.option("--group", help="Only this group.")
@pass_context
def on_duty(context: Context, at: datetime | None, group: str | None) -> None:
    """Each group with a roster: id, who is on duty, until when. A dash where there is nobody."""
    with context.deployed() as deployment:
        known, now = _people(deployment.deps), deployment.deps.now()
        if group is not None and group not in known.groups:
            raise NotFound(f"there is no group {group}")
        for one in known.groups.values() if group is None else [known.groups[group]]:
            if one.duty is not None:
                click.echo("\t".join((one.id, *_shift(one, _moment(at, one, now)))))


def _moment(at: datetime | None, group: Group, now: datetime) -> datetime:
    if at is None:
        return now
    zone = ZoneInfo(group.duty.timezone if group.duty else "UTC")
    return (at if at.tzinfo is not None else at.replace(tzinfo=zone)).astimezone(UTC)


def _shift(group: Group, at: datetime) -> Iterator[str]:
    assert group.duty is not None
    people_ = group.duty.who(at)
    yield ", ".join(people_) or "-"
    until = group.duty.changes(at)
    local = until.astimezone(ZoneInfo(group.duty.timezone)) if until is not None else None
    yield f"until {local:%Y-%m-%d %H:%M %Z}" if local is not None else ""


@people.command()
@click.argument("person")
@click.option("--by", type=click.Choice([way.value for way in Way]),
              help="Only this way (default: each way they have).")
@pass_context
def tell(context: Context, person: str, by: str | None) -> None:
    """Send PERSON a test message now, and say what the server answered."""
    with context.deployed() as deployment:
        deps = deployment.deps
        found = _people(deps).people.get(person)
        if found is None:
            raise NotFound(f"there is no person {person}")
        failed = False
        for way in [Way(by)] if by else [way for way in Way if found.has(way)]:
            answer, worked = _try(deps, found, way, deployment.settings.name)
            click.echo(f"{way}\t{answer}")
            failed |= not worked
    if failed:
        raise click.exceptions.Exit(1)


def _try(deps: Deps, person: Person, way: Way, name: str) -> tuple[str, bool]:
    channel = deps.channels.get(way.value)
    if not person.has(way):
        return f"{person.id} has no {way}", False
    if channel is None:
        return f"is not set up: `channels.{way}` in connector.yaml", False
    now = deps.now()
    subject, text = TEST.get(person.language, TEST["en"])
    said = text.format(name=name)
    payload = {"person": person.id, "to": person.email, "name": person.name, "language": person.language,
               "audience": "internal", "subject": subject, "short": said, "text": said, "links": [],
               "severity": Severity.NORMAL.value, "thread": ""}
    key = f"test/{uuid4().hex}"
    try:
        channel.deliver(Delivery(id=0, key=key, target=way.value, verb="notify", lane=key, payload=payload, ticket=None,
                                 attempts=0, created_at=now, owner=deps.owner), now)
    except (TryLater, Refused) as error:
        return error.reason, False
    return "taken", True


def _people(deps: Deps) -> People:
    found = deps.registry().people if deps.registry is not None else People()
    if not found:
        raise NotFound("there are no people: sla_profiles/teams/*.yaml (docs/notifications.md)")
    return found
