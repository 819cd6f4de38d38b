"""Builds the Flask app from its services. Nothing here is global: two apps can live in one process."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from flask import Flask
from flask_wtf.csrf import CSRFError, CSRFProtect
from werkzeug.middleware.proxy_fix import ProxyFix

from connector import __version__
from connector.settings import Settings
from connector.settings.app_key import app_key
from connector.web import api, assets, errors, filters, health, i18n, pages, security, suppliers, webhooks
from connector.web.auth import identity, invitation_pages
from connector.web.auth import pages as auth_pages
from connector.web.auth.throttle import Bucket
from connector.web.errors import Problem
from connector.web.portal import reply
from connector.web.rights import Door, door
from connector.web.services import KEY, Services

LARGEST_BODY: Final = 1024 * 1024
REQUESTS_PER_MINUTE: Final = 600
BURST: Final = 120


def create_app(services: Services) -> Flask:
    settings = services.settings
    app = Flask(__name__)
    app.config.update(_config(settings))
    door(Door.PUBLIC)(app.view_functions["static"])
    app.extensions[KEY] = services
    app.extensions["connector_rate"] = Bucket(REQUESTS_PER_MINUTE, BURST, services.now)
    app.extensions["connector_doors"] = Bucket(per_minute=10, burst=20, now=services.now)
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    if settings.public_url:
        # One proxy in front; it must set these headers itself (docs/web.md says how).
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=1, x_proto=1, x_host=0)  # type: ignore[method-assign]
    security.install(app)
    errors.install(app)
    i18n.install(app)
    filters.install(app)
    _csrf(app)
    identity.install(app)
    for room in (assets, health, webhooks, suppliers, reply, auth_pages, invitation_pages):
        app.register_blueprint(room.blueprint())
    pages.install(app)
    app.extensions["connector_csrf"].exempt(app.view_functions["files.add"])  # it verifies the secret itself
    api.install(app)
    return app


def _csrf(app: Flask) -> None:
    protect = CSRFProtect()
    protect.init_app(app)
    app.extensions["connector_csrf"] = protect

    def refused(error: CSRFError) -> object:
        identity.speak()
        return errors.respond(
            Problem(
                400,
                i18n._(
                    "This page was open for too long, or the form did not come from it. Go back, reload and try again."
                ),
            )
        )

    app.register_error_handler(CSRFError, refused)  # type: ignore[arg-type]


def _config(settings: Settings) -> dict[str, object]:
    https = settings.public_url.startswith("https://")
    return {
        "SECRET_KEY": app_key(settings),
        "MAX_CONTENT_LENGTH": LARGEST_BODY,
        "MAX_FORM_MEMORY_SIZE": LARGEST_BODY,
        # The prefix makes browsers refuse the cookie from any other host, path or plain http.
        "SESSION_COOKIE_NAME": "__Host-connector" if https else "connector",
        "SESSION_COOKIE_SECURE": https,
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "PERMANENT_SESSION_LIFETIME": timedelta(hours=12),
        "WTF_CSRF_TIME_LIMIT": None,
        "WTF_CSRF_SSL_STRICT": True,
        "API_TITLE": "Servicedesk Connector",
        "API_VERSION": "v1",
        "OPENAPI_VERSION": "3.1.0",
        "CONNECTOR_VERSION": __version__,
    }
