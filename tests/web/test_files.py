"""Files on their way to a tool: from the ticket's page and through the API, streamed, bounded, once."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from connector.domain.delivery import Verb
from connector.domain.ticket import AttachmentInfo
from connector.flows import files
from connector.web.rights import Right
from tests.web.conftest import Browser, app_of
from tests.web.world import World

API = "/api/v1/tickets"


@pytest.fixture
def bare(bare: World, tmp_path: Path) -> World:
    """Files are kept in a folder of this test, and are small."""
    options = {"files": tmp_path / "files", "largest_file": 200_000}
    bare.services = replace(bare.services, deps=replace(bare.services.deps, options=options))
    return bare


@pytest.fixture
def api(app: Flask, there: World) -> FlaskClient:
    client = app.test_client()
    client.environ_base["HTTP_AUTHORIZATION"] = there.token(Right.TICKETS_READ, Right.TICKETS_WRITE)["Authorization"]
    return client


def kept(there: World) -> list[Path]:
    place = files.folder(there.services.deps)
    return sorted(place.iterdir()) if place.is_dir() else []


def sent(there: World, key: str = "2") -> list[dict[str, Any]]:
    """What is on its way to the tool, and the bytes kept for it."""
    deps = there.services.deps
    with deps.store.read() as tx:
        orders = [order for order in tx.pending(there.keys[key]) if order.verb == Verb.ATTACH]
    return [{**order.payload, "body": b"".join(files.read(deps, order.payload["digest"]))} for order in orders]


def upload(client: Browser, key: int, *given: tuple[bytes, str], **more: str) -> Any:
    body = {"file": [(io.BytesIO(data), name) for data, name in given], **more}
    return client.post_form(f"/tickets/{key}/attachments", body, page=f"/tickets/{key}")


def refused(client: Browser, key: int, *given: tuple[bytes, str]) -> str:
    """The ticket's page after an upload that was refused."""
    answer = upload(client, key, *given)
    assert (answer.status_code, answer.location) == (303, f"/tickets/{key}")
    return client.get(answer.location).get_data(as_text=True)


# the page


def test_files_are_attached_from_the_ticket_page(as_role: Callable[[str], Browser], there: World) -> None:
    client, key = as_role("agent"), there.keys["2"]
    answer = upload(client, key, (b"%PDF-1.7", "Bericht \u00e9t\u00e9.pdf"), (b"line", "log.txt"))
    assert (answer.status_code, answer.location) == (303, f"/tickets/{key}")
    assert [(one["name"], one["media_type"], one["body"]) for one in sent(there)] == [
        ("Bericht \u00e9t\u00e9.pdf", "application/pdf", b"%PDF-1.7"), ("log.txt", "text/plain", b"line")]
    page = client.get(answer.location).get_data(as_text=True)
    assert "2 files are on their way to glpi." in page
    assert "attached a file" in page


def test_a_form_sent_twice_is_one_file(as_role: Callable[[str], Browser], there: World) -> None:
    client, key = as_role("agent"), there.keys["2"]
    for _ in range(2):
        upload(client, key, (b"x", "x.txt"), once="same")
    assert len(sent(there)) == 1


def test_a_form_without_a_file_says_so(as_role: Callable[[str], Browser], there: World) -> None:
    client, key = as_role("agent"), there.keys["2"]
    answer = upload(client, key)
    assert "Choose a file first." in client.get(answer.location).get_data(as_text=True)
    assert sent(there) == []


def test_a_form_that_is_too_large_is_refused_and_leaves_nothing(
    as_role: Callable[[str], Browser], there: World
) -> None:
    assert "at most 200 kB" in refused(as_role("agent"), there.keys["2"], (b"x" * 300_000, "big.bin"))
    assert (sent(there), kept(there)) == ([], [])


