"""The pages in a real browser: by mouse, by keyboard, in the dark, on a phone, in French, on paper, without script."""

from __future__ import annotations

import re
import shutil
import threading
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import Page, expect, sync_playwright
from werkzeug.serving import WSGIRequestHandler, make_server

from connector.store import open as open_store
from connector.web import create_app
from tests.browser import find
from tests.web.agreed import agree
from tests.web.world import PASSWORD, World, fill, world

pytestmark = pytest.mark.xdist_group("browser")

ARGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
        "--disable-component-update", "--disable-sync"]  # fmt: skip
FOCUS = """() => {
  const style = getComputedStyle(document.activeElement);
  return { style: style.outlineStyle, width: parseFloat(style.outlineWidth), what: document.activeElement.outerHTML };
}"""
CONTRAST = (Path(__file__).parent / "contrast.js").read_text()
DESK = {"viewport": {"width": 1360, "height": 850}, "locale": "en-GB", "color_scheme": "light"}
PAGES = ("/", "/tickets", "/tickets/1", "/tickets/1/attachments", "/connections", "/deliveries?state=dead",
         "/deliveries/1", "/quarantine",
         "/audit", "/users", "/tokens", "/account", "/agreements", "/agreements/files/customers/acme",
         "/agreements/edit/customers/acme", "/agreements/versions/acme-gold",
         "/agreements/apply/acme-gold")  # fmt: skip

Open = Callable[..., Page]


class Quiet(WSGIRequestHandler):
    def log(self, type: str, message: str, *args: Any) -> None: ...


@pytest.fixture(scope="module")
def chromium() -> Iterator[Chromium]:
    path = find()
    assert path is not None, "no Chromium: run python tests/browser.py as root, or set CONNECTOR_CHROMIUM"
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=path, args=ARGS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def desk(_sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[World, str]]:
    """The filled service desk behind a real port, and its address."""
    folder = tmp_path_factory.mktemp("desk")
    shutil.copy(_sqlite_template, folder / "store.db")
    there = world(open_store(f"sqlite:///{folder / 'store.db'}"), folder)
    fill(there)
    agree(there, folder)
    there.user("admin")
    there.user("agent")
    server = make_server("127.0.0.1", 0, create_app(there.services), threaded=True, request_handler=Quiet)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield there, f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    there.store.close()


@pytest.fixture
def visit(chromium: Chromium, desk: tuple[World, str]) -> Iterator[Open]:
    """Opens a page in a new browser. Afterwards: nothing in the console, and no other host was asked."""
    base, contexts, troubles, hosts = desk[1], [], [], set()

    def enter(path: str = "/", login: str = "admin", **options: Any) -> Page:
        context = chromium.new_context(base_url=base, **{**DESK, **options})
        context.set_default_timeout(10_000)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda m: troubles.append(m.text) if m.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.on(
            "request", lambda r: hosts.add("/".join(r.url.split("/")[:3])) if not r.url.startswith("data:") else None
        )
        page.goto("/sign-in")
        if login:
            page.fill("#f-login", login)
            page.fill("#f-password", PASSWORD)
            page.press("#f-password", "Enter")
            page.wait_for_url("/")
            page.goto(path)
        return page

    yield enter
    for context in contexts:
        context.close()
    assert troubles == []
    assert hosts <= {base, "data:"}


def test_signing_in_filtering_and_opening_a_ticket(visit: Open) -> None:
    page = visit("/tickets")
    page.fill("[data-search]", "mail geneva")
    page.get_by_role("button", name="Search").click()
    expect(page.locator("tbody tr")).to_have_count(1)
    page.get_by_role("link", name="Mail server does not answer in Geneva").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Mail server does not answer in Geneva")
    expect(page.get_by_text("We found the cause")).to_be_visible()


def test_filters_are_removed_one_by_one(visit: Open) -> None:
    page = visit("/tickets?state=pending&priority=P1")
    chips = page.get_by_role("list", name="Active filters").get_by_role("link")
    expect(chips).to_have_count(2)
    chips.first.click()
    expect(page).to_have_url(re.compile(r"/tickets\?priority=P1$"))


def test_more_filters_are_applied(visit: Open) -> None:
    page = visit("/tickets")
    page.get_by_text("More filters").click()
    page.get_by_label("Resolved").check()
    page.get_by_label("Group", exact=True).select_option("Network")
    page.get_by_role("button", name="Apply filters").click()
    expect(page.locator("tbody .chip.resolved").first).to_be_visible()
    expect(page.locator("tbody .chip.new")).to_have_count(0)


def test_a_comment_appears_in_the_history(visit: Open, desk: tuple[World, str]) -> None:
    page = visit(f"/tickets/{desk[0].keys['5']}", login="agent")
    page.get_by_role("textbox", name="Comment").fill("Called the supplier, new reader comes at two.")
    page.get_by_label("Visible to the requester").check()
    page.get_by_role("button", name="Add comment").click()
    expect(page.get_by_text("It is on its way to glpi")).to_be_visible()
    expect(page.locator(".timeline").get_by_text("Called the supplier")).to_be_visible()


