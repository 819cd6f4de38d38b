"""The contestants of the first-load benchmark. Each runs alone in a fresh process: loaders.py NAME URL FOLDER [OPTION].

Prints one JSON line: seconds of the load itself (imports and an empty database apart), processor seconds of this
process (a database server's own are not in it), and the process's memory peak.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path

PAGE = 1000
PEAKS: list[float] = []


def peak() -> float:
    """Megabytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def ours(url: str, folder: Path, store_url: str = "") -> Callable[[], int]:
    """The whole product: ServiceNow adapter, shipped mapping, comparison, tickets and their events, one page per
    transaction, durable at each commit."""
    from datetime import UTC, datetime

    from connector import store
    from connector.flows import intake
    from connector.ports import Deps, Tool
    from connector.settings import ToolSettings, load_mapping
    from connector.settings.secret import Secret
    from connector.store import admin
    from connector.vendors import servicenow

    file = Path(__file__).parents[1] / "mappings" / "servicenow.yaml"
    mapping = load_mapping(file)
    settings = ToolSettings(name="snow", vendor="servicenow", url=url, mapping=file, page=PAGE,
                            auth={"method": "basic", "user": "bench", "password": Secret("bench")},
                            options={"tables": ["incident"]})
    address = store_url or f"sqlite:///{folder / 'ours.db'}"
    admin.upgrade(address)
    opened = store.open(address)

    def now() -> datetime:
        return datetime.now(UTC)

    vendor = servicenow.build(settings, mapping, now)
    deps = Deps(store=opened, tools={"snow": Tool(name="snow", vendor=vendor, mapping=mapping)}, now=now)

    def load() -> int:
        report = intake.poll(deps, "snow", progress=lambda report: PEAKS.append(peak()))
        assert report.events >= report.new, report
        return report.new

    return load


def core(url: str, folder: Path, form: str, style: str = "") -> Callable[[], int]:
    """What one would write by hand: requests, json, SQLAlchemy Core upsert of the raw rows, a column of text per field.

    `form` "whole" takes rows as they come, "asked" only the fields that we ask for. `style` "values" gives the rows to
    `insert().values()`; otherwise they are given to `execute`, which is faster.
    """
    import requests
    from sqlalchemy import Column, MetaData, Table, Text, create_engine, event
    from sqlalchemy.dialects.sqlite import Insert, insert

    session = requests.Session()
    engine = create_engine(f"sqlite:///{folder / 'core.db'}")

    @event.listens_for(engine, "connect")
    def _(connection, record):  # type: ignore[no-untyped-def]
        # The same promises as ours: what is committed stays.
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")

    address = f"{url}/api/now/table/incident"
    wanted = _wanted(form)
    names = list(session.get(address, params={**wanted, "sysparm_limit": "1"}).json()["result"][0])
    table = Table("incident", MetaData(), *(Column(name, Text, primary_key=name == "sys_id") for name in names))
    table.metadata.create_all(engine)

    def upserting(rows: Insert) -> Insert:
        return rows.on_conflict_do_update(index_elements=["sys_id"],
                                          set_={name: rows.excluded[name] for name in names if name != "sys_id"})

    def load() -> int:
        count = 0
        while True:
            asked = {**wanted, "sysparm_limit": str(PAGE), "sysparm_offset": str(count)}
            rows = session.get(address, params=asked).json()["result"]
            if not rows:
                return count
            with engine.begin() as conn:
                if style == "values":
                    for start in range(0, len(rows), 500):  # SQLite takes 32,766 parameters
                        conn.execute(upserting(insert(table).values(rows[start : start + 500])))
                else:
                    conn.execute(upserting(insert(table)), rows)
            count += len(rows)
            PEAKS.append(peak())

    return load


def _wanted(form: str) -> dict[str, str]:
    from bench.table_api import ASKED

    asked = {"sysparm_fields": ",".join(ASKED)} if form == "asked" else {}
    return {"sysparm_exclude_reference_link": "true", **asked}


def dlt(url: str, folder: Path, form: str) -> Callable[[], int]:
    """dlt's rest_api source into SQLite, replacing the table: no merge, no schema contract, its fastest settings."""
    import os

    os.environ.update(DLT_DATA_DIR=str(folder / "dlt"), RUNTIME__LOG_LEVEL="ERROR", RUNTIME__DLTHUB_TELEMETRY="false",
                      DATA_WRITER__BUFFER_MAX_ITEMS="5000", NORMALIZE__WORKERS="1", LOAD__WORKERS="1")
    import dlt as library
    from dlt.sources.rest_api import rest_api_source

    source = rest_api_source({
        "client": {"base_url": f"{url}/api/now/", "paginator": {
            "type": "offset", "limit": PAGE, "limit_param": "sysparm_limit", "offset_param": "sysparm_offset",
            "total_path": None}},
        "resource_defaults": {"max_table_nesting": 0, "write_disposition": "replace"},
        "resources": [{"name": "incident", "endpoint": {
            "path": "table/incident", "data_selector": "result", "params": _wanted(form)}}],
    })
    pipeline = library.pipeline("bench", destination=library.destinations.sqlalchemy(f"sqlite:///{folder / 'dlt.db'}"),
                                dataset_name="main", pipelines_dir=str(folder / "dlt"))

    def load() -> int:
        pipeline.run(source)
        with pipeline.sql_client() as client:
            rows = client.execute_sql("SELECT count(*) FROM incident")
        return int(rows[0][0])

    return load


def main() -> None:
    name, url, folder, *rest = sys.argv[1:]
    load = {"ours": ours, "core": core, "dlt": dlt}[name](url, Path(folder), *rest)
    began, busy = time.perf_counter(), time.process_time()
    count = load()
    seconds, cpu = time.perf_counter() - began, time.process_time() - busy
    early = PEAKS[len(PEAKS) // 5] if PEAKS else peak()
    print(json.dumps({"count": count, "seconds": seconds, "cpu": cpu, "peak": peak(), "early": early}))
    if name == "ours":
        print(json.dumps(quiet(url, load)))


def quiet(url: str, load: Callable[[], int]) -> dict[str, int]:
    """Requests of a poll that finds nothing new."""
    import requests

    def count() -> int:
        return int(requests.get(f"{url}/count", timeout=5).text)

    before = count()
    new = load()
    return {"new": new, "requests": count() - before}


if __name__ == "__main__":
    main()
