"""What `connector check --live` finds out about a ServiceNow."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from connector.domain.errors import Refused
from connector.ports import Capability, Diagnosis, FieldInfo
from connector.vendors.servicenow.choices import choices, dictionary
from connector.vendors.servicenow.desk import Desk
from connector.vendors.servicenow.query import newest, where
from connector.vendors.servicenow.records import ALWAYS, DISPLAY, TABLE, bare
from connector.vendors.servicenow.rights import Account, Asker, Rights

NONSENSE: Final = "connector_no_such_field"
MOST_SKEW: Final = timedelta(seconds=60)
_RELEASE: Final = re.compile(r"glide-([a-z]+)-?([0-9-]*)(?:__(patch[0-9]+))?")
_UNREADABLE: Final = "unknown (sys_properties cannot be read)"
Row = dict[str, Any]


def diagnose(desk: Desk, asker: Asker, capabilities: frozenset[Capability]) -> Diagnosis:
    samples: dict[str, Row | None] = {}
    remarks: list[str] = []
    for table in desk.options.tables:
        try:
            rows = desk.client.rows(table, newest("sys_updated_on"), desk.asked[table], 1).rows
            samples[table] = rows[0] if rows else None
        except Refused as error:
            remarks.append(f"{table} cannot be read: {error.reason}")
    account = asker.account()
    remarks += [*_account(desk, account), *_zone(desk, account), *_future(desk, samples),
                *_history(desk, asker.rights()), *_fields(desk, samples), *_states(desk), *_filter(desk)]
    skew = desk.client.http.skew
    if skew is not None and abs(skew) > MOST_SKEW:
        remarks.append(f"the clocks differ by {int(skew.total_seconds())} s; set ours by NTP")
    return Diagnosis(version=_version(desk), account=account.name, capabilities=capabilities, skew=skew,
                     remarks=tuple(remarks))


def _version(desk: Desk) -> str:
    try:
        rows = desk.client.rows("sys_properties", where("name", "=", "glide.war"), ("name", "value"), 2).rows
    except Refused:
        return _UNREADABLE
    value = bare(rows[0].get("value")) if len(rows) == 1 and rows[0].get("name") == "glide.war" else ""
    found = _RELEASE.search(value)
    if not found:
        return value or _UNREADABLE
    return " ".join(part for part in (found.group(1).capitalize(), found.group(3)) if part)


def _account(desk: Desk, account: Account) -> Iterator[str]:
    if not account.name:
        yield ("our own user name cannot be read (sys_user): set the option `account`, or our own changes will be "
               "taken for somebody's")
    if not account.id:
        return
    try:
        rows = desk.client.rows("sys_user_has_role", where("user", "=", account.id), ("user", "role.name"), 200).rows
    except Refused:
        rows = []
    roles = sorted({bare(row.get("role.name")) for row in rows if row.get("user") == account.id} - {""})
    if not roles:
        yield "the roles of our account cannot be read (or it has none)"
    elif "admin" in roles:
        yield "our account has the role admin, which is more than it needs"
    else:
        yield f"roles of our account: {', '.join(roles[:20])}"


def _zone(desk: Desk, account: Account) -> Iterator[str]:
    """Stored times are UTC whatever the account's zone: compared with what the same field shows."""
    if not account.id:
        return
    rows = desk.client.rows("sys_user", where("sys_id", "=", account.id), ("sys_id", "sys_updated_on"), 1,
                            display="all").rows
    row = rows[0] if rows else {}
    raw, shown = bare(row.get("sys_updated_on")), bare(row.get("sys_updated_on" + DISPLAY))
    try:
        stored = desk.when(raw)
        local = datetime.strptime(shown, "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)
    except ValueError:
        return  # another format of dates: shown values are never read anyway
    if stored is None:
        return
    offset = local - stored
    try:
        expected = ZoneInfo(account.zone).utcoffset(stored.astimezone(ZoneInfo(account.zone))) if account.zone else None
    except (ValueError, OSError):
        expected = None
    odd = abs(offset) > timedelta(hours=14) or offset % timedelta(minutes=15) != timedelta(0)
    if odd or (expected is not None and expected != offset):
        yield (f"a stored time and the same time as shown differ by {offset}, which is not the account's zone "
               f"({account.zone or 'default'}): are stored times UTC here?")


def _future(desk: Desk, samples: Mapping[str, Row | None]) -> Iterator[str]:
    limit = desk.now() + (desk.client.http.skew or timedelta(0)) + timedelta(minutes=5)
    for table, row in samples.items():
        try:
            at = desk.when(bare((row or {}).get("sys_updated_on")))
        except ValueError:
            at = None
        if at is not None and at > limit:
            yield f"the newest row of {table} was changed in the future: are stored times UTC here?"


def _history(desk: Desk, rights: Rights) -> Iterator[str]:
    source = rights.source(desk.options.history)
    if source == "metrics":
        yield "sys_audit cannot be read: changes come from metric_instance, only for fields with a metric and no actor"
    elif not source:
        yield "neither sys_audit nor metric_instance is read: changes are only seen by comparing two readings"
    if rights.journals == "no":
        yield "sys_journal_field cannot be read: comments and work notes are not read, only written"
    if rights.deletions == "no":
        yield "sys_audit_delete cannot be read: deleted tickets are found by reading all ids"


def _fields(desk: Desk, samples: Mapping[str, Row | None]) -> Iterator[str]:
    rows = {table: row for table, row in samples.items() if row is not None}
    if not rows:
        yield "no ticket to look at: which fields can be read is not known"
        return
    try:
        known = dictionary(desk.client, desk.options.tables)
    except Refused:
        known = {}
    for table, row in rows.items():
        for name in desk.asked[table]:
            field = name.partition(".")[0]
            if name in row or name == TABLE:
                continue
            behind = f" or what is behind {field}" if name != field else ""
            if (table, field) in known:
                yield f"{name} of {table}: the field exists, but it{behind} cannot be read by our account (access rule)"
            elif name not in ALWAYS:
                yield f"{name} of {table}: no such field, or hidden from our account"


def _states(desk: Desk) -> Iterator[str]:
    try:
        found = choices(desk.client, desk.options.tables, ("state",))
    except Refused:
        yield "sys_choice cannot be read: the states of the tables could not be compared with the mapping"
        return
    for table in desk.options.tables:
        rule = desk.mapping.rule("state", desk.kinds[table])
        if rule is None or rule.table is None:
            continue
        for value, label in found.get((table, "state"), {}).items():
            if not rule.table.knows(value) and not _taken(desk, table, value):
                yield f"state {value} ({label}) of {table} is not in the mapping: tickets in it will be set aside"


def _taken(desk: Desk, table: str, value: str) -> bool:
    try:
        return desk.mapping.value("state", value, desk.when, desk.kinds[table]) is not None
    except ValueError:
        return False


def _filter(desk: Desk) -> Iterator[str]:
    table = desk.options.tables[0]
    try:
        dropped = bool(desk.client.rows(table, where(NONSENSE, "=", "1"), ("sys_id",), 1).rows)
        if dropped:
            yield ("this instance drops conditions it does not understand and answers with the rest; set "
                   "glide.invalid_query.returns_no_rows to true (rows are checked here all the same)")
        if not desk.options.filter:
            return
        every, some = (desk.client.rows(table, query, ("sys_id",), 1).total for query in ("", desk.options.filter))
    except Refused:
        return
    if every is not None and every == some:
        yield f"the option `filter` leaves out no row of {table}: is it spelt as the instance knows it?"


def fields(desk: Desk) -> list[FieldInfo]:
    """The fields of all tables together, and what the mapping reads besides: dotted names, `_table`, shown values."""
    tables = desk.options.tables
    try:
        known = dictionary(desk.client, tables)
    except Refused:
        return _from_samples(desk)
    wanted = {source.partition(".")[0].removesuffix(DISPLAY) for source in desk.mapping.reads}
    try:
        labelled = choices(desk.client, tables, wanted - {TABLE})
    except Refused:
        labelled = {}
    found: dict[str, FieldInfo] = {TABLE: FieldInfo(name=TABLE, label="Table", writable=False,
                                                    choices={table: table for table in tables})}
    for table in tables:
        kind = desk.kinds[table]
        for (name, field), row in known.items():
            if name == table:
                found[field] = _info(found.get(field), field, row, kind, labelled.get((table, field)))
    for name in sorted(desk.mapping.reads - set(found)):
        base = found.get(name.partition(".")[0].removesuffix(DISPLAY))
        if base is not None:
            found[name] = FieldInfo(name=name, label=base.label, kinds=base.kinds,
                                    writable=base.writable and not name.endswith(DISPLAY))
    return list(found.values())


def _info(before: FieldInfo | None, field: str, row: Row, kind: str, labels: Mapping[str, str] | None) -> FieldInfo:
    label = bare(row.get("column_label"))
    kinds = tuple(dict.fromkeys((*(before.kinds if before else ()), *((kind,) if kind else ()))))
    merged = {**((before.choices or {}) if before else {}), **(labels or {})}
    writable = row.get("read_only") != "true" and not field.startswith("sys_")
    return FieldInfo(name=field, label=(before.label if before else "") or label, kinds=kinds, choices=merged or None,
                     writable=writable or (before is not None and before.writable))


def _from_samples(desk: Desk) -> list[FieldInfo]:
    names: dict[str, None] = {TABLE: None}
    for table in desk.options.tables:
        try:
            rows = desk.client.rows(table, newest("sys_updated_on"), desk.asked[table], 1, display=desk.display).rows
        except Refused:
            continue
        names.update(dict.fromkeys(name for row in rows for name in row))
    return [FieldInfo(name=name, writable=name != TABLE) for name in names]
