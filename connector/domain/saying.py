"""Sentences for people that a page can say in another language: a text that remembers what it is made of."""

from __future__ import annotations

from collections.abc import Callable, Mapping


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

    def __reduce__(self) -> tuple[Callable[[str, dict[str, str]], Saying], tuple[str, dict[str, str]]]:
        """Copied and sent to other processes as what it is made of."""
        return _made, (self.template, dict(self.values))


def _made(template: str, values: dict[str, str]) -> Saying:
    return Saying(template, **values)
