"""What a broken promise costs: each begun hour, once a breach, words where there is no figure."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from connector.domain.handoffs.moves import Move
from connector.domain.handoffs.penalties import Owed, owed
from connector.domain.handoffs.receiver import Penalty
from tests.domain.handoffs.test_handoff_clocks import THEM, US, Story, accepted

HOURLY = Penalty("resolution", "250.50", "CHF", "hour", "at most a monthly fee")


def told(story: Story, hours: float, *penalties: Penalty) -> list[Owed]:
    return list(owed(story.reading(hours).clocks, penalties))


def test_a_kept_promise_costs_nothing() -> None:
    assert told(accepted().move(8, THEM, Move.PROPOSE), 20, HOURLY) == []


def test_each_begun_hour_of_business_time_beyond_the_target_counts() -> None:
    story = accepted()
    (running,) = told(story, 10.75, HOURLY)
    assert (running.late, running.amount, running.final) == (timedelta(hours=2, minutes=15), Decimal("751.50"), False)
    (done,) = told(story.move(10.5, THEM, Move.PROPOSE), 99, HOURLY)
    assert (done.amount, done.currency, done.final) == (Decimal("501.00"), "CHF", True)


def test_a_pause_of_the_contract_costs_nothing() -> None:
    story = accepted().move(2, THEM, Move.WAIT, "customer information").move(50, THEM, Move.RESUME)
    assert told(story.move(55, THEM, Move.PROPOSE), 60, HOURLY) == []


def test_per_breach_counts_every_breach_once() -> None:
    story = Story().move(0, US, Move.OFFER).move(2, THEM, Move.DECLINE).move(3, US, Move.OFFER)
    fine = Penalty("acknowledge", "100", "EUR", "breach")
    assert [one.amount for one in told(story, 9, fine)] == [Decimal(100), Decimal(100)]


def test_words_and_months_have_no_figure() -> None:
    story = accepted()
    found = told(story, 20, Penalty("resolution", text="see annex 3"), Penalty("resolution", "5", "%", "month"))
    assert [(one.amount, one.text) for one in found] == [(None, "see annex 3"), (None, "")]


def test_called_back_work_and_our_own_slowness_cost_the_receiver_nothing() -> None:
    late = accepted().move(20, US, Move.WITHDRAW)
    assert told(late, 30, HOURLY) == []
    ours = accepted().move(1, THEM, Move.PROPOSE)
    assert told(ours, 50, Penalty("approval", "10", "CHF", "breach")) == []


def test_a_day_is_24_hours_of_the_contracts_calendar() -> None:
    (one,) = told(accepted(), 8.5 + 25, Penalty("resolution", "10", "CHF", "day"))
    assert one.amount == Decimal(20)
