"""Connecting a GLPI with nothing but the README: its YAML, its commands."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import requests

from connector.sandbox import start
from connector.store import open as open_store
from connector.store.queries import Queries
from tests.e2e.service import Service
from tests.e2e.waiting import eventually

ROOT = Path(__file__).parents[2]


def settings_of_the_readme(url: str, port: int) -> str:
    text = re.search(r"```yaml\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.S)
    assert text
    yaml = re.sub(r"(?m)^   ", "", text[1]).replace("https://glpi.example.org", url)
    return yaml + f"web: {{port: {port}}}\n"


def test_a_glpi_is_connected_with_the_readme_alone(tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    (tmp_path / "mappings").symlink_to(ROOT / "mappings")
    with start("glpi", tickets=20) as glpi:
        auth = glpi.settings("glpi", ROOT / "mappings/glpi.yaml").auth
        environment = {**os.environ, "GLPI_USER_TOKEN": auth["user_token"].reveal(),
                       "GLPI_APP_TOKEN": auth["app_token"].reveal()}
        (tmp_path / "connector.yaml").write_text(settings_of_the_readme(glpi.url, port), encoding="utf-8")

        def connector(*command: str) -> subprocess.CompletedProcess[str]:
            return subprocess.run([sys.executable, "-m", "connector.cli", *command], cwd=tmp_path, env=environment,
                                  capture_output=True, text=True, timeout=60, check=False)

        checked = connector("check", "--live")
        assert checked.returncode == 0, checked.stdout + checked.stderr
        assert "glpi: glpi GLPI 10" in checked.stdout
        added = connector("user", "add", "you", "--role", "admin")
        assert added.returncode == 0, added.stdout + added.stderr

        service = Service(tmp_path / "connector.yaml", port, environment=environment)
        try:
            service.start()
            service.wait_until_alive()
            store = open_store(f"sqlite:///{tmp_path}/var/connector.db")
            try:
                eventually(lambda: sum(Queries(store).counts().tickets.values()) == len(glpi.desk.tickets))
            finally:
                store.close()
            page = requests.get(f"http://127.0.0.1:{port}/", timeout=10, allow_redirects=True)
            assert page.status_code == 200
            assert "password" in page.text
            assert service.end() == 0
        finally:
            service.close()