def test_an_edit_is_saved_and_shown_as_on_its_way(visit: Open, desk: tuple[World, str]) -> None:
    page = visit(f"/tickets/{desk[0].keys['7']}", login="agent")
    page.get_by_label("Assignee", exact=True).fill("Jo Keller")
    page.get_by_role("button", name="Save changes").click()
    expect(page.locator(".ticket-head").get_by_text("Changes on their way")).to_be_visible()


def test_everything_is_reached_by_keyboard(visit: Open) -> None:
    page = visit("/tickets")
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#content")).to_be_focused()
    page.keyboard.press("/")
    expect(page.locator("[data-search]")).to_be_focused()
    page.keyboard.type("j is typed, not a command")
    expect(page.locator("[data-search]")).to_have_value("j is typed, not a command")
    page.locator("[data-search]").fill("")
    page.locator("#content").focus()
    page.keyboard.press("j")
    page.keyboard.press("j")
    expect(page.locator("[data-step]").nth(1)).to_be_focused()
    page.keyboard.press("k")
    expect(page.locator("[data-step]").first).to_be_focused()
    page.keyboard.press("Enter")
    page.wait_for_url("**/tickets/*")


def test_focus_is_always_seen(visit: Open) -> None:
    page = visit("/")
    for _ in range(20):
        page.keyboard.press("Tab")
        style = page.evaluate(
            "(s => [s.outlineStyle, parseFloat(s.outlineWidth)])(getComputedStyle(document.activeElement))"
        )
        assert style[0] != "none", page.evaluate("document.activeElement.outerHTML.slice(0, 200)")
        assert style[1] >= 2


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_can_be_read(visit: Open, scheme: str) -> None:
    page = visit("/", color_scheme=scheme)
    poor = {}
    for path in PAGES:
        page.goto(path)
        poor[path] = page.evaluate(CONTRAST)
    page.goto("/tickets?state=open")
    page.get_by_text("More filters").click()
    poor["filters"] = page.evaluate(CONTRAST)
    assert {path: found for path, found in poor.items() if found} == {}


def lightness(page: Page) -> float:
    shown: list[float] = page.evaluate(
        "getComputedStyle(document.body).backgroundColor.match(/[\\d.]+/g).slice(0, 3).map(Number)"
    )
    return sum(shown) / 3


def test_the_colours_follow_the_system_until_chosen(visit: Open) -> None:
    page = visit("/", color_scheme="dark")
    assert lightness(page) < 60
    page.get_by_role("button", name="Light", exact=True).click()
    expect(page.get_by_role("button", name="Light", exact=True)).to_have_attribute("aria-pressed", "true")
    assert lightness(page) > 200
    page.goto("/tickets")
    assert lightness(page) > 200
    page.get_by_role("button", name="Auto", exact=True).click()
    expect(page.get_by_role("button", name="Auto", exact=True)).to_have_attribute("aria-pressed", "true")
    assert lightness(page) < 60


@pytest.mark.parametrize("width", [320, 390, 768, 1024])
def test_no_page_is_wider_than_its_window(visit: Open, width: int) -> None:
    page = visit("/", viewport={"width": width, "height": 800})
    wide = {}
    for path in PAGES:
        page.goto(path)
        wide[path] = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert {path: more for path, more in wide.items() if more > 0} == {}


def test_on_a_phone_the_menu_opens_and_leads_on(visit: Open) -> None:
    page = visit("/", viewport={"width": 390, "height": 844})
    link = page.get_by_role("link", name="Deliveries")
    expect(link).to_be_hidden()
    page.get_by_role("button", name="Menu").click()
    expect(link).to_be_visible()
    link.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Deliveries")


def test_a_french_browser_gets_french_pages(visit: Open) -> None:
    page = visit("/", locale="fr-CH")
    expect(page.locator("html")).to_have_attribute("lang", "fr-CH")
    expect(page.get_by_role("heading", level=1)).to_have_text("Accueil")
    page.goto("/tickets/1")
    expect(page.get_by_text("il y a 5 heures").first).to_be_visible()
    expect(page.get_by_text("2 mars 2026, 05:00:00 CET").first).to_be_visible()


def test_the_language_can_be_chosen_before_signing_in(visit: Open) -> None:
    page = visit(login="")
    page.get_by_role("button", name="Français").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Se connecter")


def test_on_paper_there_is_the_ticket_and_nothing_to_click(visit: Open) -> None:
    page = visit("/tickets/1")
    page.emulate_media(media="print")
    expect(page.get_by_role("navigation").first).to_be_hidden()
    expect(page.get_by_role("button", name="Save changes")).to_be_hidden()
    expect(page.get_by_text("We found the cause")).to_be_visible()
    expect(page.locator(".timeline .abs").first).to_be_visible()
    assert lightness(page) == 255


