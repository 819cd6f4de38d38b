"""Service requests: a catalogue item's approvals and tasks, what of them is on record, and what comes next. Pure.

Everything is an event of the ticket (EventKind.REQUEST); the plan that a request began with is one of them.
"""
