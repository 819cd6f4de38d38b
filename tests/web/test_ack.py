"""The link in a message: looking changes nothing, the button acknowledges, and a wrong link tells nothing."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask

from connector.domain.agreements.registry import Registry
from connector.domain.history import Event, EventKind
from connector.domain.links import LASTS, Links
from connector.domain.notices.desk import Desk
from connector.domain.notices.people import People, Person
from connector.flows.notices import OPTION
from connector.store import SqlStore
from tests.web.conftest import Browser, app_of
from tests.web.world import NOW, World, event, save, ticket, world

WHAT = "escalated/ladder/s75/x/1"
LINKS = Links("http://localhost", b"k" * 32)
FIRED = {"rule": "ladder", "version": "v1", "step": "at 75 %", "subject": "x", "n": 1, "what": "fired", "late": 0,
         "moment": NOW.isoformat(), "why": "resolution at 75%", "do": ("notify assignee",)}
PEOPLE = People({"ann": Person("ann", "Ann Müller", "ann@example.org", language="fr", timezone="Europe/Zurich")})


@pytest.fixture
def there(sqlite_store: SqlStore, tmp_path: Path) -> World:
    made = world(sqlite_store, tmp_path)
    deps = replace(made.services.deps, options={OPTION: Desk("Desk", links=LINKS)},
                   registry=lambda: Registry((), people=PEOPLE))
    made.services = replace(made.services, deps=deps)
    firing = event(WHAT, 5, EventKind.ESCALATED, data=FIRED)
    made.keys["7"] = save(made, ticket("7", title="<b>Printer</b> on fire", priority="P1"), [firing])
    return made


@pytest.fixture
def app(there: World) -> Flask:
    return app_of(there)


def link(there: World, person: str = "ann", key: int = 0, what: str = WHAT, links: Links = LINKS) -> str:
    return links.acknowledge(key or there.keys["7"], person, what, NOW).removeprefix("http://localhost")


def acknowledgements(there: World) -> list[Event]:
    with there.store.read() as tx:
        return [one for one in tx.history([there.keys["7"]])[there.keys["7"]] if one.kind is EventKind.ACKNOWLEDGED]


def test_looking_changes_nothing_however_often_and_by_whatever_method(client: Browser, there: World) -> None:
    for method in ("GET", "GET", "HEAD", "OPTIONS"):
        assert client.open(link(there), method=method).status_code == 200
    assert acknowledgements(there) == []


def test_the_page_says_which_ticket_which_step_and_who_in_the_language_of_the_person(
    client: Browser, there: World,
) -> None:
    page = client.get(link(there), headers={"Accept-Language": "en"}).get_data(as_text=True)
    for words in ("INC0000007", "&lt;b&gt;Printer&lt;/b&gt; on fire", "Ann Müller", "ladder, at 75 %", "P1"):
        assert words in page
    assert '<html lang="fr"' in page


def test_the_button_acknowledges_without_a_session_or_cookie(client: Browser, there: World) -> None:
    answer = there_is_no_cookie(client).post(link(there))
    assert answer.status_code == 200
    (event_,) = acknowledgements(there)
    assert (event_.actor, event_.role, event_.data["person"], event_.data["rule"], event_.data["step"]) == (
        "Ann Müller", "agent", "ann", "ladder", "at 75 %")
    with there.store.read() as tx:
        assert [stored.key for stored in tx.due(NOW, 10)] == [there.keys["7"]], "the ladder looks at once"


def there_is_no_cookie(client: Browser) -> Browser:
    client._cookies.clear()
    return client


def test_pressed_again_it_changes_nothing_and_says_when_it_was(client: Browser, there: World) -> None:
    client.post(link(there))
    there.clock.move(minutes=10)
    again = client.post(link(there)).get_data(as_text=True)
    assert "déjà" in again
    (first,) = acknowledgements(there)
    assert first.at == NOW
    assert "déjà" in client.get(link(there)).get_data(as_text=True)


def test_two_people_and_two_steps_are_acknowledged_apart(client: Browser, there: World) -> None:
    for who, what in (("ann", WHAT), ("bob", WHAT), ("ann", "other")):
        client.post(link(there, who, what=what))
    assert len(acknowledgements(there)) == 3


def test_a_link_of_somebody_who_is_no_longer_in_the_files_still_works(client: Browser, there: World) -> None:
    assert client.post(link(there, "zoe")).status_code == 200
    assert acknowledgements(there)[0].actor == "zoe"


def test_every_wrong_link_gets_the_same_answer(client: Browser, there: World) -> None:
    good = link(there)
    wrong = [good[:-2], f"{good}x", "/ack/x", link(there, key=4711), link(there, links=Links("http://localhost", b"x"))]
    pages = {client.get(path).get_data(as_text=True).split("Request")[0] for path in wrong}
    assert len(pages) == 1
    assert all(client.post(path).status_code == 404 for path in wrong)
    assert acknowledgements(there) == []


def test_a_link_that_is_over_is_as_good_as_none(client: Browser, there: World) -> None:
    path = link(there)
    there.clock.at = NOW + LASTS + timedelta(seconds=1)
    assert client.get(path).status_code == 404


def test_who_tries_many_wrong_links_is_made_to_wait_also_with_a_good_one(client: Browser, there: World) -> None:
    statuses = [client.get(f"/ack/wrong{n}").status_code for n in range(60)]
    assert statuses.count(404) == 40
    assert statuses[-1] == 429
    waiting = client.get(link(there))
    assert waiting.status_code == 429
    assert int(waiting.headers["Retry-After"]) > 0
    there.clock.move(minutes=5)
    assert client.get(link(there)).status_code == 200


def test_no_search_engine_keeps_the_page_and_no_other_page_learns_its_address(client: Browser, there: World) -> None:
    headers = client.get(link(there)).headers
    assert headers["X-Robots-Tag"] == "noindex, nofollow"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cache-Control"] == "no-store"


def test_the_tickets_page_says_what_the_requester_was_told_or_why_not(app: Flask, there: World) -> None:
    told = [event(f"informed/{what}", 3, EventKind.INFORMED, data={"what": what, "since": NOW.isoformat(), "rule": "r",
                                                                  "outcome": outcome})
            for what, outcome in (("received", "sent"), ("taken", "e-mail is not set up"))]
    key = save(there, ticket("8"), told)
    there.user("agent")
    client = app.test_client()
    assert isinstance(client, Browser)
    client.sign_in("agent")
    page = client.get(f"/tickets/{key}").get_data(as_text=True)
    assert "The requester was told that the ticket was received" in page
    assert "The requester was not told that somebody works on it" in page
    assert "(e-mail is not set up)" in page


def signed_in(app: Flask, there: World, role: str = "agent") -> Browser:
    there.user(role)
    client = app.test_client()
    assert isinstance(client, Browser)
    client.sign_in(role)
    return client


def test_who_is_signed_in_acknowledges_on_the_tickets_page_until_the_next_step_fires(app: Flask, there: World) -> None:
    client, key = signed_in(app, there), there.keys["7"]
    done = client.post_form(f"/tickets/{key}/acknowledge", page=f"/tickets/{key}")
    assert done.location == f"/tickets/{key}"
    client.post_form(f"/tickets/{key}/acknowledge", page=f"/tickets/{key}")
    (first,) = acknowledgements(there)
    assert (first.actor, first.data["person"], first.data["step"]) == ("Agent Example", "user:agent", "at 75 %")
    there.clock.move(minutes=10)
    with there.store.begin() as tx:
        again = Event(key="escalated/2", at=there.clock(), kind=EventKind.ESCALATED, data={**FIRED, "n": 2})
        tx.append([(key, again)])
    client.post_form(f"/tickets/{key}/acknowledge", page=f"/tickets/{key}")
    assert len(acknowledgements(there)) == 2


def test_who_only_reads_cannot_acknowledge(app: Flask, there: World) -> None:
    client, key = signed_in(app, there, "viewer"), there.keys["7"]
    assert client.post_form(f"/tickets/{key}/acknowledge", page="/account").status_code == 403
    assert "/acknowledge" not in client.get(f"/tickets/{key}").get_data(as_text=True)
