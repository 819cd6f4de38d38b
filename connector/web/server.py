"""The HTTP server of a process: threads, slow clients buffered, ended without cutting an answer off."""

from __future__ import annotations

import logging
import time
from typing import Any, Final

from flask import Flask
from waitress import wasyncore
from waitress.server import create_server

from connector.flows import files

THREADS: Final = 16
LONGEST_END: Final = 10.0
LARGEST_HEADERS: Final = 64 * 1024
LARGEST_BODY: Final = files.LARGEST + 1024 * 1024
"""The server keeps a body on disk before any view can refuse it: nothing larger than the largest form is taken in."""


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
            max_request_body_size=LARGEST_BODY,
            clear_untrusted_proxy_headers=False,
        )
        self.port: int = getattr(self._server, "effective_port", port)

    def run(self) -> None:
        """Serves until `end` is called; returns when answers under way are out."""
        self._server.run()

    def end(self) -> None:
        """Safe to call from any thread, once. Answers under way are finished and sent, for at most ten seconds."""
        self._server.task_dispatcher.shutdown(cancel_pending=False, timeout=LONGEST_END)
        until = time.monotonic() + LONGEST_END
        while any(c.total_outbufs_len for c in list(self._server.active_channels.values())):
            if time.monotonic() > until:
                break
            time.sleep(0.02)
        self._server.trigger.pull_trigger(lambda: wasyncore.close_all(self._server._map))