def test_pages_work_without_script(visit: Open) -> None:
    page = visit("/deliveries", java_script_enabled=False)
    page.get_by_label("Destination").select_option("servicenow")
    page.get_by_role("button", name="Show").click()
    expect(page.locator("tbody tr")).to_have_count(1)
    expect(page.locator("tbody")).to_contain_text("sn_incident_write")


def test_what_cannot_be_undone_is_asked_first(visit: Open) -> None:
    page = visit("/deliveries?state=dead")
    asked = []
    page.on("dialog", lambda dialog: (asked.append(dialog.message), dialog.dismiss()))
    page.get_by_role("button", name="Drop").click()
    expect(page.locator("tbody tr")).to_have_count(1)
    assert asked == ["Drop this delivery? It will never be made."]


def test_landmarks_and_headings_tell_where_one_is(visit: Open) -> None:
    page = visit("/")
    for path in PAGES:
        page.goto(path)
        assert page.locator("main").count() == 1, path
        assert page.locator("h1").count() == 1, path
        levels = page.locator("main :is(h1,h2,h3)").evaluate_all("all => all.map(h => Number(h.tagName[1]))")
        assert all(after - before <= 1 for before, after in pairwise(levels)), path
        assert page.locator("[id]").evaluate_all("all => all.length - new Set(all.map(e => e.id)).size") == 0, path


def test_the_ledger_behind_a_due_time_opens(visit: Open) -> None:
    page = visit("/tickets/1")
    ledger = page.locator(".ledger").first
    expect(ledger.get_by_text("Europe/Zurich").first).to_be_hidden()
    ledger.locator("summary").click()
    expect(ledger.get_by_text("Customer = ACME SA and Kind = Incident")).to_be_visible()
    expect(ledger.get_by_text("still to come until due")).to_be_visible()


def test_mistakes_in_an_agreement_appear_while_one_types(visit: Open) -> None:
    page = visit("/agreements/edit/customers/acme")
    text = page.locator("#f-text")
    good = text.input_value()
    text.fill(good.replace("P2: 8h", "P2: 8x"))
    link = page.locator("#found").get_by_role("link")
    expect(link).to_have_text(re.compile(r"line \d+"))
    expect(page.locator("#found")).to_contain_text("is not a duration")
    expect(page.locator(".gutter .bad")).to_have_count(1)
    link.click()
    expect(text).to_be_focused()
    chosen = "(t => t.value.slice(t.selectionStart, t.selectionEnd))(document.activeElement)"
    assert page.evaluate(chosen) == "P2: 8x"
    text.fill(good)
    expect(page.locator("#found")).to_have_text("No mistakes.")


def test_an_agreement_is_tried_and_saved_without_script(visit: Open, desk: tuple[World, str]) -> None:
    page = visit("/agreements/edit/operations/network-ola", java_script_enabled=False)
    text = page.locator("#f-text")
    text.fill(text.input_value().replace("else: 16h", "else: 15h"))
    page.get_by_role("button", name="Try on open tickets").click()
    expect(page.get_by_role("heading", name="On the open tickets")).to_be_visible()
    page.get_by_label("Why it is changed").fill("Agreed with the team")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("Saved. New tickets follow it at once")).to_be_visible()
    expect(page.get_by_role("cell", name="15 h").first).to_be_visible()


def test_the_api_describes_itself(visit: Open) -> None:
    page = visit("/api/v1/docs")
    expect(page.get_by_text("/api/v1/tickets/{key}/history")).to_be_visible()
    page.get_by_text("List tickets").click()
    expect(page.get_by_text("Needs the right").first).to_be_visible()


def test_files_are_chosen_and_attached(visit: Open, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("first")
    (tmp_path / "b.txt").write_text("second")
    page = visit("/tickets/2", "agent")
    page.get_by_label("Files to attach").set_input_files([tmp_path / "a.txt", tmp_path / "b.txt"])
    page.get_by_role("button", name="Attach", exact=True).click()
    expect(page.get_by_text("2 files are on their way to glpi.")).to_be_visible()
    expect(page.locator(".timeline")).to_contain_text("attached a file")
    page.get_by_role("link", name="Files in glpi").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Files of INC0000002")


def test_a_ledger_is_read_in_french_on_a_phone(visit: Open) -> None:
    page = visit("/tickets/1", locale="fr-CH", viewport={"width": 390, "height": 800}, color_scheme="dark")
    page.locator("details.ledger > summary").first.click()
    ledger = page.locator("details.ledger").first
    expect(ledger.get_by_text("Client = ACME SA et Type = Incident")).to_be_visible()
    expect(ledger.get_by_text("4 h de 24x7")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
