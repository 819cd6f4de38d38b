"""The mapping that is delivered, and small ones."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from connector.domain.mapping import Mapping

FILE = Path(__file__).parents[3] / "mappings" / "servicenow.yaml"


def data() -> dict[str, Any]:
    loaded: dict[str, Any] = YAML(typ="safe").load(FILE)
    return loaded


@cache
def the_mapping() -> Mapping:
    return Mapping.from_dict(data(), str(FILE))


def with_fields(**fields: Any) -> Mapping:
    """The delivered mapping with some fields changed or added (`custom_x` stands for `custom.x`)."""
    whole = data()
    whole["fields"].update({name.replace("custom_", "custom."): spec for name, spec in fields.items()})
    return Mapping.from_dict(whole, "test")
