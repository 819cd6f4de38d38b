"""Who is told what, how and when."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.domain.delivery import Order
from connector.domain.notices.fallback import OTHERWISE, PATIENCE
from connector.domain.notices.notice import (
    HELD,
    MOST,
    MOST_CRITICAL,
    WINDOW,
    Held,
    Load,
    Notice,
    Recipient,
    by_recipient,
    digest,
    of_person,
    of_requester,
    plan,
)
from connector.domain.notices.people import Person, Quiet, Severity, Way
from connector.domain.notices.template import Audience, Template, Text
from connector.messages import shipped

NOON = datetime(2026, 3, 4, 11, tzinfo=UTC)
EVERY = ("mail", "chat", "sms")


def person(**more: Any) -> Person:
    given: dict[str, Any] = {"id": "ann", "name": "Ann", "email": "ann@example.org", "timezone": "Europe/Zurich"}
    return Person(**{**given, **more})


def notice(key: str = "k", severity: str = "normal", **more: Any) -> Notice:
    given: dict[str, Any] = {"facts": {"number": "INC1", "title": "x", "reason": "due soon", "clock_due": NOON},
                             "ticket": 7, "thread": "glpi/7"}
    return Notice(key, shipped()["escalation"], Severity(severity), **{**given, **more})


def one(who: Person, told: Notice, at: datetime = NOON, channels: tuple[str, ...] = EVERY) -> Order:
    (order,) = plan([(told, of_person(who))], {}, channels, at).orders
    return order


def test_a_message_is_written_in_the_language_and_the_zone_of_who_gets_it() -> None:
    order = one(person(language="fr", timezone="America/Montreal"), notice(facts={
        "number": "INC1", "title": "x", "clock": "x", "clock_due": NOON}))
    assert "Bonjour Ann," in order.payload["text"]
    assert "mer. 4 mars 2026, 06:00 EST" in order.payload["text"]
    assert order.payload["language"] == "fr"


def test_the_best_way_is_tried_first_and_the_others_stand_behind_it() -> None:
    who = person(secrets={Way.CHAT: ("env", "C"), Way.SMS: ("env", "S")})
    order = one(who, notice(severity="critical"))
    assert order.target == "sms"
    assert order.payload[PATIENCE] == 120
    second = order.payload[OTHERWISE]
    assert (second["target"], second["payload"][OTHERWISE]["target"]) == ("chat", "mail")
    assert OTHERWISE not in second["payload"][OTHERWISE]["payload"]


def test_only_the_last_way_tells_what_is_to_be_known_when_nobody_was_reached() -> None:
    who = person(secrets={Way.CHAT: ("env", "C")}, wishes={Severity.NORMAL: (Way.CHAT, Way.MAIL)})
    order = one(who, notice(more={"escalations": ["e1"]}))
    assert "escalations" not in order.payload
    assert order.payload[OTHERWISE]["payload"]["escalations"] == ["e1"]


def test_a_way_that_is_not_set_up_is_left_out_while_there_is_another() -> None:
    who = person(secrets={Way.SMS: ("env", "S")})
    assert one(who, notice(severity="critical"), channels=("mail",)).target == "mail"
    assert one(who, notice(severity="critical"), channels=()).target == "sms", "it waits for the channel, and is seen"


def test_no_order_holds_an_address_that_is_a_secret() -> None:
    order = one(person(secrets={Way.CHAT: ("env", "CHAT_ANN")}), notice(severity="high"))
    assert "CHAT_ANN" not in str(order.payload)


def test_quiet_hours_hold_all_but_critical_messages_until_they_end() -> None:
    who = person(quiet=(Quiet((0, 1, 2, 3, 4, 5, 6), 11 * 3600, 14 * 3600),))
    held = one(who, notice(severity="high"))
    assert (held.target, held.not_before) == (HELD, datetime(2026, 3, 4, 13, tzinfo=UTC))
    assert one(who, notice(severity="critical")).target == "mail"
    assert one(who, notice(), at=datetime(2026, 3, 4, 13, tzinfo=UTC)).target == "mail"


def test_the_message_after_the_most_of_a_while_is_held_to_its_end_and_so_are_those_after_it() -> None:
    told = [(notice(str(n)), of_person(person())) for n in range(MOST + 3)]
    made = plan(told, {}, EVERY, NOON)
    assert [order.target for order in made.orders] == ["mail"] * MOST + [HELD] * 3
    assert {order.not_before for order in made.orders if order.target == HELD} == {NOON + WINDOW}
    later = plan([(notice("late"), of_person(person()))], made.loads, EVERY, NOON + WINDOW - timedelta(seconds=1))
    assert later.orders[0].not_before == NOON + WINDOW
    after = plan([(notice("after"), of_person(person()))], made.loads, EVERY, NOON + WINDOW)
    assert after.orders[0].target == "mail"


def test_while_messages_are_held_none_goes_before_the_digest_although_there_would_be_room() -> None:
    loads: dict[str, Load] = {}
    for minute in range(MOST + 1):
        made = plan([(notice(str(minute)), of_person(person()))], loads, EVERY, NOON + timedelta(minutes=minute))
        loads |= made.loads
    end = NOON + timedelta(minutes=MOST) + WINDOW
    (late,) = plan([(notice("late"), of_person(person()))], loads, EVERY, NOON + WINDOW + timedelta(minutes=2)).orders
    assert (late.target, late.not_before) == (HELD, end)


def test_critical_messages_pass_while_others_are_held_but_not_without_end() -> None:
    told = [(notice(str(n)), of_person(person())) for n in range(MOST + 1)]
    made = plan(told, {}, EVERY, NOON)
    alarm = [(notice(f"c{n}", "critical"), of_person(person())) for n in range(MOST_CRITICAL + 5)]
    orders = plan(alarm, made.loads, EVERY, NOON).orders
    assert [order.target for order in orders].count(HELD) == MOST + 5


def test_each_recipient_has_a_measure_of_their_own() -> None:
    told = [(notice(str(n)), of_person(person(id=f"p{n % 3}"))) for n in range(3 * MOST)]
    assert all(order.target == "mail" for order in plan(told, {}, EVERY, NOON).orders)


def test_what_a_recipient_was_sent_is_kept_as_text_and_read_back() -> None:
    load, _ = Load().take(Severity.LOW, NOON)
    assert Load.load(load.dump()) == load
    full = Load((NOON,), NOON + WINDOW)
    assert Load.load(full.dump()) == full
    assert Load.load({}) == Load()


def test_a_template_that_is_internal_is_never_sent_to_a_requester() -> None:
    asked = of_requester("user@example.org", "User", "en", "UTC")
    assert asked is not None
    with pytest.raises(ValueError, match="is not for a requester"):
        plan([(notice(), asked)], {}, EVERY, NOON)


def test_a_requester_is_known_by_the_address_whatever_its_case_and_without_showing_it() -> None:
    a, b = (of_requester(email, "U", "en", "UTC") for email in ("User@Example.org", " user@example.org "))
    assert a is not None
    assert b is not None
    assert a.id == b.id
    assert "user" not in a.id.removeprefix("requester/")
    assert of_requester("nobody", "U", "en", "UTC") is None


def held_of(orders: list[Order]) -> list[Held]:
    return [Held(order.key, order.ticket, order.payload) for order in orders if order.target == HELD]


def recipient() -> Recipient:
    return of_person(person())


def test_one_held_message_goes_out_as_itself() -> None:
    held = held_of(plan([(notice(str(n), more={"escalations": ["e"]}), recipient()) for n in range(MOST + 1)], {},
                        EVERY, NOON).orders)
    order = digest(held, recipient(), shipped()["digest"], EVERY)
    assert order.payload["subject"].startswith("[INC1]")
    assert (order.ticket, order.payload["thread"], order.payload["escalations"]) == (7, "glpi/7", ["e"])


def test_several_held_messages_are_one_that_names_each_and_keeps_their_links() -> None:
    told = [(notice(str(n), severity, facts={"number": f"INC{n}", "title": "t" * 900, "reason": "late",
                                             "ack_url": f"https://x.example/ack/{n}"}), recipient())
            for n, severity in enumerate(["low"] * MOST + ["low", "high", "normal"])]
    held = held_of(plan(told, {}, EVERY, NOON).orders)
    order = digest(held, recipient(), shipped()["digest"], EVERY)
    text = order.payload["text"]
    for n in range(MOST, MOST + 3):
        assert f"INC{n}" in text
        assert f"https://x.example/ack/{n}\n" in f"{text}\n"
        assert f"https://x.example/ack/{n}" in order.payload["links"]
    assert order.payload["severity"] == "high", "as important as the most important in it"
    assert order.payload["subject"] == "3 messages about tickets"


@settings(max_examples=60, derandomize=True, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 900), st.integers(0, 2), st.sampled_from(list(Severity))), max_size=60))
def test_whatever_comes_when_each_message_goes_out_once_and_no_more_than_the_most_at_once(
    steps: list[tuple[int, int, Severity]],
) -> None:
    now, loads, sent, waiting = NOON, dict[str, Load](), dict[str, list[datetime]](), list[Order]()
    keys = []
    for n, (pause, who, severity) in enumerate(steps):
        now += timedelta(seconds=pause)
        made = plan([(notice(str(n), severity.value), of_person(person(id=f"p{who}")))], loads, EVERY, now)
        loads.update(made.loads)
        for order in made.orders:
            keys.append(order.key.split("/")[0])
            if order.target == HELD:
                assert order.not_before is not None
                assert now < order.not_before <= now + WINDOW
                waiting.append(order)
            elif severity is not Severity.CRITICAL:
                sent.setdefault(f"p{who}", []).append(now)
    assert keys == [str(n) for n in range(len(steps))]
    for times in sent.values():
        assert all(sum(at - WINDOW < other <= at for other in times) <= MOST for at in times)
    assert sum(len(some) for _, some in by_recipient(held_of(waiting))) == len(waiting)


def test_templates_of_a_digest_have_a_place_for_every_message() -> None:
    for name in ("digest", "requester-digest"):
        template: Template = shipped()[name]
        for texts in template.texts.values():
            text: Text = texts["text"]
            assert "messages" in text.names
        assert template.audience is (Audience.INTERNAL if name == "digest" else Audience.REQUESTER)
