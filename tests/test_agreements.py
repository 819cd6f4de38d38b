"""Files changed on disk are noticed; a bad file never replaces a good one in force."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from connector.agreements import Agreements

SHIPPED = Path(__file__).parents[1] / "sla_profiles"


def test_a_changed_file_is_noticed_and_a_bad_one_does_not_count(tmp_path: Path) -> None:
    folder = tmp_path / "p"
    shutil.copytree(SHIPPED, folder)
    agreements = Agreements(folder)
    first = agreements.current()
    assert agreements.current() is first, "nothing is read again while nothing changed"
    file = folder / "customers/acme.yaml"
    good = file.read_text()

    file.write_text(good.replace("agreement: sla", "agreement: slo"))
    assert agreements.current() is first
    assert "acme.yaml:2:1" in str(agreements.problems[0])

    file.write_text(good.replace("P2: 8h", "P2: 9h"))
    later = agreements.current()
    assert agreements.problems == ()
    assert {p.version for p in later.profiles} != {p.version for p in first.profiles}

    os.remove(folder / "operations/network-ola.yaml")
    assert "network-ola" not in {p.name for p in agreements.current().profiles}
