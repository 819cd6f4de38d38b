"""The service as a process of its own, started, killed and ended like in real life."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import requests

PATIENCE = 60.0


class Service:
    """`connector run` (or another command) on a settings file."""

    def __init__(self, settings: Path, port: int, *command: str, environment: dict[str, str] | None = None) -> None:
        self.settings, self.port, self.command = settings, port, command or ("run",)
        self.environment = environment or {k: v for k, v in os.environ.items() if not k.startswith("CONNECTOR_")}
        self.process: subprocess.Popen[bytes] | None = None
        self.log = settings.with_name("service.log").open("ab")

    def start(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "connector.cli", "--config", str(self.settings), *self.command],
            stdout=self.log, stderr=self.log, env=self.environment)

    def wait_until_alive(self) -> None:
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            assert self.process is not None
            assert self.process.poll() is None, self.settings.with_name("service.log").read_text()[-3000:]
            try:
                if requests.get(f"http://127.0.0.1:{self.port}/healthz", timeout=2).status_code == 200:
                    return
            except requests.RequestException:
                time.sleep(0.05)
        raise AssertionError("the service did not answer")

    def kill(self) -> None:
        """As a power cut would."""
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(PATIENCE)

    def end(self) -> int:
        """As an operator would; gives the exit code."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE)

    def close(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.kill()
        self.log.close()
