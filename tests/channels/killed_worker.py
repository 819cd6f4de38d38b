"""A process that delivers what waits: `python -m tests.channels.killed_worker STORE_URL SMTP_PORT SECONDS_AHEAD`."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta

from connector.channels.mail import MailChannel
from connector.flows import deliver
from connector.ports import Deps
from connector.settings.channels import MailSettings
from connector.store import open as open_store


def main(url: str, port: str, ahead: str) -> None:
    mail = MailChannel(MailSettings("127.0.0.1", ("Desk", "desk@example.org"), int(port), "none"), "Desk")
    deps = Deps(store=open_store(url), tools={}, now=lambda: datetime.now(UTC) + timedelta(seconds=float(ahead)),
                owner=f"worker {ahead}", channels={"mail": mail})
    deliver.tick(deps)
    mail.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
