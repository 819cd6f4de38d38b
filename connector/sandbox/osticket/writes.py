"""Writing through our plugin in the osTicket stand-in: everything checked first, keys that make repeats harmless."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import unquote

import orjson
from flask import Response, request

from connector.sandbox.model import Ticket
from connector.sandbox.osticket import show
from connector.sandbox.osticket.plugin import LIMITS, Reader, Said, answer, key_of
from connector.sandbox.osticket.side import FIELDS, PRIORITIES, SLAS, STATUSES, TEAMS, moment

Body = dict[str, Any]
FORBIDDEN: Final = frozenset({"exe", "bat", "php", "js"})
CREATE: Final = frozenset({"key", "subject", "message", "user", "topic_id", "priority_id", "dept_id", "staff_id",
                           "team_id", "sla_id", "status_id", "due", "fields", "source", "alert", "autorespond"})
UPDATE: Final = ("fields", "topic_id", "sla_id", "due", "priority_id", "dept_id", "team_id", "staff_id", "status_id")
"""In the order in which they are applied."""
EMPTY: Final = frozenset({"staff_id", "team_id", "due"})


class Writer:
    def __init__(self, reader: Reader) -> None:
        self.reader = reader
        self.side = reader.side
        self.desk = reader.desk
        desk = self.desk
        self._known: dict[str, Callable[[int], bool]] = {
            "topic_id": lambda n: n in desk.categories, "sla_id": lambda n: n in SLAS,
            "priority_id": lambda n: n in PRIORITIES, "dept_id": lambda n: n in desk.groups,
            "team_id": lambda n: n in TEAMS,
            "status_id": lambda n: n in STATUSES and STATUSES[n].state in ("open", "closed"),
            "staff_id": lambda n: n in desk.people and desk.people[n].role != "customer",
        }

    def _once(self, key: str, verb: str, content: bytes, work: Callable[[], Body]) -> Response:
        """The same key twice has one effect."""
        digest = hashlib.sha256(content).hexdigest()
        known = self.side.keys.get(key)
        if known is not None:
            if known[:2] != (verb, digest):
                raise Said(422, "key_clash", "The key was used before with other content.")
            return answer({**known[2], "repeated": True})
        result = work()
        self.side.keys[key] = (verb, digest, result)
        return answer({**result, "repeated": False}, 201)

    def create(self) -> Response:
        body = _body(CREATE)
        return self._once(key_of(body.get("key")), "create", request.get_data(), lambda: self._create(body))

    def _create(self, body: Body) -> Body:
        wrong: dict[str, str] = {}
        user = body.get("user") if isinstance(body.get("user"), dict) else {}
        email = str(user.get("email") or "") if isinstance(user, dict) else ""
        if not isinstance(body.get("subject"), str) or not body["subject"].strip():
            wrong["subject"] = "required"
        if "@" not in email:
            wrong["user.email"] = "an address is required"
        text = _text(body.get("message"), wrong)
        values = self._values({name: body[name] for name in UPDATE if body.get(name) is not None}, wrong)
        self._check(wrong, body)
        account = self.side.account()
        person = self.person(str(user.get("name") or "") if isinstance(user, dict) else "", email)
        ticket = self.desk.create(account.id, title=str(body["subject"])[:255], description=text["body"],
                                  format=text["format"], requester=person, source=str(body.get("source") or "API"),
                                  company=self.desk.people[person].company,
                                  **{"priority": 2, "group": 1, **values})
        return {"id": ticket.id, "number": self.side.number(ticket.id)}

    def person(self, name: str, email: str) -> int:
        """An address is matched without regard to case; the stored name stays."""
        for person in self.desk.people.values():
            if person.email.lower() == email.lower():
                return person.id
        first, _, last = name.partition(" ")
        login = f"{email.partition('@')[0]}.{len(self.desk.people)}"
        return self.desk.add_person(login, first=first, last=last, email=email).id

    def _check(self, wrong: dict[str, str], body: Any) -> None:
        if self.side.switches["bmp"] and any(ord(c) > 0xFFFF for c in _flat(body)):
            wrong["text"] = "characters above U+FFFF cannot be stored"
        if wrong:
            field, reason = next(iter(wrong.items()))
            raise Said(422, "invalid", reason, field=field, fields=wrong)

    def _values(self, body: Body, wrong: dict[str, str]) -> Body:
        """Changes of the desk for request fields; what cannot be goes into `wrong`."""
        made: Body = {}
        for name, value in body.items():
            if name == "fields":
                self._custom(value, made, wrong)
            elif name == "due":
                try:
                    made["due_at"] = moment(value) if value is not None else None
                except (ValueError, TypeError, AttributeError):
                    wrong["due"] = "not a time"
            elif value is None and name in EMPTY:
                made[_FIELD[name]] = None
            elif not isinstance(value, int) or isinstance(value, bool) or not self._known[name](value):
                wrong[name] = f"no {name.removesuffix('_id')} {value!r}"
            else:
                made[_FIELD[name]] = str(value) if name == "status_id" else value
        return made

    @staticmethod
    def _custom(fields: Any, made: Body, wrong: dict[str, str]) -> None:
        if not isinstance(fields, dict):
            wrong["fields"] = "not an object"
            return
        for name, value in fields.items():
            if name == "subject" and isinstance(value, str) and value.strip():
                made["title"] = value[:255]
            elif name not in FIELDS:
                wrong[f"fields.{name}"] = "no such field"
            elif (choices := FIELDS[name][2]) is not None and value is not None and value not in choices:
                wrong[f"fields.{name}"] = f"no choice {value!r}"
            elif FIELDS[name][1] == "datetime" and isinstance(value, str):
                try:
                    made[f"field.{name}"] = moment(value)
                except ValueError:
                    wrong[f"fields.{name}"] = "not a time"
            else:
                made[f"field.{name}"] = value

    def update(self, id: int) -> Response:
        ticket = self.reader.ticket(id)
        body = _body(frozenset(UPDATE))
        wrong: dict[str, str] = {}
        for name in UPDATE:
            if name in body and body[name] is None and name not in EMPTY:
                wrong[name] = "cannot be empty"
        self._values({name: body[name] for name in UPDATE if name in body and name not in wrong}, wrong)
        self._check(wrong, body)
        done: list[str] = []
        for name in UPDATE:
            if name in body:
                if name == "status_id" and ticket.extra.get("_open_tasks") and STATUSES[body[name]].state == "closed":
                    raise Said(422, "partly", f"{STATUSES[body[name]].name} is refused: {ticket.extra['_open_tasks']} "
                               "open tasks", field=name, done=done)
                if self.desk.change(ticket, self.side.account().id, self._values({name: body[name]}, {})):
                    done.append(name)
        return answer({"ticket": show.ticket(self.side, ticket), "done": done})

    def say(self, id: int, kind: str) -> Response:
        ticket = self.reader.ticket(id)
        body = _body(frozenset({"key", "format", "body", "title", "alert"}))
        wrong: dict[str, str] = {}
        text = _text(body, wrong)
        self._check(wrong, body)

        def work() -> Body:
            comment = self.desk.comment(ticket, self.side.account().id, text["body"], kind, format=text["format"],
                                        key=body["key"], title=str(body.get("title") or ""))
            return {"entry_id": show.entry_of(ticket, comment.id)}

        return self._once(key_of(body.get("key")), kind, f"{id}/".encode() + request.get_data(), work)

    def attach(self, id: int) -> Response:
        ticket = self.reader.ticket(id)
        key = key_of(request.headers.get("X-Connector-Key"))
        name = unquote(request.headers.get("X-Connector-Name", ""))
        data = request.get_data()
        if not name:
            raise Said(422, "invalid", "X-Connector-Name is required", field="X-Connector-Name")
        if len(data) > LIMITS["file_bytes"] or name.rsplit(".", 1)[-1].lower() in FORBIDDEN:
            raise Said(422, "refused", "osTicket does not take this file: too large, or its type is not allowed")
        return self._once(key, "attach", f"{id}/{name}/".encode() + data,
                          lambda: self._attach(ticket, key, name, data))

    def _attach(self, ticket: Ticket, key: str, name: str, data: bytes) -> Body:
        account = self.side.account().id
        note = self.desk.comment(ticket, account, "", "note", key=key, title="")
        kind = request.headers.get("Content-Type", "application/octet-stream")
        file = self.desk.attach(ticket, account, name, kind, data, comment=note.id)
        return {"attachment_id": file.id, "entry_id": show.entry_of(ticket, note.id)}


_FIELD: Final = {"topic_id": "category", "sla_id": "sla", "priority_id": "priority", "dept_id": "group",
                 "team_id": "team", "staff_id": "assignee", "status_id": "status"}


def _text(given: Any, wrong: dict[str, str]) -> Body:
    if (not isinstance(given, dict) or not isinstance(given.get("body"), str)
            or given.get("format") not in ("text", "html")):
        wrong["message"] = "expected {format: text | html, body}"
        return {"format": "text", "body": ""}
    return given


def _flat(value: Any) -> str:
    if isinstance(value, dict):
        return "".join(_flat(part) for part in value.values())
    return value if isinstance(value, str) else ""


def _body(known: frozenset[str]) -> Body:
    try:
        body = orjson.loads(request.get_data())
    except orjson.JSONDecodeError:
        raise Said(400, "bad_request", "The body is not JSON.") from None
    if not isinstance(body, dict):
        raise Said(400, "bad_request", "The body is not a JSON object.")
    unknown = sorted(body.keys() - known)
    if unknown:
        raise Said(422, "invalid", f"unknown fields: {', '.join(unknown)}", field=unknown[0])
    return body
