"""Who may in: Basic, API key, OAuth 2 tokens."""

from __future__ import annotations

import base64
import binascii

from flask import Response, request

from connector.sandbox.servicenow.answers import answer
from connector.sandbox.servicenow.side import ServiceNow


class Door:
    def __init__(self, side: ServiceNow) -> None:
        self.side = side

    def key(self) -> bool:
        return request.headers.get("x-sn-apikey") == self.side.secret("api key")

    def known(self, given: str) -> bool:
        kind, _, value = given.partition(" ")
        if kind.lower() == "bearer":
            return value in self.side.tokens
        try:
            user, _, password = base64.b64decode(value, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return False
        right = user == self.side.account().login and password == self.side.secret("password")
        return kind.lower() == "basic" and right

    def token(self) -> Response:
        form, known = request.form, self.side.oauth()
        client = form.get("client_id") == known["client_id"] and form.get("client_secret") == known["client_secret"]
        grant = form.get("grant_type")
        right = ((grant == "password" and form.get("username") == known["user"]
                 and form.get("password") == known["password"])
                 or (grant == "refresh_token" and self.side.tokens.get(form.get("refresh_token", "")) == "refresh")
                 or grant == "client_credentials")
        if not client or not right:
            return answer({"error_description": "access_denied", "error": "server_error"}, 401)
        number = self.side.desk.next_id("token")
        access, refresh = (self.side.secret(f"{word} {number}") for word in ("access", "refresh"))
        self.side.tokens.update({access: "access", refresh: "refresh"})
        return answer({"access_token": access, "refresh_token": refresh, "scope": "useraccount",
                       "token_type": "Bearer", "expires_in": 1799})
