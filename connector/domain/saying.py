"""Sentences for people that a page can say in another language: a text that remembers what it is made of."""

from __future__ import annotations

from collections.abc import Mapping


class Saying(str):
    """The English sentence, with its `template` and `values` (`Saying("%(n)s tickets", n=3)` is "3 tickets")."""

    template: str
    values: Mapping[str, str]
    """As text; a value that is a `Saying` itself stays one."""

    def __new__(cls, template: str, **values: object) -> Saying:
        shown = {name: value if isinstance(value, Saying) else str(value) for name, value in values.items()}
        said = super().__new__(cls, template % shown)
        said.template, said.values = template, shown
        return said
