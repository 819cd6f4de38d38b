"""Handoffs and the portal in a real browser: light, dark, small, on paper, in French, without script."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import Page, expect, sync_playwright
from werkzeug.serving import make_server

from connector.domain.handoffs.handoff import Handoff
from connector.store import open as open_store
from connector.web import create_app
from tests.browser import find
from tests.web import handed
from tests.web.test_browser import ARGS, CONTRAST, DESK, Quiet
from tests.web.world import PASSWORD, World, fill, world

pytestmark = pytest.mark.xdist_group("browser")
Open = Callable[..., Page]
PHONE = {"viewport": {"width": 390, "height": 844}}
DESKS = ("/handoffs", "/handoffs/feed", "/handoffs/{work}", "/handoffs/{soc}", "/receivers", "/receivers/hosting",
         "/receivers/cloud", "/receivers/hosting/review?month=2026-03", "/receivers/cloud/self-test",
         "/tickets/1/hand-over?receiver=hosting&preview=1&reason=a+disk", "/tickets/1")  # fmt: skip
PORTAL = {"nina": ("/portal", "/portal/{work}", "/portal/{offered}", "/account"), "fritz": ("/portal/{field}",),
          "claude": ("/portal/self-test", "/portal/{cloud}"), "sacha": ("/portal/{soc}",)}


@pytest.fixture(scope="module")
def chromium() -> Iterator[Chromium]:
    path = find()
    assert path is not None, "no Chromium: run python tests/browser.py as root, or set CONNECTOR_CHROMIUM"
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=path, args=ARGS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def desk(_sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[World, dict[str, Handoff],
                                                                                          str]]:
    folder = tmp_path_factory.mktemp("handed")
    shutil.copy(_sqlite_template, folder / "store.db")
    there = world(open_store(f"sqlite:///{folder / 'store.db'}"), folder)
    fill(there)
    handed.agree(there, folder)
    made = handed.fill(there)
    there.user("admin")
    for login, receiver in (("nina", "hosting"), ("fritz", "field"), ("claude", "cloud"), ("sacha", "soc")):
        there.user("supplier", login=login, supplier=receiver)
    server = make_server("127.0.0.1", 0, create_app(there.services), threaded=True, request_handler=Quiet)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield there, made, f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    there.store.close()


@pytest.fixture
def visit(chromium: Chromium, desk: tuple[World, dict[str, Handoff], str]) -> Iterator[Open]:
    """Opens a page in a new browser; afterwards the console is empty."""
    contexts, troubles = [], []

    def enter(path: str, login: str = "admin", **options: Any) -> Page:
        context = chromium.new_context(base_url=desk[2], **{**DESK, **options})
        context.set_default_timeout(10_000)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda m: troubles.append(m.text) if m.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.goto("/sign-in")
        page.fill("#f-login", login)
        page.fill("#f-password", PASSWORD)
        page.press("#f-password", "Enter")
        page.wait_for_url(lambda url: "sign-in" not in url)
        page.goto(path.format(**ids(desk[1])))
        return page

    yield enter
    for context in contexts:
        context.close()
    assert troubles == []


def ids(made: dict[str, Handoff]) -> dict[str, str]:
    return {name: one.id for name, one in made.items()}


def everywhere(visit: Open, made: dict[str, Handoff], look: Callable[[Page], Any], **options: Any) -> dict[str, Any]:
    """What `look` finds on every page of the desk and the portal."""
    found: dict[str, Any] = {}
    for login, paths in {"admin": DESKS, **PORTAL}.items():
        page = visit(paths[0], login, **options)
        for path in paths:
            page.goto(path.format(**ids(made)))
            page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true; })")
            found[path] = look(page)
    return {path: what for path, what in found.items() if what}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_can_be_read(visit: Open, desk: tuple[World, dict[str, Handoff], str], scheme: str) -> None:
    assert everywhere(visit, desk[1], lambda page: page.evaluate(CONTRAST), color_scheme=scheme) == {}


@pytest.mark.parametrize(("width", "language"), [(320, "fr-CH"), (768, "en-GB")])
def test_no_page_is_wider_than_its_window(visit: Open, desk: tuple[World, dict[str, Handoff], str], width: int,
                                          language: str) -> None:
    wider = "Math.max(0, document.documentElement.scrollWidth - document.documentElement.clientWidth)"
    assert everywhere(visit, desk[1], lambda page: page.evaluate(wider), locale=language,
                      viewport={"width": width, "height": 800}) == {}


def test_landmarks_and_headings_tell_where_one_is(visit: Open, desk: tuple[World, dict[str, Handoff], str]) -> None:
    def odd(page: Page) -> list[str]:
        levels = page.locator("main :is(h1,h2,h3)").evaluate_all("all => all.map(h => Number(h.tagName[1]))")
        twice = page.locator("[id]").evaluate_all("all => all.length - new Set(all.map(e => e.id)).size")
        asked = page.locator("main :is(input:not([type=hidden],[hidden],.visually-hidden),select,textarea)")
        nameless = asked.evaluate_all(
            "all => all.filter(e => !e.labels.length && !e.ariaLabel).length")
        rules = {"one main": page.locator("main").count() == 1, "one h1": page.locator("h1").count() == 1,
                 "levels": all(after - before <= 1 for before, after in pairwise(levels)), "ids": twice == 0,
                 "labels": nameless == 0}
        return [name for name, good in rules.items() if not good]

    assert everywhere(visit, desk[1], odd) == {}


def test_on_a_phone_an_offer_is_answered(visit: Open, desk: tuple[World, dict[str, Handoff], str]) -> None:
    there, made, _ = desk
    page = visit("/portal", "nina", **PHONE)
    page.get_by_role("link", name="Request access to the archive").click()
    page.get_by_role("button", name="Acknowledge").click()
    expect(page.get_by_text("the service desk sees it now")).to_be_visible()
    page.get_by_label("Your number").fill("S-4711")
    page.get_by_role("button", name="Save").click()
    page.get_by_text("Hand back…").click()
    page.get_by_label("Why it is handed back").fill("Not our building.")
    page.get_by_role("button", name="Hand back", exact=True).click()
    expect(page.get_by_text("Handed back").first).to_be_visible()
    with there.store.read() as tx:
        handoff = tx.handoffs([made["offered"].id])[made["offered"].id]
    assert (str(handoff.state), handoff.theirs) == ("handed_back", "S-4711")


def test_without_script_a_ticket_is_handed_over_after_a_look(visit: Open, desk: tuple[World, dict[str, Handoff],
                                                                                     str]) -> None:
    key = desk[0].keys["17"]
    page = visit(f"/tickets/{key}", java_script_enabled=False)
    page.get_by_role("link", name="Hand over").click()
    page.get_by_label("Receiver").select_option("hosting")
    page.get_by_role("button", name="Choose").click()
    page.get_by_label("Why it is handed over").fill("It needs a key we do not have.")
    page.get_by_role("button", name="Show what will leave").click()
    expect(page.locator("#preview").get_by_text("It needs a key we do not have.")).to_be_visible()
    page.get_by_role("button", name="Hand over").click()
    expect(page.get_by_text("Handed over to Hosting AG, Zürich.")).to_be_visible()


def test_a_file_is_attached_by_hand(visit: Open, tmp_path: Path) -> None:
    (tmp_path / "trace é.txt").write_text("trace")
    page = visit("/portal/{cloud}", "claude")
    page.locator("#f-file").set_input_files(tmp_path / "trace é.txt")
    page.get_by_role("button", name="Attach").click()
    with page.expect_download() as download:
        page.get_by_role("link", name="trace é.txt").first.click()
    assert download.value.suggested_filename == "trace é.txt"
    assert Path(download.value.path()).read_text() == "trace"


def test_on_paper_there_is_the_handoff_and_nothing_to_click(visit: Open) -> None:
    page = visit("/handoffs/{work}")
    page.emulate_media(media="print")
    expect(page.get_by_role("navigation").first).to_be_hidden()
    expect(page.get_by_role("button", name="Accept the resolution")).to_be_hidden()
    expect(page.get_by_text("Which disk, the left or the right one?")).to_be_visible()


def test_the_portal_speaks_the_language_of_the_browser(visit: Open) -> None:
    page = visit("/portal", "nina", locale="fr-CH")
    expect(page.get_by_role("heading", level=1)).to_have_text("Travail qui vous est transféré")
    expect(page.locator("html")).to_have_attribute("lang", "fr-CH")
