"""Invitations: a link that works once, ends, and can be taken back."""

from __future__ import annotations

import pytest
from flask import Flask

from connector.store.views import User
from connector.web.auth import invitations
from tests.web.conftest import Browser
from tests.web.world import PASSWORD, World

GOOD = "a long enough sentence"


@pytest.fixture
def guest(there: World) -> User:
    return there.services.accounts.create_user("nina", invitations.NO_PASSWORD, "supplier", there.clock(),
                                               supplier="Hosting AG")


def browser(app: Flask) -> Browser:
    client = app.test_client()
    assert isinstance(client, Browser)
    return client


def accept(client: Browser, token: str, new: str = GOOD, again: str = GOOD) -> int:
    return client.post_form(f"/invitation/{token}", {"new": new, "again": again}).status_code


def test_a_guest_chooses_a_password_and_is_signed_in(app: Flask, there: World, guest: User) -> None:
    client, (token, _) = browser(app), invitations.token(there.services, guest)
    page = client.get(f"/invitation/{token}").get_data(as_text=True)
    assert "nina" in page
    assert accept(client, token) == 303
    assert client.get("/account").status_code == 200
    assert browser(app).sign_in("nina", GOOD).status_code == 303


def test_nobody_signs_in_before_the_invitation_is_accepted(app: Flask, guest: User) -> None:
    for password in ("!", "", PASSWORD):
        assert browser(app).sign_in("nina", password).status_code == 401


def test_an_invitation_works_once(app: Flask, there: World, guest: User) -> None:
    token, _ = invitations.token(there.services, guest)
    assert accept(browser(app), token) == 303
    assert accept(browser(app), token) == 404
    assert "no longer valid" in browser(app).get(f"/invitation/{token}").get_data(as_text=True)


def test_of_two_who_accept_at_once_one_wins(there: World, guest: User) -> None:
    accounts = there.services.accounts
    assert accounts.set_password(guest.id, "first", only_at=guest.epoch)
    assert not accounts.set_password(guest.id, "second", only_at=guest.epoch)
    kept = accounts.user(guest.id)
    assert kept is not None
    assert kept.password_hash == "first"


def test_an_invitation_ends_after_seven_days(app: Flask, there: World, guest: User) -> None:
    token, until = invitations.token(there.services, guest)
    there.clock.move(days=6, hours=23)
    assert browser(app).get(f"/invitation/{token}").status_code == 200
    there.clock.move(hours=1)
    assert there.clock() == until
    assert browser(app).get(f"/invitation/{token}").status_code == 404
    assert accept(browser(app), token) == 404


def test_a_newer_invitation_and_a_disabled_account_end_it(app: Flask, there: World, guest: User) -> None:
    token, _ = invitations.token(there.services, guest)
    there.services.accounts.end_sessions(guest.id)
    assert browser(app).get(f"/invitation/{token}").status_code == 404
    again = there.services.accounts.user(guest.id)
    assert again is not None
    token, _ = invitations.token(there.services, again)
    there.services.accounts.edit_user(guest.id, active=False)
    assert browser(app).get(f"/invitation/{token}").status_code == 404


@pytest.mark.parametrize("change", [lambda token: token[:-1] + ("a" if token[-1] != "a" else "b"), lambda _: "x",
                                    lambda token: token.replace(".", "", 1), lambda _: "\N{SNOWMAN}",
                                    lambda _: "WzEsMSw5OTk5OTk5OTk5XQ.AAAA"])
def test_a_forged_invitation_is_told_as_an_ended_one(app: Flask, there: World, guest: User, change: object) -> None:
    token, _ = invitations.token(there.services, guest)
    assert callable(change)
    answer = browser(app).get(f"/invitation/{change(token)}")
    assert answer.status_code == 404
    assert "no longer valid" in answer.get_data(as_text=True)


@pytest.mark.parametrize(("new", "again", "says"), [
    (GOOD, GOOD + "!", "two passwords differ"), ("short", "short", "12 characters"),
    ("nina nina nina", "nina nina nina", "too easy"),
])
def test_a_weak_or_mistyped_password_is_not_taken(app: Flask, there: World, guest: User, new: str, again: str,
                                                  says: str) -> None:
    client, (token, _) = browser(app), invitations.token(there.services, guest)
    answer = client.post_form(f"/invitation/{token}", {"new": new, "again": again}, page=f"/invitation/{token}")
    assert answer.status_code == 422
    assert says in answer.get_data(as_text=True)
    assert accept(client, token) == 303


def test_a_sessions_cookie_of_somebody_else_is_replaced(app: Flask, there: World, guest: User) -> None:
    there.user("agent")
    client, (token, _) = browser(app), invitations.token(there.services, guest)
    client.sign_in("agent")
    assert client.post_form(f"/invitation/{token}", {"new": GOOD, "again": GOOD}, page="/account").status_code == 303
    assert "nina" in client.get("/account").get_data(as_text=True)
