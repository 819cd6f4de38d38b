"""A running stand-in, as tests and the demo hold it."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

from connector.sandbox.desk import Desk
from connector.sandbox.faults import Faults
from connector.sandbox.generator import Life
from connector.sandbox.model import Ticket
from connector.sandbox.server import Front, Request, Server
from connector.sandbox.side import Side
from connector.sandbox.webhooks import Sender, Webhook
from connector.settings import Secret, ToolSettings

LIVE_EVERY = 0.2
"""Seconds between two looks at what should have happened meanwhile."""


class Handle:
    """`url` is the address to configure; `desk` is what the tool holds; `faults` are played at its door."""

    def __init__(self, side: Side, faults: Faults, life: Life | None, port: int, webhook: Webhook | None,
                 live: bool) -> None:
        self.side = side
        self.make = side.make
        self.faults = faults
        self.life = life
        self._webhook = webhook
        self._stopped = threading.Event()
        self._port = port
        self._app = side.app()
        self._server: Server | None = None
        self._front = self._new_front()
        self.sender = Sender(webhook, side.hook) if webhook is not None else None
        if self.sender is not None:
            side.desk.listen(self.sender)
        self.resume()
        self._live = threading.Thread(target=self._run, name="sandbox-live", daemon=True) if live else None
        if self._live is not None:
            self._live.start()

    def _new_front(self) -> Front:
        from connector.sandbox.control import make_control

        return Front(self._app.wsgi_app, self.faults, self.desk.clock, self.side.expire, self.side.too_many,
                     make_control(self))

    @property
    def desk(self) -> Desk:
        return self.side.desk

    @property
    def url(self) -> str:
        return self.side.base()

    @property
    def requests(self) -> list[Request]:
        """What was asked since the start (or `forget`), oldest first."""
        return list(self._front.requests)

    def forget(self) -> None:
        self._front.requests.clear()

    def settings(self, name: str, mapping: Path, **more: Any) -> ToolSettings:
        """Settings of a tool that reaches this stand-in, credentials included."""
        auth = {key: Secret(value) if key in self.side.secrets else value for key, value in self.side.auth().items()}
        secret = self._webhook.secret if self._webhook is not None else self.side.webhook_secret()
        known = {"name": name, "vendor": self.make, "url": self.url, "mapping": mapping, "auth": auth,
                 "timezone": self.side.timezone(), "options": self.side.options(), "webhook_secrets": (Secret(secret),)}
        return ToolSettings(**{**known, **more})

    # ---- what people do in the tool

    def ticket(self, id: str) -> Ticket:
        """Raises KeyError."""
        found = self.side.find(id)
        if found is None:
            raise KeyError(f"{self.make} has no ticket {id}")
        return found

    def create(self, **values: Any) -> str:
        """A ticket made in the tool by its agent (or by the `by` given); its id as the tool shows it."""
        with self.desk.lock:
            by = self._who(values.pop("by", None))
            return self.side.id_of(self.desk.create(by, **self.side.named(values)))

    def edit(self, id: str, *, by: str | None = None, **changes: Any) -> None:
        """Change fields as an agent would. Names are those of the connector (state, pending_on, title, impact, group,
        assignee, ...); others are the tool's own columns."""
        with self.desk.lock:
            self.side.move(self.ticket(id), self._who(by), self.side.named(changes))

    def comment(self, id: str, text: str, public: bool = True, *, by: str | None = None) -> int:
        with self.desk.lock:
            return self.desk.comment(self.ticket(id), self._who(by), text, "reply" if public else "note").id

    def attach(self, id: str, name: str, data: bytes, media_type: str = "text/plain", *, by: str | None = None) -> int:
        with self.desk.lock:
            return self.desk.attach(self.ticket(id), self._who(by), name, media_type, data).id

    def delete(self, id: str, *, by: str | None = None) -> None:
        """Gone for good."""
        with self.desk.lock:
            self.desk.delete(self.ticket(id), self._who(by))

    def trash(self, id: str, trashed: bool = True, *, by: str | None = None) -> None:
        with self.desk.lock:
            self.desk.trash(self.ticket(id), self._who(by), trashed)

    def hide(self, id: str, hidden: bool = True) -> None:
        """Out of sight of the connector's account (rights, entities), without a trace."""
        with self.desk.lock:
            self.ticket(id).hidden = hidden
            self.desk.generation += 1

    def _who(self, login: str | None) -> int:
        return self.desk.person(login).id if login is not None else self.side.agent().id

    # ---- time

    def step(self, seconds: float) -> None:
        """Move the clock on; what should have happened meanwhile happens."""
        now = self.desk.clock.step(seconds)
        if self.life is not None:
            self.life.advance(now)

    def _run(self) -> None:
        while not self._stopped.wait(LIVE_EVERY):
            if self.life is not None:
                self.life.advance(self.desk.clock.now())

    # ---- on and off

    def pause(self) -> None:
        """The tool is down: nobody listens on its port. The desk goes on."""
        if self._server is not None:
            self._server.stop()
            self._server = None

    def resume(self) -> None:
        if self._server is None:
            self._server = Server(self._front, self._port)
            self._port = self._server.server_port
            self.side.url = f"http://127.0.0.1:{self._port}"

    def stop(self) -> None:
        self._stopped.set()
        if self._live is not None:
            self._live.join(5)
        if self.sender is not None:
            self.sender.stop()
        self.pause()

    def __enter__(self) -> Handle:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

