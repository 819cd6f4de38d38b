"""A step that begins again and again on one ticket is stopped, where a person sees it.

Files with loops are refused; but a rule of the tool may undo what a step does each time, and no file tells that.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from connector.domain.escalations.escalated import SKIPPED, Firing, Record
from connector.domain.escalations.rules import Rule, Step

MOST_BEGUN: Final = 20
"""How often one step may begin on one ticket within `DAY`."""
DAY: Final = timedelta(days=1)
WHY: Final = f"stopped for a day: it began {MOST_BEGUN} times within one, as if something undid what it does each time"


def turning(record: Record, rule: Rule, step: Step, known: Sequence[str], now: datetime) -> bool:
    """Whether it began so often lately; `known` are the subjects on record."""
    begun = [min(told.at for told in record.told[rule.name, step.name, one].values()) for one in known]
    return sum(now - at < DAY for at in begun) >= MOST_BEGUN


def stopped(record: Record, rule: Rule, step: Step, subject: str) -> bool:
    """Whether that was said of the last subject."""
    said = record.told[rule.name, step.name, subject].get(1)
    return said is not None and said.what == SKIPPED and \
        f"escalated/{rule.name}/{step.name}/{subject}/1" in record.refused


def stop(rule: Rule, step: Step, subject: str, came: datetime) -> Firing:
    return Firing(rule.name, rule.version, step.name, subject, 1, came, what=SKIPPED, why=step.text, stopped=WHY)
