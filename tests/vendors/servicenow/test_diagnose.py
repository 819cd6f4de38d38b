"""What a check of a live instance tells a person."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from connector.domain.errors import TryLater
from connector.ports import Capability
from connector.settings import Secret
from tests.vendors.servicenow.instance import Instance, adapter, later


@pytest.fixture
def full(instance: Instance) -> Instance:
    user = instance.put("sys_user", 500, user_name="svc_sync", time_zone="Europe/Zurich")
    instance.put("sys_user_has_role", user=user["sys_id"], **{"role.name": "itil"})
    instance.put("sys_properties", name="glide.war", value="glide-yokohama-12-18-2024__patch3-03-11-2025_x.zip")
    for value in ("1", "2", "3", "6", "7", "8"):
        instance.put("sys_choice", name="incident", element="state", value=value, label=f"L{value}", inactive="false",
                     language="en")
    instance.incident(1, sys_mod_count="1")
    return instance


def remarks(instance: Instance, **more: Any) -> str:
    return "\n".join(adapter(instance, **more).diagnose().remarks)


def test_release_account_roles_and_skew_are_told(full: Instance) -> None:
    vendor = adapter(full)
    found = vendor.diagnose()
    assert found.version == "Yokohama patch3"
    assert found.account == "svc_sync"
    assert "roles of our account: itil" in "\n".join(found.remarks)
    assert vendor.me() == {"svc_sync"}


def test_a_version_that_cannot_be_read_is_said_to_be_unknown(full: Instance) -> None:
    full.closed = {"sys_properties"}
    assert adapter(full).diagnose().version == "unknown (sys_properties cannot be read)"


def test_our_own_name_is_asked_of_the_instance_where_the_login_does_not_tell(full: Instance) -> None:
    vendor = adapter(full, auth={"method": "api_key", "key": Secret("k")})
    assert vendor.me() == {"svc_sync"}
    assert any("javascript:gs.getUserName()" in query for query in full.queries())


def test_a_dropped_question_for_our_name_does_not_make_us_somebody_else(full: Instance) -> None:
    full.put("sys_user", user_name="alice")
    full.dropped = {"user_name"}
    key = {"auth": {"method": "api_key", "key": Secret("k")}}
    assert adapter(full, **key).me() == frozenset()
    assert "set the option `account`" in remarks(full, **key)
    assert adapter(full, options={"tables": ["incident"], "account": "me"}, **key).me() == {"me"}


def test_a_table_that_is_closed_is_named(full: Instance) -> None:
    said = remarks(full, options={"tables": ["incident", "problem"]})
    assert "problem" not in said
    full.closed = {"problem"}
    assert "problem cannot be read" in remarks(full, options={"tables": ["incident", "problem"]})


def test_a_field_hidden_by_an_access_rule_is_told_from_one_that_does_not_exist(full: Instance) -> None:
    full.put("sys_dictionary", name="task", element="impact", column_label="Impact", internal_type="integer",
             read_only="false")
    full.unreadable = {"impact"}
    said = remarks(full)
    assert "impact of incident: the field exists, but it cannot be read" in said
    assert "location.name of incident: no such field" in said
    assert "request_item" not in said  # read of tasks only


def test_a_state_the_mapping_does_not_know_is_named_before_a_ticket_is_in_it(full: Instance) -> None:
    assert "not in the mapping" not in remarks(full)
    full.put("sys_choice", name="incident", element="state", value="9", label="Frozen", inactive="false",
             language="en")
    assert "state 9 (Frozen) of incident is not in the mapping" in remarks(full)


def test_choices_of_a_table_stand_in_place_of_those_of_task(full: Instance) -> None:
    full.put("sys_choice", name="task", element="state", value="-5", label="Pending", inactive="false", language="en")
    assert "-5" not in remarks(full)


def test_conditions_dropped_and_a_filter_without_effect_are_noticed(full: Instance) -> None:
    said = remarks(full, options={"tables": ["incident"], "filter": "compani=acme"})
    assert "drops conditions" in said
    assert "leaves out no row" in said


def test_stored_times_are_held_against_shown_ones(full: Instance) -> None:
    show = full._show

    def shown(offset: timedelta) -> None:
        def as_shown(row: Any, params: Any) -> Any:
            out = show(row, params)
            if params.get("sysparm_display_value") == "all" and "user_name" in row:
                at = full.now + offset
                out["sys_updated_on"]["display_value"] = at.strftime("%Y-%m-%d %H:%M:%S")
            return out

        full._show = as_shown  # type: ignore[method-assign]

    shown(timedelta(hours=1))  # Zurich in November
    assert "UTC" not in remarks(full)
    shown(timedelta(hours=2))
    assert "are stored times UTC here?" in remarks(full)


def test_tickets_changed_in_the_future_are_noticed(full: Instance) -> None:
    full.incident(2, sys_updated_on="2025-11-24 12:00:00")
    assert "in the future" in remarks(full)


def test_what_history_lacks_is_told(full: Instance) -> None:
    full.closed = {"sys_audit", "sys_journal_field", "sys_audit_delete"}
    full.put("metric_instance", id=next(iter(full.tables["incident"])), field="state", value="1")
    said = remarks(full)
    assert "changes come from metric_instance" in said
    assert "comments and work notes are not read" in said
    assert "found by reading all ids" in said


def test_capabilities_follow_rights_and_secrets(full: Instance) -> None:
    assert Capability.WEBHOOKS not in adapter(full).capabilities()
    assert Capability.WEBHOOKS in adapter(full, webhook_secrets=(Secret("whsec_x"),)).capabilities()
    assert Capability.DELETIONS not in adapter(full).capabilities()
    full.put("sys_audit_delete", tablename="incident", documentkey="x")
    assert Capability.DELETIONS in adapter(full).capabilities()


def test_rights_are_remembered_for_a_while_and_then_asked_anew(full: Instance) -> None:
    vendor = adapter(full)
    vendor.capabilities()
    before = len(full.requests)
    vendor.capabilities()
    assert len(full.requests) == before
    later(full, minutes=11)
    vendor.capabilities()
    assert len(full.requests) > before


def test_an_instance_that_does_not_answer_is_an_error_not_a_remark(full: Instance) -> None:
    full.say = [(503, {}, "")] * 3
    with pytest.raises(TryLater):
        adapter(full).diagnose()


def test_fields_come_from_the_dictionary_with_choices_and_what_the_mapping_reads_besides(full: Instance) -> None:
    for element, read_only in (("state", "false"), ("assignment_group", "false"), ("sys_mod_count", "true")):
        full.put("sys_dictionary", name="task", element=element, column_label=element.title(), internal_type="string",
                 read_only=read_only)
    found = {field.name: field for field in adapter(full).fields()}
    assert found["state"].choices == {value: f"L{value}" for value in ("1", "2", "3", "6", "7", "8")}
    assert found["state"].kinds == ("incident",)
    assert found["assignment_group.name"].writable
    assert not found["sys_mod_count"].writable
    assert found["_table"].choices == {"incident": "incident"}


def test_without_the_dictionary_a_ticket_tells_which_fields_there_are(full: Instance) -> None:
    full.closed = {"sys_dictionary"}
    assert {"state", "impact", "_table"} <= {field.name for field in adapter(full).fields()}
