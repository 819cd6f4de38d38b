"""The sandbox as a process of its own."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import requests
from click.testing import CliRunner

from connector.sandbox.__main__ import main


def test_it_serves_all_tools_and_ends_cleanly(tmp_path: Path) -> None:
    details = tmp_path / "tools.json"
    command = [sys.executable, "-m", "connector.sandbox", "--tool", "glpi", "--tool", "servicenow", "--tool",
               "osticket", "--tickets", "20", "--speed", "60", "--details", str(details)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            tools = wait(details)
            assert [tool["make"] for tool in tools] == ["glpi", "servicenow", "osticket"]
            assert details.stat().st_mode & 0o077 == 0
            now = next(tool for tool in tools if tool["make"] == "servicenow")
            answer = requests.get(f"{now['url']}/api/now/table/task", timeout=10,
                                  auth=(now["auth"]["user"], now["auth"]["password"]))
            assert len(answer.json()["result"]) >= 20
        finally:
            process.send_signal(signal.SIGTERM)
            out, _ = process.communicate(timeout=20)
    assert process.returncode == 0
    assert out.count("control at http://127.0.0.1:") == 3


def wait(path: Path) -> list[dict[str, dict[str, str]]]:
    until = time.monotonic() + 30
    while time.monotonic() < until:
        if path.exists() and path.stat().st_size:
            try:
                found: list[dict[str, dict[str, str]]] = json.loads(path.read_text("utf-8"))
                return found
            except ValueError:
                pass
        time.sleep(0.05)
    raise AssertionError("the sandbox did not start")


@pytest.mark.parametrize("wrong", ["jira", "glpi=99999", "glpi=x"])
def test_a_tool_it_cannot_stand_in_for_is_told(wrong: str) -> None:
    result = CliRunner().invoke(main, ["--tool", wrong])
    assert result.exit_code == 2
    assert "servicenow | glpi | osticket" in result.output
