"""Files about people and what they are told: teams, templates, and rules that inform requesters."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from connector.domain.errors import Problem
from connector.domain.notices.informing import Informing, rule, unknown_templates
from connector.domain.notices.people import Group, Person
from connector.domain.notices.people_format import teams
from connector.domain.notices.template import Template, Templates, parse
from connector.domain.problems import Problems
from connector.domain.saying import Saying
from connector.messages import shipped

Documents = Iterable[tuple[Any, Problems]]


def team(documents: Documents) -> tuple[list[Person], list[Group]]:
    """People and groups of all files."""
    people: list[Person] = []
    groups: list[Group] = []
    for data, problems in documents:
        found = teams(data, problems)
        people += found[0]
        groups += found[1]
    return people, groups


def templates(documents: Documents) -> Templates:
    """The shipped messages, and those of the files in their place or besides."""
    found: dict[str, Template] = {}
    for data, problems in documents:
        template = parse(data, problems)
        if template is None:
            continue
        if template.name in found:
            problems.add(("template",), Saying(
                "`%(name)s` is also in %(file)s", name=template.name, file=found[template.name].file))
        ours = shipped().get(template.name)
        if ours is not None and template.audience is not ours.audience:
            problems.add(("audience",), Saying(
                "expected %(audience)s: `%(name)s` is sent to nobody else", audience=ours.audience, name=ours.name))
        found[template.name] = template
    return Templates({**shipped(), **found})


def informing(documents: Documents) -> list[Informing]:
    found: dict[str, Informing] = {}
    for data, problems in documents:
        made = rule(data, problems)
        if made is not None and made.name in found:
            problems.add(("informing",), Saying(
                "`%(name)s` is also in %(file)s", name=made.name, file=found[made.name].file))
        if made is not None:
            found[made.name] = made
    return list(found.values())


def between(rules: Sequence[Informing], known: Templates) -> list[Problem]:
    """Rules that name templates which are not there, or not for requesters."""
    return [Problem(wrong, one.file, path=f"tell.{what}") for one, what, wrong in unknown_templates(rules, known)]
