"""connector.yaml and the environment: every mistake at once, secrets never in the file and never shown."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from marshmallow import Schema, fields

from connector import settings
from connector.domain.errors import ConfigError, Problem
from connector.settings import Secret, SecretField, Settings
from connector.settings.shape import duration

ROOT = Path(__file__).parents[2]
TOKEN = {"TOKEN": "a-token-that-is-long-enough"}


class _Auth(Schema):
    token = SecretField(required=True)
    login = fields.String()


class _Options(Schema):
    plugin = fields.Boolean(load_default=True)
    topics = fields.Dict(keys=fields.String(), values=fields.Integer(strict=True))
    password = fields.String()


def schemas(vendor: str) -> tuple[Schema, Schema]:
    if vendor != "glpi":
        raise ConfigError([Problem(f"unknown vendor `{vendor}`")])
    return _Auth(), _Options()


@pytest.fixture
def load(tmp_path: Path) -> Callable[..., Settings]:
    (tmp_path / "m.yaml").write_text("")

    def loaded(text: str, environ: Mapping[str, str] = TOKEN) -> Settings:
        (tmp_path / "connector.yaml").write_text(text)
        return settings.load(tmp_path / "connector.yaml", environ, schemas)

    return loaded


@pytest.fixture
def mistakes(load: Callable[..., Settings]) -> Callable[..., list[str]]:
    def found(text: str, environ: Mapping[str, str] = TOKEN) -> list[str]:
        with pytest.raises(ConfigError) as caught:
            load(text, environ)
        return [str(p).split("connector.yaml:")[-1] for p in caught.value.problems]

    return found


def tool(**changes: Any) -> str:
    """A settings file with one tool, some of whose entries are written anew (None leaves one out)."""
    entries = {"vendor": "glpi", "url": "https://desk.example.org", "mapping": "m.yaml",
               "auth": "{token: {env: TOKEN}}", **changes}
    lines = [f"    {key}: {value}" for key, value in entries.items() if value is not None]
    return "\n".join(["tools:", "  hq:", *lines])


def test_an_empty_file_gives_the_defaults(load: Callable[..., Settings], tmp_path: Path) -> None:
    assert load("") == Settings(file=tmp_path / "connector.yaml",
                                store_url=f"sqlite:///{tmp_path.resolve()}/var/connector.db")


def test_a_full_file(load: Callable[..., Settings], tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("read-from-a-file-0123456789\n")
    (tmp_path / "ca.pem").write_text("")
    found = load("""\
