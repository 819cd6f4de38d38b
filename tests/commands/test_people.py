"""`connector people`: who is on duty, and whether a message reaches them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from connector.cli import main
from connector.store import admin
from tests.channels.smtp_server import Box, smtp

TEAMS = """
people:
  ann: {name: Ann Müller, email: ann@example.org, language: fr, manager: bob}
  bob: {name: Bob, email: bob@example.org, chat: {env: CHAT_BOB}}
groups:
  Network:
    on_duty:
      timezone: Europe/Zurich
      rotation: {people: [ann, bob], from: "2026-01-05 08:00", every: 1 week}
  Night:
    on_duty:
      timezone: Europe/Zurich
      weekly: [{days: mon-fri, from: "20:00", to: "06:00", person: bob}]
"""


@pytest.fixture
def box() -> Iterator[Box]:
    with smtp(Box()) as found:
        yield found


@pytest.fixture
def run(tmp_path: Path, box: Box) -> Callable[..., Result]:
    (tmp_path / "var").mkdir()
    teams = tmp_path / "sla_profiles" / "teams"
    teams.mkdir(parents=True)
    (teams / "all.yaml").write_text(TEAMS)
    file = tmp_path / "connector.yaml"
    file.write_text("name: Helpdesk\nchannels:\n  mail: "
                    f"{{host: 127.0.0.1, port: {box.port}, security: none, from: desk@example.org}}\n")
    admin.upgrade(f"sqlite:///{tmp_path}/var/connector.db")
    return lambda *arguments: CliRunner().invoke(main, ["--config", str(file), "people", *arguments])


def test_everybody_is_listed_with_ways_and_the_line_above(run: Callable[..., Result]) -> None:
    assert run("list").output.splitlines() == ["ann\tAnn Müller\tmail\tmail\tbob", "bob\tBob\tchat,mail\tmail,chat\t"]


def test_who_is_on_duty_at_a_local_moment_and_until_when(run: Callable[..., Result]) -> None:
    assert run("on-duty", "--at", "2026-10-24T23:00").output.splitlines() == [
        "Network\tbob\tuntil 2026-10-26 08:00 CET", "Night\t-\tuntil 2026-10-26 20:00 CET"]
    assert run("on-duty", "--group", "Night", "--at", "2026-10-26T23:00").output == (
        "Night\tbob\tuntil 2026-10-27 06:00 CET\n")
    assert "there is no group Nihgt" in run("on-duty", "--group", "Nihgt").output


def test_a_test_message_arrives_in_the_language_of_the_person(run: Callable[..., Result], box: Box) -> None:
    done = run("tell", "ann")
    assert (done.exit_code, done.output) == (0, "mail\ttaken\n")
    assert str(box.messages[0]["Subject"]) == "Essai : ceci vous parvient"


def test_what_does_not_work_is_told_for_each_way(run: Callable[..., Result], box: Box) -> None:
    box.rcpt = lambda address: "550 no such user"
    done = run("tell", "bob")
    assert done.exit_code == 1
    assert done.output.splitlines() == ["mail\t550 no such user",
                                        "chat\tis not set up: `channels.chat` in connector.yaml"]
    assert "bob has no sms" in run("tell", "bob", "--by", "sms").output
    assert "there is no person zoe" in run("tell", "zoe").output
