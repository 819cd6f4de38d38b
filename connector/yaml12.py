"""YAML 1.2 files a person wrote: plain data, and the line and column of every part of it.

Only the core schema: `on`, `no` and dates stay text, tags build nothing. Every mistake of form is a `Problem`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path as File
from typing import Any, Final

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from ruamel.yaml.reader import ReaderError

from connector.domain.errors import ConfigError, Problem
from connector.domain.problems import Path, Problems, shown
from connector.domain.saying import Saying

LARGEST: Final = 4 * 1024 * 1024
MOST_NODES: Final = 400_000
DEEPEST: Final = 60
_INT: Final = re.compile(r"[-+]?[0-9]{1,18}$")
_LONG: Final = re.compile(r"[-+]?[0-9]{19,}$")
_BASED: Final = re.compile(r"0o[0-7]{1,20}$|0x[0-9a-fA-F]{1,15}$")
_FLOAT: Final = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]{1,3})?$")
_NULL: Final = frozenset({"", "~", "null", "Null", "NULL"})
_TRUE: Final = frozenset({"true", "True", "TRUE"})
_FALSE: Final = frozenset({"false", "False", "FALSE"})
_PLAIN: Final = frozenset({"str", "int", "float", "bool", "null", "timestamp", "value", "merge"})
_MARKS: Final = {b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16"}


@dataclass(slots=True)
class Document:
    """A file's data, and where each part of it stands."""

    file: str
    data: Any = None
    places: dict[Path, tuple[int, int]] = field(default_factory=dict)
    wrong: list[Problem] = field(default_factory=list)
    """Mistakes of form that left the rest readable, where `load` was asked to go on."""

    def where(self, path: Path) -> tuple[int, int]:
        """Line and column, from 1, of the deepest part of `path` that is in the file."""
        for length in range(len(path), -1, -1):
            place = self.places.get(path[:length])
            if place is not None:
                return place
        return (1, 1)

    def problems(self) -> Problems:
        return Problems(self.file, self.where)


def load(path: File, name: str = "", *, go_on: bool = False) -> Document:
    """Read a file; `name` is what problems call it. Raises ConfigError with every problem of its form; with `go_on`
    only when nothing can be read: what leaves the rest readable (a key given twice) is then in the document."""
    file = name or str(path)
    try:
        with path.open("rb") as stream:
            raw = stream.read(LARGEST + 1)
    except OSError as error:
        raise ConfigError([Problem(Saying("cannot be read: %(why)s", why=error.strerror), file)]) from None
    return parse(raw, file, go_on=go_on)


def parse(raw: bytes, file: str = "", *, go_on: bool = False) -> Document:
    """As `load`, for what is already in memory."""
    text = _decoded(raw, file)
    document = Document(file)
    problems = document.problems()
    try:
        root = YAML(typ="rt", pure=True).compose(text)
    except MarkedYAMLError as error:
        raise ConfigError([_marked(error, file)]) from None
    except ReaderError as error:
        line, column = _place(text, error.position)
        code = f"{ord(text[error.position]):04X}"
        message = Saying("character U+%(code)s is not allowed", code=code)
        raise ConfigError([Problem(message, file, line, column)]) from None
    except RecursionError:
        raise ConfigError([Problem(Saying("nested deeper than %(most)s levels", most=DEEPEST), file)]) from None
    except (ValueError, AttributeError, IndexError) as error:
        raise ConfigError([Problem(Saying("is not YAML: %(why)s", why=error), file)]) from None
    if root is not None:
        builder = _Builder(document, problems)
        if builder.bounded(root):
            document.data = builder.build(root, ())
            if go_on:
                document.wrong = problems.found
                return document
    problems.stop()
    return document


