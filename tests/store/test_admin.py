"""Upgrade, backup, restore, verify."""

from __future__ import annotations

import sqlite3
import stat
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from connector.domain.errors import BadRecord, ConfigError, Problem, TryLater
from connector.domain.history import EventKind
from connector.ports import Change
from connector.store import SqlStore, admin, schema
from connector.store import open as open_store
from connector.store.accounts import Accounts
from connector.store.verify import verify
from tests.store.making import NOW, event, order, ticket


def fill(store: SqlStore, count: int = 2500) -> None:
    with store.begin() as tx:
        keys = tx.save([
            Change(ticket=ticket(str(n), title="été\0"), base=ticket(str(n)) if n % 2 else None, history_due=n % 3 == 0,
                   events=[event(), event("c", kind=EventKind.CHANGED, field="due_at", new=NOW)])
            for n in range(count)
        ])
        tx.enqueue([order("a", ticket=keys[0], payload={"at": NOW, "tags": ("x",)}), order("b")], NOW)
        (first,) = tx.claim("w", NOW, timedelta(minutes=1), {"glpi": 1})
        tx.done(first, NOW, {"id": "7"})
        tx.move_cursor("glpi", "changes", {"after": NOW}, NOW)
        tx.hint("glpi", ["1"], NOW)
        tx.first_time("acme", "m", "d", NOW)
        tx.link("glpi", {"k": "1"})
        tx.set_aside([BadRecord("glpi", "9", [Problem("bad")])], NOW)
        tx.lease("poll", "w", NOW, NOW)
        tx.audit(NOW, "anna", "login", "user/1", {"ip": "::1"})
        tx.health("glpi", NOW, worked=3, skew=timedelta(seconds=2))
    accounts = Accounts(store)
    user = accounts.create_user("anna", "hash", "admin", NOW)
    accounts.create_token("secret", "ci", ["read"], NOW, user=user.id)


def content(store: SqlStore) -> dict[str, list[tuple[object, ...]]]:
    from connector.store.tables import metadata

    with store.read() as tx:
        return {table.name: sorted((tuple(row) for row in tx.run(table.select())), key=repr)
                for table in metadata.sorted_tables}


@pytest.mark.parametrize("target", ["sqlite", "postgres"])
def test_a_backup_restores_into_either_engine(
    store: SqlStore, store_url: str, target: str, bare_postgres_url: str, tmp_path: Path
) -> None:
    fill(store)
    file = tmp_path / "backup.db"
    admin.backup(store_url, file)
    assert sorted(path.name for path in tmp_path.glob("backup*")) == ["backup.db"]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    url = f"sqlite:///{tmp_path / 'new' / 'restored.db'}" if target == "sqlite" else bare_postgres_url
    admin.restore(url, file)
    restored = open_store(url)
    assert content(restored) == content(store)
    assert verify(url, now=NOW).problems == []
    with restored.begin() as tx:  # numbers go on
        (key,) = tx.save([Change(ticket=ticket("next"))])
        assert key > 2500
        assert tx.enqueue([order("c")], NOW) == ["c"]
        tx.audit(NOW, "", "", "", {})
    Accounts(restored).create_user("bob", "hash", "viewer", NOW)
    restored.close()


def test_a_backup_is_one_moment_although_somebody_writes(store: SqlStore, store_url: str, tmp_path: Path) -> None:
    fill(store, 10)
    with store.begin() as tx:
        tx.save([Change(ticket=ticket("uncommitted"))])
        admin.backup(store_url, tmp_path / "backup.db")
    with closing(sqlite3.connect(tmp_path / "backup.db")) as conn:
        assert conn.execute("SELECT count(*) FROM tickets").fetchone() == (10,)


def test_a_backup_overwrites_nothing(store: SqlStore, store_url: str, tmp_path: Path) -> None:
    file = tmp_path / "backup.db"
    file.write_text("precious")
    with pytest.raises(FileExistsError):
        admin.backup(store_url, file)
    assert file.read_text() == "precious"


def test_restore_refuses_a_store_that_holds_something_unless_forced(
    store: SqlStore, store_url: str, tmp_path: Path
) -> None:
    fill(store, 3)
    before = content(store)
    file = tmp_path / "backup.db"
    admin.backup(store_url, file)
    with store.begin() as tx:
        tx.save([Change(ticket=ticket("later"))])
    after = content(store)
    with pytest.raises(ConfigError, match="not empty"):
        admin.restore(store_url, file)
    assert content(store) == after
    admin.restore(store_url, file, force=True)
    assert content(store) == before


