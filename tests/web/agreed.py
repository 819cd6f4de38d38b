"""The web's little service desk with the agreements that are shipped."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

from connector.files.in_force import Agreements
from tests.web.world import ROOT, World


def agree(there: World, folder: Path) -> Agreements:
    """Give this desk a copy of the shipped agreements, as if it had been started with them."""
    shutil.copytree(ROOT / "sla_profiles", folder / "sla_profiles", dirs_exist_ok=True)
    agreements = Agreements(folder / "sla_profiles", there.store, there.clock)
    deps = replace(there.services.deps, registry=agreements.current)
    there.services = replace(there.services, deps=deps, agreements=agreements)
    return agreements
