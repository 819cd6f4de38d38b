"""Major incidents: what is on record of one, what may be done next, and what is told of it at the end. Pure.

Everything is an event of the ticket (EventKind.MAJOR). The clock of updates and of recovery is an OLA that applies to
`major_incident: true`; reminders are steps of its ladder.
"""
