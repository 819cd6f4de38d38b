"""Every recorded exchange is judged rightly: what is no success is never taken for one, and nothing crashes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import requests

from connector.domain.errors import ConnectorError, NotFound, Refused, TryLater
from connector.vendors.glpi.answers import (
    READ_OK,
    WRITE_OK,
    LoginRefused,
    PastEnd,
    SessionLost,
    WriteRefused,
    accepted,
    added,
    done,
    judge,
    results,
    uploaded,
)
from tests.vendors.glpi.replay import FOLDER, answer

READ = [
    "actor_list_groups", "actor_list_users", "auth_init_basic", "auth_init_by_post", "auth_init_full_session",
    "auth_init_user_token", "auth_init_user_token_query", "bulk_150_link_header_after", "calendar_get",
    "calendar_holidays", "calendar_segments", "concurrent_update_log", "document_get", "document_list_of_ticket",
    "entity_list_only_own", "followup_list", "followup_other_author_result", "group_list", "group_users",
    "inactive_user_open_session", "itilcategory_list", "log_list_global", "log_of_ticket", "log_of_ticket_sorted",
    "multiple_items", "ola_list", "requesttype_list", "search_garbage_date", "search_options_raw",
    "search_options_ticket", "search_quote", "search_range_zero", "search_ticket_date_mod_after",
    "search_ticket_default", "search_ticket_deleted", "search_ticket_externalid", "search_ticket_nested",
    "search_ticket_none", "search_ticket_rawdata_no", "search_ticket_relative_date",
    "search_ticket_status_and_date", "search_ticket_status_notold", "search_ticket_withindexes", "search_wildcards",
    "selfservice_create_result", "selfservice_list_tickets", "session_active_entities",
    "session_active_entities_after_change", "session_active_profile", "session_get_config", "session_get_full",
    "session_my_entities", "session_my_entities_recursive", "session_my_profiles", "session_token_in_query",
    "sla_list", "slm_get", "solution_list", "task_list", "ticket_get_add_keys_names", "ticket_get_after_assign",
    "ticket_get_after_create", "ticket_get_after_restore", "ticket_get_after_sla", "ticket_get_after_update_closed",
    "ticket_get_after_urgency", "ticket_get_closed", "ticket_get_deleted", "ticket_get_expand", "ticket_get_full",
    "ticket_get_full_unsanitized", "ticket_get_pending", "ticket_get_reopened", "ticket_get_solved",
    "ticket_get_with", "ticket_list_default", "ticket_list_deleted", "ticket_list_deleted_after",
    "ticket_list_expand", "ticket_list_last_page", "ticket_list_range", "ticket_list_range_start_equals_total",
    "ticket_list_searchtext", "ticket_list_searchtext_date", "ticket_list_sort_nullable", "timezone_before",
    "timezone_create_seen_by_default_user", "timezone_search_new_york", "timezone_user_default",
    "types_strings_result", "user_get", "user_get_with_emails", "xml_accept_ignored",
]

CREATED = [
    "actor_add_anonymous", "actor_add_group_assign", "actor_add_user", "closed_assign", "deleted_followup",
    "document_link", "followup_add", "followup_add_private", "followup_legacy_itemtype", "followup_other_author",
    "followup_reopen", "html_entities_create", "long_text_create", "selfservice_create", "solution_add",
    "solution_add_again", "solution_approve", "task_add", "ticket_create_empty_input", "ticket_create_full",
    "ticket_create_minimal", "ticket_create_no_content", "ticket_create_no_name", "ticket_create_post_as_form",
    "ticket_create_unknown_field", "timezone_create_new_york", "unicode_create",
]

CHANGED = {
    "actor_delete": "5", "deleted_delete_again": "2048", "followup_update": "1", "if_unmodified_since_ignored": "2051",
    "ticket_delete_to_trash": "10", "ticket_purge": "11", "ticket_restore": "10", "ticket_update_assign_user": "2",
    "ticket_update_closed": "2", "ticket_update_no_change": "2", "ticket_update_patch": "2",
    "ticket_update_priority": "2", "ticket_update_set_sla": "4", "ticket_update_status_back": "2",
    "ticket_update_status_pending": "2", "ticket_update_urgency": "2", "types_strings": "2046",
    "ticket_update_bulk": "11",
}
ACCEPTED = ["session_change_entity", "session_change_entity_all", "session_kill"]
LISTED = ["ticket_create_bulk", "ticket_create_bulk_all_fail", "ticket_create_bulk_partial"]

PARTIAL = {
    "ticket_update_bulk_partial": {"10": True, "12": True},
    "ticket_delete_bulk_partial": {"12": True, "999999": False},
}

FALSE_SUCCESS: dict[str, Callable[[Any], object]] = {
    "document_upload_forbidden_type": uploaded,
    "entity_change_active_denied": lambda body: accepted(body, "entity 0"),
    "session_change_entity_forbidden": lambda body: accepted(body, "entity 999"),
    "ticket_update_no_id": lambda body: done(body, "2"),
    "update_id_mismatch": lambda body: done(body, "2046"),
}

FAILED: dict[type[ConnectorError], list[str]] = {
    SessionLost: [
        "session_bogus_token", "session_expired_file_gone", "session_missing_token", "session_used_after_kill",
    ],
    LoginRefused: [
        "auth_init_bad_app_token", "auth_init_bad_password", "auth_init_bad_user_token", "auth_init_missing_app_token",
        "auth_init_no_credentials", "inactive_user", "ip_not_allowed", "login_credentials_disabled",
    ],
    PastEnd: ["search_ticket_range_exceeds", "ticket_list_range_exceeds"],
    NotFound: [
        "error_item_not_found", "multiple_items_with_missing", "session_change_profile_forbidden", "ticket_get_purged",
    ],
    WriteRefused: [
        "actor_add_user_dup", "assign_unknown_user", "entity_create_foreign", "followup_missing_ticket",
        "solution_add_twice", "ticket_create_with_sla_strict_sql", "ticket_delete_missing", "ticket_update_missing",
    ],
    Refused: [
        "api_disabled", "document_upload_no_manifest", "error_content_type_missing_on_post", "error_content_type_text",
        "error_get_with_body", "error_lowercase_itemtype", "error_unknown_itemtype", "multiple_items_forbidden",
        "range_negative", "search_ticket_bad_field", "search_ticket_external_unknown_itemtype",
        "search_ticket_malformed", "selfservice_config", "selfservice_list_users", "ticket_create_malformed_json",
        "ticket_create_no_input", "ticket_list_bad_range", "ticket_list_bad_sort", "ticket_update_no_body",
    ],
    TryLater: [
        "cors_preflight", "debug_parameter", "document_download", "error_no_resource", "head_request",
        "maintenance_mode_list", "ticket_create_bad_values",
    ],
}


def judged(name: str) -> Any:
    response = answer(name)
    return judge(response, READ_OK if response.request.method == "GET" else WRITE_OK)


def test_every_recorded_exchange_has_its_place() -> None:
    placed = [*READ, *CREATED, *CHANGED, *ACCEPTED, *LISTED, *PARTIAL, *FALSE_SUCCESS, "document_upload",
              *(name for names in FAILED.values() for name in names)]
    assert sorted(placed) == sorted(path.stem for path in FOLDER.glob("*.json"))


@pytest.mark.parametrize("name", READ)
def test_a_read_gives_its_body(name: str) -> None:
    assert isinstance(judged(name), (dict, list))


@pytest.mark.parametrize("name", CREATED)
def test_a_creation_gives_an_id(name: str) -> None:
    assert int(added(judged(name))) > 0


@pytest.mark.parametrize(("name", "id"), CHANGED.items())
def test_a_change_names_the_item_it_changed(name: str, id: str) -> None:
    done(judged(name), id)


@pytest.mark.parametrize("name", ACCEPTED)
def test_true_is_an_acceptance(name: str) -> None:
    accepted(judged(name), "it")


@pytest.mark.parametrize("name", LISTED)
def test_a_bulk_creation_gives_an_id_for_each(name: str) -> None:
    assert all(int(added(entry)) > 0 for entry in judged(name))


@pytest.mark.parametrize(("name", "expected"), PARTIAL.items())
def test_a_partial_bulk_is_matched_by_id_and_not_by_place(name: str, expected: dict[str, bool]) -> None:
    assert results(judged(name)) == expected


@pytest.mark.parametrize(("name", "look"), FALSE_SUCCESS.items())
def test_a_false_success_is_refused(name: str, look: Callable[[Any], object]) -> None:
    body = judged(name)
    with pytest.raises(Refused):
        look(body)


def test_an_accepted_file_gives_its_document() -> None:
    assert uploaded(judged("document_upload")) == "1"


@pytest.mark.parametrize(("name", "error"), [(name, error) for error, names in FAILED.items() for name in names])
def test_a_failure_is_sorted_by_what_to_do_next(name: str, error: type[ConnectorError]) -> None:
    with pytest.raises(ConnectorError) as caught:
        judged(name)
    assert type(caught.value) is error


def test_the_kind_of_failure_never_depends_on_its_text() -> None:
    """Messages are translated to the language of the session."""
    for name in ("session_bogus_token", "ticket_list_range_exceeds", "error_item_not_found", "actor_add_user_dup"):
        response = answer(name)
        code = judge_code(response)
        response._content = f'["{code}", "c\'est la vie"]'.encode()
        with pytest.raises(ConnectorError) as caught:
            judge(response)
        assert name in FAILED[type(caught.value)]


def judge_code(response: requests.Response) -> str:
    return str(response.json()[0])


def test_sql_text_does_not_reach_a_person() -> None:
    with pytest.raises(WriteRefused, match="the database refused a value"):
        judged("ticket_create_with_sla_strict_sql")


@pytest.mark.parametrize("body", [b"", b"[", b"null", b"[[]]", b'["ERROR_GLPI_ADD"]', b'{"id":false}', b'{"id":"x"}',
                                  b'{"id":0}', b'{"id":true}', b"7", b'"x"', b"[null]", b"\xff\xfe"])
def test_a_mangled_body_is_never_a_creation(body: bytes) -> None:
    response = answer("ticket_create_minimal")
    response._content = body
    with pytest.raises((TryLater, Refused)):
        added(judge(response, WRITE_OK))


@pytest.mark.parametrize("body", [[[]], [], {}, None, [None], [{"2": "true"}], [{"2": 1}], [{"3": True}], "x"])
def test_a_mangled_body_is_never_a_change(body: Any) -> None:
    with pytest.raises(Refused):
        done(body, "2")


def test_a_gateway_error_of_a_bulk_leaves_the_outcome_open() -> None:
    """nginx says 502 after GLPI created every item: the link header was too long."""
    response = answer("maintenance_mode_list")
    response.status_code = 502
    with pytest.raises(TryLater):
        judge(response, WRITE_OK)
