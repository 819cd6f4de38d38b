"""The attachment API of ServiceNow."""

from __future__ import annotations

import json

from flask import Response, request

from connector.sandbox.model import File
from connector.sandbox.servicenow import audit, words
from connector.sandbox.servicenow.answers import NOT_FOUND, Wrong, answer
from connector.sandbox.servicenow.side import ServiceNow


class Attachments:
    def __init__(self, side: ServiceNow) -> None:
        self.side = side
        self.desk = side.desk

    def _file(self, id: str) -> File:
        known = self.desk.by_uid(id)
        if known is not None and known[0] == "file":
            for ticket in self.desk.tickets.values():
                for file in ticket.files:
                    if file.id == known[1] and not ticket.hidden:
                        return file
        raise Wrong(*NOT_FOUND)

    def file(self, id: str) -> Response:
        with self.desk.lock:
            file = self._file(id)
            if request.method == "DELETE":
                ticket = self.desk.tickets[file.ticket]
                ticket.files.remove(file)
                return Response(status=204)
            return answer({"result": audit.file_row(self.side, file)})

    def download(self, id: str) -> Response:
        with self.desk.lock:
            file = self._file(id)
            meta = json.dumps(audit.file_row(self.side, file))  # escaped: headers hold ASCII
        return Response(file.data, 200, {"X-Attachment-Metadata": meta}, content_type=file.media_type)

    def upload(self) -> Response:
        args = request.args
        return self._store(args.get("table_name", ""), args.get("table_sys_id", ""), args.get("file_name", ""),
                           request.headers.get("Content-Type", "application/octet-stream"), request.get_data())

    def upload_form(self) -> Response:
        sent = next(iter(request.files.values()), None)
        if sent is None:
            raise Wrong(400, "Invalid request", "No file in the request")
        return self._store(request.form.get("table_name", ""), request.form.get("table_sys_id", ""),
                           sent.filename or "file", sent.mimetype, sent.read())

    def _store(self, table: str, id: str, name: str, media_type: str, data: bytes) -> Response:
        if not (table and id and name):
            raise Wrong(400, "Missing query parameters", "table_name, table_sys_id and file_name are required")
        with self.desk.lock:
            ticket = self.side.find(id)
            if ticket is None or ticket.hidden or words.TABLES[ticket.kind] != table:
                raise Wrong(*NOT_FOUND)
            file = self.desk.attach(ticket, self.side.account().id, name, media_type, data, touch=False)
            return answer({"result": audit.file_row(self.side, file)}, 201)
