"""What tools remark, and what is wrong with YAML and with what tools say: here to be translated (see `reasons`)."""

from __future__ import annotations

from typing import Final

from connector.web.i18n import mark

REMARKS: Final = (
    mark("The profile uses the simplified interface: it sees only its own tickets."),
    mark("The profile has no right to %(what)s."),
    mark("create tickets"),
    mark("update tickets"),
    mark("add followups"),
    mark("see the history of tickets"),
    mark("add documents"),
    mark("see documents"),
    mark("see all tickets: some stay hidden"),
    mark("assign tickets"),
    mark("see private followups"),
    mark("see users: people appear as #id"),
    mark("see groups"),
    mark("see categories"),
    mark("GLPI's local time for the account is %(minutes)s minutes from time zone %(zone)s%(named)s: set "
         "`timezone` to the zone of the account that owns the token."),
    mark("Time zone %(zone)s changes its clock: in the hour repeated each autumn times can be one hour early. "
         "Set the time zone of the account to UTC in GLPI, and `timezone: UTC` here."),
    mark("GLPI's times for the account have the offset %(offset)s, time zone %(zone)s has another: set "
         "`timezone` to the zone of the account."),
    mark("The high-level API shows no log and no files of tickets; the old API (apirest.php) does."),
    mark("The mapping reads what this API does not give: %(names)s."),
    mark("%(table)s cannot be read: %(why)s"),
    mark("the clocks differ by %(seconds)s s; set ours by NTP"),
    mark("our own user name cannot be read (sys_user): set the option `account`, or our own changes will be "
         "taken for somebody's"),
    mark("the roles of our account cannot be read (or it has none)"),
    mark("our account has the role admin, which is more than it needs"),
    mark("roles of our account: %(names)s"),
    mark("a stored time and the same time as shown differ by %(offset)s, which is not the account's zone "
         "(%(zone)s): are stored times UTC here?"),
    mark("the newest row of %(table)s was changed in the future: are stored times UTC here?"),
    mark("sys_audit cannot be read: changes come from metric_instance, only for fields with a metric and no actor"),
    mark("neither sys_audit nor metric_instance is read: changes are only seen by comparing two readings"),
    mark("sys_journal_field cannot be read: comments and work notes are not read, only written"),
    mark("sys_audit_delete cannot be read: deleted tickets are found by reading all ids"),
    mark("no ticket to look at: which fields can be read is not known"),
    mark("%(name)s of %(table)s: the field exists, but it%(behind)s cannot be read by our account (access rule)"),
    mark("%(name)s of %(table)s: no such field, or hidden from our account"),
    mark("sys_choice cannot be read: the states of the tables could not be compared with the mapping"),
    mark("state %(value)s (%(label)s) of %(table)s is not in the mapping: tickets in it will be set aside"),
    mark("this instance drops conditions it does not understand and answers with the rest; set "
         "glide.invalid_query.returns_no_rows to true (rows are checked here all the same)"),
    mark("the option `filter` leaves out no row of %(table)s: is it spelt as the instance knows it?"),
    mark("The plugin servicedesk-connector is not there: tickets can be created, and nothing else works. "
         "Install plugins/osticket (docs/osticket.md). Where the web server passes only the stock routes on, "
         "let it pass /api/connector/ to api/http.php too."),
    mark("No acting agent is chosen in the plugin's settings: nothing can be written."),
    mark("The plugin sends webhooks, and `webhook_secrets` is empty here: they are all turned away."),
    mark("osTicket's cron has not run for an hour or more: webhooks that failed once wait for it."),
    mark(" or what is behind %(field)s"),
)
YAML: Final = (
    mark("a tab where YAML wants spaces"),
    mark("a second document begins: one file holds one"),
    mark("mapping values are not allowed here"),
    mark("could not find expected ':'"),
    mark("found character %(character)s that cannot start any token"),
    mark("expected <block end>, but found %(token)s"),
    mark("expected ',' or ']', but got %(token)s"),
    mark("expected ',' or '}', but got %(token)s"),
    mark("expected the node content, but found %(token)s"),
    mark("expected '<document start>', but found %(token)s"),
    mark("found undefined alias %(name)s"),
    mark("found unexpected end of stream"),
    mark("found unknown escape character %(character)s"),
)
READINGS: Final = (
    mark("%(why)s in `%(source)s`"),
    mark("unknown value %(value)s"),
    mark("no value in `%(source)s`"),
    mark("no value in `%(source)s`, and every ticket has one"),
    mark("%(value)s alone is ambiguous"),
    mark("%(value)s is neither true nor false"),
    mark("%(value)s is not a whole number"),
    mark("%(value)s is not a number"),
    mark("%(value)s is not a duration"),
    mark("%(value)s is not a date of the form %(pattern)s"),
    mark("%(value)s is not a %(field)s (expected one of %(names)s)"),
    mark("%(value)s is not a support level (expected 1, 2, 3 or 4)"),
    mark("%(value)s is not a time with a zone"),
    mark("%(value)s has no value in the tool (it has %(known)s)"),
    mark("it cannot be emptied: the table has no value for that"),
    mark("date out of range %(value)s"),
    mark("date without a zone %(value)s"),
    mark("unreadable date%(hint)s"),
)