def _decoded(raw: bytes, file: str) -> str:
    if len(raw) > LARGEST:
        raise ConfigError([Problem(Saying("is larger than %(size)s MB", size=LARGEST // 1024 // 1024), file)])
    mark = _MARKS.get(raw[:2])
    if mark:
        raise ConfigError([Problem(Saying("is %(mark)s: save it as UTF-8", mark=mark), file, 1, 1)])
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = raw[: error.start]
        line, column = before.count(b"\n") + 1, error.start - before.rfind(b"\n")
        raise ConfigError([Problem(Saying("byte 0x%(byte)s is not UTF-8: save the file as UTF-8",
                                          byte=f"{raw[error.start]:02x}"), file, line, column)]) from None


def _place(text: str, position: int) -> tuple[int, int]:
    before = text[:position]
    return before.count("\n") + 1, position - before.rfind("\n")


def _marked(error: MarkedYAMLError, file: str) -> Problem:
    mark = error.problem_mark or error.context_mark
    line, column = (mark.line + 1, mark.column + 1) if mark is not None else (0, 0)
    message = " ".join(str(error.problem or error.context or "is not YAML").split())
    message = message.replace("but found another document", "a second document begins: one file holds one")
    if "'\\t'" in message:
        message = "a tab where YAML wants spaces"
    return Problem(message, file, line, column)


class _Builder:
    """Plain data from the graph of nodes. Aliases share; what would unfold without bound is refused first."""

    def __init__(self, document: Document, problems: Problems) -> None:
        self.document = document
        self.problems = problems

    def bounded(self, root: Node) -> bool:
        sizes: dict[int, int] = {}
        open_nodes: set[int] = set()

        def size(node: Node, depth: int) -> int:
            if id(node) in open_nodes:
                raise _Unbounded(node, "an anchor that contains itself")
            if depth > DEEPEST:
                raise _Unbounded(node, Saying("nested deeper than %(most)s levels", most=DEEPEST))
            if id(node) not in sizes:
                open_nodes.add(id(node))
                sizes[id(node)] = 1 + sum(size(child, depth + 1) for child in _children(node))
                open_nodes.discard(id(node))
            if sizes[id(node)] > MOST_NODES:
                raise _Unbounded(node, Saying("unfolds to more than %(most)s values", most=MOST_NODES))
            return sizes[id(node)]

        try:
            size(root, 0)
        except _Unbounded as error:
            self._report(error.node, (), error.message)
            return False
        return True

    def build(self, node: Node, path: Path) -> Any:
        mark = node.start_mark
        self.document.places.setdefault(path, (mark.line + 1, mark.column + 1))
        if isinstance(node, MappingNode):
            return self._mapping(node, path)
        if isinstance(node, SequenceNode):
            self._tag(node, path, "seq")
            return [self.build(item, (*path, index)) for index, item in enumerate(node.value)]
        return self._scalar(node, path)

    def _mapping(self, node: MappingNode, path: Path) -> dict[Any, Any]:
        self._tag(node, path, "map")
        result: dict[Any, Any] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, ScalarNode):
                self._report(key_node, path, "a key must be a single value")
                continue
            key = self._scalar(key_node, path)
            if key == "<<" and key_node.style is None:
                self._report(key_node, path, "merge keys (`<<`) are not part of YAML 1.2: write the entries out")
                continue
            here = (*path, key)
            if key in result:
                first = self.document.places[here][0]
                self._report(key_node, here, Saying("duplicate key `%(key)s` (first on line %(first)s)",
                                                          key=key, first=first))
                continue
            self.document.places[here] = (key_node.start_mark.line + 1, key_node.start_mark.column + 1)
            result[key] = self.build(value_node, here)
        return result

    def _scalar(self, node: Node, path: Path) -> Any:
        text: str = node.value
        if any("\ud800" <= char <= "\udfff" for char in text):
            self._report(node, path, "half a character (a lone surrogate)")
            return ""
        if "\0" in text:
            self._report(node, path, "a NUL character, which no database keeps")
            return ""
        if getattr(node, "style", None) not in (None, ""):
            self._tag(node, path, "str")
            return text
        self._tag(node, path, "")
        try:
            return plain(text)
        except ValueError as error:
            self._report(node, path, error.args[0])
            return text

    def _tag(self, node: Node, path: Path, expected: str) -> None:
        tag = str(node.tag or "")
        suffix = tag.removeprefix("tag:yaml.org,2002:")
        if suffix == expected or (not expected and suffix in _PLAIN):
            return
        self._report(node, path, Saying("tag %(value)s has no meaning here", value=shown(tag)))

    def _report(self, node: Node, path: Path, message: str) -> None:
        mark = node.start_mark
        self.problems.found.append(Problem(message, self.document.file, mark.line + 1, mark.column + 1,
                                           ".".join(str(part) for part in path)))


class _Unbounded(Exception):
    def __init__(self, node: Node, message: str) -> None:
        self.node = node
        self.message = message


def _children(node: Node) -> list[Node]:
    if isinstance(node, MappingNode):
        return [part for pair in node.value for part in pair]
    return list(node.value) if isinstance(node, SequenceNode) else []


def plain(text: str) -> Any:
    """An unquoted scalar by the core schema of YAML 1.2 (section 10.3.2), without infinities."""
    if text in _NULL:
        return None
    if text in _TRUE or text in _FALSE:
        return text in _TRUE
    if _LONG.match(text):
        raise ValueError(Saying("%(value)s is too long for a number: put it in quotes", value=shown(text)))
    for pattern, convert in _NUMBERS:
        if pattern.match(text):
            number = convert(text)
            if isinstance(number, float) and not math.isfinite(number):
                raise ValueError(Saying("%(value)s is too large for a number", value=shown(text)))
            return number
    return text


_NUMBERS: Final[tuple[tuple[re.Pattern[str], Callable[[str], Any]], ...]] = (
    (_INT, int), (_BASED, lambda text: int(text, 0)), (_FLOAT, float),
)
