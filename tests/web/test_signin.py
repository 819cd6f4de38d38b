"""Signing in: sessions begin, end and cannot be stolen or guessed into."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask

from connector.store import SqlStore
from connector.web.auth import passwords
from connector.web.auth.signin import safe_next
from connector.web.auth.throttle import Bucket, lock_after
from tests.web.conftest import Browser, app_of
from tests.web.world import PASSWORD, World, world


def signed_in(client: Browser) -> bool:
    return client.get("/account").status_code == 200


def test_a_right_password_opens_the_page_that_was_asked_for(client: Browser, there: World) -> None:
    there.user("agent")
    first = client.get("/tickets?state=open")
    assert first.location == "/sign-in?next=/tickets?state%3Dopen"
    answer = client.sign_in("agent", next="/tickets?state=open")
    assert (answer.status_code, answer.location) == (303, "/tickets?state=open")


def test_logins_are_compared_without_regard_to_case(client: Browser, there: World) -> None:
    there.user("agent", login="aline")
    assert client.sign_in("ALINE").status_code == 303


@pytest.mark.parametrize("login", ["agent", "nobody"])
def test_a_wrong_login_and_a_wrong_password_look_the_same(client: Browser, there: World, login: str) -> None:
    there.user("agent")
    answer = client.sign_in(login, "wrong password")
    assert answer.status_code == 401
    assert "Login or password is wrong." in answer.get_data(as_text=True)
    assert not signed_in(client)


def test_a_form_without_its_secret_is_refused(client: Browser, there: World) -> None:
    there.user("agent")
    answer = client.post("/sign-in", data={"login": "agent", "password": PASSWORD})
    assert answer.status_code == 400
    assert not signed_in(client)


def test_every_form_of_a_signed_in_person_needs_its_secret(as_role: Callable[[str], Browser], there: World) -> None:
    client = as_role("admin")
    for path in ("/sign-out", "/account", "/account/password", "/users", "/tokens", "/deliveries/retry",
                 f"/tickets/{there.keys['1']}/edit", f"/tickets/{there.keys['1']}/comment"):  # fmt: skip
        assert client.post(path, data={}).status_code == 400, path


def test_the_session_is_a_new_one_after_signing_in(client: Browser, there: World) -> None:
    there.user("agent")
    client.get("/sign-in")
    before = client.get_cookie("connector")
    client.sign_in("agent")
    after = client.get_cookie("connector")
    assert before is not None
    assert after is not None
    with client.session_transaction() as kept:
        assert kept["sid"]
    client.set_cookie("connector", before.value)
    assert not signed_in(client)


def test_signing_out_ends_the_session_on_the_server(client: Browser, there: World) -> None:
    there.user("agent")
    client.sign_in("agent")
    stolen = client.get_cookie("connector")
    assert stolen is not None
    client.post_form("/sign-out", page="/account")
    client.set_cookie("connector", stolen.value)
    assert not signed_in(client)


def test_a_session_ends_when_idle(client: Browser, there: World) -> None:
    there.user("agent")
    client.sign_in("agent")
    there.clock.move(hours=3, minutes=59)
    assert signed_in(client)
    there.clock.move(hours=4, minutes=1)
    assert not signed_in(client)


def test_a_session_ends_after_a_shift_even_when_used(client: Browser, there: World) -> None:
    there.user("agent")
    client.sign_in("agent")
    for _ in range(11):
        there.clock.move(hours=1)
        assert signed_in(client)
    there.clock.move(hours=1)
    assert not signed_in(client)


def test_a_change_of_role_ends_the_sessions(client: Browser, there: World) -> None:
    there.user("agent")
    client.sign_in("agent")
    user = there.services.accounts.by_login("agent")
    assert user is not None
    there.services.accounts.edit_user(user.id, role="viewer")
    assert not signed_in(client)


def test_a_new_password_ends_all_other_sessions(app: object, client: Browser, there: World) -> None:
    there.user("agent")
    other = app_of(there).test_client()
    assert isinstance(other, Browser)
    client.sign_in("agent")
    other.sign_in("agent")
    new = "quite another long one"
    form = {"current": PASSWORD, "new": new, "again": new}
    assert client.post_form("/account/password", form, page="/account").status_code == 303
    assert signed_in(client)
    assert not signed_in(other)


@pytest.mark.parametrize(
    ("form", "says"),
    [
        ({"current": "wrong", "new": "a long enough one", "again": "a long enough one"}, "current password is wrong"),
        ({"current": PASSWORD, "new": "a long enough one", "again": "another one here"}, "differ"),
        ({"current": PASSWORD, "new": "short", "again": "short"}, "at least 12"),
        ({"current": PASSWORD, "new": "agent agent agent", "again": "agent agent agent"}, "too easy"),
    ],
)
def test_a_bad_new_password_is_refused_with_the_reason(
    client: Browser, there: World, form: dict[str, object], says: str
) -> None:
    there.user("agent")
    client.sign_in("agent")
    answer = client.post_form("/account/password", form, page="/account")
    assert answer.status_code == 422
    assert says in answer.get_data(as_text=True)


def test_guessing_a_password_is_slowed_down(client: Browser, there: World) -> None:
    there.user("agent")
    for _ in range(5):
        assert client.sign_in("agent", "wrong password").status_code == 401
    assert client.sign_in("agent", PASSWORD).status_code == 429
    there.clock.move(seconds=16)
    assert client.sign_in("agent", PASSWORD).status_code == 303


def test_guessing_logins_is_slowed_down(client: Browser, there: World) -> None:
    statuses = [client.sign_in(f"login{n}", "x").status_code for n in range(30)]
    assert statuses[0] == 401
    assert statuses[-1] == 429


def test_a_whole_office_signs_in_from_one_address(app: Flask, there: World) -> None:
    for n in range(40):
        there.user("agent", login=f"agent{n}")
        client = app.test_client()
        assert isinstance(client, Browser)
        assert client.sign_in(f"agent{n}").status_code == 303


def test_a_known_and_an_unknown_login_are_held_alike(client: Browser, there: World) -> None:
    there.user("agent")
    answers = {login: [client.sign_in(login, "x").status_code for _ in range(6)] for login in ("agent", "nobody")}
    assert answers["agent"] == answers["nobody"]


def test_locks_grow_but_stay_short(there: World) -> None:
    now = there.clock()
    locks = [lock_after(n, now) for n in range(40)]
    assert locks[:5] == [None] * 5
    seconds = [(lock - now).total_seconds() for lock in locks[5:] if lock]
    assert seconds[:3] == [15, 30, 60]
    assert max(seconds) == 900


def test_a_disabled_user_does_not_get_in(client: Browser, there: World) -> None:
    there.user("agent")
    user = there.services.accounts.by_login("agent")
    assert user is not None
    there.services.accounts.edit_user(user.id, active=False)
    assert client.sign_in("agent").status_code == 401


def test_cookies_are_kept_from_scripts_and_other_sites(client: Browser, there: World) -> None:
    there.user("agent")
    cookie = client.sign_in("agent").headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie


def test_over_https_the_cookie_is_bound_to_host_and_transport(sqlite_store: SqlStore, tmp_path: Path) -> None:
    there = world(sqlite_store, tmp_path, public_url="https://desk.example")
    there.user("agent")
    client = app_of(there).test_client()
    page = client.get("/sign-in", base_url="https://desk.example")
    cookie = page.headers["Set-Cookie"]
    assert cookie.startswith("__Host-connector=")
    assert "Secure" in cookie
    assert "Path=/" in cookie


def test_the_signing_key_is_made_once_and_kept_for_its_owner_only(sqlite_store: SqlStore, tmp_path: Path) -> None:
    one = app_of(world(sqlite_store, tmp_path, session_secret=None))
    two = app_of(world(sqlite_store, tmp_path, session_secret=None))
    assert one.config["SECRET_KEY"] == two.config["SECRET_KEY"]
    assert (tmp_path / "var" / "session.key").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "target",
    ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)", "/a\nb", "tickets", ""],
)
def test_nobody_is_sent_to_another_host(target: str) -> None:
    assert safe_next(target) == ""


def test_passwords_are_kept_as_argon2id() -> None:
    assert passwords.hash_password("x" * 12).startswith("$argon2id$")
    assert not passwords.verify(None, "nobody has this password")


def test_a_bucket_fills_again(there: World) -> None:
    bucket = Bucket(per_minute=60, burst=2, now=there.clock)
    assert [bucket.take("a") for _ in range(3)] == [0, 0, 1]
    assert bucket.take("b") == 0
    there.clock.move(seconds=1)
    assert bucket.take("a") == 0


def test_a_bucket_forgets_the_longest_unused(there: World) -> None:
    bucket = Bucket(per_minute=1, burst=1, now=there.clock, keys=2)
    for key in ("a", "b", "c"):
        bucket.take(key)
    assert bucket.take("c") > 0
    assert bucket.take("a") == 0
