"""The GLPI stand-in where the recordings say nothing: facts of FACTS.md, and GLPI 11's high-level API."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
import requests

from connector.sandbox import Handle
from connector.sandbox.glpi import Glpi, rsql

Start = Callable[..., Handle]
Ask = Callable[..., requests.Response]


@pytest.fixture
def glpi(start: Start) -> Handle:
    return start("glpi")


@pytest.fixture
def ask(glpi: Handle) -> Ask:
    return asker(glpi)


def asker(handle: Handle) -> Ask:
    assert isinstance(handle.side, Glpi)
    auth, url = handle.side.old_auth(), handle.side.rest()
    headers = {"App-Token": auth["app_token"]}
    session = requests.get(f"{url}/initSession", timeout=10,
                           headers={**headers, "Authorization": f"user_token {auth['user_token']}"})
    headers["Session-Token"] = session.json()["session_token"]

    def asked(path: str, method: str = "GET", **more: Any) -> requests.Response:
        return requests.request(method, f"{url}/{path}", timeout=10, **{"headers": headers, **more})

    return asked


def status(glpi: Handle, id: str) -> int:
    return int(glpi.ticket(id).status)


def test_a_password_logs_in_too(glpi: Handle, ask: Ask) -> None:
    secret = glpi.side.secret
    answer = requests.get(f"{glpi.url}/initSession", timeout=10, headers={"App-Token": secret("app token")},
                          auth=("connector", secret("password connector")))
    assert answer.json().keys() == {"session_token"}


def test_an_assignment_moves_a_new_ticket_and_taking_the_last_away_moves_it_back(glpi: Handle, ask: Ask) -> None:
    id = glpi.create(title="x")
    link = ask("Ticket_User", "POST", json={"input": {"tickets_id": int(id), "users_id": 5, "type": 2}}).json()["id"]
    assert status(glpi, id) == 2
    ask(f"Ticket_User/{link}", "DELETE")
    assert status(glpi, id) == 1


def test_a_solution_solves_and_its_approval_closes(glpi: Handle, ask: Ask) -> None:
    id = glpi.create(title="x")
    ask("ITILSolution", "POST", json={"input": {"itemtype": "Ticket", "items_id": int(id), "content": "done"}})
    assert status(glpi, id) == 5
    ask("ITILFollowup", "POST", json={"input": {"itemtype": "Ticket", "items_id": int(id), "add_reopen": 1,
                                                "content": "no"}})
    assert status(glpi, id) == 1
    assert ask(f"Ticket/{id}/ITILSolution").json()[0]["status"] == 4
    ask("ITILSolution", "POST", json={"input": {"itemtype": "Ticket", "items_id": int(id), "content": "done"}})
    ask("ITILFollowup", "POST", json={"input": {"itemtype": "Ticket", "items_id": int(id), "add_close": 1,
                                                "content": "ok"}})
    assert status(glpi, id) == 6


def test_a_closed_ticket_takes_a_state_and_nothing_else(glpi: Handle, ask: Ask) -> None:
    id = glpi.create(title="x")
    glpi.edit(id, state="closed")
    refused = ask(f"Ticket/{id}", "PUT", json={"input": {"name": "y"}})
    assert (refused.status_code, refused.json()) == (400, ["ERROR_GLPI_UPDATE", ""])
    assert ask(f"Ticket/{id}", "PUT", json={"input": {"status": 2, "name": "y"}}).status_code == 200
    assert (status(glpi, id), glpi.ticket(id).title) == (2, "x")


def test_a_large_bulk_is_done_and_answered_with_502(glpi: Handle, ask: Ask) -> None:
    answer = ask("Ticket", "POST", json={"input": [{"name": f"t{n}"} for n in range(120)]})
    assert answer.status_code == 502
    assert len(glpi.desk.tickets) == 120
    assert ask("Ticket", "POST", json={"input": [{"name": "a"}, {"name": "b"}]}).status_code == 201


def test_a_purge_leaves_nothing_and_the_trash_can_still_be_read(glpi: Handle, ask: Ask) -> None:
    one, two = glpi.create(title="one"), glpi.create(title="two")
    ask(f"Ticket/{one}", "DELETE")
    ask(f"Ticket/{two}?force_purge=true", "DELETE")
    assert ask(f"Ticket/{one}").json()["is_deleted"] == 1
    assert ask(f"Ticket/{two}").status_code == 404
    assert ask("search/Ticket?range=0-9").json()["totalcount"] == 0
    assert ask("search/Ticket?range=0-9&is_deleted=1").json()["totalcount"] == 1
    at = glpi.ticket(one).updated_at
    glpi.step(60)
    ask(f"Ticket/{one}", "PUT", json={"input": {"is_deleted": 0}})
    assert (glpi.ticket(one).trashed, glpi.ticket(one).updated_at) == (False, at)


def test_hidden_is_forbidden_by_id_and_absent_from_lists(glpi: Handle, ask: Ask) -> None:
    id = glpi.create(title="x")
    glpi.hide(id)
    assert ask(f"Ticket/{id}").status_code == 403
    assert ask("Ticket").json() == []
    assert ask("search/Ticket?range=0-9").json()["totalcount"] == 0


@pytest.mark.parametrize("zone", ["UTC", "America/New_York", "Europe/Zurich"])
def test_times_are_shown_taken_and_searched_in_the_zone_of_the_account(start: Start, zone: str) -> None:
    glpi = start("glpi")
    assert isinstance(glpi.side, Glpi)
    glpi.side.zone = zone
    ask = asker(glpi)
    id = ask("Ticket", "POST", json={"input": {"name": "x", "date": "2026-07-01 09:00:00"}}).json()["id"]
    shown = ask(f"Ticket/{id}").json()
    assert shown["date"] == "2026-07-01 09:00:00"
    hours = {"UTC": 9, "America/New_York": 13, "Europe/Zurich": 7}
    assert glpi.ticket(str(id)).opened_at.hour == hours[zone]

    def found(value: str, field: int = 19) -> int:
        return int(ask(f"search/Ticket?criteria[0][field]={field}&criteria[0][searchtype]=morethan&range=0-9"
                       f"&criteria[0][value]={value}").json()["totalcount"])

    stamp = datetime.fromisoformat(shown["date_mod"])
    assert found(str(stamp)) == 0  # strict, in whole seconds
    assert found(str(stamp - timedelta(seconds=1))) == 1
    assert (found("2026-07-01 09:00:00", 15), found("2026-07-01 08:59:59", 15)) == (0, 1)


def search(criteria: str) -> str:
    return f"search/Ticket?{criteria}&forcedisplay[0]=2&range=0-99&sort[0]=19&sort[1]=2&order[0]=ASC&order[1]=ASC"


@pytest.mark.parametrize(("criteria", "count"), [
    ("criteria[0][field]=2&criteria[0][searchtype]=contains&criteria[0][value]=>2", 2),
    ("criteria[0][field]=2&criteria[0][searchtype]=contains&criteria[0][value]=<=2", 2),
    ("criteria[0][field]=12&criteria[0][searchtype]=equals&criteria[0][value]=old", 1),
    ("criteria[0][field]=12&criteria[0][searchtype]=equals&criteria[0][value]=notold", 3),
    ("criteria[0][field]=1&criteria[0][searchtype]=contains&criteria[0][value]=^T 1$", 1),
    ("criteria[0][field]=1&criteria[0][searchtype]=notcontains&criteria[0][value]=1", 3),
    ("criteria[0][field]=8&criteria[0][searchtype]=equals&criteria[0][value]=3", 1),
    ("criteria[0][link]=AND NOT&criteria[0][field]=8&criteria[0][searchtype]=equals&criteria[0][value]=3", 3),
])
def test_criteria_find_what_they_say(glpi: Handle, ask: Ask, criteria: str, count: int) -> None:
    for number in range(4):
        glpi.create(title=f"t {number}", group="Network" if number == 2 else None)
    glpi.edit("4", state="resolved")
    assert ask(search(criteria)).json()["totalcount"] == count


def test_walking_by_last_change_and_id_finds_every_ticket_once(glpi: Handle, ask: Ask) -> None:
    for number in range(23):
        glpi.create(title=f"t{number}")
        if number % 5 == 0:
            glpi.step(1)
    seen: list[int] = []
    mark, last = "2000-01-01 00:00:00", 0
    while True:
        group = "criteria[0][criteria][1][criteria]"
        rows = ask(search(
            "criteria[0][link]=AND&criteria[0][criteria][0][field]=19&criteria[0][criteria][0][searchtype]=morethan"
            f"&criteria[0][criteria][0][value]={mark}&criteria[0][criteria][1][link]=OR"
            f"&{group}[0][field]=19&{group}[0][searchtype]=contains&{group}[0][value]={mark}"
            f"&{group}[1][link]=AND&{group}[1][field]=2&{group}[1][searchtype]=contains&{group}[1][value]=>{last}"
        ).replace("range=0-99", "range=0-3")).json().get("data", [])
        if not rows:
            break
        seen += [row["2"] for row in rows]
        mark, last = rows[-1]["19"], rows[-1]["2"]
    assert seen == list(range(1, 24))


# GLPI 11


@pytest.fixture
def eleven(start: Start) -> Handle:
    return start("glpi", version="11.0.1")


@pytest.fixture
def high(eleven: Handle) -> Ask:
    auth = eleven.side.auth()
    form = {"grant_type": "password", "client_id": auth["client_id"], "client_secret": auth["client_secret"],
            "username": auth["login"], "password": auth["password"], "scope": "api"}
    token = requests.post(f"{eleven.url}/api.php/token", data=form, timeout=10).json()["access_token"]

    def asked(path: str, method: str = "GET", **more: Any) -> requests.Response:
        return requests.request(method, f"{eleven.url}/api.php/v2/{path}", timeout=10,
                                **{"headers": {"Authorization": f"Bearer {token}"}, **more})

    return asked


def test_the_high_level_api_is_there_in_eleven_only(glpi: Handle, high: Ask) -> None:
    assert high("session").json()["name"] == "connector"
    assert requests.get(f"{glpi.side.url}/api.php/v2/session", timeout=10).status_code == 404
    assert high("session", headers={"Authorization": "Bearer x"}).status_code == 401


def test_a_ticket_lives_its_life_over_the_high_level_api(eleven: Handle, high: Ask) -> None:
    id = high("Assistance/Ticket", "POST", json={"name": "a < b", "external_id": "k"}).json()["id"]
    path = f"Assistance/Ticket/{id}"
    member = {"type": "Group", "id": 3, "role": 2}
    assert high(f"{path}/TeamMember", "POST", json=member).status_code == 201
    assert status(eleven, str(id)) == 2
    assert high(path).json()["team"] == [{"role": "assigned", "name": "Network", "href": "/front/group.form.php?id=3"}]
    assert high(f"{path}/TeamMember", "DELETE", json=member).status_code == 200
    assert status(eleven, str(id)) == 1
    assert high(path, "PATCH", json={"status": {"id": 4}}).json()["status"]["id"] == 4
    high(f"{path}/Timeline/Followup", "POST", json={"content": "x", "is_private": True})
    assert high(f"{path}/Timeline/Solution", "POST", json={"content": "done"}).status_code == 201
    again = high(f"{path}/Timeline/Solution", "POST", json={"content": "done"})
    assert (again.status_code, bool(again.json()["additional_messages"])) == (500, True)
    assert [entry["type"] for entry in high(f"{path}/Timeline").json()] == ["Followup", "Solution"]
    assert high("Assistance/Ticket", params={"filter": 'external_id=="k"'}).json()[0]["name"] == "a < b"
    assert high(path, "DELETE").status_code == 204
    assert high("Assistance/Ticket", params={"filter": "is_deleted==1"}).json()[0]["id"] == id
    assert high("Assistance/Ticket/999").json()["status"] == "ERROR_ITEM_NOT_FOUND"


def test_pages_say_how_many_there_are(eleven: Handle, high: Ask) -> None:
    for number in range(5):
        eleven.create(title=f"t{number}")
    page = high("Assistance/Ticket", params={"start": "2", "limit": "2", "sort": "id:desc"})
    assert (page.status_code, page.headers["Content-Range"]) == (206, "2-3/5")
    assert [row["id"] for row in page.json()] == [3, 2]


ROW = {"a": 1, "b": "x", "c": None}


@pytest.mark.parametrize(("text", "hit"), [
    ("a==1", True), ("a!=1", False), ("a=gt=0;b==x", True), ("a=gt=1,b==x", True), ("(a==2,a==1);b==x", True),
    ("a=in=(2,1)", True), ("a=out=(2,1)", False), ('b=="x"', True), ("c=gt=0", False), ("b=ilike=*X*", True),
    ("(a==2;b==x),(a=le=1;b==x)", True), ("", True),
])
def test_filters_of_the_high_level_api(text: str, hit: bool) -> None:
    test = rsql.parse(text, lambda name: lambda row: row.get(name), lambda name, value:
                      int(value) if value.isdigit() else value)
    assert test(ROW) is hit


@pytest.mark.parametrize("text", ["a", "a==1;", "(a==1", "a=nonsense=1", "a==1)", "a=in=1"])
def test_a_filter_that_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(rsql.BadFilter):
        rsql.parse(text, lambda name: lambda row: row.get(name), lambda name, value: value)
