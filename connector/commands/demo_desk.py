"""The demo's tools, the people who edit on both sides, and the check that nothing was lost or doubled."""

from __future__ import annotations

import base64
import io
import random
import secrets
import shutil
import threading
import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.table import Table
from ruamel.yaml import YAML

from connector.domain.errors import ConnectorError, TryLater
from connector.domain.notices.notice import HELD
from connector.domain.ticket import ENDED, Comment, Draft, Kind
from connector.flows import deliver, editing, hints, intake
from connector.ports import Deps
from connector.sandbox import Handle, start
from connector.settings import Secret
from connector.store.queries import Queries
from connector.store.sql import SqlStore
from connector.store.views import TicketFilter, TicketRow
from connector.wiring import Deployment

MAKES: Final = ("servicenow", "glpi", "osticket")
CALM_DOWN: Final = 60.0
"""Most seconds given to the queues to run empty at the end."""
MISCHIEF: Final = (
    ("lost_answer", "POST|PATCH|PUT", 3), ("500", "", 2), ("429", "", 2), ("html_200", "", 2), ("closed", "", 2),
    ("empty_202", "", 1), ("half", "GET", 2),
)


class Tools:
    """The stand-ins, by name."""

    def __init__(self, tickets: int, port: int) -> None:
        self._stack = ExitStack()
        self.handles: dict[str, Handle] = {}
        for make in MAKES:
            secret = "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()
            hook = (f"http://127.0.0.1:{port}/api/v1/webhooks/tools/{make}", secret)
            handle = start(make, tickets=tickets, days=20, webhook=hook)
            self.handles[make] = self._stack.enter_context(handle)

    def __enter__(self) -> Tools:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def write(self, folder: Path, port: int, smtp: int = 0) -> Path:
        """connector.yaml and one file per secret, as a person would set it up. `smtp` is the port of a mail server."""
        vault = folder / "secrets"
        vault.mkdir(mode=0o700)

        def kept(name: str, value: Any) -> Any:
            if not isinstance(value, Secret):
                return value
            file = vault / name
            file.touch(mode=0o600)
            file.write_text(value.reveal(), encoding="utf-8")
            return {"file": f"secrets/{name}"}

        tools: dict[str, Any] = {}
        for name, handle in self.handles.items():
            known = handle.settings(name, Path(f"mappings/{name}.yaml"))
            tools[name] = {
                "vendor": known.vendor, "url": known.url, "mapping": str(known.mapping.resolve()),
                "timezone": known.timezone, "poll_every": "5s",
                "auth": {key: kept(f"{name}_{key}", value) for key, value in known.auth.items()},
                "options": dict(known.options),
                "webhook_secrets": [kept(f"{name}_webhook", secret) for secret in known.webhook_secrets],
            }
        session = kept("session", Secret(secrets.token_urlsafe(48)))
        settings = {"name": "demo", "store": {"url": "sqlite:///connector.db"},
                    "web": {"host": "127.0.0.1", "port": port, "session_secret": session}, "tools": tools}
        if smtp:
            settings["web"]["public_url"] = f"http://127.0.0.1:{port}"  # type: ignore[index]
            settings["channels"] = {"mail": {"host": "127.0.0.1", "port": smtp, "security": "none",
                                             "from": "Demo desk <desk@desk.example>"}}
        path = folder / "connector.yaml"
        with path.open("w", encoding="utf-8") as stream:
            YAML().dump(settings, stream)
        if Path("sla_profiles").is_dir():
            shutil.copytree("sla_profiles", folder / "sla_profiles")  # a copy: its pages can edit them
        return path


