"""Pages: they show what matters, and forms do what they say."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from flask import Flask

from tests.web.conftest import Browser
from tests.web.world import PASSWORD, World, save, ticket

PAGES = ("/", "/tickets", "/connections", "/deliveries", "/deliveries?state=dead", "/deliveries/1", "/quarantine",
         "/audit", "/users", "/tokens", "/account")  # fmt: skip


TONER = "Printer on floor 3 out of toner"


@pytest.fixture
def admin(as_role: Callable[[str], Browser]) -> Browser:
    return as_role("admin")


@pytest.fixture
def agent(as_role: Callable[[str], Browser]) -> Browser:
    return as_role("agent")


def text(client: Browser, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200, path
    return answer.get_data(as_text=True)


def visible(page: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.split("<main", 1)[1]))


@pytest.mark.parametrize("path", PAGES)
def test_an_administrator_sees_every_page(admin: Browser, path: str) -> None:
    assert "<h1" in text(admin, path)


@pytest.mark.parametrize("path", PAGES[:7])
def test_every_page_stands_without_any_data(app: Flask, bare: World, path: str) -> None:
    bare.user("admin")
    client = app.test_client()
    assert isinstance(client, Browser)
    client.sign_in("admin")
    assert client.get(path).status_code in (200, 404)


@pytest.mark.parametrize("path", PAGES)
def test_no_page_holds_script_or_style_of_its_own(admin: Browser, path: str) -> None:
    page = text(admin, path)
    assert re.findall(r"<script(?![^>]*src=)|<style| on[a-z]+=| style=", page) == []


@pytest.mark.parametrize("path", PAGES)
def test_every_input_has_a_label_and_every_table_head_a_scope(admin: Browser, path: str) -> None:
    page = text(admin, path)
    for tag in re.findall(r"<(?:input|select|textarea)[^>]*>", page):
        if 'type="hidden"' in tag or " hidden" in tag:
            continue
        name = re.search(r'id="([^"]+)"', tag)
        labelled = name is not None and f'for="{name.group(1)}"' in page
        assert labelled or re.search(r"<label>[^<]*" + re.escape(tag), page), tag
    assert all("scope=" in head for head in re.findall(r"<th\b[^>]*>", page))


def test_home_says_what_needs_attention(agent: Browser) -> None:
    page = visible(text(agent, "/"))
    assert "servicenow cannot be reached: 503: the instance is hibernating" in page
    assert "The clock of servicenow differs from ours by -95 s." in page
    assert "1 delivery could not be made" in page
    assert "2 tickets could not be understood" in page


def test_home_shows_my_open_tickets(app: Flask, there: World) -> None:
    save(there, ticket("77", title="Mine to do", assignee="Agent Example"))
    there.user("agent")
    client = app.test_client()
    assert isinstance(client, Browser)
    client.sign_in("agent")
    assert "Assigned to me" in text(client, "/")


def test_filters_and_order_live_in_the_address(agent: Browser) -> None:
    page = text(agent, "/tickets?state=pending&group=Workplace&sort=priority")
    rows = page.split("<tbody>")[1].split("</tbody>")[0]
    assert rows.count("<tr>") >= 1
    assert "Network</td>" not in rows
    assert 'aria-sort="ascending"' in page
    assert "State: Pending" in visible(page)


def test_a_bookmark_with_nonsense_shows_a_page(agent: Browser) -> None:
    url = "/tickets?state=molten&priority=P9&sort=x&per_page=9999&updated_from=yesterday&deleted=maybe"
    assert "VPN drops" in text(agent, url)


def test_an_old_cursor_leads_to_the_first_page(agent: Browser) -> None:
    answer = agent.get("/tickets?sort=number&cursor=old")
    assert answer.status_code == 302
    assert answer.location == "/tickets?sort=number"


def test_pages_follow_each_other(agent: Browser) -> None:
    first = text(agent, "/tickets?per_page=25&sort=number")
    following = re.search(r'rel="next" href="([^"]+)"', first)
    assert following is not None
    second = text(agent, following.group(1).replace("&amp;", "&"))
    numbers = re.compile(r"INC\d{7}")
    assert not set(numbers.findall(first)) & set(numbers.findall(second))
    assert "First page" in second


def test_unassigned_tickets_are_found(agent: Browser) -> None:
    rows = text(agent, "/tickets?assignee=-").split("<tbody>")[1]
    assert "Marc Dubois" not in rows


def test_deleted_tickets_are_shown_only_when_asked_for(agent: Browser, there: World) -> None:
    save(there, ticket("99", title="Thrown away", deleted=True))
    assert "Thrown away" not in text(agent, "/tickets")
    assert "Thrown away" in text(agent, "/tickets?deleted=yes")


def test_what_a_ticket_says_is_never_run(agent: Browser, there: World) -> None:
    evil = '<script>alert(1)</script>"><img src=x onerror=alert(1)>'
    key = save(there, ticket("98", title=evil, description=evil, group=evil, custom={"x": evil}))
    for path in (f"/tickets/{key}", "/tickets", "/"):
        page = text(agent, path)
        assert "<script>alert" not in page
        assert "<img" not in page


def test_a_ticket_tells_its_history(agent: Browser, there: World) -> None:
    page = visible(text(agent, f"/tickets/{there.keys['1']}"))
    assert "Luc Favre (requester) created the ticket" in page
    assert "Group: Service Desk → now Network" in page
    assert "Aline Rochat (agent) wrote an internal note" in page
    assert "Both sides changed the same field" in page
    assert "kept Mail / Server , lost Mail" in page
    assert "at the latest" in page
    assert "from here" in page


def test_a_ticket_shows_what_is_on_its_way_and_what_the_tool_still_shows(agent: Browser, there: World) -> None:
    page = visible(text(agent, f"/tickets/{there.keys['1']}"))
    assert "On its way to glpi Change fields Waiting" in page
    assert "glpi still shows In progress" in page


def test_the_history_can_be_narrowed(agent: Browser, there: World) -> None:
    page = visible(text(agent, f"/tickets/{there.keys['1']}?show=comments"))
    assert "We found the cause" in page
    assert "Service Desk → now" not in page


def test_an_agent_changes_a_ticket_from_its_page(agent: Browser, there: World) -> None:
    url = f"/tickets/{there.keys['2']}"
    form = {"title": "Toner ordered", "was.title": TONER}
    assert agent.post_form(f"{url}/edit", form, page=url).status_code == 303
    page = text(agent, url)
    assert "Toner ordered" in page
    assert "Saved. The change is on its way to glpi." in page
    assert there.services.queries.deliveries(ticket=there.keys["2"]).items[0].verb == "update"


def test_a_field_that_somebody_else_changed_meanwhile_is_not_overwritten(agent: Browser, there: World) -> None:
    url = f"/tickets/{there.keys['2']}"
    form: dict[str, object] = {"title": "Mine", "was.title": "What the form showed", "group": "X", "was.group": "X"}
    answer = agent.post_form(f"{url}/edit", form, page=url)
    page = answer.get_data(as_text=True)
    assert answer.status_code == 409
    assert "Somebody changed this meanwhile: Title." in page
    assert 'value="Mine"' in page
    assert there.services.queries.deliveries(ticket=there.keys["2"]).items == []


def test_what_a_tool_does_not_know_is_refused_and_the_form_is_kept(agent: Browser, there: World) -> None:
    url = f"/tickets/{there.keys['2']}"
    form = {"state": "cancelled", "was.state": "pending/customer", "title": "Kept words", "was.title": TONER}
    answer = agent.post_form(f"{url}/edit", form, page=url)
    assert answer.status_code == 422
    assert 'value="Kept words"' in answer.get_data(as_text=True)


def test_an_agent_comments_once_even_when_the_form_is_sent_twice(agent: Browser, there: World) -> None:
    url = f"/tickets/{there.keys['2']}"
    form = {"text": "On my way", "public": "yes", "once": "abc"}
    for _ in range(2):
        assert agent.post_form(f"{url}/comment", form, page=url).status_code == 303
    assert text(agent, url).count('<div class="said pre">On my way</div>') == 1


def test_an_empty_comment_is_refused(agent: Browser, there: World) -> None:
    url = f"/tickets/{there.keys['2']}"
    assert agent.post_form(f"{url}/comment", {"text": "  "}, page=url).status_code == 422


def test_a_viewer_sees_no_form_that_would_be_refused(as_role: Callable[[str], Browser], there: World) -> None:
    page = text(as_role("viewer"), f"/tickets/{there.keys['1']}")
    assert "Save changes" not in page
    assert "Add comment" not in page
    assert "/deliveries/drop" not in page


def test_a_dead_letter_is_tried_again_from_its_page(agent: Browser, there: World) -> None:
    (dead,) = there.services.queries.deliveries(state=("dead",)).items
    answer = agent.post_form("/deliveries/retry", {"id": dead.id, "next": "/deliveries"}, page="/deliveries")
    assert answer.location == "/deliveries"
    revived = there.services.queries.delivery(dead.id)
    assert revived is not None
    assert revived.state == "waiting"


def test_all_dead_letters_of_a_tool_are_tried_again(agent: Browser, there: World) -> None:
    agent.post_form("/deliveries/retry", {"target": "servicenow"}, page="/deliveries")
    assert there.services.queries.deliveries(state=("dead",)).items == []


def test_dropping_is_audited(admin: Browser, there: World) -> None:
    (dead,) = there.services.queries.deliveries(state=("dead",)).items
    admin.post_form("/deliveries/drop", {"id": dead.id}, page="/deliveries")
    (row,) = there.services.queries.audit(action="delivery dropped").items
    assert (row.actor, row.subject) == ("user:admin", f"delivery/{dead.id}")


def test_connections_show_health_in_words(agent: Browser) -> None:
    page = visible(text(agent, "/connections"))
    assert "Reachable" in page
    assert "Not reachable" in page
    assert "7.4%" in page
    assert "-95.0 s" in page
    assert "Sending normal" in page
    assert "paused until in 2 minutes" in page
    assert "Last change read 20 seconds ago" in page


def test_quarantine_says_what_and_why_and_reads_again(agent: Browser, there: World) -> None:
    assert "unknown value &#39;9&#39; in `status`" in text(agent, "/quarantine")
    agent.post_form("/quarantine/retry", {"tool": "glpi", "ticket": "812"}, page="/quarantine")
    with there.store.read() as tx:
        assert [id for id, _at in tx.hints("glpi", 5)] == ["812"]


def test_the_audit_trail_is_filtered(admin: Browser) -> None:
    page = visible(text(admin, "/audit?actor=user:agent"))
    assert "Ticket edited" in page
    assert "User created" not in page.split("Detail")[-1]


def test_a_user_is_added_with_a_password_shown_once(admin: Browser, app: Flask, there: World) -> None:
    answer = admin.post_form("/users", {"login": "new", "role": "agent", "name": "New One"}, page="/users")
    password = re.search(r'class="secret[^"]*">([^<]+)<', answer.get_data(as_text=True))
    assert password is not None
    assert password.group(1) not in text(admin, "/users")
    client = app.test_client()
    assert isinstance(client, Browser)
    assert client.sign_in("new", password.group(1)).status_code == 303


@pytest.mark.parametrize(
    ("form", "status"),
    [({"login": "", "role": "agent"}, 422), ({"login": "a b", "role": "agent"}, 422),
     ({"login": "x", "role": "king"}, 422),
     ({"login": "x", "role": "supplier"}, 422), ({"login": "ADMIN", "role": "agent"}, 409)],
)  # fmt: skip
def test_a_user_that_cannot_be_is_refused(admin: Browser, form: dict[str, object], status: int) -> None:
    assert admin.post_form("/users", form, page="/users").status_code == status


def test_a_user_becomes_a_suppliers_user_only_with_its_name(admin: Browser, there: World) -> None:
    there.user("agent")
    user = there.services.accounts.by_login("agent")
    assert user is not None
    asked = admin.post_form(f"/users/{user.id}", {"role": "supplier"}, page="/users")
    assert asked.status_code == 422
    assert f'id="s-{user.id}" name="supplier"' in asked.get_data(as_text=True)
    form: dict[str, object] = {"role": "supplier", "supplier": "Hosting AG"}
    assert admin.post_form(f"/users/{user.id}", form, page="/users").status_code == 303


def test_nobody_locks_out_the_last_administrator(admin: Browser, there: World) -> None:
    user = there.services.accounts.by_login("admin")
    assert user is not None
    for form in ({"role": "viewer"}, {"active": "no"}):
        assert admin.post_form(f"/users/{user.id}", dict(form), page="/users").status_code == 422


def test_a_token_is_shown_once_and_works(admin: Browser, app: Flask) -> None:
    answer = admin.post_form("/tokens", {"name": "Report", "scope": ["tickets:read"], "days": "30"}, page="/tokens")
    secret = re.search(r'class="secret[^"]*">([^<]+)<', answer.get_data(as_text=True))
    assert secret is not None
    assert secret.group(1) not in text(admin, "/tokens")
    headers = {"Authorization": f"Bearer {secret.group(1)}"}
    assert app.test_client().get("/api/v1/me", headers=headers).json["scopes"] == ["tickets:read"]


def test_a_revoked_token_works_no_more(admin: Browser, app: Flask, there: World) -> None:
    headers = there.token("tickets:read")
    admin.post_form(f"/tokens/{there.services.accounts.tokens()[0].id}/revoke", page="/tokens")
    assert app.test_client().get("/api/v1/me", headers=headers).status_code == 401


def test_an_error_page_is_calm_and_traceable(agent: Browser) -> None:
    answer = agent.get("/nothing")
    assert answer.status_code == 404
    assert answer.headers["X-Request-ID"] in answer.get_data(as_text=True)


def test_the_colours_are_kept_in_a_cookie_and_known_before_the_first_byte(client: Browser) -> None:
    client.post_form("/look", {"theme": "dark", "next": "/sign-in"})
    assert 'data-theme="dark"' in text(client, "/sign-in")
    client.post_form("/look", {"theme": "auto", "next": "/sign-in"})
    assert "data-theme" not in text(client, "/sign-in").split("<body")[0]


def test_a_session_list_names_the_browser(app: Flask, there: World) -> None:
    there.user("agent")
    client = app.test_client()
    assert isinstance(client, Browser)
    client.environ_base["HTTP_USER_AGENT"] = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
    client.sign_in("agent", PASSWORD)
    assert "Firefox, Linux" in text(client, "/account")
