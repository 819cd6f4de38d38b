"""The examples of docs/suppliers.md do what they say, against our own verifier and signer."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from connector.domain.handoffs.supplier_envelope import TYPES
from connector.domain.handoffs.supplier_message import MessageType, command
from connector.domain.signing import sign, verify
from connector.schemas.suppliers import PATHS
from tests.channels.endpoint import NEW, OLD, endpoint

PAGE = (Path(__file__).parents[2] / "docs/suppliers.md").read_text(encoding="utf-8")
MESSAGE = '{"type": "handoff.comment_added", "data": {"handoff_id": "H1", "comment": "\u00e0 bient\u00f4t"}}'.encode()
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", PAGE, re.M | re.S)


def example(name: str) -> str:
    (found,) = [text for _, text in BLOCKS if name in text.split("\n", 1)[0]]
    return found


def sent_by(tmp_path: Path, name: str, *program: str) -> str:
    """What the example printed; its message must have passed our verifier."""
    script = tmp_path / name
    script.write_text(example(name))
    (tmp_path / "message.json").write_bytes(MESSAGE)
    with endpoint(202, body=b"taken") as there:
        environ = {**os.environ, "SECRET": NEW, "URL": f"http://127.0.0.1:{there.port}/", "no_proxy": "*"}
        told = subprocess.run([*program, str(script), str(tmp_path / "message.json")], env=environ, input=MESSAGE,
                              capture_output=True, check=True, timeout=60)
    ((headers, body),) = there.got
    assert body == MESSAGE
    assert verify(headers, body, [NEW], datetime.now(UTC)) == headers["webhook-id"]
    assert headers["content-type"] == "application/json"
    return " ".join(told.stdout.decode().split())


def test_the_curl_example_sends_what_we_take(tmp_path: Path) -> None:
    assert sent_by(tmp_path, "send.sh", "bash") == "taken 202"


def test_the_python_example_sends_what_we_take(tmp_path: Path) -> None:
    assert sent_by(tmp_path, "send.py", sys.executable) == "202 taken"


def test_the_python_example_checks_what_we_send() -> None:
    found: dict[str, object] = {}
    exec(example("receive.py"), found)
    verified = found["verified"]
    now = datetime.now(UTC)
    for secrets in ([NEW], [OLD], [NEW, OLD]):
        headers = sign("m/1", now, MESSAGE, secrets)
        assert verified(headers, MESSAGE, [NEW, OLD]) == "m/1"  # type: ignore[operator]
        assert verified(headers, MESSAGE + b" ", [NEW, OLD]) is None  # type: ignore[operator]
    assert verified(sign("m/1", now, MESSAGE, [OLD]), MESSAGE, [NEW]) is None  # type: ignore[operator]
    late = sign("m/1", datetime.fromtimestamp(time.time() - 900, UTC), MESSAGE, [NEW])
    assert verified(late, MESSAGE, [NEW]) is None  # type: ignore[operator]


STEPS = {
    "send.php": ("hash_hmac('sha256', \"$id.$timestamp.$body\", $key, true)", "base64_decode(preg_replace('/^whsec_/'"),
    "send.mjs": ('createHmac("sha256", key).update(`${id}.${timestamp}.`).update(body).digest("base64")',
                 '.replace(/^whsec_/, ""), "base64")'),
    "receive.php": ("hash_hmac('sha256', \"$id.$timestamp.$body\", $key, true)", "hash_equals"),
    "receive.mjs": ('createHmac("sha256", key).update(`${id}.${timestamp}.`).update(body).digest("base64")',
                    "timingSafeEqual"),
}


@pytest.mark.parametrize("name", list(STEPS))
def test_the_other_examples_take_the_steps_of_the_signature(name: str) -> None:
    assert all(step in example(name) for step in STEPS[name])


@pytest.mark.parametrize(("name", "program"), [("send.php", "php"), ("send.mjs", "node")])
def test_the_other_examples_send_what_we_take_where_their_language_is_installed(
    tmp_path: Path, name: str, program: str,
) -> None:
    if shutil.which(program):
        assert sent_by(tmp_path, name, program) == "202 taken"


CALLS = {
    "receive.php": ("php", """
        [$headers, $body, $secrets] = json_decode(file_get_contents('php://stdin'), true);
        echo verified($headers, $body, $secrets) ?? 'none';"""),
    "receive.mjs": ("node", """
        import { readFileSync } from "node:fs";
        const [headers, body, secrets] = JSON.parse(readFileSync(0, "utf8"));
        process.stdout.write(verified(headers, Buffer.from(body), secrets) ?? "none");"""),
}


@pytest.mark.parametrize("name", list(CALLS))
def test_the_other_examples_check_what_we_send_where_their_language_is_installed(tmp_path: Path, name: str) -> None:
    program, call = CALLS[name]
    if not shutil.which(program):
        return
    script = tmp_path / name
    script.write_text(example(name) + call)
    headers, body = sign("m/1", datetime.now(UTC), MESSAGE, [OLD, NEW]), MESSAGE.decode()
    for changed, secrets, expected in ((body, [NEW], "m/1"), (body + " ", [NEW], "none"), (body, ["whsec_" + "A" * 44],
                                                                                          "none")):
        told = subprocess.run([program, str(script)], input=json.dumps([headers, changed, secrets]).encode(),
                              capture_output=True, check=True, timeout=60)
        assert told.stdout.decode().strip() == expected


def test_the_message_shown_is_one_we_read() -> None:
    shown = next(json.loads(text) for kind, text in BLOCKS if kind == "json" and "supplier_ticket" in text)
    shown["data"].pop("attachments")
    assert command(shown).status == "acknowledged"


def test_the_page_names_every_type_and_schema() -> None:
    assert all(kind in PAGE for kind in (*MessageType, *TYPES) if kind != "handoff.test")
    assert all(path in PAGE for path in PATHS)
