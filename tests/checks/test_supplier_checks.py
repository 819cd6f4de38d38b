"""`connector check` tells what would keep a supplier from being reached, without showing a secret."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from connector.cli import main

ROOT = Path(__file__).parents[2]
GOOD = "whsec_" + "bmV3IHNlY3JldCBvbmx5IGZvciB0ZXN0cyE="


def check(folder: Path, reach: str, environ: dict[str, str], settings: str = "") -> tuple[int, str]:
    shutil.copytree(ROOT / "sla_profiles", folder / "sla_profiles", dirs_exist_ok=True)
    file = folder / "sla_profiles/suppliers/hosting-uc.yaml"
    lines = file.read_text().splitlines()
    file.write_text("\n".join(f"  reach: {reach}" if "reach:" in line else line for line in lines))
    (folder / "connector.yaml").write_text(f"name: desk\n{settings}")
    done = CliRunner().invoke(main, ["--config", str(folder / "connector.yaml"), "check"], env=environ)
    return done.exit_code, done.output


def hook(url: str, *names: str) -> str:
    return f"{{webhook: {{url: '{url}', secrets: [{', '.join(names)}]}}}}"


@pytest.mark.parametrize("url", ["http://hosting.example/h", "https://hosting.example:9000/h",
                                 "https://u:p@hosting.example/"])
def test_an_address_that_may_not_be_called_is_an_error(tmp_path: Path, url: str) -> None:
    code, output = check(tmp_path, hook(url, "HOSTING_SECRET"), {"HOSTING_SECRET": GOOD})
    assert code == 1
    assert "suppliers/hosting-uc.yaml" in output
    assert "receiver.reach.webhook.url" in output
    assert url not in output


def test_what_the_deployment_allows_is_no_error(tmp_path: Path) -> None:
    settings = "suppliers: {allow_http: true, ports: [80, 443]}\n"
    assert check(tmp_path, hook("http://hosting.example/h", "A"), {"A": GOOD}, settings)[0] == 0


def test_a_secret_that_is_missing_is_an_error_and_one_of_two_a_warning(tmp_path: Path) -> None:
    code, output = check(tmp_path / "one", hook("https://hosting.example/h", "A"), {"A": "whsec_short"})
    assert code == 1
    assert "environment variable A: expected whsec_" in output
    assert "whsec_short" not in output
    code, output = check(tmp_path / "two", hook("https://hosting.example/h", "A", "B"), {"A": GOOD})
    assert code == 0
    assert "warning: receiver.reach.webhook.secrets: environment variable B is not set" in output