@dataclass
class Busy:
    """People in the tools and at our desk, each changing tickets now and then; and the tools' bad moments."""

    deps: Deps
    tools: Tools
    rng: random.Random = field(default_factory=lambda: random.Random(7))
    done: Counter[str] = field(default_factory=Counter)
    created: dict[str, str] = field(default_factory=dict)
    """Our key -> tool, of tickets created from our side."""
    refused: Counter[str] = field(default_factory=Counter)
    played: dict[str, int] = field(default_factory=dict)
    """Tool -> faults that fired."""
    _stopped: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    def start(self) -> None:
        works = (("agents", self._agents, 0.4), ("desk", self._desk, 0.6), ("mischief", self._trip, 4))
        for name, work, pause in works:
            thread = threading.Thread(target=self._loop, args=(work, pause), name=name, daemon=True)
            thread.start()
            self._threads.append(thread)

    def stop(self) -> None:
        self._stopped.set()
        for thread in self._threads:
            thread.join(10)
        for name, handle in self.tools.handles.items():
            self.played[name] = sum(rule.fired for rule in handle.faults.rules())
            handle.faults.clear()

    def _loop(self, work: Any, pause: float) -> None:
        while not self._stopped.wait(pause):
            try:
                work()
            except (ConnectorError, KeyError, ValueError) as error:
                self.refused[type(error).__name__] += 1

    def _agents(self) -> None:
        """Somebody works in one of the tools."""
        name, handle = self.rng.choice(list(self.tools.handles.items()))
        with handle.desk.lock:
            living = [t for t in handle.desk.tickets.values() if t.state in ("new", "in_progress")]
            if not living:
                return
            ticket = self.rng.choice(living)
            id = handle.side.id_of(ticket)
        what = self.rng.choice(("title", "comment", "note", "create"))
        if what == "title":
            handle.edit(id, title=f"{ticket.title.split(' [')[0]} [agent {self.rng.randrange(1000)}]")
        elif what == "create":
            handle.create(title=f"Reported by phone {self.rng.randrange(10_000)}", description="Called the desk.")
        else:
            handle.comment(id, f"{what} {self.rng.randrange(1000)}", public=what == "comment")
        self.done[f"{name} agent"] += 1

    def _desk(self) -> None:
        """Somebody works on our side."""
        tool = self.rng.choice(list(self.deps.tools))
        assert isinstance(self.deps.store, SqlStore)
        rows = Queries(self.deps.store).tickets(
            TicketFilter(tool=(tool,), state=("new", "in_progress")), limit=50).items
        if not rows:
            return
        what = self.rng.choice(("title", "comment", "create"))
        if what == "create":
            key = f"demo-{secrets.token_hex(6)}"
            fields = {"title": f"Made here {key}", "description": "Made in the connector.", **self._somebody(rows)}
            mapping = self.deps.tools[tool].mapping
            draft = Draft(kind=Kind.INCIDENT, fields={k: v for k, v in fields.items() if v and mapping.writable(k)})
            editing.create(self.deps, tool, draft, key, "demo")
            self.created[key] = tool
        elif what == "title":
            row = self.rng.choice(rows)
            title = f"{row.title.split(' [')[0]} [desk {self.rng.randrange(1000)}]"
            editing.edit(self.deps, row.key, {"title": title}, "demo")
        else:
            said = Comment(text=f"from our desk {self.rng.randrange(999)}", public=self.rng.random() < 0.5)
            editing.comment(self.deps, self.rng.choice(rows).key, said, "demo")
        self.done["our desk"] += 1

    def _somebody(self, rows: list[TicketRow]) -> dict[str, str]:
        """The requester of some ticket, as the requester of another."""
        with self.deps.store.read() as tx:
            (stored,) = tx.by_key([self.rng.choice(rows).key]).values()
        return {"requester": stored.ticket.requester, "requester_email": stored.ticket.requester_email}

    def _trip(self) -> None:
        """A tool has a bad moment."""
        handle = self.rng.choice(list(self.tools.handles.values()))
        kind, methods, times = self.rng.choice(MISCHIEF)
        for method in methods.split("|"):
            handle.faults.add(kind, method=method, times=times)


@dataclass
class Verdict:
    """Differences between the tools and our store once both are quiet."""

    in_tool: dict[str, int] = field(default_factory=dict)
    in_store: dict[str, int] = field(default_factory=dict)
    differing: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)

    @property
    def good(self) -> bool:
        return not (self.differing or self.doubled or self.missing) and self.in_tool == self.in_store


