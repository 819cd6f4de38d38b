"""The published schemas accept what ships and refuse what `connector check` refuses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from jsonschema_rs import Draft202012Validator, meta

from connector import yaml12
from connector.schemas.published import SCHEMAS

ROOT = Path(__file__).parents[2]


def errors(name: str, data: Any) -> list[str]:
    schema = SCHEMAS[name]()
    assert meta.is_valid(schema)
    return [error.message for error in Draft202012Validator(schema).iter_errors(data)]


@pytest.mark.parametrize("path", sorted((ROOT / "mappings").glob("*.yaml")), ids=lambda path: path.stem)
def test_shipped_mappings_are_valid(path: Path) -> None:
    assert errors("mapping", yaml12.load(path).data) == []


@pytest.mark.parametrize("path", sorted(
    path for part in ("calendars", "customers", "operations", "suppliers")
    for path in (ROOT / "sla_profiles" / part).glob("*.yaml")), ids=lambda path: path.stem)
def test_shipped_agreements_are_valid(path: Path) -> None:
    name = "calendar" if path.parent.name == "calendars" else "profile"
    assert errors(name, yaml12.load(path).data) == []


@pytest.mark.parametrize(("name", "pattern"), [
    ("escalation", "sla_profiles/escalations/*.yaml"), ("escalation", "docs/examples/uci/escalations/*.yaml"),
    ("team", "sla_profiles/teams/*.yaml"), ("informing", "sla_profiles/informing/*.yaml"),
    ("message", "connector/messages/*.yaml"), ("major", "sla_profiles/major/*.yaml"),
    ("continuity", "sla_profiles/continuity/*.yaml"), ("item", "sla_profiles/catalogue/*.yaml"),
])
def test_shipped_people_and_messages_are_valid(name: str, pattern: str) -> None:
    files = sorted(ROOT.glob(pattern))
    assert files
    for path in files:
        assert errors(name, yaml12.load(path).data) == [], path


def test_teams() -> None:
    ann = {"email": "ann@example.org", "notify": {"critical": ["sms", "mail"], "else": "mail"}}
    assert errors("team", {"people": {"ann": ann}, "groups": {"net": {"level": 2, "members": ["ann"]}}}) == []
    for bad in ({"email": 3}, {"chat": "slack://token"}, {"notify": {"urgent": "mail"}}, {"quiet": {"from": "8"}}):
        assert errors("team", {"people": {"ann": {**ann, **bad}}}) != [], bad
    assert errors("team", {"people": {"ann": {"name": "Ann"}}}) != [], "no way to be reached"
    assert errors("team", {"groups": {"net": {"level": 5}}}) != []


def test_ladders() -> None:
    step = {"clock": "resolution", "at": "50%", "do": [{"notify": "assignee"}]}
    assert errors("escalation", {"escalation": "a", "steps": [step]}) == []
    assert errors("escalation", {"escalation": "a", "steps": [{"on": "raised", "do": ["raise", {"tag": ["x"]}]}]}) == []
    for bad in ({"clock": "resolve"}, {"do": []}, {"do": [{"notfy": "assignee"}]}, {"repeat": {"every": "2h"}},
                {"do": [{"notify": {"level": 9}}]}, {"do": [{"tag": "a", "raise": 1}]}, {"when": {"state": "asleep"}}):
        assert errors("escalation", {"escalation": "a", "steps": [{**step, **bad}]}) != [], bad


def test_profiles() -> None:
    good = {"profile": "p", "agreement": "sla", "calendar": "24x7",
            "targets": {"resolution": {"P1": "4h", "else": "1d"}}}
    assert errors("profile", good) == []
    for bad in ({"agreement": "sle"}, {"targets": {"resolution": {"P9": "4h"}}}, {"targets": {}}, {"targts": {}},
                {"applies_to": {"state": "sleeping"}}, {"conditions": {"pause": [{"times": 0, "when": {}}]}}):
        assert errors("profile", {**good, **bad}) != [], bad


def test_calendars() -> None:
    good = {"calendar": "c", "timezone": "UTC", "hours": {"mon-fri": [["08:00", "24:00"]]}}
    assert errors("calendar", good) == []
    for bad in ({"hours": {"mo": []}}, {"hours": {"mon": [["8", "9"]]}}, {"holidays": [{"evry": "12-24"}]},
                {"zone": 1}):
        assert errors("calendar", {**good, **bad}) != [], bad


def test_settings() -> None:
    good = {"name": "desk", "tools": {"glpi": {"vendor": "glpi", "url": "https://glpi.example.org",
                                               "mapping": "mappings/glpi.yaml"}}}
    assert errors("settings", good) == []
    assert errors("settings", {"nme": "desk"}) != []
    assert errors("settings", {"tools": {"glpi": {"vendor": "glpi"}}}) != []


def test_mappings() -> None:
    good = {"mapping": "m", "vendor": "glpi", "id": "id", "fields": {
        "title": {"from": "name", "transform": "strip"}, "updated_at": "date_mod", "custom.x": "x",
        "tags": {"from": "labels", "transform": [{"split": ","}]}}}
    assert errors("mapping", good) == []
    assert errors("mapping", {**good, "fields": {"titel": "name"}}) != []
    assert errors("mapping", {**good, "feilds": {}}) != []
