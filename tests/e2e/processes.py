"""Scripts of this folder as processes, all ended with the test."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


class Processes:
    def __init__(self) -> None:
        self.running: list[subprocess.Popen[bytes]] = []

    def start(self, script: str, *arguments: str, **environment: str) -> subprocess.Popen[bytes]:
        environ = {**os.environ, "PYTHONPATH": str(ROOT), **environment}
        process = subprocess.Popen([sys.executable, str(ROOT / "tests/e2e" / script), *arguments], env=environ,
            cwd=ROOT,
                                   stdout=subprocess.DEVNULL)
        self.running.append(process)
        return process

    def kill(self, process: subprocess.Popen[bytes]) -> None:
        """As a power cut would."""
        process.send_signal(signal.SIGKILL)
        process.wait(30)
        self.running.remove(process)

    def close(self) -> None:
        for process in list(self.running):
            self.kill(process)
