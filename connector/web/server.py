"""The HTTP server of a process: threads, slow clients buffered, ended without cutting an answer off."""

from __future__ import annotations

import logging
from typing import Any, Final

from flask import Flask
from waitress.server import create_server

THREADS: Final = 16
LARGEST_HEADERS: Final = 64 * 1024


class Server:
    """Listens as soon as it is made; `port` is the one it got when 0 was asked for."""

    def __init__(self, app: Flask, host: str, port: int) -> None:
        logging.getLogger("waitress.queue").setLevel(logging.ERROR)
        self._server: Any = create_server(
            app,
            host=host,
            port=port,
            threads=THREADS,
            ident=None,
            channel_timeout=60,
            max_request_header_size=LARGEST_HEADERS,
            clear_untrusted_proxy_headers=False,
        )
        self.port: int = getattr(self._server, "effective_port", port)

    def run(self) -> None:
        """Serves until `end` is called; returns when answers under way are out."""
        self._server.run()

    def end(self) -> None:
        """Safe to call from any thread."""
        self._server.task_dispatcher.shutdown(cancel_pending=False, timeout=10)
        self._server.close()
        self._server.trigger.pull_trigger(lambda: None)
