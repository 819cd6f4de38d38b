"""The routes of our plugin in the osTicket stand-in: reading (docs/osticket-plugin-api.md)."""

from __future__ import annotations

import bisect
import re
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import orjson
from flask import Response, request

from connector.sandbox.model import Happening, Ticket
from connector.sandbox.osticket import show
from connector.sandbox.osticket.side import OsTicket, moment, utc

LIMITS: Final = {"page": 100, "ids": 100, "all_ids": 1000, "file_bytes": 33_554_432}
_CURSOR: Final = re.compile(r"(\d+)~(\d+)\.(\d+)\.(\d+)")
Place = tuple[datetime, int, int]
"""When a ticket changed, at which turn (two changes may fall on one instant of a clock that stands still), its id."""
_KEY: Final = re.compile(r"[A-Za-z0-9._:/-]{1,120}")


class Said(Exception):
    """An error of the contract."""

    def __init__(self, status: int, code: str, message: str, **more: Any) -> None:
        super().__init__(code)
        self.status, self.body = status, {"error": {"code": code, "message": message, **more}}


def answer(data: Any, status: int = 200) -> Response:
    return Response(orjson.dumps(data), status, content_type="application/json")


def not_found() -> Said:
    return Said(404, "not_found", "There is no such thing here.")


class Reader:
    def __init__(self, side: OsTicket) -> None:
        self.side = side
        self.desk = side.desk
        self._index: tuple[int, list[Place]] = (-1, [])
        self._turns: dict[int, int] = {}
        self.desk.listen(self._note)

    def _note(self, happening: Happening) -> None:
        self._turns[happening.ticket] = self.desk.generation

    def ping(self) -> Response:
        account, now = self.side.account(), self.desk.clock.now()
        return answer({
            "plugin": {"name": "servicedesk-connector", "version": "1.0.0", "contract": 1},
            "osticket": self.side.version, "now": utc(now), "zone": "UTC",
            "account": {"staff_id": account.id, "username": account.login, "name": account.name},
            "capabilities": ["read", "history", "create", "find", "update", "comment", "note", "attach", "attachments",
                             "deletions", "ids", "webhooks"],
            "limits": {**LIMITS, "text": "bmp" if self.side.switches["bmp"] else "full"},
            "webhooks": {"enabled": True, "waiting": 0, "oldest": None, "last_sent": utc(now)},
            "cron": {"last_run": utc(now)}, "remarks": [],
        })

    def catalog(self) -> Response:
        return answer(show.catalog(self.side))

    def _changes(self) -> list[Place]:
        """When which ticket changed last, in order; worked out anew after a change."""
        if self._index[0] != self.desk.generation:
            self._index = (self.desk.generation, sorted(
                (t.updated_at, self._turns.get(t.id, 0), t.id) for t in self.desk.tickets.values()))
        return self._index[1]

    def changed(self) -> Response:
        limit = min(_number("limit", LIMITS["page"]), LIMITS["page"])
        place = self._place()
        order = self._changes()
        start = bisect.bisect_right(order, place)
        end = bisect.bisect_right(order, (self.desk.clock.now() - timedelta(seconds=self.side.settling), 1 << 60, 0))
        seen = [entry for entry in order[start:max(start, end)] if not self.desk.tickets[entry[2]].hidden]
        page = seen[:limit]
        at, turn, id = page[-1] if page else place
        return answer({"tickets": [show.ticket(self.side, self.desk.tickets[number]) for *_, number in page],
                       "cursor": f"{self.side.epoch}~{_micros(at)}.{turn}.{id}", "more": len(seen) > limit,
                       "total": len(seen)})

    def _place(self) -> Place:
        text, since = request.args.get("cursor"), request.args.get("since")
        if text:
            found = _CURSOR.fullmatch(text)
            if not found or int(found[1]) != self.side.epoch:
                raise Said(422, "cursor_gone", "The cursor is not known any more.")
            return _EPOCH + timedelta(microseconds=int(found[2])), int(found[3]), int(found[4])
        if not since:
            return _EPOCH, 0, 0
        try:
            return moment(since), 0, 0
        except ValueError:
            raise Said(400, "bad_request", "since is not a time", field="since") from None

    def tickets(self) -> Response:
        found, missing = self._several()
        return answer({"tickets": [show.ticket(self.side, t) for t in found], "missing": missing})

    def _several(self) -> tuple[list[Ticket], list[int]]:
        texts = [text for text in request.args.get("ids", "").split(",") if text]
        if len(texts) > LIMITS["ids"] or not all(text.isdigit() for text in texts):
            raise Said(400, "bad_request", f"ids must be up to {LIMITS['ids']} numbers", field="ids")
        ids = [int(text) for text in texts]
        found = {id: t for id in ids if (t := self.desk.tickets.get(id)) is not None and not t.hidden}
        return list(found.values()), [id for id in ids if id not in found]

    def ids(self) -> Response:
        after, limit = _number("after", 0), min(_number("limit", LIMITS["all_ids"]), LIMITS["all_ids"])
        ids = sorted(t.id for t in self.desk.tickets.values() if t.id > after and not t.hidden)
        page = ids[:limit]
        return answer({"ids": page, "next": page[-1] if len(ids) > limit else None})

    def deletions(self) -> Response:
        text = request.args.get("cursor", "")
        if text and not re.fullmatch(r"d\d+", text):
            raise Said(422, "cursor_gone", "The cursor is not known any more.")
        after = int(text[1:]) if text else 0
        gone = [d for d in self.desk.deletions if d.id > after]
        page = gone[:1000]
        told = [{"id": d.ticket, "number": self.side.number(d.ticket), "at": utc(d.at)} for d in page]
        return answer({"deleted": told, "cursor": f"d{page[-1].id if page else after}", "more": len(gone) > 1000})

    def history(self) -> Response:
        found, missing = self._several()
        return answer({"history": {str(t.id): show.history(self.side, t) for t in found},
                       "names": show.names(self.side), "missing": missing})

    def find(self) -> Response:
        known = self.side.keys.get(request.args.get("key", ""))
        if known is None or known[0] != "create":
            raise not_found()
        return answer({name: known[2][name] for name in ("id", "number")})

    def ticket(self, id: int) -> Ticket:
        ticket = self.desk.tickets.get(id)
        if ticket is None or ticket.hidden:
            raise not_found()
        return ticket

    def attachments(self, id: int) -> Response:
        ticket = self.ticket(id)
        return answer({"attachments": [show.attachment(ticket, file) for file in ticket.files]})

    def download(self, id: int, number: int) -> Response:
        for file in self.ticket(id).files:
            if file.id == number:
                return Response(file.data, 200, content_type="application/octet-stream")
        raise not_found()


_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def _micros(at: datetime) -> int:
    return (at - _EPOCH) // timedelta(microseconds=1)


def _number(name: str, default: int) -> int:
    text = request.args.get(name, "")
    if text and not text.isdigit():
        raise Said(400, "bad_request", f"{name} is not a number", field=name)
    return int(text) if text else default


def key_of(text: Any) -> str:
    if not isinstance(text, str) or not _KEY.fullmatch(text):
        raise Said(422, "invalid", "key must be 1 to 120 characters of A-Z a-z 0-9 . _ : / -", field="key")
    return text
