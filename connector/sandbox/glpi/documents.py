"""Documents of GLPI: multipart upload, download by the Accept header."""

from __future__ import annotations

import hashlib
from typing import Any, Final
from urllib.parse import quote

import orjson
from flask import Response, request

from connector.sandbox.glpi.errors import Fail, answer
from connector.sandbox.glpi.sessions import Session
from connector.sandbox.glpi.side import Glpi
from connector.sandbox.model import File

FORBIDDEN: Final = frozenset({"php", "phtml", "exe", "bat", "cmd", "js", "sh"})
"""Endings that are not among the allowed document types here."""


def created(side: Glpi, session: Session) -> Response:
    """A refused file type still gives 201 and a document, without the file."""
    text = request.form.get("uploadManifest") or ""
    part = request.files.get("uploadManifest")
    try:
        manifest = orjson.loads(part.read() if part is not None else text)
        given: dict[str, Any] = manifest["input"]
    except (orjson.JSONDecodeError, KeyError, TypeError):
        raise Fail("ERROR_JSON_PAYLOAD_INVALID", "JSON payload seems not valid") from None
    sent = next((file for key, file in request.files.items() if key.startswith("filename")), None)
    data = sent.read() if sent is not None else b""
    name = (sent.filename if sent is not None else "") or ""
    refused = name.rsplit(".", 1)[-1].lower() in FORBIDDEN
    number = side.desk.next_id("file")
    title = str(given.get("name") or name)
    note = f"{title}\n{given.get('comment') or ''}"
    media_type = sent.mimetype if sent is not None else "application/octet-stream"
    side.loose[number] = File(number, 0, side.desk.clock.now(), session.person.id, "" if refused else name, media_type,
                              b"" if refused else data, note=note)
    side.desk.generation += 1
    prefix = hashlib.md5(f"{number}".encode(), usedforsecurity=False).hexdigest()[:14] + ".00000000"
    told: dict[str, Any] = {"name": f"{prefix}{name}", "size": len(data), "type": media_type}
    if refused:
        told |= {"error": "Filetype not allowed", "prefix": prefix, "display": name, "filesize": f"{len(data)} o",
                 "id": f"docfilename{number}"}
    else:
        told |= {"url": f"{side.url}/files/{prefix}{name}", "deleteUrl": f"{side.rest()}?filenam={prefix}{name}",
                 "deleteType": "DELETE", "prefix": prefix, "display": name, "filesize": f"{len(data)} o",
                 "id": f"docfilename{number}"}
    return answer({"id": number, "message": f"Item successfully added: {title}", "upload_result": {"filename": [told]}},
                  201, {"location": f"{side.rest()}/Document/{number}"})


def download(file: File) -> Response:
    name = quote(file.name)
    headers = {"Etag": hashlib.md5(file.data, usedforsecurity=False).hexdigest(),
               "Content-disposition": f"attachment; filename=\"{name}\"; filename*=utf-8''{name}"}
    return Response(file.data, 200, headers, content_type=f"{file.media_type};charset=UTF-8")
