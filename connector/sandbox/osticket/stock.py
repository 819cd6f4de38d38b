"""osTicket's own API: it takes new tickets as JSON, XML or mail, with the manners recorded from 1.18."""

from __future__ import annotations

import base64
import email
import email.policy
import re
import xml.etree.ElementTree as ElementTree
from typing import Any, Final

import orjson

from connector.sandbox.model import Ticket
from connector.sandbox.osticket.side import FIELDS, PRIORITIES, SLAS, STATUSES, OsTicket, moment
from connector.sandbox.osticket.writes import Writer

_ADDRESS: Final = re.compile(r"[^@\s<>]+@[^@\s<>]+\.[^@\s<>]+")
_TAGS: Final = re.compile(r"<script.*?</script>|<[^>]*>", re.DOTALL | re.IGNORECASE)
_DATA: Final = re.compile(r"data:([^;,]*)((?:;[^;,]*)*),(.*)", re.DOTALL)
MISSING: Final = "Missing or invalid data — Correct any errors below and try again"
SUMMARY, DETAILS = "20\nIssue Summary is a required field", "21\nIssue Details is a required field"
FATAL: Final = ("<br />\n<b>Fatal error</b>:  Uncaught TypeError in <b>/var/www/osticket/include/class.format.php"
                "</b><br />\n")


