"""The names people read for the vocabulary of the domain. English here; French in the catalogue."""

from __future__ import annotations

from typing import Final

from connector.web import words_handoffs, words_processes
from connector.web.i18n import _, mark

KINDS: Final = {
    "incident": mark("Incident"),
    "service_request": mark("Service request"),
    "task": mark("Task"),
    "problem": mark("Problem"),
    "change": mark("Change"),
}
STATES: Final = {
    "new": mark("New"),
    "in_progress": mark("In progress"),
    "pending": mark("Pending"),
    "resolved": mark("Resolved"),
    "closed": mark("Closed"),
    "cancelled": mark("Cancelled"),
}
PENDING_ON: Final = {
    "customer": mark("customer"),
    "supplier": mark("supplier"),
    "problem": mark("problem"),
    "change": mark("change"),
    "approval": mark("approval"),
    "internal": mark("internal work"),
    "other": mark("something else"),
}
SCALES: Final = {
    "very_high": mark("Very high"),
    "high": mark("High"),
    "medium": mark("Medium"),
    "low": mark("Low"),
    "very_low": mark("Very low"),
}
FIELDS: Final = {
    "tool": mark("Tool"),
    "kind": mark("Kind"),
    "state": mark("State"),
    "opened_at": mark("Opened"),
    "updated_at": mark("Updated"),
    "number": mark("Number"),
    "title": mark("Title"),
    "description": mark("Description"),
    "pending_on": mark("Waiting for"),
    "impact": mark("Impact"),
    "urgency": mark("Urgency"),
    "priority": mark("Priority"),
    "category": mark("Category"),
    "service": mark("Service"),
    "customer": mark("Customer"),
    "site": mark("Site"),
    "contract": mark("Contract"),
    "supplier": mark("Supplier"),
    "requester": mark("Requester"),
    "requester_email": mark("Requester's e-mail"),
    "assignee": mark("Assignee"),
    "group": mark("Group"),
    "level": mark("Support level"),
    "parent": mark("Parent ticket"),
    "resolved_at": mark("Resolved at"),
    "closed_at": mark("Closed at"),
    "due_at": mark("Due"),
    "tags": mark("Tags"),
    "deleted": mark("Deleted"),
}
DELIVERY_STATES: Final = {
    "waiting": mark("Waiting"),
    "leased": mark("Being delivered"),
    "done": mark("Done"),
    "dead": mark("Dead letter"),
    "dropped": mark("Dropped"),
}
TRY_OUTCOMES: Final = {
    "done": mark("Done"),
    "retry": mark("To be tried again"),
    "refused": mark("Given up"),
    "lost": mark("Answer not known"),
}
"""Of tries of deliveries."""
VERBS: Final = {
    "create": mark("Create ticket"),
    "update": mark("Change fields"),
    "comment": mark("Add comment"),
    "attach": mark("Attach file"),
    "notify": mark("Send message"),
    "handoff": mark("Tell of handoff"),
    "fetch": mark("Fetch file"),
}
ROLES: Final = {
    "admin": mark("Administrator"),
    "planner": mark("Planner"),
    "agent": mark("Agent"),
    "viewer": mark("Viewer"),
    "supplier": mark("Supplier"),
}
EVENT_ROLES: Final = {
    "requester": mark("requester"),
    "agent": mark("agent"),
    "supplier": mark("supplier"),
    "system": mark("system"),
    "connector": mark("connector"),
    "unknown": "",
}
RIGHTS: Final = {
    "tickets:read": mark("Read tickets and their history"),
    "tickets:write": mark("Create and change tickets, comment"),
    "tools:read": mark("See the connections"),
    "deliveries:read": mark("See deliveries"),
    "deliveries:retry": mark("Retry deliveries"),
    "deliveries:drop": mark("Drop deliveries"),
    "quarantine:read": mark("See the quarantine"),
    "quarantine:retry": mark("Retry tickets in quarantine"),
    "imports:read": mark("See imports"),
    "audit:read": mark("Read the audit trail"),
    "metrics:read": mark("Read metrics"),
    "users:manage": mark("Manage users and tokens"),
    "agreements:read": mark("Read agreements"),
    "agreements:manage": mark("Change agreements, apply them to open tickets"),
    "approvals:answer": mark("Answer approvals for others"),
    "handoffs:read": mark("See handoffs, their proof and the reviews of receivers"),
    "handoffs:write": mark("Hand work over, decide on what comes back"),
    "handoffs:answer": mark("Answer handoffs in the portal"),
    "receivers:manage": mark("Invite receivers, change their secrets, let messages go out again"),
}
ACTIONS: Final = {
    "signed in": mark("Signed in"),
    "sign-in failed": mark("Failed sign-in"),
    "signed out": mark("Signed out"),
    "password changed": mark("Password changed"),
    "user created": mark("User created"),
    "user changed": mark("User changed"),
    "user invited": mark("User invited"),
    "invitation accepted": mark("Invitation accepted"),
    "secret made": mark("Secret made"),
    "token created": mark("API token created"),
    "token revoked": mark("API token revoked"),
    "edit": mark("Ticket edited"),
    "create": mark("Ticket created"),
    "comment": mark("Comment added"),
    "attach": mark("File attached"),
    "delivery retried": mark("Delivery retried"),
    "delivery dropped": mark("Delivery dropped"),
    "delivery repeated": mark("Delivery sent again"),
    "delivery read": mark("What was sent was read"),
    "quarantine retried": mark("Quarantine retried"),
    "bury": mark("Delivery given up"),
    "channel disabled": mark("Channel disabled"),
    "channel enabled": mark("Channel enabled"),
    "acknowledge": mark("Escalation acknowledged"),
    "pruned": mark("Old records removed"),
    "agreement.save": mark("Agreement saved"),
    "agreement.apply": mark("Agreement applied to tickets"),
}
TARGETS: Final = {
    "acknowledge": mark("Acknowledgement"),
    "first_response": mark("First response"),
    "next_response": mark("Next response"),
    "update": mark("Update"),
    "resolution": mark("Resolution"),
    "hand_back": mark("Hand-back"),
    "approval": mark("Approval"),
}
CLOCK_STATES: Final = {
    "running": mark("Running"),
    "paused": mark("Paused"),
    "met": mark("Met"),
    "breached": mark("Breached"),
    "cancelled": mark("Does not apply"),
}
AGREEMENTS: Final = {
    "sla": mark("Customer (SLA)"),
    "ola": mark("Own team (OLA)"),
    "uc": mark("Supplier (UC)"),
}
PARTS: Final = {
    "teams": mark("People and groups"),
    "messages": mark("Texts of messages"),
    "informing": mark("What requesters are told"),
    "customers": mark("Agreement with customers (SLA)"),
    "operations": mark("Agreement with an own team (OLA)"),
    "suppliers": mark("Contract with a supplier (UC)"),
    "calendars": mark("Calendar"),
    "escalations": mark("Ladder of escalations"),
    "major": mark("How major incidents are run"),
    "continuity": mark("Continuity procedure"),
    "catalogue": mark("Item of the service catalogue"),
}
STANDINGS: Final = {
    "due": mark("due now"),
    "ahead": mark("to come"),
    "paused": mark("waits: the clock does not run"),
    "unmet": mark("its conditions do not hold"),
    "closed": mark("waits for its hours"),
    "missed": mark("passed before the ticket was known here"),
    "done": mark("done"),
    "silenced": mark("ended by an acknowledgement"),
}
OUTCOMES: Final = {
    "fired": mark("done"),
    "skipped": mark("skipped"),
    "refused": mark("could not be done"),
    "fallback": mark("done instead"),
    "bound": mark("ladder taken up in another version"),
}
HAPPENINGS: Final = {
    "opened": mark("opened"),
    "reassigned": mark("reassigned"),
    "reopened": mark("reopened"),
    "raised": mark("priority raised"),
    "replied": mark("customer replied"),
    "approval_late": mark("an approval is late"),
    "task_late": mark("a task is late"),
    "task_failed": mark("a task came back undone"),
}
STARTS: Final = {
    "opened": mark("the opening of the ticket"),
    "assigned": mark("the first assignment"),
    "attached": mark("the moment the agreement applies"),
}
COVERAGE: Final = {
    "included": mark("Included"),
    "excluded": mark("Not included"),
    "billed": mark("Billed separately"),
}
_VALUES: Final = {
    "kind": KINDS,
    "state": STATES,
    "pending_on": PENDING_ON,
    "impact": SCALES,
    "urgency": SCALES,
}
EMPTY: Final = {"none": mark("not known"), "open": mark("open")}
LANGUAGES: Final = {
    "en": "English (US)",
    "en_GB": "English (UK)",
    "fr": "Français (France)",
    "fr_CH": "Français (Suisse)",
    "fr_CA": "Français (Canada)",
}


