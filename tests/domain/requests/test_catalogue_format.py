"""Items of the catalogue: every mistake at once, at its place."""

from __future__ import annotations

from connector import yaml12
from connector.domain.escalations.actions import Reach, Who
from connector.domain.notices.people import Group, People, Person
from connector.domain.problems import Problems
from connector.domain.requests.catalogue import Item, Need, Unanswered, item_for, revived
from connector.domain.requests.format import between, item

LAPTOP = """
item: laptop
title: A laptop
applies_to: {category: Laptop}
calendar: weekdays
approvals:
  - {approval: manager, by: {manager: 1}, within: 2 working days, substitute: {person: paul}, unanswered: refused}
  - {approval: buying, by: {group: Buying}, need: all}
tasks:
  - {task: order, title: Order it, group: Buying, within: 3 working days}
  - {task: account, title: Make the account, level: 2, within: 4h, after: []}
  - {task: deliver, title: Bring it, handoff: field-service, after: [order, account]}
  - {task: close, title: Ask whether all is well, level: 1}
"""


def made(text: str = LAPTOP, file: str = "") -> Item:
    problems = Problems(file)
    found = item(yaml12.parse(text.encode()).data, problems)
    problems.stop()
    assert found is not None
    return found


def wrong(text: str) -> dict[str, str]:
    problems = Problems()
    assert item(yaml12.parse(text.encode()).data, problems) is None
    return {problem.path: problem.message for problem in problems.found}


def test_an_item_is_read() -> None:
    plan = made().plan
    manager, buying = plan.approvals
    assert (manager.by, manager.up, manager.unanswered) == (None, 1, Unanswered.REFUSED)
    assert (buying.by, buying.need) == (Who(Reach.GROUP, "Buying"), Need.ALL)
    assert {task.id: task.after for task in plan.tasks} == {
        "order": (), "account": (), "deliver": ("order", "account"), "close": ("deliver",)}


def test_a_plan_survives_being_written_down() -> None:
    plan = made().plan
    assert revived(plan.written()) == plan


def test_every_mistake_is_told_at_once() -> None:
    found = wrong("""
item: A Laptop
calender: weekdays
approvals:
  - {approval: boss, by: requester, need: most, unanswered: refused}
  - {approval: boss, within: soon}
tasks:
  - {task: order, group: Buying, handoff: hosting}
  - {task: order, title: Again, level: 9, after: [[ordr]]}
  - {title: Nobody}
""")
    assert set(found) >= {"item", "calender", "applies_to", "approvals.0.by", "approvals.0.need",
                          "approvals.0.unanswered", "approvals.1.by", "approvals.1.within", "approvals.1.approval",
                          "tasks.0.title", "tasks.0", "tasks.1.task", "tasks.1.level", "tasks.1.after.0",
                          "tasks.2.task", "tasks.2"}
    assert "did you mean `order`" in found["tasks.1.after.0"]


def test_an_item_without_tasks_would_never_be_fulfilled() -> None:
    assert "tasks" in wrong("{item: x, applies_to: {category: x}}")


def test_tasks_that_wait_for_each_other_are_refused() -> None:
    found = wrong("""
item: x
applies_to: {category: x}
tasks:
  - {task: a, title: A, level: 1, after: [c]}
  - {task: b, title: B, level: 1, after: []}
  - {task: c, title: C, level: 1, after: [a]}
""")
    assert set(found) == {"tasks.0.after", "tasks.2.after"}


def test_names_that_lead_nowhere_are_told_with_their_place() -> None:
    people = People({"paula": Person("paula", "Paula")}, {"Selling": Group("Selling", "Selling", 1)})
    found = {one.path: one.message for one in between([made(), made()], people, [], [])}
    assert set(found) == {"item", "calendar", "approvals.0.substitute", "approvals.1.by", "tasks.0.group",
                          "tasks.1.level", "tasks.2.handoff"}
    assert "did you mean `paula`" in found["approvals.0.substitute"]


def test_of_two_items_that_apply_alike_none_is_guessed() -> None:
    one, other = made(), made(LAPTOP.replace("item: laptop", "item: notebook"))
    assert item_for([one], {"category": "Laptop"}) is one
    assert item_for([one, other], {"category": "Laptop"}) is None
    assert item_for([one], {"category": "Phone"}) is None
