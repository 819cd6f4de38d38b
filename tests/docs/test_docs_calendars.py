"""The calendar page tells the truth: its example loads and its Python lines give what they say."""

from __future__ import annotations

import re
from pathlib import Path

from connector import yaml12
from connector.domain.calendar import ServiceCalendar

PAGE = (Path(__file__).parents[2] / "docs/calendars.md").read_text(encoding="utf-8")


def test_the_yaml_example_loads() -> None:
    text = re.search(r"```yaml\n(.*?)```", PAGE, re.S)
    assert text
    data = yaml12.parse(text[1].encode()).data
    data["holidays"] = [item for item in data["holidays"] if "ical" not in item]
    ServiceCalendar.from_dict(data)


def test_the_python_example_gives_what_it_says() -> None:
    code = re.search(r"```python\n(.*?)```", PAGE, re.S)
    assert code
    lines = code[1].splitlines()
    call, says = lines[-1].split("#")
    scope: dict[str, object] = {}
    exec("\n".join(lines[:-1]), scope)
    assert str(eval(call, scope)).replace(":00+01:00", "+01:00") == says.strip()
