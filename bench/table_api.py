"""A loopback server with many incidents in ServiceNow's Table API, for the first-load benchmark.

As a real instance does, it answers with the fields named in `sysparm_fields`, and with the whole row where none are.
Both forms of a ticket are 1.9 kB. `ASKED` is what our mapping asks for: references by a field of the record behind
them, and room for a description of about a kilobyte. The whole row has the 92 fields that an incident of the base
system has in a 2024 developer instance (names as public records of such instances show them), references as bare ids
(`sysparm_exclude_reference_link`), most fields empty: names alone take 1.6 kB, so there is no room for a description.

Rows are made once and kept as bytes, so that the server costs the readers next to nothing. It pages by offset (for the
peers) and by `sys_updated_on>` (for our adapter), counts requests, and knows no other table.
"""

from __future__ import annotations

import bisect
import hashlib
import random
import re
import sys
import time
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

import orjson

START = datetime(2025, 1, 1, tzinfo=UTC)
WORDS = re.findall(r"\w+", "printer network login mail queue access slow laptop screen vpn order invoice restart "
                             "update server error customer site cable phone badge folder request approval driver")
SIZE = 1900
"""Bytes of one ticket."""
EMPTY = re.findall(r"\w+", """
    activity_due additional_assignee_list approval_history approval_set assigned_to business_duration
    business_impact business_service business_stc calendar_duration calendar_stc caller_id cause caused_by
    close_code close_notes closed_at closed_by cmdb_ci comments comments_and_work_notes company contact_type
    contract correlation_display correlation_id delivery_plan delivery_task description due_date expected_start
    follow_up group_list hold_reason location order origin_id origin_table parent parent_incident problem_id
    reopened_by reopened_time resolved_at resolved_by rfc route_reason service_offering sla_due subcategory sys_tags
    time_worked universal_request user_input watch_list work_end work_notes work_notes_list work_start
""")
USUAL = {
    "active": "true", "approval": "not requested", "child_incidents": "0", "escalation": "0", "knowledge": "false",
    "made_sla": "true", "notify": "1", "reassignment_count": "0", "reopen_count": "0", "severity": "3",
    "sys_created_by": "admin", "sys_domain": "global", "sys_domain_path": "/", "sys_updated_by": "admin",
    "upon_approval": "proceed", "upon_reject": "cancel",
}
SHARED = ("category", "impact", "number", "opened_at", "priority", "short_description", "state", "sys_class_name",
          "sys_id", "sys_mod_count", "sys_updated_on", "urgency")


def whole(asked: dict[str, str]) -> dict[str, str]:
    """The same incident with all its fields."""
    row = {**dict.fromkeys(EMPTY, ""), **USUAL, **{name: asked[name] for name in SHARED}}
    row.update(
        opened_by=hashlib.md5(asked["caller_id.user_name"].encode()).hexdigest(),
        assignment_group=hashlib.md5(asked["assignment_group.name"].encode()).hexdigest(),
        incident_state=asked["state"], sys_created_on=asked["opened_at"], task_effective_number=asked["number"],
    )
    assert len(row) == 92, len(row)
    row["correlation_id"] = "0" * (SIZE - len(orjson.dumps(row)))
    return row


def incident(number: int, rng: random.Random) -> dict[str, str]:
    """An incident with the fields in `ASKED`."""
    updated = START + timedelta(seconds=number)
    opened = updated - timedelta(minutes=rng.randrange(1, 40_000))
    person = rng.randrange(2000)
    row = {
        "sys_id": hashlib.md5(str(number).encode()).hexdigest(), "number": f"INC{number:07}",
        "sys_class_name": "incident", "sys_mod_count": str(rng.randrange(1, 30)),
        "sys_updated_on": updated.strftime("%F %T"), "opened_at": opened.strftime("%F %T"),
        "short_description": " ".join(rng.choices(WORDS, k=7)).capitalize(),
        "state": rng.choice(["1", "2", "2", "6", "7"]), "hold_reason": "", "impact": rng.choice("123"),
        "urgency": rng.choice("123"), "priority": rng.choice("12345"),
        "category": rng.choice(["software", "hardware", "network", "inquiry"]),
        "business_service.name": f"Service {rng.randrange(40)}", "company.name": f"Customer {rng.randrange(80)}",
        "location.name": f"Site {rng.randrange(60)}", "contract.number": f"CNT{rng.randrange(90):05}",
        "caller_id.user_name": f"user{person}", "caller_id.email": f"user{person}@example.org",
        "assigned_to.user_name": f"agent{rng.randrange(150)}", "assignment_group.name": f"Group {rng.randrange(30)}",
        "parent_incident": "", "resolved_at": "", "closed_at": "", "due_date": "",
        "close_code": "Solved (permanently)", "close_notes": " ".join(rng.choices(WORDS, k=20)), "description": "",
    }  # fmt: skip
    room = SIZE - len(orjson.dumps(row))
    row["description"] = " ".join(rng.choices(WORDS, k=room // 5))[:room]
    return row


ASKED = tuple(incident(0, random.Random(0)))


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    asked: ClassVar[list[bytes]] = []
    whole: ClassVar[list[bytes]] = []
    stamps: ClassVar[list[str]] = []
    requests: ClassVar[int] = 0
    think: ClassVar[float] = 0.0

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        if url.path == "/count":
            return self.answer(200, str(Handler.requests).encode())
        Handler.requests += 1
        if not url.path.endswith("/table/incident"):
            return self.answer(403, b'{"error":{"message":"no","detail":""},"status":"failure"}')
        asked = {name: values[0] for name, values in parse_qs(url.query).items()}
        first = self.first(asked.get("sysparm_query", ""))
        start = first + int(asked.get("sysparm_offset", "0"))
        time.sleep(self.think)
        rows = self.whole
        if "sysparm_fields" in asked:
            if set(asked["sysparm_fields"].split(",")) != set(ASKED):
                return self.answer(400, b'{"error":{"message":"other fields","detail":""},"status":"failure"}')
            rows = self.asked
        some = rows[start : start + int(asked.get("sysparm_limit", "1000"))]
        total = len(rows) - first
        return self.answer(200, b'{"result":[' + b",".join(some) + b"]}", {"X-Total-Count": str(total)})

    def first(self, query: str) -> int:
        found = re.search(r"sys_updated_on(>=|>)([-\d]+ [:\d]+)", query)
        if found is None:
            return 0
        find = bisect.bisect_right if found[1] == ">" else bisect.bisect_left
        return find(self.stamps, found[2])

    def answer(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", "Content-Length": str(len(body)),
                            **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        pass


def main() -> None:
    """Serves argv[1] incidents, each page after argv[2] seconds, and prints its port."""
    Handler.think = float(sys.argv[2])
    rng = random.Random(7)
    for number in range(int(sys.argv[1])):
        row = incident(number, rng)
        Handler.asked.append(orjson.dumps(row))
        Handler.whole.append(orjson.dumps(whole(row)))
        Handler.stamps.append(row["sys_updated_on"])
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        print(server.server_address[1], flush=True)
        server.serve_forever()


if __name__ == "__main__":
    main()