INFORMED: Final = {
    "received": mark("that the ticket was received"),
    "taken": mark("that somebody works on it"),
    "waiting": mark("that it waits for an answer"),
    "resolved": mark("that it was solved"),
    "no address of the requester that can be written to": mark("no address of the requester that can be written to"),
    "the requester's address is one of ours": mark("the requester's address is one of ours"),
    "a program lives at the requester's address": mark("a program lives at the requester's address"),
    "the ticket comes from an automatic mail": mark("the ticket comes from an automatic mail"),
    "too many tickets of this address within an hour": mark("too many tickets of this address within an hour"),
    "e-mail is not set up": mark("e-mail is not set up"),
    "the tool takes no comments": mark("the tool takes no comments"),
    "its template is gone": mark("its template is gone"),
}
"""What a requester was told, and why they were not."""


def word(table: str, key: object) -> str:
    """The translated name in one of the tables above (`kinds`, `states`, ...); an unknown key is its own name."""
    names: dict[str, str] = globals().get(table.upper()) or getattr(
        words_handoffs if hasattr(words_handoffs, table.upper()) else words_processes, table.upper())
    text = names.get(str(key), str(key))
    return _(text) if text else ""


def field_name(field: str) -> str:
    return field[7:].replace("_", " ") if field.startswith("custom.") else word("fields", field)


def value_name(field: str, value: object) -> str:
    names = _VALUES.get(field)
    return _(names[str(value)]) if names and str(value) in names else str(value)