class Refused(Exception):
    """Text with a status, as osTicket answers."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status, self.text = status, text


def not_created(*lines: str) -> Refused:
    return Refused(500, "Unable to create new ticket :" + "\n".join(lines))


class Door:
    def __init__(self, side: OsTicket, writer: Writer) -> None:
        self.side = side
        self.desk = side.desk
        self.writer = writer

    def json(self, data: bytes) -> str:
        try:
            body = orjson.loads(data)
        except orjson.JSONDecodeError:
            raise Refused(400, "Syntax error, malformed JSON") from None
        if not body or not isinstance(body, dict):
            raise Refused(400, "No errors")
        return self.number(self.create(body, "API"))

    def xml(self, data: bytes) -> str:
        try:
            # Loopback only, and the parser of Python 3.11 limits what entities can grow to.
            root = ElementTree.fromstring(data)  # noqa: S314
        except ElementTree.ParseError:
            raise Refused(400, "XML error") from None
        body: dict[str, Any] = {child.tag: child.text or "" for child in root if child.tag != "attachments"}
        files = [{child.get("name", "file"): f"data:{child.get('type', '')};base64,{child.text or ''}"}
                 for child in root.iterfind("attachments/file")]
        return self.number(self.create({**root.attrib, **body, "attachments": files}, "API"))

    def number(self, ticket: Ticket) -> str:
        return self.side.number(ticket.id)

    def mail(self, data: bytes) -> str:
        """A known Message-ID gives the old number; a reference to a known one adds to that ticket."""
        message = email.message_from_bytes(data, policy=email.policy.default)
        mid = str(message["Message-ID"] or "").strip().lower()
        if mid in self.side.mails:
            return self.side.number(self.side.mails[mid])
        name, address = email.utils.parseaddr(str(message["From"] or ""))
        part = message.get_body(("plain", "html"))
        text = part.get_content().strip() if part is not None else ""
        referred = f"{message['In-Reply-To'] or ''} {message['References'] or ''}".lower().split()
        for known in referred:
            ticket = self.desk.tickets.get(self.side.mails.get(known, 0))
            if ticket is not None:
                self.desk.comment(ticket, self.writer.person(name, address), _bmp(text), "message")
                self.side.mails[mid] = ticket.id
                return self.number(ticket)
        ticket = self.create({"name": name, "email": address, "subject": str(message["Subject"] or "[No Subject]"),
                              "message": text or "-", "mid": mid}, "Email")
        return self.number(ticket)

    def create(self, body: dict[str, Any], source: str) -> Ticket:
        """Raises Refused; TypeError is a PHP fatal error."""
        for key in ("subject", "message", "name", "email"):
            if isinstance(body.get(key), (list, dict)):
                raise TypeError(key)
        self._origin(body)
        self._who(body)
        wrong = [text for key, text in (("subject", SUMMARY), ("message", DETAILS)) if key not in body]
        if wrong:
            raise not_created(*wrong)
        topic = _id(body.get("topicId"), self.desk.categories)
        missing = [label for name, label in self.side.required.get(topic or 0, {}).items() if not body.get(name)]
        if missing:
            raise not_created(*(f"{at}\n{label} is a required field" for at, label in enumerate(missing)))
        text, kind = _message(str(body["message"]) if body["message"] is not None else "-")
        user = self.writer.person(_bmp(str(body.get("name") or "")), str(body["email"]))
        values = self._placed(body, topic)
        ticket = self.desk.create(user, title=_bmp(_subject(str(body["subject"])))[:255], description=_bmp(text),
                                  format=kind, requester=user, company=self.desk.people[user].company,
                                  source=source, ip=str(body.get("ip") or "127.0.0.1"), **values)
        if body.get("mid"):
            self.side.mails[str(body["mid"]).lower()] = ticket.id
        self._files(ticket, user, body.get("attachments"))
        return ticket

    def _origin(self, body: dict[str, Any]) -> None:
        origin = str(body.get("source") or "API")
        if origin == "Email" and not body.get("emailId"):
            raise not_created("emailId", "Unknown system email", "err", MISSING)
        if origin == "Web":
            if body.get("topicId"):
                raise not_created(SUMMARY, DETAILS)
            raise not_created("topicId", "Select a Help Topic", "err", MISSING, DETAILS)
        if origin not in ("API", "Email"):
            raise not_created("origin", "Invalid ticket origin given", "err", "No fields set up")

    def _who(self, body: dict[str, Any]) -> None:
        address = str(body.get("email") or "")
        if any(address.endswith(end) for end in self.side.filtered):
            raise Refused(403, f"Unable to create new ticket :Ticket denied: {address}\n\nThis help desk is for use by "
                               "authorized users only")
        known = any(p.email.lower() == address.lower() for p in self.desk.people.values())
        if not known and not self.side.switches["unregistered"]:
            raise Refused(403, f"Unable to create new ticket :Ticket denied: {address}\n\nThis help desk is for use by "
                               "authorized users only")
        if self.side.switches["verify_email"] or not _ADDRESS.fullmatch(address) or not (body.get("name") or known):
            raise not_created("user", "Incomplete client information")

    def _placed(self, body: dict[str, Any], topic: int | None) -> dict[str, Any]:
        """Undocumented keys take effect too. Unknown ids are dropped; an unknown priorityId empties the priority."""
        desk = self.desk
        values: dict[str, Any] = {"priority": 2, "group": _id(body.get("deptId"), desk.groups) or 1, "category": topic}
        if "priorityId" in body:
            values["priority"] = _id(body["priorityId"], PRIORITIES) or 0
        elif _id(body.get("priority"), PRIORITIES):
            values["priority"] = _id(body["priority"], PRIORITIES)
        if topic and "deptId" not in body:
            values["group"] = self.topic_group(topic)
        if (sla := _id(body.get("slaId"), SLAS)) is not None:
            values["sla"] = sla
        status = _id(body.get("statusId"), STATUSES)
        if status is not None:
            values["status"] = str(status)
        assign = str(body.get("assignId") or "")
        staff = _id(body.get("staffId") or (assign[1:] if assign.startswith("s") else None), desk.people)
        if staff is not None and (status is None or STATUSES[status].state == "open"):
            values["assignee"] = staff
        for name, (_, kind, choices) in FIELDS.items():
            if body.get(name) is not None:
                values[f"field.{name}"] = _custom(body[name], kind, choices)
        return values

    def topic_group(self, topic: int) -> int:
        from connector.sandbox.catalogue import TOPICS

        path = self.desk.categories[topic].path
        name = next((t.group for t in TOPICS if t.category == path), "")
        return next((g.id for g in self.desk.groups.values() if g.name == name), 1)

    def _files(self, ticket: Ticket, user: int, files: Any) -> None:
        for entry in files if isinstance(files, list) else ():
            if not isinstance(entry, dict) or not entry:
                continue
            # The first key is the name; in the shape of the XML API that makes a file called `name`.
            name, data = next(iter(entry.items()))
            found = _DATA.fullmatch(str(data))
            raw, kind = (found[3], found[1] or "text/plain") if found else (str(data), "text/plain")
            plain = base64.b64decode(raw) if found and found[2].lower() == ";base64" else raw.encode()
            self.desk.attach(ticket, user, name, kind, plain, touch=False)


def _id(value: Any, known: Any) -> int | None:
    number = int(value) if str(value or "").isdigit() else 0
    return number if number in known and number else None


def _custom(value: Any, kind: str, choices: dict[str, str] | None) -> Any:
    if kind == "datetime":
        try:
            return moment(str(value))
        except ValueError:
            return value
    return value


def _message(text: str) -> tuple[str, str]:
    """Plain text, or a data URL; without a charset its bytes are taken for ISO-8859-1."""
    found = _DATA.fullmatch(text)
    if not found:
        return text.rstrip(), "text"
    kind, parameters, body = found[1], found[2].lower(), found[3]
    if parameters == ";base64":
        body = base64.b64decode(body).decode("latin-1")
    elif "charset" not in parameters:
        body = body.encode().decode("latin-1")
    if "html" in kind:
        return re.sub(r"<script.*?</script>\s?", "", body, flags=re.DOTALL | re.IGNORECASE), "html"
    return _unescape(body), "text"


def _unescape(text: str) -> str:
    """The plugin gives plain text: what osTicket stores escaped is unescaped once."""
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", '"').replace("&amp;", "&")


def _subject(text: str) -> str:
    return " ".join(_TAGS.sub("", text).split(" ")).replace("  ", " ")


def _bmp(text: str) -> str:
    """Tables are utf8mb3: what lies beyond is lost."""
    return "".join(c for c in text if ord(c) <= 0xFFFF).rstrip("\n")
