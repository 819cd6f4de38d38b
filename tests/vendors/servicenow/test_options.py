"""What may be set, and what is said of mistakes."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from marshmallow import ValidationError

from connector.domain.errors import ConfigError
from connector.settings import Secret
from connector.vendors import build, schemas
from connector.vendors.servicenow import AUTH, OPTIONS
from connector.vendors.servicenow.login import Fixed, OAuth
from connector.vendors.servicenow.options import Options
from tests.vendors.servicenow.instance import NOW, Instance, adapter, settings
from tests.vendors.servicenow.maps import the_mapping

WORD = Secret("w")


def test_the_make_is_found_with_its_schemas() -> None:
    assert schemas("servicenow") == (AUTH, OPTIONS)


def test_no_option_at_all_gives_the_five_tables_of_the_base_system() -> None:
    options = Options.of(OPTIONS.load({}))
    assert options.tables == ("incident", "sc_req_item", "sc_task", "problem", "change_request")
    assert options.start is None
    assert options.page == 1000
    assert options == Options()


@pytest.mark.parametrize("data", [
    {}, {"start": "2025-01-31", "proxy": "http://proxy.example:3128", "filter": "a=b^ORc=d"}])
def test_what_was_checked_once_passes_again(data: dict[str, Any]) -> None:
    once = OPTIONS.load(data)
    assert OPTIONS.load(once) == once
    auth = AUTH.load({"user": "u", "password": WORD})
    assert AUTH.load(auth) == auth


def test_own_additions_stand_beside_what_the_base_system_has() -> None:
    options = Options.of(OPTIONS.load({"start": "2025-01-31", "references": {"u_supplier": "core_company"},
                                       "with_state": {"problem/107": {"close_notes": "x"}}}), 250)
    assert options.references["u_supplier"] == options.references["company"] == "core_company"
    assert set(options.with_state) >= {"incident/6", "problem/107"}
    assert options.start == datetime(2025, 1, 31, tzinfo=UTC)
    assert options.page == 250


@pytest.mark.parametrize(("data", "field"), [
    ({"tables": []}, "tables"),
    ({"tables": ["incident", "incident"]}, "tables"),
    ({"tables": ["incident", "task"]}, "tables"),
    ({"tables": ["../sys_user"]}, "tables"),
    ({"filter": "a=b^NQc=d"}, "filter"),
    ({"filter": "a=b^ORDERBYc"}, "filter"),
    ({"filter": "a=javascript:gs.getUserID()"}, "filter"),
    ({"start": "yesterday"}, "start"),
    ({"overlap_seconds": 60}, "overlap_seconds"),
    ({"history": "all"}, "history"),
    ({"proxy": "http://u:p@proxy.example"}, "proxy"),
    ({"with_state": {"incident": {"a": "b"}}}, "with_state"),
    ({"references": {"U^": "core_company"}}, "references"),
    ({"html_fields": ["A B"]}, "html_fields"),
    ({"read_seconds": 0}, "read_seconds"),
    ({"tabels": ["incident"]}, "tabels"),
])
def test_a_mistake_is_named_by_its_option(data: dict[str, Any], field: str) -> None:
    with pytest.raises(ValidationError) as caught:
        OPTIONS.load(data)
    assert list(caught.value.normalized_messages()) == [field]


@pytest.mark.parametrize(("data", "fields"), [
    ({}, ["password", "user"]),
    ({"user": "u", "password": "plain text"}, ["password"]),
    ({"user": "u", "password": WORD, "key": WORD}, ["key"]),
    ({"method": "oauth_password", "user": "u", "password": WORD}, ["client_id", "client_secret"]),
    ({"method": "oauth_client", "client_id": "i", "client_secret": WORD, "user": "u"}, ["user"]),
    ({"method": "api_key"}, ["key"]),
    ({"method": "kerberos"}, ["method"]),
])
def test_a_login_lacks_nothing_and_holds_nothing_that_is_not_used(data: dict[str, Any], fields: list[str]) -> None:
    with pytest.raises(ValidationError) as caught:
        AUTH.load(data)
    assert sorted(caught.value.normalized_messages()) == fields
    assert "plain text" not in str(caught.value)


@pytest.mark.parametrize(("auth", "login", "user"), [
    ({"user": "u", "password": WORD}, Fixed, "u"),
    ({"method": "oauth_password", "user": "u", "password": WORD, "client_id": "i", "client_secret": WORD}, OAuth, "u"),
    ({"method": "oauth_client", "client_id": "i", "client_secret": WORD}, OAuth, ""),
    ({"method": "api_key", "key": WORD}, Fixed, ""),
])
def test_each_method_makes_its_login(auth: dict[str, Any], login: type, user: str) -> None:
    made = adapter(Instance(), auth=auth).desk.client.door.login
    assert isinstance(made, login)
    assert made.user == user  # type: ignore[attr-defined]


def test_building_sends_nothing_and_an_address_that_is_none_is_told(instance: Instance) -> None:
    adapter(instance)
    assert not instance.requests
    with pytest.raises(ConfigError):
        build(settings(url="acme.service-now.com"), the_mapping(), lambda: NOW)
