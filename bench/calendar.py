"""Business time: ours beside businesstimedelta and pandas, in one run, as ratios.

    python -m bench.calendar

Each peer computes the same question on the same calendar (Monday to Friday, 08:00 to 12:00 and 13:00 to 17:30; pandas
knows one window a day only and gets 08:00 to 17:00). Answers of businesstimedelta are checked against ours first. All
times are processor time of this process, which other work on the machine disturbs least.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from datetime import time as Clock  # noqa: N812

import numpy as np

from connector.domain.calendar import ServiceCalendar
from connector.domain.calendars.batch import BatchCalendar
from connector.domain.calendars.windows import micros

OFFICE = {"timezone": "UTC", "hours": {"mon-fri": [["08:00", "12:00"], ["13:00", "17:30"]]}}
START = datetime(2026, 3, 4, 9, 17, 13, tzinfo=UTC)
AMOUNTS = {"4 h": timedelta(hours=4), "30 days": timedelta(days=30)}


def micros_per_call(call: Callable[[], object], seconds: float = 0.4) -> float:
    """Best of nine, in microseconds."""
    count, best = 1, float("inf")
    while True:
        began = time.process_time()
        for _ in range(count):
            call()
        took = time.process_time() - began
        if took > seconds / 10:
            break
        count *= 4
    for _ in range(9):
        began = time.process_time()
        for _ in range(count):
            call()
        best = min(best, (time.process_time() - began) / count)
    return best * 1e6


def peers() -> dict[str, Callable[[timedelta], tuple[Callable[[], object], Callable[[], object] | None]]]:
    found: dict[str, Callable[[timedelta], tuple[Callable[[], object], Callable[[], object] | None]]] = {}
    try:
        import businesstimedelta as btd
    except ImportError:
        print("businesstimedelta is not installed (pip install '.[bench]')")
    else:
        morning, afternoon = (
            btd.WorkDayRule(start_time=a, end_time=b, working_days=[0, 1, 2, 3, 4])
            for a, b in ((Clock(8), Clock(12)), (Clock(13), Clock(17, 30))))
        rules = btd.Rules([morning, afternoon])

        def with_btd(amount: timedelta) -> tuple[Callable[[], object], Callable[[], object]]:
            delta = btd.BusinessTimeDelta(rules, timedelta=amount)
            due = START + delta
            ours = ServiceCalendar.from_dict(OFFICE).add(START, amount)
            assert abs(due - ours) < timedelta(seconds=1), (due, ours)
            return (lambda: START + delta), (lambda: rules.difference(START, ours))

        found["businesstimedelta"] = with_btd
    try:
        import pandas as pd
    except ImportError:
        print("pandas is not installed (pip install '.[bench]')")
    else:
        def with_pandas(amount: timedelta) -> tuple[Callable[[], object], None]:
            hours = int(amount.total_seconds() // 3600)
            offset = pd.tseries.offsets.CustomBusinessHour(hours, start="08:00", end="17:00")
            stamp = pd.Timestamp(START)
            return (lambda: stamp + offset), None

        found["pandas CustomBusinessHour"] = with_pandas
    return found


def main() -> None:
    calendar = ServiceCalendar.from_dict(OFFICE)
    others = peers()
    ours: dict[str, tuple[float, float]] = {}
    for label, amount in AMOUNTS.items():
        due = calendar.add(START, amount)
        add = micros_per_call(lambda amount=amount: calendar.add(START, amount))  # type: ignore[misc]
        elapsed = micros_per_call(lambda due=due: calendar.elapsed(START, due))  # type: ignore[misc]
        ours[label] = add, elapsed
        print(f"ours, {label}: add {add:.2f} us, elapsed {elapsed:.2f} us")
        for name, make in others.items():
            other_add, other_elapsed = make(amount)
            slower = micros_per_call(other_add) / add
            line = f"  {name}: add x{slower:,.0f}"
            if other_elapsed is not None:
                line += f", elapsed x{micros_per_call(other_elapsed) / elapsed:,.0f}"
            print(line)
    short, long = ours["4 h"], ours["30 days"]
    print(f"flat in the duration: add 30 days / 4 h = {long[0] / short[0]:.2f}, elapsed {long[1] / short[1]:.2f}")
    batch(calendar)


def batch(calendar: ServiceCalendar, n: int = 2_000_000) -> None:
    first, last = micros(datetime(2020, 1, 1, tzinfo=UTC)), micros(datetime(2027, 1, 1, tzinfo=UTC))
    many = BatchCalendar(calendar, first, last)
    rng = np.random.default_rng(1)
    starts = rng.integers(first, micros(datetime(2025, 1, 1, tzinfo=UTC)), n)
    amounts = rng.integers(1, 30 * 86_400 * 10**6, n)
    best_add = best_elapsed = float("inf")
    for _ in range(5):
        began = time.process_time()
        dues = many.add(starts, amounts)
        middle = time.process_time()
        back = many.elapsed(starts, dues)
        best_add = min(best_add, middle - began)
        best_elapsed = min(best_elapsed, time.process_time() - middle)
        assert (back == amounts).all()
    print(f"arrays of {n:,}: add {n / best_add / 1e6:.0f} M/s, elapsed {n / best_elapsed / 1e6:.0f} M/s")


if __name__ == "__main__":
    main()
