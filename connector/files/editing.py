"""The files of the agreements as pages edit them: named, tried as if they were saved, saved whole or not at all."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import stat
import tempfile
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from connector.domain.errors import ConfigError, Conflict, NotFound, Problem
from connector.domain.saying import Saying
from connector.files.between import INFORMING, MESSAGES, PROFILE_FOLDERS, TEAMS
from connector.files.processes import FOLDERS as PROCESS_FOLDERS
from connector.files.profiles import Folder, Older, load

DIRECTORY_ID: Final = "directory"
CALENDARS: Final = "calendars"
ESCALATIONS: Final = "escalations"
PARTS: Final = (*PROFILE_FOLDERS, CALENDARS, ESCALATIONS, TEAMS, MESSAGES, INFORMING, *PROCESS_FOLDERS)
LARGEST: Final = 256 * 1024
_ID: Final = re.compile(rf"(?:{'|'.join(PARTS)})/[A-Za-z0-9][A-Za-z0-9_-]{{0,79}}")
_saving = threading.Lock()


@dataclass(frozen=True, slots=True)
class Text:
    """What a file holds. `digest` names that content; "" for a file that is not there."""

    text: str
    digest: str


def ids(folder: Path) -> list[str]:
    """Every file that can be edited, as `part/name`, and `directory`."""
    found = [f"{part}/{path.stem}" for part in PARTS for path in sorted((folder / part).glob("*.yaml"))]
    if (folder / f"{DIRECTORY_ID}.yaml").exists():
        found.append(DIRECTORY_ID)
    return [id for id in found if _within(folder, id)]


def _within(folder: Path, id: str) -> bool:
    try:
        path_of(folder, id)
    except NotFound:
        return False
    return True


def path_of(folder: Path, id: str) -> Path:
    """The file behind an id, inside the folder. Raises NotFound for anything else, also for a link that leads out."""
    if id != DIRECTORY_ID and not _ID.fullmatch(id):
        raise NotFound(f"no such file of agreements: {id[:100]}")
    root = folder.resolve()
    path = (root / f"{id}.yaml").resolve()
    if not path.is_relative_to(root):
        raise NotFound(f"{id} is a link out of the folder of agreements")
    return path


def id_of(folder: Path, file: str) -> str:
    """The id of a file a problem or a document names; "" when it is none of ours."""
    path = Path(file)
    with suppress(ValueError):
        path = path.resolve().relative_to(folder.resolve())
    id = path.as_posix().removesuffix(".yaml")
    return id if id == DIRECTORY_ID or _ID.fullmatch(id) else ""


def read(folder: Path, id: str) -> Text:
    """Raises NotFound for a name that cannot be; a file that is not there yet is empty."""
    try:
        raw = path_of(folder, id).read_bytes()
    except FileNotFoundError:
        return Text("", "")
    return Text(raw.decode("utf-8", "replace"), _digest(raw))


def tidy(text: str) -> str:
    """Line ends as in a file, and one at the end."""
    return text.replace("\r\n", "\n").replace("\r", "\n").rstrip("\n") + "\n"


def tried(folder: Path, id: str, text: str, older: Older | None = None) -> Folder:
    """All agreements with this text in the place of the file. Nothing on disk changes.

    Raises ConfigError with every problem; its files are named by their path inside the folder.
    """
    target = path_of(folder, id).relative_to(folder.resolve())
    raw = tidy(text).encode()
    if len(raw) > LARGEST:
        message = Saying("is larger than %(size)s KB", size=LARGEST // 1024)
        raise ConfigError([Problem(message, target.as_posix(), 1, 1)])
    with tempfile.TemporaryDirectory(prefix="agreements-") as name:
        copy = Path(name).resolve()
        for path in _files(folder):
            there = copy / path.relative_to(folder)
            there.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, there)
        (copy / target).parent.mkdir(parents=True, exist_ok=True)
        (copy / target).write_bytes(raw)
        try:
            found = load(copy, older)
        except ConfigError as error:
            raise ConfigError(_inside(error.problems, copy)) from None
    found.warnings = _inside(found.warnings, copy)
    found.calendars = dict(zip(found.calendars, _inside(found.calendars.values(), copy), strict=True))
    return found


def save(folder: Path, id: str, text: str, digest: str) -> str:
    """Write the file in one step and give its new digest; who reads meanwhile sees the old or the new, never a half.

    Raises Conflict when the file is no longer the one that `digest` names, ConfigError when the agreements would not
    be good with it: then nothing is written.
    """
    with _saving:
        path = path_of(folder, id)
        tried(folder, id, text)
        raw = tidy(text).encode()
        path.parent.mkdir(parents=True, exist_ok=True)
        with _beside(path) as (handle, temporary):
            with os.fdopen(handle, "wb") as stream:
                stream.write(raw)
                stream.flush()
                os.fsync(stream.fileno())
            if read(folder, id).digest != digest:
                raise Conflict(f"{id} was changed on disk meanwhile")
            os.replace(temporary, path)
        _settle(path.parent)
        return _digest(raw)


@contextmanager
def _beside(path: Path) -> Iterator[tuple[int, str]]:
    """A temporary file in the same folder, with the permissions of the one it replaces; gone unless it took its place.
    """
    handle, temporary = tempfile.mkstemp(prefix=f".{path.stem}-", suffix=".tmp", dir=path.parent)
    try:
        try:
            kept = path.stat()
        except FileNotFoundError:
            os.chmod(temporary, 0o644)
        else:
            os.chmod(temporary, stat.S_IMODE(kept.st_mode))
            with suppress(PermissionError):
                os.chown(temporary, kept.st_uid, kept.st_gid)
        yield handle, temporary
    finally:
        with suppress(FileNotFoundError):
            os.unlink(temporary)


def _settle(folder: Path) -> None:
    """The new name survives a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _files(folder: Path) -> Iterable[Path]:
    return (path for path in sorted(folder.rglob("*")) if path.suffix in (".yaml", ".ics") and path.is_file())


def _inside(problems: Iterable[Problem], copy: Path) -> list[Problem]:
    """Problems with files named as inside the folder, wherever the copy was."""
    here = f"{copy}/"
    return [replace(one, file=one.file.removeprefix(here), message=_without(one.message, here)) for one in problems]


def _without(message: str, here: str) -> str:
    """A message that names no place stays what it is: it may be one that pages say in other languages."""
    return message.replace(here, "") if here in message else message


def _digest(raw: bytes) -> str:
    return hashlib.sha256(raw).hexdigest()
