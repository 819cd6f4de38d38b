"""What the token that asks may do."""

from __future__ import annotations

from typing import Any

from flask.views import MethodView
from flask_smorest import Blueprint

from connector import __version__
from connector.web.api import shapes_operations as shape
from connector.web.auth.identity import who
from connector.web.rights import Door, door
from connector.web.services import services

api = Blueprint("api-me", "me", description="The token that asks")


@api.route("/me")
class Me(MethodView):
    @door(Door.TOKEN)
    @api.response(200, shape.MeSchema)
    def get(self) -> Any:
        """Read what this token may do"""
        asking = who()
        return {
            "token": asking.name,
            "scopes": sorted(asking.rights),
            "expires_at": asking.token.expires_at if asking.token else None,
            "user": asking.user.login if asking.user else None,
            "role": asking.user.role if asking.user else None,
            "service": services().settings.name,
            "version": __version__,
        }