def check(deps: Deps, tools: Tools, busy: Busy) -> Verdict:
    """Let the queues run empty, then hold every ticket against the tool it came from."""
    quiet(deps)
    verdict = Verdict()
    for name, handle in tools.handles.items():
        compare(deps, name, handle, verdict)
    for key, tool in busy.created.items():
        count = sum(1 for t in tools.handles[tool].desk.tickets.values() if t.title == f"Made here {key}"
                    or t.title.startswith(f"Made here {key} ["))
        (verdict.missing if count == 0 else verdict.doubled).append(f"{tool} {key}") if count != 1 else None
    return verdict


def quiet(deps: Deps) -> None:
    assert isinstance(deps.store, SqlStore)
    until = time.monotonic() + CALM_DOWN
    while time.monotonic() < until:
        counts = Queries(deps.store).counts()
        waiting = sum(n for (target, state), n in counts.deliveries.items()
                      if state in ("waiting", "leased") and target != HELD)
        if not waiting and not sum(counts.hints.values()):
            break
        time.sleep(0.2)
        deliver.tick(deps)
    for tool in deps.tools:
        for _ in range(3):
            try:
                hints.run(deps, tool)
                intake.poll(deps, tool)
                break
            except TryLater:
                time.sleep(0.5)


def compare(deps: Deps, name: str, handle: Handle, verdict: Verdict) -> None:
    with handle.desk.lock:
        there = {handle.side.id_of(t): t for t in handle.desk.tickets.values() if not (t.hidden or t.trashed)}
        titles = {id: (t.title, t.state) for id, t in there.items()}
    assert isinstance(deps.store, SqlStore)
    with deps.store.read() as tx:
        here = tx.tickets(name, list(titles))
    verdict.in_tool[name] = len(titles)
    verdict.in_store[name] = sum(n for (tool, _), n in Queries(deps.store).counts().tickets.items() if tool == name)
    for id, (title, state) in titles.items():
        stored = here.get(id)
        if stored is None:
            verdict.missing.append(f"{name}/{id}")
        elif (stored.ticket.title, stored.ticket.state in ENDED) != (title, state in ENDED):
            verdict.differing.append(f"{name}/{id}: {title!r} {state} there, {stored.ticket.title!r} "
                                     f"{stored.ticket.state} here")


def summary(deployment: Deployment, tools: Tools, busy: Busy, verdict: Verdict) -> str:
    """One screen."""
    table = Table(title="what was synced", title_justify="left")
    for heading in ("", *tools.handles):
        table.add_column(heading, justify="left" if not heading else "right")
    queries = Queries(deployment.store)
    rows = {row.tool: row for row in queries.connections(deployment.deps.now(), tuple(tools.handles))}
    done = {name: _done(queries, name) for name in tools.handles}

    def line(label: str, values: dict[str, Any]) -> None:
        table.add_row(label, *(f"{values.get(name, 0):,}" for name in tools.handles))

    line("tickets in the tool", verdict.in_tool)
    line("tickets in our store", verdict.in_store)
    line("edits by agents in the tool", {name: busy.done[f"{name} agent"] for name in tools.handles})
    line("webhooks sent by the tool", {n: len(h.sender.sent) if h.sender else 0 for n, h in tools.handles.items()})
    line("our writes delivered", {name: value[0] for name, value in done.items()})
    line("of them after a retry", {name: value[1] for name, value in done.items()})
    line("could not be delivered", {name: row.dead for name, row in rows.items()})
    line("faults played", busy.played)
    out = Console(file=io.StringIO(), width=100)
    out.print(table)
    out.print(f"edits from our side: {busy.done['our desk']}, tickets created from our side: {len(busy.created)}")
    for label, found in (("lost", verdict.missing), ("doubled", verdict.doubled), ("differing", verdict.differing)):
        out.print(f"{label}: {len(found)}" + "".join(f"\n  {one}" for one in found[:5]), highlight=False)
    out.print("tickets in the tools and in our store are the same" if verdict.good else "SOMETHING IS WRONG, see above")
    text: str = out.file.getvalue()  # type: ignore[attr-defined]
    return text


def _done(queries: Queries, tool: str) -> tuple[int, int]:
    total = again = 0
    cursor: str | None = None
    while True:
        page = queries.deliveries(state=("done",), target=tool, limit=500, cursor=cursor)
        total += len(page.items)
        again += sum(1 for row in page.items if row.attempts > 1)
        cursor = page.next
        if cursor is None:
            return total, again
