"""ServiceNow's raw values for the neutral ones (research: servicenow.md section 7)."""

from __future__ import annotations

from typing import Final

TABLES: Final = {"incident": "incident", "service_request": "sc_req_item", "task": "sc_task", "problem": "problem",
                 "change": "change_request"}
KINDS: Final = {table: kind for kind, table in TABLES.items()}
PREFIX: Final = {"incident": "INC", "service_request": "RITM", "task": "SCTASK", "problem": "PRB", "change": "CHG"}

_INCIDENT: Final = {"new": "1", "in_progress": "2", "pending": "3", "resolved": "6", "closed": "7", "cancelled": "8"}
_TASK: Final = {"new": "1", "in_progress": "2", "pending": "-5", "resolved": "3", "closed": "3", "cancelled": "4"}
STATUS: Final[dict[str, dict[str, str]]] = {
    "incident": _INCIDENT,
    "service_request": _TASK,
    "task": _TASK,
    "problem": {"new": "101", "in_progress": "103", "pending": "102", "resolved": "106", "closed": "107",
                "cancelled": "107"},
    "change": {"new": "-5", "in_progress": "-1", "pending": "-3", "resolved": "0", "closed": "3", "cancelled": "4"},
}
STATE: Final[dict[str, dict[str, str]]] = {
    "incident": {raw: state for state, raw in _INCIDENT.items()},
    "service_request": {"-5": "pending", "1": "new", "2": "in_progress", "3": "closed", "4": "cancelled",
                        "7": "cancelled"},
    "task": {"-5": "pending", "1": "new", "2": "in_progress", "3": "closed", "4": "cancelled", "7": "cancelled"},
    "problem": {"101": "new", "102": "in_progress", "103": "in_progress", "104": "in_progress", "106": "resolved",
                "107": "closed"},
    "change": {"-5": "new", "-4": "in_progress", "-3": "in_progress", "-2": "in_progress", "-1": "in_progress",
               "0": "resolved", "3": "closed", "4": "cancelled"},
}
LABELS: Final[dict[str, dict[str, str]]] = {
    "incident": {"1": "New", "2": "In Progress", "3": "On Hold", "6": "Resolved", "7": "Closed", "8": "Canceled"},
    "service_request": {"-5": "Pending", "1": "Open", "2": "Work in Progress", "3": "Closed Complete",
                        "4": "Closed Incomplete", "7": "Closed Skipped"},
    "task": {"-5": "Pending", "1": "Open", "2": "Work in Progress", "3": "Closed Complete",
             "4": "Closed Incomplete", "7": "Closed Skipped"},
    "problem": {"101": "New", "102": "Assess", "103": "Root Cause Analysis", "104": "Fix in Progress",
                "106": "Resolved", "107": "Closed"},
    "change": {"-5": "New", "-4": "Assess", "-3": "Authorize", "-2": "Scheduled", "-1": "Implement", "0": "Review",
               "3": "Closed", "4": "Canceled"},
}
HOLD: Final = {"customer": "1", "problem": "3", "supplier": "4", "change": "5"}
HOLD_LABELS: Final = {"1": "Awaiting Caller", "3": "Awaiting Problem", "4": "Awaiting Vendor", "5": "Awaiting Change"}
SCALE: Final = {"very_high": "1", "high": "1", "medium": "2", "low": "3", "very_low": "3"}
SCALE_BACK: Final = {"1": "high", "2": "medium", "3": "low"}
SCALE_LABELS: Final = {"1": "1 - High", "2": "2 - Medium", "3": "3 - Low"}
PRIORITY_LABELS: Final = {"1": "1 - Critical", "2": "2 - High", "3": "3 - Moderate", "4": "4 - Low",
                          "5": "5 - Planning"}
CLOSE_CODES: Final = ("Duplicate", "Known error", "No resolution provided", "Resolved by caller", "Resolved by change",
                      "Resolved by problem", "Resolved by request", "Solution provided", "Workaround provided",
                      "User error")


def priority(impact: str, urgency: str) -> int:
    """The base matrix of dl_u_priority: 1 2 3 / 2 3 4 / 3 4 5."""
    return int(SCALE[impact]) + int(SCALE[urgency]) - 1
