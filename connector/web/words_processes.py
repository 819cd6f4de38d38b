"""Words of major incidents and service requests, of what tools can do and of the audit trail."""

from __future__ import annotations

from typing import Final

from connector.web.i18n import mark

MAJOR_STATES: Final = {
    "degraded": mark("degraded"), "recovering": mark("recovering"), "recovered": mark("recovered"),
    "closed": mark("closed"), "stood_down": mark("stood down"),
}
MAJOR_MOVES: Final = {
    "declared": mark("declared"), "role": mark("role given"), "update": mark("update"), "decision": mark("decision"),
    "follow_up": mark("to be done"), "followed_up": mark("follow-up done"),
    "linked": mark("ticket linked"), "unlinked": mark("ticket not linked any more"),
    "procedure": mark("procedure attached"), "done": mark("step done"), "skipped": mark("step skipped"),
    "undone": mark("step open again"), "recovering": mark("recovering"), "recovered": mark("recovered"),
    "relapsed": mark("relapsed"), "stood_down": mark("stood down"), "closed": mark("closed"),
}
MAJOR_ROLES: Final = {"incident_manager": mark("Incident manager"), "communications": mark("Communications")}
REQUEST_STATES: Final = {
    "approving": mark("waits for approval"), "fulfilling": mark("being fulfilled"), "completed": mark("completed"),
    "refused": mark("refused"), "cancelled": mark("cancelled"),
}
TASK_STATES: Final = {
    "waiting": mark("waiting"), "started": mark("started"), "done": mark("done"), "failed": mark("failed"),
    "dropped": mark("not needed"),
}
REQUEST_MOVES: Final = {
    "started": mark("started"), "asked": mark("approval asked for"), "substituted": mark("substitute asked"),
    "approved": mark("approved"), "refused": mark("refused"), "expired": mark("nobody answered in time"),
    "approval_late": mark("approval late"),
    "task_started": mark("task started"), "task_done": mark("task done"), "task_failed": mark("task failed"),
    "task_late": mark("task late"),
    "task_again": mark("task started again"), "task_dropped": mark("task not needed"),
    "cancelled": mark("cancelled"), "completed": mark("completed"),
}
CAPABILITIES: Final = {
    "read": mark("read tickets"),
    "history": mark("read histories"),
    "create": mark("create tickets"),
    "update": mark("change tickets"),
    "comment": mark("write comments"),
    "note": mark("write internal notes"),
    "attach": mark("attach files"),
    "attachments": mark("read files"),
    "deletions": mark("list deleted tickets"),
    "ids": mark("list all numbers"),
    "webhooks": mark("send webhooks"),
    "find": mark("find what was made by our key"),
}
AUDITED: Final = {
    "fields": mark("fields"),
    "key": mark("key"),
    "reason": mark("reason"),
    "receiver": mark("receiver"),
    "role": mark("role"),
    "version": mark("version"),
    "tickets": mark("tickets"),
}
"""Names of what an entry of the audit trail tells besides; a name that is not here is shown as it is."""
