"""A loopback server with many incidents in ServiceNow's Table API, for the first-load benchmark.

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


def incident(number: int, rng: random.Random) -> dict[str, str]:
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
        "opened_by.user_name": f"user{person}", "opened_by.email": f"user{person}@example.org",
        "caller_id.user_name": f"user{person}", "caller_id.email": f"user{person}@example.org",
        "assigned_to.user_name": f"agent{rng.randrange(150)}", "assignment_group.name": f"Group {rng.randrange(30)}",
        "parent": "", "parent_incident": "", "resolved_at": "", "closed_at": "", "due_date": "",
        "close_code": "Solved (permanently)", "close_notes": " ".join(rng.choices(WORDS, k=20)), "description": "",
    }  # fmt: skip
    room = SIZE - len(orjson.dumps(row))
    row["description"] = " ".join(rng.choices(WORDS, k=room // 5))[:room]
    return row


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    rows: ClassVar[list[bytes]] = []
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
        some = self.rows[start : start + int(asked.get("sysparm_limit", "1000"))]
        total = len(self.rows) - first
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
        Handler.rows.append(orjson.dumps(row))
        Handler.stamps.append(row["sys_updated_on"])
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        print(server.server_address[1], flush=True)
        server.serve_forever()


if __name__ == "__main__":
    main()
