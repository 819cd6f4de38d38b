"""Templates: what they may say to whom, and that no value becomes anything but text."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector import yaml12
from connector.domain.notices.phrases import duration, moment, phrase, words
from connector.domain.notices.template import (
    LANGUAGES,
    LONGEST_SUBJECT,
    VARIABLES,
    Audience,
    Template,
    as_html,
    parse,
    render,
    written,
)
from connector.domain.problems import Problems
from connector.domain.ticket import PendingOn, State

SHIPPED = sorted((Path(__file__).parents[3] / "connector" / "messages").glob("*.yaml"))


def template(text: str, subject: str = "{number}", audience: str = "internal") -> Template:
    one = {"subject": subject, "short": "{number}", "text": text}
    problems = Problems("t.yaml")
    made = parse({"template": "t", "audience": audience, "en": one, "fr": one}, problems)
    assert made is not None, [str(problem) for problem in problems.found]
    return made


def wrong(text: str, audience: str = "requester") -> list[str]:
    problems = Problems()
    written(text, Audience(audience), problems, ("en", "text"))
    return [f"{one.path}: {one.message}" for one in problems.found]


def test_a_variable_is_replaced_and_doubled_braces_are_braces() -> None:
    assert render(template("{{{number}}} of {title}"), "en", {"number": "7", "title": "x"}).text == "{7} of x"


@pytest.mark.parametrize("text", [
    "{number.__class__}", "{number!r}", "{number:>100000000}", "{0}", "{}", "{number[0]}", "{ number }", "{__import__}",
    "{% for x in y %}", "{{ {number() }", "${number", "{numbr}",
])
def test_nothing_but_a_known_name_may_stand_in_braces(text: str) -> None:
    assert wrong(text) != []


def test_an_unknown_variable_is_refused_with_its_place_and_the_nearest_name() -> None:
    assert wrong("Hello {titel}") == ["en.text: unknown variable `{titel}`, did you mean `title`?"]


@pytest.mark.parametrize("name", ["group", "assignee", "url", "ack_url", "reason", "rule", "over"])
def test_a_requester_is_never_told_what_is_internal(name: str) -> None:
    assert wrong(f"{{{name}}}") == [f"en.text: `{{{name}}}` may not be told to a requester"]


def test_a_supplier_is_told_neither_customer_nor_requester() -> None:
    assert len(wrong("{customer} {requester} {assignee} {group}", "supplier")) == 4


def test_values_of_another_audience_do_not_go_in_even_when_given() -> None:
    made = template("{title}", audience="requester")
    assert "secret" not in render(made, "en", {"title": "x", "group": "secret", "url": "secret"}).text


def test_even_a_template_that_slipped_past_the_check_tells_a_requester_nothing_internal() -> None:
    internal = template("{title}\n{group}")
    slipped = replace(internal, audience=Audience.REQUESTER)
    assert render(slipped, "en", {"title": "x", "group": "secret"}).text == "x"


def test_what_a_value_holds_is_never_read_as_a_template() -> None:
    assert render(template("{title}"), "en", {"title": "{number} {{ }} {ack_url}", "number": "7"}).text == \
        "{number} {{ }} {ack_url}"


def test_no_value_can_add_a_line_to_a_subject_or_a_header() -> None:
    made = render(template("x", "[{number}] {title}"), "en", {"number": "7", "title": "a\r\nBcc: b@example.org\x00"})
    assert made.subject == "[7] a Bcc: b@example.org"
    assert len(render(template("x", "{title}"), "en", {"title": "x" * 5000}).subject) == LONGEST_SUBJECT


def test_marks_that_turn_the_direction_of_writing_are_taken_out() -> None:
    assert render(template("{title}"), "en", {"title": "a\u202egpj.exe\u2066b\ud800"}).text == "a gpj.exe b"


def test_a_line_that_names_something_not_known_is_left_out() -> None:
    made = render(template("Hello\n\nDue: {due}\nSite {site}, {group}\n\nBye {number}"), "en",
                  {"number": "7", "site": "x", "due": ""})
    assert made.text == "Hello\n\nBye 7"


def test_html_escapes_everything_and_links_only_our_own_addresses() -> None:
    made = render(template("{title}\n{url}\n\n{ack_url}"), "en", {
        "title": '<img src=x onerror=alert(1)> "&" https://evil.example', "url": "https://desk.example/t/7",
        "ack_url": "https://desk.example/t/7/ack?a=1&b=2"})
    html = as_html(made.text, made.links)
    assert html == ('<p>&lt;img src=x onerror=alert(1)&gt; &quot;&amp;&quot; https://evil.example<br>\n'
                    '<a href="https://desk.example/t/7">https://desk.example/t/7</a></p>\n'
                    '<p><a href="https://desk.example/t/7/ack?a=1&amp;b=2">https://desk.example/t/7/ack?a=1&amp;b=2'
                    '</a></p>')


def test_an_address_that_is_no_web_address_is_no_link() -> None:
    assert as_html("javascript:alert(1)", ["javascript:alert(1)"]) == "<p>javascript:alert(1)</p>"


@settings(max_examples=150, derandomize=True, deadline=None)
@given(st.text(), st.text(alphabet="<>&\"'{}\r\n\x00\u202eab", max_size=30))
def test_no_value_whatever_leaves_its_place(title: str, comment: str) -> None:
    made = render(template("A{title}B\n{comment}", "S {title}"), "en", {"title": title, "comment": comment})
    assert "\n" not in made.subject
    assert "\r" not in made.text + made.subject
    html = as_html(made.text, made.links)
    assert "<" not in html.replace("<p>", "").replace("</p>", "").replace("<br>", "")
    (made.text + made.subject).encode()


@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: file.stem)
def test_every_shipped_template_says_the_same_things_in_both_languages(file: Path) -> None:
    document = yaml12.load(file)
    problems = document.problems()
    made = parse(document.data, problems)
    assert made is not None, [str(problem) for problem in problems.found]
    assert made.name == file.stem
    for part in ("subject", "short", "text"):
        assert len({made.texts[language][part].names for language in LANGUAGES}) == 1, part
    values = dict.fromkeys(VARIABLES[made.audience], "x")
    for language in LANGUAGES:
        message = render(made, language, values)
        assert "{" not in message.subject + message.short + message.text


@pytest.mark.parametrize(("data", "told"), [
    ({"audience": "internal"}, "template: is required"),
    ({"template": "A B", "audience": "internal"}, "template: is required: a name of a-z"),
    ({"template": "a", "audience": "boss"}, "audience: 'boss' is unknown; expected internal, requester, supplier"),
    ({"template": "a", "audience": "internal", "de": {}}, "de: unknown key `de`"),
    ({"template": "a", "audience": "internal", "en": {"subject": "x"}}, "en.text: is required"),
    ({"template": "a", "audience": "internal", "en": {"subject": "a\nb"}}, "en.subject: has more than one line"),
    ({"template": "a", "audience": "internal", "en": {"text": "a } b"}}, "a `}` stands alone; write `}}` for a brace"),
    ("x", "expected a template"),
])
def test_what_is_wrong_is_told_with_its_place(data: Any, told: str) -> None:
    problems = Problems()
    assert parse(data, problems) is None
    assert any(told in str(problem) for problem in problems.found), [str(problem) for problem in problems.found]


def test_times_are_told_in_the_zone_of_the_recipient_and_name_it() -> None:
    at = datetime(2026, 3, 1, 13, 5, tzinfo=UTC)
    assert moment(at, "en", "Europe/Zurich") == "Sun 1 March 2026, 14:05 CET"
    assert moment(at, "fr", "America/Montreal") == "dim. 1er mars 2026, 08:05 EST"
    assert moment(datetime(2026, 10, 25, 0, 30, tzinfo=UTC), "en", "Europe/Zurich").endswith("02:30 CEST")
    assert moment(datetime(2026, 10, 25, 1, 30, tzinfo=UTC), "en", "Europe/Zurich").endswith("02:30 CET")


def test_durations_are_told_in_the_units_that_matter() -> None:
    told = {timedelta(seconds=59): "0 min", timedelta(hours=2): "2 h", timedelta(hours=2, minutes=30): "2 h 30 min",
            timedelta(days=3, hours=4, minutes=5): "3 d 4 h", -timedelta(minutes=90): "-1 h 30 min"}
    assert {span: duration(span, "en") for span in told} == told
    assert duration(timedelta(days=3), "fr") == "3 j"


def test_words_are_those_of_the_language_and_what_is_not_known_is_empty() -> None:
    assert words({"state": State.PENDING, "pending_on": PendingOn.CUSTOMER, "due": None}, "fr", "UTC") == {
        "state": "en attente", "pending_on": "client", "due": ""}
    assert phrase(State.IN_PROGRESS, "de", "UTC") == "in progress", "English where there is no other"
