"""What `connector check` tells of people beyond their files, at its line."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from connector.checks import people as people_check
from connector.files import profiles
from connector.settings.channels import AppriseSettings, ChannelSettings, MailSettings

NOW = datetime(2026, 3, 2, 7, tzinfo=UTC)
MAIL = MailSettings("localhost", ("Desk", "desk@example.org"))
CHAT = AppriseSettings(("slack",))
TEAMS = """\
people:
  ann:
    email: ann@example.org
    chat: {env: CHAT_ANN}
groups:
  night:
    on_duty:
      timezone: UTC
      covers: 24x7
      weekly: [{from: "08:00", to: "20:00", person: ann}]
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "teams").mkdir()
    (tmp_path / "informing").mkdir()
    (tmp_path / "teams" / "all.yaml").write_text(TEAMS)
    (tmp_path / "informing" / "all.yaml").write_text("informing: all\ntell: [received]\n")
    return tmp_path


def told(folder: Path, channels: ChannelSettings, environ: dict[str, str], duty: bool = False) -> list[str]:
    found = people_check.problems(profiles.load(folder).registry, channels, environ, folder, NOW)
    return [f"{Path(one.file).parent.name}:{one.line}:{one.column}: {one.severity}: {one.message}" for one in found
            if duty or ("on duty" not in one.message and "gaps" not in one.message)]


def test_with_all_set_up_nothing_is_told(folder: Path) -> None:
    assert told(folder, ChannelSettings(MAIL, CHAT), {"CHAT_ANN": "slack://a/b/c"}) == []


def test_a_secret_that_is_not_there_is_an_error_at_its_line(folder: Path) -> None:
    assert told(folder, ChannelSettings(MAIL, CHAT), {}) == [
        "teams:4:5: error: environment variable CHAT_ANN is not set"]


@pytest.mark.parametrize("address", ["json://evil.example/?token=hush", "hush", "a hush"])
def test_a_service_that_is_not_allowed_is_an_error_that_shows_nothing_of_the_address(
    folder: Path, address: str,
) -> None:
    (found,) = told(folder, ChannelSettings(MAIL, CHAT), {"CHAT_ANN": address})
    assert "not among `channels.chat.services`" in found
    assert "hush" not in found


def test_channels_that_nobody_set_up_are_warnings(folder: Path) -> None:
    assert told(folder, ChannelSettings(), {"CHAT_ANN": "slack://a/b/c"}) == [
        "teams:3:5: warning: people are reached by mail, but `channels.mail` is not set up in connector.yaml",
        "teams:4:5: warning: people are reached by chat, but `channels.chat` is not set up in connector.yaml",
        "informing:1:1: warning: informs by mail, but `channels.mail` is not set up in connector.yaml: nobody is told",
    ]


def test_hours_nobody_is_on_duty_are_warnings_at_the_roster(folder: Path) -> None:
    found = told(folder, ChannelSettings(MAIL, CHAT), {"CHAT_ANN": "slack://a/b/c"}, duty=True)
    assert found[0] == ("teams:7:5: warning: nobody is on duty from 2026-03-02 07:00 UTC to 2026-03-02 08:00 UTC")
    assert all(one.startswith("teams:7:5: warning:") for one in found)
