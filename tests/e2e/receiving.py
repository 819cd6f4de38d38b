"""Our web service for suppliers' messages, as a process of its own: receiving.py FOLDER PORT.

FOLDER holds the store, the agreements and var; HOSTING_SECRET the supplier's secret.
"""

from __future__ import annotations

import sys
from pathlib import Path

from connector.settings import Settings
from connector.settings.suppliers import SupplierSettings
from connector.web import Services, create_app
from connector.web.server import Server
from connector.wiring import Deployment, deploy

PROFILE = """
profile: hosting-uc
agreement: uc
applies_to: {supplier: hosting}
calendar: 24x7
targets: {resolution: {else: 12h}}
timezone: UTC
receiver:
  name: hosting
  kind: supplier
  reach: {webhook: {url: "https://hosting.example/hooks", secrets: [HOSTING_SECRET]}}
"""


def deployment(folder: Path) -> Deployment:
    return deploy(Settings(file=folder / "connector.yaml", store_url=f"sqlite:///{folder / 'connector.db'}",
                           suppliers=SupplierSettings(per_minute=10**6)))


def main() -> None:
    there = deployment(Path(sys.argv[1]))
    app = create_app(Services.of(there.store, there.deps, there.settings, there.agreements))
    Server(app, "127.0.0.1", int(sys.argv[2])).run()


if __name__ == "__main__":
    main()
