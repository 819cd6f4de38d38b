"""What `connector check --live` shows of an osTicket: its fields, and how the connection stands."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from connector.http import Http
from connector.ports import Capability, Diagnosis, FieldInfo
from connector.vendors.osticket.records import CATALOG, CREATION_ONLY, PLAIN, names

_READ_ONLY: Final = ("state", "staff_name", "user_id", "org", "parent")
_SLOW_CRON: Final = 3600.0
_NO_PLUGIN: Final = ("The plugin servicedesk-connector is not there: tickets can be created, and nothing else works. "
                     "Install plugins/osticket (docs/osticket.md). Where the web server passes only the stock routes "
                     "on, let it pass /api/connector/ to api/http.php too.")


def described(catalog: Mapping[str, Any]) -> list[FieldInfo]:
    """Every tool field a mapping can name."""
    found = [FieldInfo(name=name, writable=name in ("due", "subject")) for name in PLAIN]
    found += [FieldInfo(name=name, writable=False) for name in _READ_ONLY]
    found += [FieldInfo(name=name, label=f"{name} (at creation)") for name in sorted(CREATION_ONLY)]
    for name in CATALOG:
        known = names(catalog, name)
        found.append(FieldInfo(name=name, choices={key: key for key in known}))
        found.append(FieldInfo(name=f"{name}_id", choices={str(id): key for key, id in known.items()}))
    rows = catalog.get("fields")
    for row in rows if isinstance(rows, list) else ():
        if isinstance(row, Mapping) and row.get("name") and row["name"] not in ("subject", "message", "priority"):
            choices = row.get("choices")
            found.append(FieldInfo(name=f"field.{row['name']}", label=str(row.get("label") or ""),
                                   choices={str(k): str(v) for k, v in choices.items()}
                                   if isinstance(choices, Mapping) else None))
    return found


def diagnosed(said: Mapping[str, Any] | None, capabilities: frozenset[Capability], http: Http,
              secrets: bool) -> Diagnosis:
    if said is None:
        return Diagnosis(version="", account="", capabilities=capabilities, skew=http.skew, remarks=(_NO_PLUGIN,))
    account, plugin = _table(said, "account"), _table(said, "plugin")
    return Diagnosis(version=str(said.get("osticket") or ""), account=str(account.get("username") or ""),
                     capabilities=capabilities, plugin=f"{plugin.get('name', '')} {plugin.get('version', '')}".strip(),
                     skew=http.skew, remarks=tuple(_remarks(said, capabilities, secrets)))


def _remarks(said: Mapping[str, Any], capabilities: frozenset[Capability], secrets: bool) -> list[str]:
    told = said.get("remarks")
    remarks = [str(remark) for remark in told] if isinstance(told, list) else []
    if not _table(said, "account"):
        remarks.append("No acting agent is chosen in the plugin's settings: nothing can be written.")
    if Capability.WEBHOOKS in capabilities and not secrets:
        remarks.append("The plugin sends webhooks, and `webhook_secrets` is empty here: they are all turned away.")
    last, now = _time(_table(said, "cron").get("last_run")), _time(said.get("now"))
    if now and (last is None or (now - last).total_seconds() > _SLOW_CRON):
        remarks.append("osTicket's cron has not run for an hour or more: webhooks that failed once wait for it.")
    return remarks


def _table(said: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = said.get(name)
    return value if isinstance(value, Mapping) else {}


def _time(value: Any) -> datetime | None:
    try:
        at = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return at if at is None or at.tzinfo is not None else None
