"""Attachments, streamed in both directions, and never somebody else's."""

from __future__ import annotations

import json
import threading
import tracemalloc
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
import responses

from connector.domain.errors import NotFound, Refused, TryLater
from connector.domain.ticket import Attachment
from connector.vendors.servicenow.files import Upload
from tests.vendors.servicenow.instance import BASE, Instance, adapter, error, sid

META = f"{BASE}/api/now/attachment"


def file(data: bytes = b"hello world", size: int | None = None, name: str = "a b.log") -> Attachment:
    def chunks() -> Iterator[bytes]:
        for start in range(0, len(data), 4):
            yield data[start:start + 4]

    return Attachment(name=name, media_type="text/plain", size=len(data) if size is None else size, open=chunks)


def info(number: int = 7, ticket: int = 1, **more: str) -> dict[str, str]:
    return {"sys_id": sid(number), "table_name": "incident", "table_sys_id": sid(ticket), "file_name": "a b.log",
            "content_type": "text/plain", "size_bytes": "11", "sys_created_on": "2025-11-24 10:00:05",
            "sys_created_by": "svc_sync", **more}


@pytest.fixture
def mock(instance: Instance) -> responses.RequestsMock:
    instance.incident(1)
    return instance.mock


def test_a_list_tells_name_type_size_and_time_also_of_embedded_pictures(mock: Any, instance: Instance) -> None:
    rows = [info(), info(8, table_name="ZZ_YYincident", size_bytes="", content_type=""), info(9, ticket=2)]
    mock.add("GET", META, json={"result": rows})
    first, second = adapter(instance).attachments(sid(1))
    assert (first.id, first.name, first.media_type, first.size) == (sid(7), "a b.log", "text/plain", 11)
    assert (second.size, second.media_type) == (None, "application/octet-stream")


def test_a_long_list_is_read_in_pages(mock: Any, instance: Instance) -> None:
    mock.add("GET", META, json={"result": [info(number) for number in range(1000)]})
    mock.add("GET", META, json={"result": [info(2000)]})
    assert len(adapter(instance).attachments(sid(1))) == 1001


def test_a_download_comes_in_pieces_and_belongs_to_its_ticket(mock: Any, instance: Instance) -> None:
    mock.add("GET", f"{META}/{sid(7)}/file", body=b"x" * 200_000, content_type="text/html",
             headers={"X-Attachment-Metadata": json.dumps(info())})
    pieces = list(adapter(instance).download(sid(1), sid(7)))
    assert b"".join(pieces) == b"x" * 200_000
    assert len(pieces) > 1
    with pytest.raises(NotFound, match="not attached"):
        adapter(instance).download(sid(2), sid(7))
    with pytest.raises(NotFound):
        adapter(instance).download(sid(1), "../../table/sys_user")


def test_a_login_page_with_200_is_no_file(mock: Any, instance: Instance) -> None:
    mock.add("GET", f"{META}/{sid(7)}/file", body="<html>login</html>", content_type="text/html")
    mock.add("GET", f"{META}/{sid(7)}", body="<html>login</html>", content_type="text/html")
    with pytest.raises(TryLater):
        adapter(instance).download(sid(1), sid(7))


def test_without_the_header_what_the_file_is_is_asked_for(mock: Any, instance: Instance) -> None:
    mock.add("GET", f"{META}/{sid(7)}/file", body=b"abc", content_type="text/plain")
    mock.add("GET", f"{META}/{sid(7)}", json={"result": info()})
    assert b"".join(adapter(instance).download(sid(1), sid(7))) == b"abc"


@pytest.mark.parametrize(("status", "expected"), [(202, TryLater), (404, NotFound), (403, Refused), (503, TryLater)])
def test_a_download_that_fails_says_so_at_once(mock: Any, instance: Instance, status: int, expected: Any) -> None:
    mock.add("GET", f"{META}/{sid(7)}/file", status=status, json=error("No", ""))
    with pytest.raises(expected):
        adapter(instance).download(sid(1), sid(7))


