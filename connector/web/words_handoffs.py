"""Words of handoffs: states, moves, sides, entries, receivers, figures of the review. `words.word` finds them here."""

from __future__ import annotations

from typing import Final

from connector.web.i18n import mark

HANDOFF_STATES: Final = {
    "draft": mark("Draft"),
    "offered": mark("Offered"),
    "acknowledged": mark("Acknowledged"),
    "declined": mark("Declined"),
    "in_progress": mark("In progress"),
    "waiting_customer": mark("Waiting for the customer"),
    "resolved_proposed": mark("Resolution proposed"),
    "accepted": mark("Accepted"),
    "rejected": mark("Resolution rejected"),
    "handed_back": mark("Handed back"),
    "disputed": mark("Disputed"),
    "expired": mark("Expired"),
    "closed": mark("Closed"),
}
MOVES: Final = {
    "offer": mark("Offer"),
    "acknowledge": mark("Acknowledge"),
    "decline": mark("Decline"),
    "start": mark("Start work"),
    "wait_customer": mark("Wait for the customer"),
    "resume": mark("Resume work"),
    "propose_resolution": mark("Propose a resolution"),
    "accept": mark("Accept the resolution"),
    "reject": mark("Reject the resolution"),
    "hand_back": mark("Hand back"),
    "dispute": mark("Open a dispute"),
    "settle": mark("Settle the dispute"),
    "expire": mark("Expire"),
    "withdraw": mark("Withdraw"),
    "close": mark("Close"),
}
MOVED: Final = {
    "offer": mark("offered the work"),
    "acknowledge": mark("acknowledged the work"),
    "decline": mark("declined the work"),
    "start": mark("started work"),
    "wait_customer": mark("waits for the customer"),
    "resume": mark("resumed work"),
    "propose_resolution": mark("proposed a resolution"),
    "accept": mark("accepted the resolution"),
    "reject": mark("rejected the resolution"),
    "hand_back": mark("handed the work back"),
    "dispute": mark("opened a dispute"),
    "settle": mark("settled the dispute"),
    "expire": mark("let the offer expire"),
    "withdraw": mark("withdrew the work"),
    "close": mark("closed the handoff"),
}
ENTRIES: Final = {
    "comment": mark("wrote"),
    "file": mark("attached a file"),
    "published": mark("showed it to the customer"),
    "edited": mark("changed the handoff"),
    "clock": mark("breached"),
    "bounced": mark("came back too often: a person has to decide"),
    "decided": mark("decided what happens"),
    "report": mark("signed an intervention report"),
    "access": mark("looked at it"),
    "conflict": mark("saw a field differ on both sides"),
    "received": mark("sent a message of an unknown kind"),
    "undelivered": mark("could not be told"),
}
ASKED: Final = {
    "decline": mark("Why it is declined"),
    "wait_customer": mark("What the customer is to do"),
    "propose_resolution": mark("What was done"),
    "reject": mark("What is still wrong"),
    "hand_back": mark("Why it is handed back"),
    "dispute": mark("What is disputed, and why"),
    "settle": mark("How it was settled"),
    "withdraw": mark("Why it is withdrawn"),
}
"""What a move asks for, instead of just `Reason`."""
SIDES: Final = {"ours": mark("Service desk"), "theirs": mark("Receiver"), "system": mark("System")}
TURNS: Final = {"ours": mark("Service desk"), "theirs": mark("Receiver"), "customer": mark("Customer")}
RECEIVER_KINDS: Final = {
    "supplier": mark("Supplier"),
    "operations": mark("Operations centre"),
    "security": mark("Security team"),
    "field_service": mark("Field service"),
}
REACHED: Final = {"webhook": mark("Webhook"), "email": mark("E-mail"), "portal": mark("Portal")}
EFFECTS: Final = {
    "runs": mark("the clock runs on"),
    "frozen": mark("the clock stops until it is settled"),
    "credited": mark("the time is given back afterwards"),
}
CHOICES: Final = {
    "offer_again": mark("Offer it to the same receiver again"),
    "reroute": mark("Give it to somebody else"),
    "keep": mark("Do it ourselves"),
}
DETAILS: Final = {
    "site": mark("Site"),
    "access": mark("Access"),
    "visit_from": mark("Visit from"),
    "visit_to": mark("Visit until"),
    "parts": mark("Spare parts"),
}
MEASURES: Final = {
    "acknowledge_in_time": mark("Acknowledged in time"),
    "first_response_in_time": mark("First response in time"),
    "resolution_in_time": mark("Resolved in time"),
    "hand_back_in_time": mark("Handed back in time"),
    "declined": mark("Offers declined"),
    "handed_back": mark("Handed back undone"),
    "rejected": mark("Resolutions rejected"),
    "transfer_time": mark("Time from offer to answer (median)"),
    "disputed_minutes": mark("Minutes in dispute"),
    "silent": mark("Silent for too long"),
}
COMMENT_LISTS: Final = {
    "none": mark("none"),
    "published": mark("those the requester can see"),
    "chosen": mark("chosen ones, internal notes too"),
}
FILE_LISTS: Final = {"none": mark("none"), "chosen": mark("chosen ones")}
