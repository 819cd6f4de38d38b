"""`connector supplier`: a new supplier in minutes, a new secret without a moment of silence, a trial of the connection.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from connector.commands.context import Context, pass_context
from connector.domain.errors import ConfigError, ConnectorError, Problem
from connector.domain.handoffs.receiver_format import NAME
from connector.domain.problems import did_you_mean

if TYPE_CHECKING:
    from connector.domain.handoffs.receiver import Receiver
    from connector.settings import Settings
    from connector.wiring import Deployment

NEW = """\
profile: {name}-uc
agreement: uc
description: {description}
calendar: {calendar}
targets:
  acknowledge: {acknowledge}
  resolution: {resolution}
  approval: 2 working days
receiver:
  name: {name}
  title: {title}
  kind: supplier
  reach: {reach}
  shares:
    fields: [title, description, priority, service]
    comments: chosen
    attachments: chosen
  pause_reasons: [customer information]
  silent_after: 8h
"""


@click.group()
def supplier() -> None:
    """Add a supplier, rotate its secret, try its connection."""


@supplier.command()
@click.argument("name")
@click.option("--title", help="What people call it.")
@click.option("--url", help="Where its webhook is; without it and --email it works in the portal.")
@click.option("--email", help="Where mails go, for one without a system.")
@click.option("--acknowledge", default="1h", show_default=True, help="What the contract promises.")
@click.option("--resolution", default="8h", show_default=True, help="What the contract promises.")
@click.option("--calendar", default="24x7", show_default=True)
@pass_context
def add(context: Context, name: str, title: str | None, url: str | None, email: str | None, acknowledge: str,
        resolution: str, calendar: str) -> None:
    """Write the contract of supplier NAME, with a webhook, a mail address or the portal, and make its secret."""
    from connector.domain.address import parse
    from connector.files import editing as agreement_files
    from connector.settings.supplier_keys import new_secret

    settings = context.settings
    if not NAME.fullmatch(name):
        raise click.UsageError("NAME: lower-case letters, digits and dashes")
    folder, id = _folder(settings), f"suppliers/{name}-uc"
    if agreement_files.read(folder, id).digest:
        raise ConfigError([Problem("is there already", str(agreement_files.path_of(folder, id)))])
    if url:
        parse(url, settings.suppliers.policy)
    variable = f"{re.sub('[^A-Z0-9]', '_', name.upper())}_SECRET"
    ways = [f"webhook: {{url: {_quoted(url)}, secrets: [{variable}]}}"] if url else []
    ways += [f"email: {_quoted(email)}"] if email else []
    text = NEW.format(name=name, title=_quoted(title or name), description=_quoted(f"Contract of {title or name}"),
                      calendar=_quoted(calendar),
                      acknowledge=_quoted(acknowledge), resolution=_quoted(resolution),
                      reach=f"{{{', '.join(ways)}}}" if ways else "portal")
    agreement_files.save(folder, id, text, "")
    click.echo(f"written: {agreement_files.path_of(folder, id)}")
    if url:
        _show_once(variable, new_secret(), settings, name)
    else:
        click.echo(f"invite somebody of {name} to the portal: page Receivers")


@supplier.command("rotate-secret")
@click.argument("name")
@pass_context
def rotate_secret(context: Context, name: str) -> None:
    """Make a new secret for supplier NAME beside the present one: both are valid until you take the old one out."""
    from connector.files import editing as agreement_files
    from connector.settings.supplier_keys import new_secret

    with context.deployed() as deployment:
        receiver = _receiver(deployment, name)
    if receiver.reach.webhook is None:
        raise ConfigError([Problem(f"{name} has no webhook, so it has no secret")])
    folder = _folder(context.settings)
    id = _file_of(folder, name)
    kept = agreement_files.read(folder, id)
    old = receiver.reach.webhook.secrets
    variable = _next(old)
    pattern = re.compile(r"(secrets:\s*\[)([^\]]*)(\])")
    if len(pattern.findall(kept.text)) != 1:
        raise ConfigError([Problem(f"write {variable} before {', '.join(old)} in receiver.reach.webhook.secrets "
                                   "yourself: the list is not on one line", str(agreement_files.path_of(folder, id)))])
    text = pattern.sub(lambda found: f"{found[1]}{', '.join((variable, *old))}{found[3]}", kept.text)
    agreement_files.save(folder, id, text, kept.digest)
    _show_once(variable, new_secret(), context.settings, name)
    click.echo(f"when the supplier uses it, take {', '.join(old)} out of {agreement_files.path_of(folder, id)}")


@supplier.command()
@click.argument("name")
@pass_context
def test(context: Context, name: str) -> None:
    """Send a signed sample to supplier NAME now and say what came back. Exit code 1 when it was not taken."""
    from connector.domain.delivery import Delivery
    from connector.settings.supplier_keys import SupplierKeys

    with context.deployed() as deployment:
        receiver = _receiver(deployment, name)
        for problem in SupplierKeys(os.environ).problems(receiver):
            click.echo(f"{name}: {problem}", err=True)
        channel = deployment.deps.channels.get(receiver.target)
        if channel is None:
            raise ConfigError([Problem(f"{name} is sent nothing: it comes and looks in the portal")])
        now = deployment.deps.now()
        sample = Delivery(id=0, key=f"test/{name}/{now.isoformat()}", target=receiver.target, verb="handoff",
                          lane=f"test/{name}", ticket=None, attempts=0, created_at=now, owner=deployment.deps.owner,
                          payload={"type": "handoff.test", "time": now.isoformat(), "handoff": "",
                                   "data": {"text": "A sample. Nothing is to be done."}})
        try:
            told: Mapping[str, object] = channel.deliver(sample, now)
        except ConnectorError as error:
            click.echo(f"{name}: {error}", err=True)
            raise SystemExit(1) from None
        took = deployment.deps.now() - now
    click.echo(f"{name}: taken after {took / timedelta(milliseconds=1):.0f} ms "
               f"({', '.join(f'{key} {value}' for key, value in told.items())})")


def _show_once(variable: str, secret: str, settings: Settings, name: str) -> None:
    base = settings.public_url.rstrip("/") or "https://<this service>"
    click.echo(f"\nset this in the environment of every process, then start them again:\n\n{variable}={secret}\n\n"
               f"give the supplier the same secret, docs/suppliers.md and this address:\n\n"
               f"{base}/api/v1/webhooks/suppliers/{name}\n\nthe secret is shown this once and kept nowhere")


def _folder(settings: Settings) -> Path:
    folder = Path(settings.file).resolve().parent / "sla_profiles"
    if not folder.is_dir():
        raise ConfigError([Problem(f"there are no agreements: {folder} does not exist")])
    return folder


def _receiver(deployment: Deployment, name: str) -> Receiver:
    known = {} if deployment.agreements is None else deployment.agreements.current().receivers
    if name not in known:
        raise ConfigError([Problem(f"there is no receiver `{name}`{did_you_mean(name, known)}")])
    return known[name]


def _file_of(folder: Path, name: str) -> str:
    """The file whose contract has this receiver."""
    from connector.files import editing as agreement_files
    from connector.files import profiles

    read = profiles.load(folder)
    profile = next(one for one in read.registry.profiles if one.receiver is not None and one.receiver.name == name)
    return agreement_files.id_of(folder, profile.file)


def _next(names: tuple[str, ...]) -> str:
    """A name that is not in use: HOSTING_SECRET, HOSTING_SECRET_2, HOSTING_SECRET_3."""
    base = re.sub(r"_\d+$", "", names[0])
    taken = {int(found[1]) for name in names if (found := re.fullmatch(rf"{re.escape(base)}_(\d+)", name))}
    return f"{base}_{max(taken, default=1) + 1}"


def _quoted(text: str | None) -> str:
    """A text as YAML takes it on one line."""
    import orjson

    return orjson.dumps(text or "").decode()