def test_a_file_may_be_larger_than_any_other_form(as_role: Callable[[str], Browser], there: World) -> None:
    limits = replace(there.services.deps, options={**there.services.deps.options, "largest_file": 3_000_000})
    there.services = replace(there.services, deps=limits)
    client = app_of(there).test_client()
    assert isinstance(client, Browser)
    client.sign_in(there.user("agent", login="bea"))
    assert upload(client, there.keys["2"], (b"x" * 2_500_000, "big.bin")).status_code == 303
    assert [one["size"] for one in sent(there)] == [2_500_000]


def test_the_secret_of_the_form_is_asked_for(as_role: Callable[[str], Browser], there: World) -> None:
    data = {"file": (io.BytesIO(b"x"), "x.txt")}
    answer = as_role("agent").post(f"/tickets/{there.keys['2']}/attachments", data=data)
    assert answer.status_code == 400
    assert sent(there) == []


@pytest.mark.parametrize("role", ["viewer", "supplier"])
def test_who_may_not_edit_attaches_nothing(as_role: Callable[[str], Browser], there: World, role: str) -> None:
    client, key = as_role(role), there.keys["1"]
    assert 'type="file"' not in client.get(f"/tickets/{key}").get_data(as_text=True)
    assert client.post(f"/tickets/{key}/attachments", data={}).status_code == 403


def test_a_tool_that_takes_no_files_is_told_at_once(as_role: Callable[[str], Browser], there: World) -> None:
    there.vendor.takes_files = False
    assert "glpi takes no files from here" in refused(as_role("agent"), there.keys["2"], (b"x", "x.txt"))
    assert kept(there) == []


def test_an_empty_file_and_a_name_of_nothing_are_refused(as_role: Callable[[str], Browser], there: World) -> None:
    client, key = as_role("agent"), there.keys["2"]
    assert "empty.txt: the file is empty" in refused(client, key, (b"", "empty.txt"))
    assert "a file needs a name" in refused(client, key, (b"x", "folder/"))
    assert sent(there) == []


def test_the_files_of_the_tool_are_listed_and_downloaded(as_role: Callable[[str], Browser], there: World) -> None:
    there.vendor.files = {"9": (AttachmentInfo(id="9", name="<b>.txt", media_type="text/plain", size=1536), b"hello")}
    client, key = as_role("viewer"), there.keys["1"]
    page = client.get(f"/tickets/{key}/attachments").get_data(as_text=True)
    assert "&lt;b&gt;.txt" in page
    assert "1.5 kB" in page
    assert client.get(f"/tickets/{key}/attachments/9").data == b"hello"


# the API


def test_the_body_is_the_file(api: FlaskClient, there: World) -> None:
    url = f"{API}/{there.keys['2']}/attachments"
    for _ in range(2):
        answer = api.post(url, query_string={"name": "a.png"}, data=b"\x89PNG", content_type="image/png",
                          headers={"Idempotency-Key": "f-1"})
        assert answer.status_code == 202
    assert [(one["name"], one["media_type"], one["body"]) for one in sent(there)] == [
        ("a.png", "image/png", b"\x89PNG")]
    assert answer.json["key"] == sent(there)[0]["key"]


@pytest.mark.parametrize(("query", "body", "status"), [
    ({}, b"x", 422), ({"name": ""}, b"x", 422), ({"name": "a", "other": "b"}, b"x", 422), ({"name": "a"}, b"", 422),
    ({"name": "a\nb"}, b"x", 422), ({"name": "a.bin"}, b"x" * 200_001, 413),
])  # fmt: skip
def test_what_is_no_file_is_refused(
    api: FlaskClient, there: World, query: dict[str, str], body: bytes, status: int
) -> None:
    answer = api.post(f"{API}/{there.keys['2']}/attachments", query_string=query, data=body)
    assert (answer.status_code, answer.content_type) == (status, "application/problem+json")
    assert sent(there) == []


def test_other_resources_still_take_json_only(api: FlaskClient, there: World) -> None:
    answer = api.post(f"{API}/{there.keys['2']}/comments", data=b"x", content_type="text/plain")
    assert answer.status_code == 415
