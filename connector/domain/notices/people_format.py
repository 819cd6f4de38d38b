"""The written form of people and groups (sla_profiles/teams/*.yaml). The format is in docs/notifications.md."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from connector.domain.calendars.reader import Reader, is_zone
from connector.domain.notices.mail_address import usable
from connector.domain.notices.people import Group, Person, Quiet, Severity, Way, always_quiet
from connector.domain.notices.roster_format import days, roster, span
from connector.domain.problems import Path, Problems, did_you_mean, shown
from connector.domain.saying import Saying

PERSON: Final = ("name", "email", "chat", "sms", "logins", "language", "timezone", "quiet", "notify", "manager")
GROUP: Final = ("name", "level", "members", "lead", "tools", "on_duty")
LANGUAGES: Final = ("en", "fr")
LEVELS: Final = (1, 2, 3, 4)
ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_ -]{0,79}")
_VARIABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SECRETS: Final = (Way.CHAT, Way.SMS)


def teams(data: Any, problems: Problems) -> tuple[list[Person], list[Group]]:
    """What one file says; what is wrong goes to `problems`."""
    if not isinstance(data, Mapping):
        problems.add((), "expected `people` and `groups`")
        return [], []
    problems.keys((), data, ("people", "groups"))
    reader = _Reader(problems)
    return ([reader.person(name, given) for name, given in reader.entries(data, "people")],
            [reader.group(name, given) for name, given in reader.entries(data, "groups")])


class _Reader:
    def __init__(self, problems: Problems) -> None:
        self.problems = problems

    def entries(self, data: Mapping[str, Any], key: str) -> list[tuple[str, Mapping[str, Any]]]:
        found = []
        for name, given in self.table(data.get(key), (key,)).items():
            if not ID.fullmatch(str(name)):
                self.problems.add((key, name), "expected a short name of letters, digits, - and _")
            elif not isinstance(given, Mapping):
                self.problems.add((key, name), Saying("%(value)s is not a table", value=shown(given)))
            else:
                self.problems.keys((key, name), given, PERSON if key == "people" else GROUP)
                found.append((str(name), given))
        return found

    def person(self, id: str, data: Mapping[str, Any]) -> Person:
        at: Path = ("people", id)
        secrets = {way: where for way in _SECRETS if (where := self._secret(data.get(way), (*at, way))) is not None}
        person = Person(
            id=id, name=self.text(data.get("name", id), (*at, "name")), email=self._email(data, at), secrets=secrets,
            logins=self.texts(data.get("logins"), (*at, "logins")), language=self._language(data, at),
            timezone=self._zone(data, at), quiet=self._quiet(data.get("quiet"), (*at, "quiet")),
            manager=self.text(data.get("manager", ""), (*at, "manager")), file=self.problems.file,
        )
        if not any(key in data for key in ("email", *_SECRETS)):
            self.problems.add(at, "cannot be reached: expected an email, chat or sms")
        return Person(**{**{name: getattr(person, name) for name in person.__slots__},
                         "wishes": self._wishes(data.get("notify"), person, (*at, "notify"))})

    def _email(self, data: Mapping[str, Any], at: Path) -> str:
        if "email" not in data:
            return ""
        email = self.text(data["email"], (*at, "email")).strip()
        if email and not usable(email):
            self.problems.add((*at, "email"), Saying(
                "%(value)s is not an e-mail address that can be written to", value=shown(email)))
        return usable(email)

    def _secret(self, data: Any, at: Path) -> tuple[str, str] | None:
        """`{env: NAME}` or `{file: PATH}`: such an address holds a secret."""
        if data is None:
            return None
        if isinstance(data, Mapping) and len(data) == 1:
            kind, name = next(iter(data.items()))
            if kind == "file" and isinstance(name, str) and name:
                return "file", name
            if kind == "env" and isinstance(name, str) and _VARIABLE.fullmatch(name):
                return "env", name
        self.problems.add(at, "the address holds a secret, so it is not written here: use {env: NAME} or {file: PATH}")
        return None

    def _language(self, data: Mapping[str, Any], at: Path) -> str:
        language = data.get("language", LANGUAGES[0])
        if language not in LANGUAGES:
            hint = did_you_mean(str(language), LANGUAGES)
            self.problems.add((*at, "language"), Saying(
                "%(value)s is unknown%(expected)s", value=shown(language), expected=hint))
            return LANGUAGES[0]
        return str(language)

    def _zone(self, data: Mapping[str, Any], at: Path) -> str:
        zone = data.get("timezone", "UTC")
        if not is_zone(zone):
            self.problems.add((*at, "timezone"), Saying(
                "%(value)s is not a time zone such as Europe/Zurich", value=shown(zone)))
            return "UTC"
        return str(zone)

    def _quiet(self, data: Any, at: Path) -> tuple[Quiet, ...]:
        if data is None:
            return ()
        many = data if isinstance(data, (list, tuple)) else [data]
        found = []
        for i, one in enumerate(many):
            path = (*at, i) if many is data else at
            if not isinstance(one, Mapping):
                self.problems.add(path, 'expected {from: "20:00", to: "07:00"}, with `days` if not every day')
                continue
            self.problems.keys(path, one, ("from", "to", "days"))
            times = span(one, Reader(self.problems), path)
            on = days(one.get("days", "mon-sun"), self.problems, (*path, "days"))
            if times is not None:
                found.append(Quiet(on, *times))
        if always_quiet(tuple(found)):
            self.problems.add(at, "quiet hours leave no moment of the week in which a message could come")
        return tuple(found)

    def _wishes(self, data: Any, person: Person, at: Path) -> dict[Severity, tuple[Way, ...]]:
        """`{critical: [sms, chat], else: mail}`; `else` for the severities not named."""
        table = {"else": data} if isinstance(data, (str, list)) else self.table(data, at)
        self.problems.keys(at, table, (*Severity, "else"))
        found: dict[Severity, tuple[Way, ...]] = {}
        for severity in Severity:
            key = severity.value if severity.value in table else "else"
            if key in table:
                found[severity] = self._ways(table[key], person, (*at, key))
        return found

    def _ways(self, data: Any, person: Person, at: Path) -> tuple[Way, ...]:
        names = data if isinstance(data, (list, tuple)) else [data]
        if not names:
            self.problems.add(at, Saying("names no way; expected %(names)s", names=", ".join(Way)))
        found = []
        for name in names:
            if name not in tuple(Way):
                self.problems.add(at, Saying(
                    "%(value)s is unknown%(expected)s", value=shown(name), expected=did_you_mean(str(name), Way)))
            elif not person.has(Way(name)):
                key = "email" if name == Way.MAIL else name
                self.problems.add(at, Saying("wants %(name)s, but has no %(key)s", name=name, key=key))
            else:
                found.append(Way(name))
        return tuple(dict.fromkeys(found))

    def group(self, id: str, data: Mapping[str, Any]) -> Group:
        at: Path = ("groups", id)
        level = data.get("level")
        if level is not None and (isinstance(level, bool) or level not in LEVELS):
            self.problems.add((*at, "level"), Saying(
                "%(value)s: expected a level of support from 1 to 4", value=shown(level)))
            level = None
        members = self.names(data.get("members", []), (*at, "members"))
        duty = roster(data["on_duty"], self.problems, (*at, "on_duty")) if "on_duty" in data else None
        if not members and "on_duty" not in data and "lead" not in data:
            self.problems.add(at, "has nobody in it: expected `members`, a `lead` or `on_duty`")
        return Group(id=id, name=self.text(data.get("name", id), (*at, "name")), level=level, members=members,
                     lead=self.text(data.get("lead", ""), (*at, "lead")),
                     tools=self.texts(data.get("tools"), (*at, "tools")), duty=duty, file=self.problems.file)

    def names(self, data: Any, at: Path) -> tuple[str, ...]:
        if not isinstance(data, (list, tuple)) or not all(isinstance(one, str) and one for one in data):
            self.problems.add(at, "expected a list of people")
            return ()
        return tuple(dict.fromkeys(data))

    def text(self, data: Any, at: Path) -> str:
        if not isinstance(data, str) or any(ord(letter) < 32 for letter in data):
            self.problems.add(at, Saying("%(value)s is not a line of text", value=shown(data)))
            return ""
        return data

    def texts(self, data: Any, at: Path) -> dict[str, str]:
        """Tool -> a name in it."""
        return {str(key): text for key, value in self.table(data, at).items()
                if (text := self.text(value, (*at, key)))}

    def table(self, data: Any, at: Path) -> Mapping[str, Any]:
        if data is None:
            return {}
        if not isinstance(data, Mapping):
            self.problems.add(at, Saying("%(value)s is not a table", value=shown(data)))
            return {}
        return data
