"""The page on agreements tells the truth: its examples load, and the replay gives what it says."""

from __future__ import annotations

import json
import re
from pathlib import Path

from jsonschema_rs import Draft202012Validator

from connector import yaml12
from connector.domain.agreements.profile_format import parse
from connector.domain.agreements.replay import replay
from connector.domain.problems import Problems
from connector.schemas.published import SCHEMAS

PAGE = (Path(__file__).parents[2] / "docs/sla-profiles.md").read_text(encoding="utf-8")


def test_the_profile_is_right_and_valid_by_its_schema() -> None:
    text = re.search(r"```yaml\n(profile:.*?)```", PAGE, re.S)
    assert text
    data = yaml12.parse(text[1].encode()).data
    problems = Problems()
    assert parse(data, problems) is not None, problems.found
    assert list(Draft202012Validator(SCHEMAS["profile"]()).iter_errors(data)) == []


def test_the_replay_gives_what_it_says() -> None:
    told = re.search(r"```json\n(.*?)```\s*gives `(.*?)`", PAGE, re.S)
    assert told
    assert replay(json.loads(told[1])) == json.loads(told[2])
