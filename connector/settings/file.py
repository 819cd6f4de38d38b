"""connector.yaml read, completed from the environment and checked: every problem at once, each with its place."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from copy import copy
from pathlib import Path as File
from typing import Any

from marshmallow import RAISE, Schema, ValidationError

from connector import yaml12
from connector.domain.errors import ConfigError, Problem
from connector.domain.problems import Path, Problems, did_you_mean
from connector.settings import environment, secret
from connector.settings.secret import Secret, SecretField
from connector.settings.shape import SettingsSchema

Schemas = Callable[[str], tuple[Schema, Schema]]


def checked(file: File, environ: Mapping[str, str], schemas: Schemas) -> dict[str, Any]:
    """The loaded data. Raises ConfigError."""
    document = yaml12.load(file)
    problems = document.problems()
    if document.data is not None and not isinstance(document.data, dict):
        problems.add((), "expected a table of settings")
        problems.stop()
    data: dict[str, Any] = document.data or {}
    taken = environment.overlay(data, environ)
    reading = _Reading(problems, environ, file.resolve().parent, taken)
    data = reading.secrets(data, ())
    loaded = reading.validate(SettingsSchema(), data, ())
    tools = data.get("tools")
    for name, tool in tools.items() if isinstance(tools, Mapping) else ():
        if isinstance(tool, Mapping):
            reading.tool(tool, ("tools", name), loaded, schemas)
    reading.same_variables(data)
    problems.found.extend(environment.misspelt(environ, data, reading.referenced))
    problems.stop()
    return loaded


class _Reading:
    def __init__(self, problems: Problems, environ: Mapping[str, str], folder: File, taken: Mapping[Path, str]) -> None:
        self.problems = problems
        self.environ = environ
        self.folder = folder
        self.taken = taken
        self.referenced: set[str] = set()

    def add(self, path: Path, message: str) -> None:
        """Report, naming the variable where the value came from the environment."""
        for length in range(len(path), 0, -1):
            variable = self.taken.get(path[:length])
            if variable is not None:
                self.problems.found.append(Problem(message, "environment", path=variable))
                return
        self.problems.add(path, message)

    def secrets(self, value: Any, path: Path) -> Any:
        """A copy of the data with every reference replaced by its secret."""
        if secret.is_reference(value):
            if isinstance(value.get("env"), str):
                self.referenced.add(value["env"])
            try:
                return secret.resolve(value, self.environ, self.folder)
            except ValidationError as error:
                self.add(path, str(error.messages[0]))
                return Secret("")
        if isinstance(value, dict):
            return {key: self.secrets(inner, (*path, key)) for key, inner in value.items()}
        if isinstance(value, list):
            return [self.secrets(inner, (*path, index)) for index, inner in enumerate(value)]
        return value

    def validate(self, schema: Schema, data: Any, path: Path) -> dict[str, Any]:
        """What the schema accepts of the data; the rest is reported."""
        known = copy(schema)
        known.unknown = RAISE
        try:
            loaded: dict[str, Any] = known.load(data)
        except ValidationError as error:
            for where, message in _flat(error.messages, schema, path):
                self.add(where, message)
            valid = error.valid_data
            return valid if isinstance(valid, dict) else {}
        return loaded

    def tool(self, data: Mapping[str, Any], path: Path, loaded: dict[str, Any], schemas: Schemas) -> None:
        """Check `auth` and `options` by the vendor's schemas, and put what they made of them into `loaded`."""
        into = loaded.get("tools", {}).get(path[-1], {})
        self._file(data.get("mapping"), (*path, "mapping"))
        self._file(data.get("verify_tls"), (*path, "verify_tls"))
        vendor = data.get("vendor")
        if not isinstance(vendor, str):
            return
        try:
            auth, options = schemas(vendor)
        except ConfigError as error:
            for problem in error.problems:
                self.add((*path, "vendor"), problem.message)
            return
        for key, schema in (("auth", auth), ("options", options)):
            given = data.get(key, {})
            if isinstance(given, Mapping):
                literal = self._literals(given, schema, (*path, key)) if key == "auth" else {}
                into[key] = self.validate(schema, {**given, **literal}, (*path, key))

    def _literals(self, given: Mapping[str, Any], schema: Schema, path: Path) -> dict[str, Secret]:
        """Secrets written out are reported once, never shown, and stand in as empty ones for the schema."""
        found = [key for key, value in given.items() if not isinstance(value, Secret) and key in schema.fields
                 and (isinstance(schema.fields[key], SecretField) or secret.looks_secret(str(key)))]
        for key in found:
            self.add((*path, key), secret.EXPECTED)
        return {key: Secret("") for key in found}

    def _file(self, name: Any, path: Path) -> None:
        if isinstance(name, str) and name and not (self.folder / name).is_file():
            self.add(path, f"there is no file {name}")

    def same_variables(self, data: Mapping[str, Any]) -> None:
        tools = data.get("tools")
        seen: dict[str, str] = {}
        for name in tools if isinstance(tools, Mapping) else ():
            variable = str(name).upper().replace("-", "_")
            if variable in seen:
                self.add(("tools", name), f"`{seen[variable]}` and `{name}` would share the variables "
                                          f"CONNECTOR_TOOL_{variable}_...: rename one")
            seen[variable] = str(name)


def _flat(messages: Any, schema: Schema | None, path: Path) -> Iterator[tuple[Path, str]]:
    """Marshmallow's nested messages, each with its path; `key`/`value` of dictionaries are left out of it."""
    if isinstance(messages, Mapping):
        for key, inner in messages.items():
            if key == "_schema":
                yield from _flat(inner, schema, path)
            elif schema is None and key in ("key", "value") and isinstance(inner, (list, Mapping)):
                yield from _flat(inner, _tool_schema(path), path)
            else:
                known = schema.fields.get(key) if schema is not None else None
                here = (*path, key)
                if schema is not None and known is None and inner == ["Unknown field."]:
                    yield here, f"unknown key `{key}`{did_you_mean(str(key), schema.fields)}"
                else:
                    yield from _flat(inner, getattr(known, "schema", None), here)
        return
    for message in messages if isinstance(messages, list) else [messages]:
        yield path, _WORDS.get(str(message), str(message))


def _tool_schema(path: Path) -> Schema | None:
    if len(path) == 2 and path[0] == "tools":
        nested = getattr(SettingsSchema().fields["tools"], "value_field", None)
        return getattr(nested, "schema", None)
    return None


_WORDS = {
    "Missing data for required field.": "is missing",
    "Field may not be null.": "has no value",
    "Not a valid string.": "expected a text",
    "Not a valid integer.": "expected a whole number",
    "Not a valid boolean.": "expected true or false",
    "Not a valid list.": "expected a list",
    "Not a valid mapping type.": "expected a table",
    "Invalid input type.": "expected a table",
}
