"""Secrets of API tokens. The prefix lets scanners of leaked secrets recognise them."""

from __future__ import annotations

import secrets
from typing import Final

PREFIX: Final = "sdc_"


def new_secret() -> str:
    return PREFIX + secrets.token_urlsafe(32)
