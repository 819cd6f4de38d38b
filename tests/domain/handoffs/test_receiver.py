"""The `receiver` section of a contract: what it means and every mistake in it."""

from __future__ import annotations

from typing import Any

import pytest

from connector.domain.agreements.profile_format import parse
from connector.domain.agreements.registry import Registry
from connector.domain.errors import ConfigError
from connector.domain.handoffs.moves import HandoffState, Move
from connector.domain.handoffs.receiver import Comments, Files, Receiver, ReceiverKind, Tlp
from connector.domain.handoffs.receiver_format import receiver
from connector.domain.problems import Problems

HOSTING: dict[str, Any] = {
    "name": "hosting", "title": "Hosting AG", "supplier": "Hosting AG",
    "reach": {"webhook": {"url": "https://desk.hosting.example/hooks", "secrets": ["HOSTING_NEW", "HOSTING_OLD"]}},
    "shares": {"fields": ["title", "service", "custom.asset"], "comments": "published", "attachments": "chosen"},
    "severities": {"P1": "Sev 1", "P2": "Sev 2"},
    "statuses": {"Accepted by NOC": "acknowledge", "FIXED": "propose_resolution"},
    "pause_reasons": ["Access to site", "Information from user"],
    "penalties": [{"target": "resolution", "amount": 250, "currency": "CHF", "per": "hour"}],
    "silent_after": "8h", "bounce_limit": 2,
}


def made(**changes: Any) -> Receiver:
    problems = Problems()
    found = receiver({**HOSTING, **changes}, "hosting-uc", problems)
    problems.stop()
    assert found is not None
    return found


def mistakes(**changes: Any) -> list[tuple[str, str]]:
    problems = Problems()
    receiver({**HOSTING, **changes}, "hosting-uc", problems)
    return [(problem.path, problem.message) for problem in problems.errors]


def test_a_receiver_is_read_whole() -> None:
    hosting = made()
    assert (hosting.name, hosting.kind, hosting.profile) == ("hosting", ReceiverKind.SUPPLIER, "hosting-uc")
    assert hosting.reach.webhook is not None
    assert hosting.reach.webhook.secrets == ("HOSTING_NEW", "HOSTING_OLD")
    assert hosting.shares.comments is Comments.PUBLISHED
    assert hosting.shares.attachments is Files.CHOSEN
    assert hosting.target == "supplier:hosting"
    assert hosting.penalties[0].amount == "250"
    assert str(hosting.silent_after) == "8h"


def test_nothing_may_leave_unless_it_is_listed() -> None:
    bare = made(shares=None)
    assert bare.shares.fields == ()
    assert (bare.shares.comments, bare.shares.attachments) == (Comments.NONE, Files.NONE)


def test_severity_is_told_in_their_words_and_ours_where_they_have_none() -> None:
    assert [made().severity(one) for one in ("P1", "P3", None)] == ["Sev 1", "P3", ""]


def test_their_words_and_the_plain_statuses_mean_moves() -> None:
    hosting = made()
    assert hosting.move("accepted by noc", HandoffState.OFFERED) is Move.ACKNOWLEDGE
    assert hosting.move("Fixed", HandoffState.IN_PROGRESS) is Move.PROPOSE
    assert hosting.move("resolved", HandoffState.IN_PROGRESS) is Move.PROPOSE
    assert hosting.move("in_progress", HandoffState.ACKNOWLEDGED) is Move.START
    assert hosting.move("in_progress", HandoffState.WAITING_CUSTOMER) is Move.RESUME
    assert hosting.move("kind of done", HandoffState.IN_PROGRESS) is None


def test_only_reasons_of_the_contract_pause() -> None:
    assert made().pauses_for(" access to SITE ")
    assert not made().pauses_for("our technician is ill")
    assert not made(pause_reasons=None).pauses_for("Access to site")


def test_a_security_team_needs_a_label_and_gets_no_free_text() -> None:
    found = mistakes(kind="security")
    assert [path for path, _ in found] == ["receiver.tlp", "receiver.shares.fields.0", "receiver.shares.fields.2",
                                           "receiver.shares.comments"]
    soc = made(kind="security", tlp="amber+strict", shares={"fields": ["priority", "category"]})
    assert (soc.tlp, soc.one_way, soc.free_text) == (Tlp.AMBER_STRICT, True, False)


