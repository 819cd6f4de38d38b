"""Looks for damage in a store. Reads everything once, row by row, while the service runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any, Final

import msgspec
from sqlalchemy import Select, func, select, text

from connector.store import schema
from connector.store.carry import numbered
from connector.store.codec import read_event, read_ticket
from connector.store.engine import Damaged, connect, parse, passing
from connector.store.room import Room
from connector.store.sql import frozen
from connector.store.tables import deliveries, documents, events, metadata, tickets
from connector.store.verify_handoffs import handoff_problems

SHOWN: Final = 20
"""Findings of one kind that are listed; more of them are summed up."""
LATE: Final = timedelta(hours=1)


class Verification(msgspec.Struct, frozen=True, kw_only=True):
    problems: list[str]
    """Empty when all is well."""
    counts: dict[str, int]
    """Rows per table."""


def verify(url: str, password: str | None = None, *, now: datetime | None = None) -> Verification:
    """Integrity of the file, schema, orphans, unreadable documents, stuck leases.

    Raises ConfigError when the address is wrong or there is no store, TryLater when it cannot be reached.
    """
    engine = connect(parse(url, password))
    try:
        with passing(), engine.connect() as conn:
            with frozen(conn, postgres=conn.dialect.name == "postgresql"):
                wrong = schema.problem(conn)
                if wrong:
                    return Verification(problems=[wrong], counts={})
                return _examine(Room(conn, writing=False), now or datetime.now(UTC))
    except Damaged as error:
        return Verification(problems=[str(error)], counts={})
    finally:
        engine.dispose()


def _examine(room: Room, now: datetime) -> Verification:
    checks = (_file, _orphans, _documents, _histories, lambda room: _deliveries(room, now), handoff_problems,
              _sequences)
    problems = [finding for check in checks for finding in _bounded(check(room))]
    counts = {table.name: room.run(select(func.count()).select_from(table)).scalar_one()
              for table in metadata.sorted_tables}
    return Verification(problems=problems, counts=counts)


def _bounded(findings: Iterator[str]) -> list[str]:
    shown = list(islice(findings, SHOWN))
    more = sum(1 for _ in findings)
    return [*shown, f"and {more} more like these"] if more else shown


def _file(room: Room) -> Iterator[str]:
    if room.postgres:
        return
    for row in room.conn.exec_driver_sql("PRAGMA integrity_check"):
        if row[0] != "ok":
            yield f"the file is damaged: {row[0]}"
    for row in room.conn.exec_driver_sql("PRAGMA foreign_key_check"):
        yield f"{row[0]}: a row points to nothing in {row[2]}"


def _orphans(room: Room) -> Iterator[str]:
    without = select(tickets.c.tool, tickets.c.tool_id).where(
        ~select(documents.c.ticket).where(documents.c.ticket == tickets.c.key).exists())
    for tool, id in room.run(without):
        yield f"ticket {tool}/{id} has no document"
    for table in (documents, events):
        lost = select(table.c.ticket).where(~select(tickets.c.key).where(tickets.c.key == table.c.ticket).exists())
        for row in room.run(lost.distinct()):
            yield f"{table.name} of ticket {row.ticket}, which does not exist"


def _documents(room: Room) -> Iterator[str]:
    columns = (tickets.c.key, tickets.c.tool, tickets.c.tool_id, tickets.c.state, tickets.c.updated_at)
    every = select(*columns, documents.c.document, documents.c.base).join_from(
        tickets, documents, documents.c.ticket == tickets.c.key)
    for row in _stream(room, every):
        name = f"ticket {row.tool}/{row.tool_id}"
        for part in filter(None, (row.document, row.base)):
            ticket = _read(read_ticket, part)
            if ticket is None:
                yield f"{name}: its document cannot be read"
            elif (ticket.tool, ticket.id) != (row.tool, row.tool_id):
                yield f"{name}: its document is of {ticket.tool}/{ticket.id}"
            elif part is row.document and (ticket.state.value, ticket.updated_at) != (row.state, row.updated_at):
                yield f"{name}: its columns differ from its document"


def _histories(room: Room) -> Iterator[str]:
    for row in _stream(room, select(events.c.ticket, events.c.key, events.c.at, events.c.document)):
        event = _read(read_event, row.document)
        if event is None:
            yield f"event {row.key} of ticket {row.ticket} cannot be read"
        elif event.at != row.at:
            yield f"event {row.key} of ticket {row.ticket}: its columns differ from its document"


def _deliveries(room: Room, now: datetime) -> Iterator[str]:
    leased = select(deliveries.c.id, deliveries.c.owner, deliveries.c.lease_until).where(deliveries.c.state == "leased")
    for id, owner, until in room.run(leased):
        if owner is None or until is None:
            yield f"delivery {id} is leased to nobody"
        elif until < now - LATE:
            yield (f"delivery {id}: the lease of {owner} ended at {until.isoformat()} and nobody took over; "
                   "is a worker running?")
    known = ("waiting", "leased", "done", "dead", "dropped")
    for id, state in room.run(select(deliveries.c.id, deliveries.c.state).where(deliveries.c.state.not_in(known))):
        yield f"delivery {id} is in an unknown state {state}"


def _sequences(room: Room) -> Iterator[str]:
    if not room.postgres:
        return
    for table in metadata.sorted_tables:
        for column in numbered(table):
            last = room.run(select(func.coalesce(func.max(column), 0))).scalar_one()
            name = room.run(select(func.pg_get_serial_sequence(table.name, column.name))).scalar_one()
            given, called = room.conn.execute(text(f"SELECT last_value, is_called FROM {name}")).one()  # noqa: S608
            if given + called <= last:
                yield f"{table.name}.{column.name}: the next number would be {given + called}, but {last} is in use"


def _stream(room: Room, found: Select[Any]) -> Iterator[Any]:
    return iter(room.conn.execute(found, execution_options={"stream_results": True, "max_row_buffer": 1000}))


def _read(read: Callable[[str], Any], document: str) -> Any:
    try:
        return read(document)
    except (msgspec.MsgspecError, ValueError, TypeError):
        return None
