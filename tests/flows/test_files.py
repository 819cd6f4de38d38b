"""Files wait under the hash of their content, complete or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from connector.domain.errors import Refused
from connector.flows import deliver, editing, files, intake
from connector.ports import Deps
from tests.flows.fake_tool import Clock, FakeTool
from tests.flows.looking import stored


def test_the_same_bytes_are_kept_once_and_read_as_often_as_needed(deps: Deps) -> None:
    first = files.keep(deps, [b"ab", b"c"])
    assert files.keep(deps, [b"abc"]) == first
    assert [b"".join(files.read(deps, first[0])) for _ in range(2)] == [b"abc", b"abc"]
    assert len(list(files.folder(deps).iterdir())) == 1


def test_a_file_that_breaks_off_leaves_nothing(deps: Deps) -> None:
    def half() -> Iterator[bytes]:
        yield b"a"
        raise OSError("connection lost")
    with pytest.raises(OSError, match="connection lost"):
        files.keep(deps, half())
    assert list(files.folder(deps).iterdir()) == []


def test_a_file_that_is_too_large_is_refused_while_it_arrives(deps: Deps) -> None:
    small = Deps(store=deps.store, tools=deps.tools, now=deps.now, options={**deps.options, "largest_file": 3})
    with pytest.raises(Refused, match="larger than 3 bytes"):
        files.keep(small, [b"ab", b"cd", b"never read"])
    assert list(files.folder(deps).iterdir()) == []


def test_an_old_file_goes_only_when_no_delivery_needs_it(deps: Deps, tool: FakeTool, clock: Clock) -> None:
    tool.opened("1")
    intake.poll(deps, "desk")
    editing.attach(deps, stored(deps, "1").key, "a.txt", "text/plain", [b"needed"], "anna")
    files.keep(deps, [b"not needed"])
    recent, _ = files.keep(deps, [b"recent"])
    for file in files.folder(deps).iterdir():
        os.utime(file, times=(clock().timestamp(),) * 2)
    clock.forward(31 * 86400)
    os.utime(files.folder(deps) / recent, times=(clock().timestamp(),) * 2)
    assert files.clean(deps) == 1
    deliver.tick(deps)
    assert tool.files["1"] == [("a.txt", b"needed")]
    assert files.clean(deps) == 1
    assert files.there(deps, recent)


def test_a_file_no_longer_kept_is_refused_with_advice(deps: Deps, tool: FakeTool, clock: Clock) -> None:
    tool.opened("1")
    intake.poll(deps, "desk")
    editing.attach(deps, stored(deps, "1").key, "a.txt", "text/plain", [b"x"], "anna")
    for file in files.folder(deps).iterdir():
        file.unlink()
    deliver.tick(deps)
    assert "attach" not in tool.calls
    with pytest.raises(Refused, match="attach it again"):
        list(files.read(deps, "0" * 64))


def test_a_digest_is_never_a_path(deps: Deps) -> None:
    assert not files.there(deps, "../../etc/passwd")