@pytest.mark.parametrize(("change", "path", "message"), [
    ({"name": "Hosting AG"}, "receiver.name", "expected lower-case letters"),
    ({"name": ""}, "receiver.name", "is required"),
    ({"kind": "vendor"}, "receiver.kind", "is unknown"),
    ({"reach": None}, "receiver.reach", "is required"),
    ({"reach": "post"}, "receiver.reach", "is not a table"),
    ({"reach": {"portal": False}}, "receiver.reach", "leads nowhere"),
    ({"reach": {"email": "a@b.example, c@d.example"}}, "receiver.reach.email", "is not one mail address"),
    ({"reach": {"webhook": {"url": "ftp://x", "secrets": ["A"]}}}, "receiver.reach.webhook.url", "is not an address"),
    ({"reach": {"webhook": {"url": "https://x.example"}}}, "receiver.reach.webhook.secrets", "is required"),
    ({"reach": {"webhook": {"url": "https://x.example", "secrets": ["whsec_abc="]}}},
     "receiver.reach.webhook.secrets.0", "a secret is never written in the file"),
    ({"shares": {"fields": ["titel"]}}, "receiver.shares.fields.0", "did you mean `title`?"),
    ({"shares": {"fields": ["custom"]}}, "receiver.shares.fields.0", "name the fields one by one"),
    ({"shares": {"comments": "all"}}, "receiver.shares.comments", "is unknown"),
    ({"severities": {"P9": "low"}}, "receiver.severities.P9", "unknown key"),
    ({"statuses": {"done": "accept"}}, "receiver.statuses.done", "is no move of theirs"),
    ({"statuses": {"done": "propose_resolution", "Done ": "hand_back"}}, "receiver.statuses.Done ", "is there twice"),
    ({"statuses": "done"}, "receiver.statuses", "is not a table"),
    ({"pause_reasons": "customer"}, "receiver.pause_reasons", "is not a list"),
    ({"penalties": [{"target": "resolution"}]}, "receiver.penalties.0", "says nothing"),
    ({"penalties": [{"target": "resolution", "amount": "much"}]}, "receiver.penalties.0.amount", "is not a number"),
    ({"penalties": [{"target": "resolution", "amount": 1, "per": "moon"}]}, "receiver.penalties.0.per", "is unknown"),
    ({"silent_after": "soon"}, "receiver.silent_after", "is not a duration"),
    ({"bounce_limit": 0}, "receiver.bounce_limit", "is not a number"),
    ({"dispute_clock": "stops"}, "receiver.dispute_clock", "is unknown"),
    ({"active": "yes"}, "receiver.active", "is not true or false"),
    ({"tlp": "white"}, "receiver.tlp", "is unknown"),
    ({"phone": "1"}, "receiver.phone", "unknown key"),
])
def test_every_mistake_names_its_place(change: dict[str, Any], path: str, message: str) -> None:
    found = mistakes(**change)
    assert [(one, message in text) for one, text in found] == [(path, True)], found


def test_all_mistakes_are_told_at_once() -> None:
    assert len(mistakes(name="X Y", kind="z", silent_after="?", reach=None)) == 4


def test_a_secret_is_never_shown_in_a_message() -> None:
    found = mistakes(reach={"webhook": {"url": "https://x.example", "secrets": ["whsec_c2VjcmV0="]}})
    assert "c2VjcmV0" not in str(found)


PROFILE: dict[str, Any] = {"profile": "hosting-uc", "agreement": "uc", "calendar": "24x7",
                           "targets": {"resolution": "8h", "hand_back": "1h", "approval": "2 working days"}}


def errors_of(data: dict[str, Any]) -> list[str]:
    problems = Problems()
    parse(data, problems)
    return [str(problem) for problem in problems.errors]


def test_a_contract_with_a_receiver_speaks_for_no_ticket_unless_it_says_so() -> None:
    problems = Problems()
    profile = parse({**PROFILE, "receiver": HOSTING}, problems)
    problems.stop()
    assert profile is not None
    assert not profile.applies_to.holds({})
    assert profile.receiver is not None


def test_hand_back_and_approval_need_a_receiver() -> None:
    assert [text.split(":")[0] for text in errors_of(PROFILE)] == ["targets.hand_back", "targets.approval"]


def test_a_penalty_is_for_a_target_of_the_contract() -> None:
    fine = [{"target": "acknowlege", "amount": 1}, {"target": "resolution", "amount": 1}]
    (text,) = errors_of({**PROFILE, "targets": {"resolution": "8h", "acknowledge": "1h"},
                         "receiver": {**HOSTING, "penalties": fine}})
    assert "receiver.penalties.0.target: this contract has no target `acknowlege`, did you mean `acknowledge`?" in text


def test_work_is_not_handed_over_under_an_sla() -> None:
    assert any("not under an SLA" in text for text in errors_of({**PROFILE, "agreement": "sla", "receiver": HOSTING}))


def test_two_contracts_cannot_have_one_receiver_and_calendars_must_exist() -> None:
    problems = Problems()
    one = parse({**PROFILE, "receiver": {**HOSTING, "silent_after": {"within": "8h", "calendar": "moon"}}}, problems)
    two = parse({**PROFILE, "profile": "other", "receiver": HOSTING}, problems)
    problems.stop()
    assert one is not None
    assert two is not None
    with pytest.raises(ConfigError) as wrong:
        Registry.checked([one, two], {})
    assert sorted(problem.path for problem in wrong.value.problems) == ["receiver.name", "receiver.silent_after"]
