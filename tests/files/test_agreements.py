"""Files changed on disk are noticed; a bad file never replaces a good one in force."""

from __future__ import annotations

import os
import shutil
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from connector.domain.agreements.profile import Profile
from connector.files.in_force import Agreements
from connector.store import SqlStore

SHIPPED = Path(__file__).parents[2] / "sla_profiles"


def test_a_version_that_was_in_force_is_kept_for_running_clocks(tmp_path: Path, sqlite_store: SqlStore) -> None:
    folder = tmp_path / "p"
    shutil.copytree(SHIPPED, folder)

    def acme(agreements: Agreements) -> Profile:
        return next(p for p in agreements.current().profiles if p.name == "acme-gold")

    def now() -> datetime:
        return datetime(2026, 3, 2, tzinfo=UTC)

    agreements = Agreements(folder, sqlite_store, now)
    old = acme(agreements)
    calendar = folder / "calendars/weekdays.yaml"
    calendar.write_text(calendar.read_text().replace("17:30", "19:00"))
    new = acme(agreements)
    for again in (agreements, Agreements(folder, sqlite_store, now)):
        kept = again.current().at("acme-gold", old.version)
        assert kept is not None
        assert kept.version == old.version != new.version
        late = datetime(2026, 3, 2, 18, tzinfo=ZoneInfo("Europe/Zurich"))
        assert not again.current().hours(kept, {}).calendar.is_open(late), "on its own calendar"
        assert again.current().hours(new, {}).calendar.is_open(late)


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
