"""Secrets: written in settings as `{env: NAME}` or `{file: PATH}`, held as objects that do not show themselves."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from marshmallow import ValidationError, fields

LONGEST: Final = 64 * 1024
EXPECTED: Final = "a secret is never written in the file: use {env: NAME} or {file: PATH}"
_NAMES: Final = re.compile(r"(^|_|-)(password|passphrase|secrets?|tokens?|key|credentials?)$", re.I)
_VARIABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*$")


class Secret:
    """A value that does not show itself in logs, errors or reprs."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        return self._value

    def __repr__(self) -> str:
        return "Secret(***)"

    __str__ = __repr__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self._value)

    def __reduce__(self) -> Any:
        raise TypeError("a secret is not written out")


class SecretField(fields.Field[Secret]):
    """For the `AUTH` schemas of vendors: references have been resolved before the schema sees them, so what is not a
    `Secret` by then was written as plain text."""

    # marshmallow formats its messages, so braces that are meant are doubled.
    default_error_messages = {"literal": EXPECTED.replace("{", "{{").replace("}", "}}")}  # noqa: RUF012

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Secret:
        if isinstance(value, Secret):
            return value
        raise self.make_error("literal")


def looks_secret(name: str) -> bool:
    """Whether a key by its name holds a secret, whatever a schema says of it."""
    return bool(_NAMES.search(name))


def is_reference(value: Any) -> bool:
    return isinstance(value, Mapping) and bool(value) and set(value) <= {"env", "file"}


def resolve(value: Mapping[str, Any], environ: Mapping[str, str], folder: Path) -> Secret:
    """The secret behind `{env: NAME}` or `{file: PATH}` (relative to `folder`; one trailing line end is cut).

    Raises ValidationError, which never shows the value.
    """
    if len(value) != 1:
        raise ValidationError("expected either `env` or `file`, not both")
    how, name = next(iter(value.items()))
    if not isinstance(name, str) or not name:
        raise ValidationError(f"`{how}` needs a name")
    text = _from_environment(name, environ) if how == "env" else _from_file(folder / name)
    if not text:
        raise ValidationError(f"environment variable {name} is empty" if how == "env" else f"file {name} is empty")
    return Secret(text)


def _from_environment(name: str, environ: Mapping[str, str]) -> str:
    if not _VARIABLE.match(name):
        raise ValidationError("`env` needs the name of an environment variable, not its value")
    if name not in environ:
        raise ValidationError(f"environment variable {name} is not set")
    return environ[name]


def _from_file(path: Path) -> str:
    try:
        with path.open("rb") as stream:
            raw = stream.read(LONGEST + 1)
    except OSError as error:
        raise ValidationError(f"file {path} cannot be read: {error.strerror}") from None
    if len(raw) > LONGEST:
        raise ValidationError(f"file {path} is too large for a secret")
    try:
        return raw.decode("utf-8-sig").removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        raise ValidationError(f"file {path} is not UTF-8 text") from None
