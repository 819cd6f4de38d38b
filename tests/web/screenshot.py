"""Takes the picture of the README: `python -m tests.web.screenshot` writes docs/screenshot.png."""

from __future__ import annotations

import tempfile
import threading
from pathlib import Path

from playwright.sync_api import sync_playwright
from werkzeug.serving import make_server

from connector.store import admin
from connector.store import open as open_store
from connector.web import create_app
from tests.browser import find
from tests.web.world import PASSWORD, ROOT, fill, world

ARGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking", "--disable-sync"]


def main() -> None:
    folder = Path(tempfile.mkdtemp())
    address = f"sqlite:///{folder / 'store.db'}"
    admin.upgrade(address)
    there = world(open_store(address), folder)
    fill(there)
    there.user("admin", login="aline")
    server = make_server("127.0.0.1", 0, create_app(there.services), threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=find(), args=ARGS)
        page = browser.new_page(viewport={"width": 1360, "height": 900}, locale="en-GB")
        page.goto(f"http://127.0.0.1:{server.server_port}/sign-in?next=/tickets/{there.keys['1']}")
        page.fill("#f-login", "aline")
        page.fill("#f-password", PASSWORD)
        page.press("#f-password", "Enter")
        page.wait_for_selector(".timeline")
        page.screenshot(path=ROOT / "docs" / "screenshot.png")
        browser.close()
    server.shutdown()


if __name__ == "__main__":
    main()