name: desk
timezone: Europe/Zurich
languages: [fr, en]
web: {host: 0.0.0.0, port: 9000, public_url: "https://desk.example.org/", session_secret: {file: secret}}
store: {url: postgresql://connector@db/connector, password: {env: TOKEN}}
tools:
  hq: &hq
    vendor: glpi
    url: https://glpi.example.org
    mapping: m.yaml
    timezone: Europe/Paris
    auth: {token: {env: TOKEN}, login: bob}
    options: {topics: {Mail: 3}}
    poll_every: 5m
    sweep_every: 12h
    page: 200
    concurrency: 2
    per_minute: 60
    webhook_secrets: [{env: TOKEN}, {file: secret}]
    verify_tls: ca.pem
  branch: {vendor: glpi, url: "http://127.0.0.1:8080", mapping: m.yaml, auth: {token: {env: TOKEN}}}
""")
    assert (found.name, found.timezone, found.languages) == ("desk", "Europe/Zurich", ("fr", "en"))
    assert (found.host, found.port, found.public_url) == ("0.0.0.0", 9000, "https://desk.example.org")
    assert found.session_secret == Secret("read-from-a-file-0123456789")
    assert (found.store_url, found.store_password) == ("postgresql://connector@db/connector", Secret(TOKEN["TOKEN"]))
    hq = found.tools["hq"]
    assert (hq.name, hq.vendor, hq.timezone) == ("hq", "glpi", "Europe/Paris")
    assert hq.mapping == tmp_path.resolve() / "m.yaml"
    assert hq.auth == {"token": Secret(TOKEN["TOKEN"]), "login": "bob"}
    assert hq.options == {"plugin": True, "topics": {"Mail": 3}}
    assert (hq.poll_every, hq.sweep_every) == (timedelta(minutes=5), timedelta(hours=12))
    assert (hq.page, hq.concurrency, hq.per_minute) == (200, 2, 60)
    assert hq.webhook_secrets == (Secret(TOKEN["TOKEN"]), Secret("read-from-a-file-0123456789"))
    assert hq.verify_tls == str(tmp_path.resolve() / "ca.pem")
    assert list(found.tools) == ["hq", "branch"], "several tools of one vendor"


def test_every_mistake_is_told_at_once_with_its_place(mistakes: Callable[..., list[str]]) -> None:
    assert mistakes("""\
name: desk
timezon: UTC
languages: [en, de]
web: {port: 99999}
tools:
  hq:
    vendor: glpi
    url: ftp://x
    mapping: none.yaml
    auth: {login: 5}
    options: {plugins: true, topics: {Mail: x}}
    poll_every: 30
  BAD NAME: {vendor: glpy, url: "https://a.example"}
  c: 5
""") == [
        "2:1: timezon: unknown key `timezon`, did you mean `timezone`?",
        "3:17: languages.1: Must be one of: en, fr.",
        "4:7: web.port: Must be greater than or equal to 0 and less than or equal to 65535.",
        "8:5: tools.hq.url: expected an address such as https://desk.example.com",
        "9:5: tools.hq.mapping: there is no file none.yaml",
        "10:5: tools.hq.auth.token: is missing",
        "10:12: tools.hq.auth.login: expected a text",
        "11:15: tools.hq.options.plugins: unknown key `plugins`, did you mean `plugin`?",
        "11:39: tools.hq.options.topics.Mail: expected a whole number",
        '12:5: tools.hq.poll_every: expected a duration such as "30s", "5m" or "24h"',
        "13:3: tools.BAD NAME: expected a short name of a-z, 0-9, - and _",
        "13:3: tools.BAD NAME.mapping: is missing",
        "13:14: tools.BAD NAME.vendor: unknown vendor `glpy`",
        "14:3: tools.c: expected a table",
    ]


@pytest.mark.parametrize("text", ["- a", "just text", "5"])
def test_a_file_that_is_no_table_is_told(mistakes: Callable[..., list[str]], text: str) -> None:
    assert mistakes(text) == ["1:1: expected a table of settings"]


@pytest.mark.parametrize("text", ["tools: [a]", "web: 5", "store: []", "tools: {hq: [1]}", "tools: {5: {}}", "name: {}",
                                  "tools: {hq: {auth: 5}}", "tools: {hq: {webhook_secrets: 5}}", "languages: en"])
def test_a_wrong_shape_anywhere_is_a_problem_and_not_a_crash(mistakes: Callable[..., list[str]], text: str) -> None:
    assert mistakes(text, {**TOKEN, "CONNECTOR_STORE_URL": "sqlite:///x", "CONNECTOR_PORT": "1"})


# secrets


@pytest.mark.parametrize("text", [
    tool(auth="{token: swordfish}"), tool(auth="{token: {env: TOKEN}, login: x}", webhook_secrets="[swordfish]"),
    "store: {password: swordfish}", "web: {session_secret: swordfish}", tool(options="{password: {env: TOKEN}}",
                                                                             auth="{token: [swordfish]}"),
    'store: {url: "postgresql://me:swordfish@db/x"}', tool(url='"https://me:swordfish@desk.example.org"'),
])
def test_a_secret_written_out_is_refused_and_not_repeated(mistakes: Callable[..., list[str]], text: str) -> None:
    found = "\n".join(mistakes(text))
    assert found
    assert "swordfish" not in found


def test_a_literal_secret_is_told_once(mistakes: Callable[..., list[str]]) -> None:
    assert mistakes(tool(auth="{token: swordfish}")) == [
        "6:12: tools.hq.auth.token: a secret is never written in the file: use {env: NAME} or {file: PATH}"]


@pytest.mark.parametrize(("reference", "message"), [
    ("{env: NONE}", "environment variable NONE is not set"), ("{env: EMPTY}", "environment variable EMPTY is empty"),
    ("{env: not a name}", "`env` needs the name of an environment variable"), ("{env: 5}", "`env` needs a name"),
    ("{file: none}", "cannot be read: No such file"), ("{file: m.yaml}", "file m.yaml is empty"),
    ("{env: TOKEN, file: x}", "either `env` or `file`"), ("{file: binary}", "is not UTF-8 text"),
    ("{file: large}", "is too large for a secret"),
])
def test_a_secret_that_cannot_be_found_is_told_once(
    mistakes: Callable[..., list[str]], tmp_path: Path, reference: str, message: str
) -> None:
    (tmp_path / "binary").write_bytes(b"\xff\xfe\xfa")
    (tmp_path / "large").write_bytes(b"x" * 70_000)
    found = mistakes(tool(auth=f"{{token: {reference}}}"), {**TOKEN, "EMPTY": ""})
    assert len(found) == 1
    assert message in found[0]


def test_a_short_webhook_secret_is_refused(mistakes: Callable[..., list[str]]) -> None:
    assert "is shorter than 16 characters" in mistakes(tool(webhook_secrets="[{env: S}]"), {**TOKEN, "S": "abc"})[0]


def test_a_reference_where_no_secret_belongs_is_told(mistakes: Callable[..., list[str]]) -> None:
    assert "{env: ...} and {file: ...} are for secrets" in mistakes(tool(url="{env: TOKEN}"))[0]


def test_a_secret_shows_itself_only_when_asked() -> None:
    secret = Secret("swordfish")
    assert secret.reveal() == "swordfish"
    assert "swordfish" not in f"{secret} {secret!r} {[secret]} {vars(Settings)}"
    with pytest.raises(TypeError):
        pickle.dumps(secret)
    with pytest.raises(TypeError):
        copy.deepcopy(secret)


# addresses, zones, durations


@pytest.mark.parametrize("url", ["http://localhost:8080", "http://127.0.0.1", "http://[::1]:90", "https://a.example/x/"])
def test_addresses_that_are_fine(load: Callable[..., Settings], url: str) -> None:
    assert load(tool(url=f'"{url}"')).tools["hq"].url == url.rstrip("/")


@pytest.mark.parametrize(("url", "message"), [
    ("http://desk.example.org", "passwords would travel in the open"), ("desk.example.org", "expected an address"),
    ("https://", "expected an address"), ("https://a.example:99999", "is not an address"),
    ("https://a.example?x=1", "without `?`"), ("https://a .example", "without `?`, `#` or blanks"),
    ("file:///etc/passwd", "expected an address"), ("http://127.0.0.1.example.org", "in the open"),
    ("https://[::1", "is not an address"), ("https://me@desk.example.org", "holds a user name or password"),
])
def test_addresses_that_are_not(mistakes: Callable[..., list[str]], url: str, message: str) -> None:
    assert message in mistakes(tool(url=f'"{url}"'))[0]


def test_http_elsewhere_must_be_said(load: Callable[..., Settings]) -> None:
    assert load(tool(url="http://desk.example.org", allow_http="true")).tools["hq"].url == "http://desk.example.org"


@pytest.mark.parametrize("zone", ["Mars/Base", "../../etc/passwd", "''", "CEST+1"])
def test_zones_are_checked(mistakes: Callable[..., list[str]], zone: str) -> None:
    assert "is not a time zone" in mistakes(tool(timezone=zone))[0]


@pytest.mark.parametrize(("text", "expected"), [
    ("500ms", 0.5), ("30s", 30), ("1.5m", 90), ("24h", 86_400), ("2d", 172_800),
])
def test_durations(text: str, expected: float) -> None:
    assert duration(text).total_seconds() == expected


@pytest.mark.parametrize("text", ["30", "30 x", "s", "-5s", "1e3s", "", "99999999999s"])
def test_what_is_no_duration(mistakes: Callable[..., list[str]], text: str) -> None:
    assert "expected a duration" in mistakes(tool(poll_every=f'"{text}"'))[0]


def test_durations_have_bounds(mistakes: Callable[..., list[str]]) -> None:
    assert "expected a duration from 1s to 24h" in mistakes(tool(poll_every="100ms"))[0]


@pytest.mark.parametrize("url", ["mysql://x/y", "sqlite://x", "postgresql://db", "nothing"])
def test_stores_we_do_not_have(mistakes: Callable[..., list[str]], url: str) -> None:
    assert "expected sqlite:///FILE or postgresql://" in mistakes(f"store: {{url: '{url}'}}")[0]


@pytest.mark.parametrize("url", ["sqlite:////abs/x.db", "sqlite:///:memory:", "postgresql+psycopg://u@h/d"])
def test_absolute_stores_stay_as_they_are(load: Callable[..., Settings], url: str) -> None:
    assert load(f"store: {{url: '{url}'}}").store_url == url


# the environment


def test_the_environment_stands_over_the_file(load: Callable[..., Settings]) -> None:
    found = load(tool(page="100") + "\nweb: {port: 1}\nname: file\n", {
        **TOKEN, "CONNECTOR_NAME": "env", "CONNECTOR_PORT": "9999", "CONNECTOR_LANGUAGES": "fr, en",
        "CONNECTOR_STORE_URL": "postgresql://u@h/d", "CONNECTOR_STORE_PASSWORD": "pw", "CONNECTOR_HOST": "",
        "CONNECTOR_TOOL_HQ_URL": "https://other.example", "CONNECTOR_TOOL_HQ_PAGE": "7",
        "CONNECTOR_TOOL_HQ_POLL_EVERY": "2m",
    })
    assert (found.name, found.port, found.languages) == ("env", 9999, ("fr", "en"))
    assert (found.store_url, found.store_password) == ("postgresql://u@h/d", Secret("pw"))
    assert found.host == "127.0.0.1", "an empty variable is not set"
    assert (found.tools["hq"].url, found.tools["hq"].page) == ("https://other.example", 7)
    assert found.tools["hq"].poll_every == timedelta(minutes=2)


def test_a_mistake_in_a_variable_names_the_variable(mistakes: Callable[..., list[str]]) -> None:
    assert mistakes(tool(), {**TOKEN, "CONNECTOR_PORT": "many", "CONNECTOR_TOOL_HQ_URL": "x"}) == [
        "environment: CONNECTOR_PORT: expected a whole number",
        "environment: CONNECTOR_TOOL_HQ_URL: expected an address such as https://desk.example.com",
    ]


def test_a_misspelt_variable_is_told(mistakes: Callable[..., list[str]]) -> None:
    assert mistakes("", {"CONNECTOR_STORE_ULR": "x"}) == [
        "environment: unknown variable CONNECTOR_STORE_ULR, did you mean CONNECTOR_STORE_URL?"]


def test_variables_that_secrets_name_are_known(load: Callable[..., Settings]) -> None:
    environ = {"CONNECTOR_TOOL_HQ_URI": TOKEN["TOKEN"]}
    assert load(tool(auth="{token: {env: CONNECTOR_TOOL_HQ_URI}}"), environ).tools["hq"].auth["token"]


def test_two_tools_that_would_share_variables_are_told(mistakes: Callable[..., list[str]]) -> None:
    two = tool() + tool().replace("tools:\n  hq", "\n  h-q") + tool().replace("tools:\n  hq", "\n  h_q")
    assert "`h-q` and `h_q` would share the variables CONNECTOR_TOOL_H_Q_" in mistakes(two)[0]


def test_a_mapping_is_loaded_with_the_places_of_its_mistakes(tmp_path: Path) -> None:
    path = tmp_path / "m.yaml"
    path.write_text("mapping: x\nvendor: glpi\nid: id\nfields:\n  kind: {value: incident}\n  stat: x\n")
    with pytest.raises(ConfigError) as caught:
        settings.load_mapping(path, "m.yaml")
    assert str(caught.value.problems[-1]).startswith("m.yaml:6:3: fields.stat: unknown field `stat`")
    assert settings.load_mapping(ROOT / "mappings/glpi.yaml").vendor == "glpi"


def test_what_is_kept_and_how_long_can_be_said(tmp_path: Path) -> None:
    file = tmp_path / "connector.yaml"
    file.write_text("retention: {deliveries: 90d, inbox: 7d}\n")
    kept = settings.load(file, {}, schemas).retention
    assert (kept.deliveries.days, kept.inbox.days, kept.audit.days) == (90, 7, 730)


def test_the_audit_trail_is_kept_at_least_as_long_as_the_rest(tmp_path: Path) -> None:
    file = tmp_path / "connector.yaml"
    file.write_text("retention:\n  deliveries: 400d\n  audit: 100d\n")
    with pytest.raises(ConfigError, match=r"connector.yaml:3:3: retention.audit: expected the audit trail to be kept"):
        settings.load(file, {}, schemas)