def test_an_upload_is_streamed_with_its_length_type_and_place() -> None:
    """Over a real connection: `responses` reads a body before anybody can see how it comes."""
    got: dict[str, Any] = {"size": 0}

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            left = int(self.headers["Content-Length"])
            got.update(path=self.path, type=self.headers["Content-Type"], coding=self.headers["Transfer-Encoding"])
            while left:
                left -= len(self.rfile.read(min(left, 65536)))
            got["size"] = int(self.headers["Content-Length"])
            answer = json.dumps({"result": info()}).encode()
            self.send_response(201)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *args: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    size = 24 * 1024 * 1024
    big = Attachment(name="a b.log", media_type="text/plain", size=size,
                     open=lambda: (b"x" * 65536 for _ in range(size // 65536)))
    vendor = adapter(Instance(), url=f"http://127.0.0.1:{server.server_port}")
    vendor.desk.remember("incident", [{"sys_id": sid(1), "sys_class_name": "u_incident"}])
    tracemalloc.start()
    try:
        assert vendor.attach(sid(1), big, "k") == sid(7)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
        vendor.close()
        server.shutdown()
        server.server_close()
        thread.join()
    assert got == {"size": size, "type": "text/plain", "coding": None, "path":
                   f"/api/now/attachment/file?table_name=u_incident&table_sys_id={sid(1)}&file_name=a+b.log"}
    assert peak < size / 4


def test_an_uploads_parameters_do_not_leak_into_later_requests(mock: Any, instance: Instance) -> None:
    mock.add("POST", f"{META}/file", status=201, json={"result": info()})
    vendor = adapter(instance)
    vendor.attach(sid(1), file(), "k")
    vendor.update(sid(1), {"impact": "low"})
    list(vendor.changed({}))
    assert instance.count("PATCH") == 1
    assert not any("file_name" in query or "table_sys_id" in query for query in instance.queries())


def test_an_upload_whose_answer_was_lost_is_found_by_name_size_and_author(mock: Any, instance: Instance) -> None:
    instance.put("sys_user", user_name="svc_sync")
    mock.add("GET", META, json={"result": [info(5, size_bytes="12"), info(6, sys_created_by="bob"), info()]})
    assert adapter(instance).attach(sid(1), file(), "k", again=True) == sid(7)
    assert not [call for call in instance.mock.calls if call.request.method == "POST"]


def test_a_renewed_login_sends_the_whole_file_again(mock: Any, instance: Instance) -> None:
    opened = []
    one = file()

    def chunks() -> Iterator[bytes]:
        opened.append(1)
        return one.open()

    again = Attachment(name="a", media_type="text/plain", size=11, open=chunks)
    mock.add("POST", f"{META}/file", status=401, json=error("User Not Authenticated", ""))
    mock.add("POST", f"{META}/file", status=201, json={"result": info()})
    vendor = adapter(instance)
    vendor.desk.client.door.login.renew = lambda refused: True  # type: ignore[method-assign]
    assert vendor.attach(sid(1), again, "k") == sid(7)
    assert len(opened) == 2


def test_a_file_of_another_size_than_it_said_is_not_sent_as_if_whole() -> None:
    for size in (5, 20):
        upload = Upload(file(size=size))
        with pytest.raises(Refused, match="bytes"):
            list(iter(lambda: upload.read(4), b""))  # noqa: B023


def test_an_empty_file_is_a_file(mock: Any, instance: Instance) -> None:
    mock.add("POST", f"{META}/file", status=201, json={"result": info()})
    assert adapter(instance).attach(sid(1), file(b""), "k") == sid(7)


@pytest.mark.parametrize(("status", "expected"), [(202, TryLater), (200, TryLater), (413, Refused), (403, Refused)])
def test_an_upload_that_was_not_taken_is_no_success(mock: Any, instance: Instance, status: int, expected: Any) -> None:
    body = {"result": {}} if status == 200 else error("File too large", "")
    mock.add("POST", f"{META}/file", status=status, json=body)
    with pytest.raises(expected):
        adapter(instance).attach(sid(1), file(), "k")