@pytest.mark.parametrize("what", ["missing", "text", "cut", "foreign", "newer"])
def test_restore_refuses_what_is_no_backup(sqlite_url: str, tmp_path: Path, what: str) -> None:
    file = tmp_path / "backup.db"
    if what == "text":
        file.write_text("hello")
    if what == "cut":
        store = open_store(sqlite_url)
        fill(store, 500)
        store.close()
        admin.backup(sqlite_url, tmp_path / "whole.db")
        whole = (tmp_path / "whole.db").read_bytes()
        file.write_bytes(whole[: len(whole) // 2])
    if what == "foreign":
        with closing(sqlite3.connect(file)) as conn:
            conn.execute("CREATE TABLE other (x)")
    if what == "newer":
        admin.backup(sqlite_url, file)
        with closing(sqlite3.connect(file)) as conn, conn:
            conn.execute("UPDATE alembic_version SET version_num = '9999'")
    target = tmp_path / "target.db"
    with pytest.raises(ConfigError, match=r"backup\.db"):
        admin.restore(f"sqlite:///{target}", file)
    assert not target.exists()


def test_a_sound_store_has_no_problems_and_its_counts(store: SqlStore, store_url: str) -> None:
    fill(store, 5)
    found = verify(store_url, now=NOW)
    assert found.problems == []
    assert (found.counts["tickets"], found.counts["events"], found.counts["deliveries"]) == (5, 10, 2)


def test_verify_finds_what_is_wrong(store: SqlStore, store_url: str) -> None:
    fill(store, 8)
    with store.begin() as tx:
        tx.claim("gone", NOW, timedelta(minutes=1), {"glpi": 1})
        run = tx.conn.exec_driver_sql
        run("DELETE FROM documents WHERE ticket = 1")
        run("UPDATE documents SET document = '{' WHERE ticket = 2")
        run("UPDATE documents SET document = (SELECT document FROM documents WHERE ticket = 4) WHERE ticket = 3")
        run("UPDATE tickets SET state = 'closed' WHERE key = 5")
        run("UPDATE events SET document = 'x' WHERE ticket = 6 AND key = 'c'")
    problems = "\n".join(verify(store_url, now=NOW + timedelta(days=1)).problems)
    for expected in (
        "glpi/0 has no document", "glpi/1: its document cannot be read", "glpi/2: its document is of glpi/3",
        "glpi/4: its columns differ", "event c of ticket 6 cannot be read", "the lease of gone ended",
    ):  # fmt: skip
        assert expected in problems
    assert len(problems.splitlines()) == 6


def test_many_findings_of_one_kind_are_summed_up(store: SqlStore, store_url: str) -> None:
    fill(store, 50)
    with store.begin() as tx:
        tx.conn.exec_driver_sql("UPDATE documents SET document = '{'")
    assert verify(store_url, now=NOW).problems[-1] == "and 30 more like these"


def test_verify_finds_orphans_in_a_file_edited_by_hand(sqlite_store: SqlStore, sqlite_url: str) -> None:
    fill(sqlite_store, 3)
    with closing(sqlite3.connect(sqlite_url.removeprefix("sqlite:///"))) as conn, conn:
        conn.execute("DELETE FROM tickets WHERE key = 2")
    problems = "\n".join(verify(sqlite_url, now=NOW).problems)
    assert "events of ticket 2, which does not exist" in problems
    assert "documents: a row points to nothing in tickets" in problems


def test_a_damaged_file_is_named_as_such_everywhere(sqlite_url: str) -> None:
    file = Path(sqlite_url.removeprefix("sqlite:///"))
    file.write_bytes(b"not a database, but long enough to be looked at" * 50)
    assert "damaged" in verify(sqlite_url).problems[0]
    for act in (open_store, admin.upgrade):
        with pytest.raises(ConfigError, match="connector db restore"):
            act(sqlite_url)


def test_verify_finds_numbers_that_would_be_given_twice(postgres_url: str) -> None:
    store = open_store(postgres_url)
    fill(store, 3)
    with store.begin() as tx:
        tx.conn.exec_driver_sql("SELECT setval(pg_get_serial_sequence('tickets', 'key'), 1, false)")
    assert verify(postgres_url, now=NOW).problems == ["tickets.key: the next number would be 1, but 3 is in use"]
    store.close()


def test_a_store_without_tables_is_refused_with_the_command_to_run(bare_postgres_url: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="connector db upgrade"):
        open_store(bare_postgres_url)
    with pytest.raises(ConfigError, match="connector db upgrade"):
        open_store(f"sqlite:///{tmp_path}/none.db")
    assert verify(bare_postgres_url).problems[0].endswith("connector db upgrade")
    assert not (tmp_path / "none.db").exists()


def test_an_older_store_is_refused_with_the_command_to_run(store_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schema, "head", lambda: "9999")
    with pytest.raises(ConfigError, match=r"older than 9999.*connector db upgrade"):
        open_store(store_url)


def test_a_newer_store_is_refused_and_not_touched(store: SqlStore, store_url: str) -> None:
    with store.begin() as tx:
        tx.conn.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    for act in (open_store, admin.upgrade):
        with pytest.raises(ConfigError, match="made by a newer one"):
            act(store_url)
    assert "newer" in verify(store_url).problems[0]


def test_upgrading_twice_changes_nothing(store_url: str) -> None:
    admin.upgrade(store_url)
    open_store(store_url).close()


def test_a_new_store_is_readable_by_its_owner_only(tmp_path: Path) -> None:
    admin.upgrade(f"sqlite:///{tmp_path}/var/new.db")
    assert stat.S_IMODE((tmp_path / "var" / "new.db").stat().st_mode) == 0o600


@pytest.mark.parametrize(("url", "what"), [
    ("sqlite://", "needs a file"), ("sqlite:///:memory:", "needs a file"), ("mysql://x/y", "not supported"),
    ("nonsense", "not a database address"),
])  # fmt: skip
def test_addresses_that_cannot_be_a_store(url: str, what: str) -> None:
    with pytest.raises(ConfigError, match=what):
        open_store(url)


def test_an_unreachable_server_is_try_later_and_no_password_is_shown() -> None:
    with pytest.raises(TryLater) as raised:
        open_store("postgresql://me@127.0.0.1:1/db", "hunter2")
    assert "hunter2" not in str(raised.value)
    assert "127.0.0.1" in str(raised.value)
