"""English and French: nothing untranslated, formats of the reader's country, zones always shown."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from babel import Locale
from babel.messages import Catalog
from flask import Flask, g

from connector.web import i18n, words
from tests.web import catalogue
from tests.web.conftest import Browser
from tests.web.world import NOW, World


def test_every_text_has_a_french_translation() -> None:
    known = catalogue.translated()
    missing = []
    for text in catalogue.texts(catalogue.said()):
        message = known.get(text[0] if isinstance(text, tuple) else text)
        strings = () if message is None else (message.string,) if isinstance(message.string, str) else message.string
        if not strings or not all(strings) or (message is not None and message.fuzzy):
            missing.append(text)
    assert missing == [], "translate these, then run: python tests/web/catalogue.py"


def test_no_translation_is_left_over() -> None:
    assert set(catalogue.texts(catalogue.translated())) == set(catalogue.texts(catalogue.said()))


def pairs(catalog: Catalog) -> Iterator[tuple[object, object]]:
    for message in catalog:
        if message.id:
            yield (
                (message.id, message.string)
                if isinstance(message.id, str)
                else tuple(map(tuple, (message.id, message.string)))
            )


def test_the_compiled_catalogue_is_the_translated_one() -> None:
    strings = dict(pairs(catalogue.compiled()))
    assert strings == dict(pairs(catalogue.translated()))


def test_placeholders_are_the_same_in_both_languages() -> None:
    for message in catalogue.translated():
        ids = message.id if isinstance(message.id, tuple | list) else (message.id,)
        texts = message.string if isinstance(message.string, tuple | list) else (message.string,)
        for text in texts:
            assert set(re.findall(r"%\(\w+\)\w", text)) == set(re.findall(r"%\(\w+\)\w", ids[-1])), message.id


@pytest.mark.parametrize(
    ("asked", "locale"),
    [("fr-CH,fr;q=0.9,en;q=0.8", "fr_CH"), ("fr-CA", "fr_CA"), ("fr-BE,fr;q=0.5", "fr"), ("fr-LU", "fr"),
     ("de-CH,de;q=0.9", "en"), ("en-GB", "en_GB"), ("", "en")],
)  # fmt: skip
def test_the_browser_chooses_the_language(app: Flask, asked: str, locale: str) -> None:
    with app.test_request_context("/", headers={"Accept-Language": asked} if asked else {}):
        i18n.set_for_request("", "UTC", ("en", "fr"))
        assert g.locale == locale


def test_only_languages_of_the_deployment_are_offered(app: Flask) -> None:
    assert i18n.choose(["fr-CH"], ("en",)) == "en"


def test_what_a_person_has_set_goes_before_the_browser(app: Flask, there: World) -> None:
    there.user("agent", language="fr_CH")
    client = app.test_client()
    assert isinstance(client, Browser)
    client.sign_in("agent")
    page = client.get("/", headers={"Accept-Language": "en"}).get_data(as_text=True)
    assert '<html lang="fr-CH"' in page
    assert "Derniers changements" in page


def test_a_person_sets_the_language_under_account(as_role: Callable[[str], Browser]) -> None:
    client = as_role("agent")
    client.post_form("/account", {"language": "fr_CA"}, page="/account")
    assert "Où vous êtes connecté" in client.get("/account").get_data(as_text=True)


@pytest.mark.parametrize(
    ("locale", "absolute", "relative", "many", "share"),
    [
        ("en", "Mar 2, 2026, 9:50:00\u202fAM CET", "10 minutes ago", "12,345.6", "7.4%"),
        ("en_GB", "2 Mar 2026, 09:50:00 CET", "10 minutes ago", "12,345.6", "7.4%"),
        ("fr_CH", "2 mars 2026, 09:50:00 CET", "il y a 10 minutes", "12\u202f345,6", "7,4%"),
        ("fr_CA", "2 mars 2026, 09 h 50 min 00 s CET", "il y a 10 minutes", "12\u00a0345,6",
         "7,4\u00a0%"),
    ],
)  # fmt: skip
def test_times_and_numbers_are_written_as_in_the_readers_country(
    app: Flask, locale: str, absolute: str, relative: str, many: str, share: str
) -> None:
    with app.test_request_context("/"):
        i18n.set_for_request(locale, "Europe/Zurich", ("en", "fr"))
        seen = i18n.moment(NOW - timedelta(minutes=10), NOW)
        assert (seen.absolute, seen.relative) == (absolute, relative)
        assert (i18n.number(12345.6), i18n.percent(0.0741)) == (many, share)


def test_both_sides_of_a_clock_change_show_their_zone(app: Flask) -> None:
    with app.test_request_context("/"):
        i18n.set_for_request("en_GB", "Europe/Zurich", ("en", "fr"))
        before, after = datetime(2026, 10, 25, 0, 30, tzinfo=UTC), datetime(2026, 10, 25, 1, 30, tzinfo=UTC)
        assert i18n.moment(before, NOW).absolute.endswith("02:30:00 CEST")
        assert i18n.moment(after, NOW).absolute.endswith("02:30:00 CET")


def test_a_code_we_have_no_word_for_is_shown_as_it_is(app: Flask) -> None:
    with app.test_request_context("/"):
        i18n.set_for_request("fr", "UTC", ("fr",))
        assert words.word("states", "in_progress") == "En cours"
        assert words.word("states", "thawing") == "thawing"


def test_sizes_of_files_are_octets_in_french(app: Flask) -> None:
    with app.test_request_context("/"):
        i18n.set_for_request("fr", "UTC", ("en", "fr"))
        assert [i18n.size(n) for n in (12, 1536, 67_108_864)] == ["12 o", "1,5 ko", "67,1 Mo"]


@pytest.mark.parametrize(("written", "locale", "printed"), [
    ("l'accord : oui ; non ?", "fr_CH", "l\u2019accord\u00a0: oui\u202f; non\u202f?"),
    ("l'accord : oui ; non ?", "fr_CA", "l\u2019accord\u00a0: oui; non?"),
    (" :", "fr", "\u00a0:"),
    ("75 % de %(n)s, \u00ab tout \u00bb", "fr", "75\u00a0% de %(n)s, \u00ab\u00a0tout\u00a0\u00bb"),
    ("'%(value)s' dans `{a: 'b'}` a l'%(name)s", "fr", "'%(value)s' dans `{a: 'b'}` a l\u2019%(name)s"),
    ("the team's : it", "en", "the team's : it"),
])  # fmt: skip
def test_french_is_printed_with_its_spaces_and_apostrophes(written: str, locale: str, printed: str) -> None:
    assert i18n.typeset(written, Locale.parse(locale)) == printed
