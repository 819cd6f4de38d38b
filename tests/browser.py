"""Makes sure a Chromium is there for the browser tests, where that is possible. Never fails: it says what it did."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

CANDIDATES = ("/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome")


def find() -> str | None:
    """The browser to test with: $CONNECTOR_CHROMIUM, else the system's."""
    named = os.environ.get("CONNECTOR_CHROMIUM")
    places = (named,) if named else CANDIDATES
    return next((place for place in places if Path(place).exists()), None)


def install() -> str:
    """Why it could not be installed; "" when it was."""
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        return "this needs root and apt-get"
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for args in (["update", "-qq"], ["install", "-y", "-qq", "--no-install-recommends", "chromium"]):
        try:
            done = subprocess.run(["apt-get", *args], env=quiet, capture_output=True, text=True, timeout=600)
        except (OSError, subprocess.TimeoutExpired) as error:
            return f"apt-get {args[0]}: {type(error).__name__}"
        if done.returncode:
            return f"apt-get {args[0]}: {done.stderr.strip()[-300:]}"
    return ""


def main() -> None:
    if find():
        return
    print("browser tests: installing Chromium", file=sys.stderr)
    trouble = install()
    if trouble or not find():
        print(
            f"browser tests: no Chromium, and it could not be installed ({trouble or 'not found afterwards'}).\n"
            "  They will not be run. Debian: apt-get install chromium; elsewhere: CONNECTOR_CHROMIUM=/path/to/chromium",
            file=sys.stderr,
        )


if __name__ == "__main__":
    main()
