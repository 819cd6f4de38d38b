"""One thing that needs a person, as the home page lists it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Matter:
    """`tone` is bad or warn."""

    tone: str
    text: str
    link: str
    action: str
