"""A form with a file in it as a body of known length, read in chunks and anew for each try (RFC 7578)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

import orjson

from connector.domain.ticket import Attachment
from connector.http import FileBody

_KIND: Final = re.compile(r"[\w.+-]+/[\w.+-]+", re.ASCII)


class Upload:
    """What GLPI takes as an upload: the manifest as JSON, and the file it names."""

    def __init__(self, manifest: object, name: str, kind: str, file: Attachment, boundary: str) -> None:
        self.content_type = f"multipart/form-data; boundary={boundary}"
        kind = kind if _KIND.fullmatch(kind) else "application/octet-stream"
        shown = name.replace("\r", "%0D").replace("\n", "%0A").replace('"', "%22")
        self._head = b"\r\n".join([
            f"--{boundary}".encode(), b'Content-Disposition: form-data; name="uploadManifest"',
            b"Content-Type: application/json", b"", orjson.dumps(manifest),
            f"--{boundary}".encode(),
            f'Content-Disposition: form-data; name="filename[0]"; filename="{shown}"'.encode(),
            f"Content-Type: {kind}".encode(), b"", b"",
        ])
        self._file = FileBody(file)
        self._tail = f"\r\n--{boundary}--\r\n".encode()

    def __len__(self) -> int:
        return len(self._head) + len(self._file) + len(self._tail)

    def __iter__(self) -> Iterator[bytes]:
        yield self._head
        yield from self._file
        yield self._tail
