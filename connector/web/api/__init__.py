"""REST API, version 1: JSON in and out, RFC 9457 problems, described by OpenAPI 3.1."""

from __future__ import annotations

import http.client
import re
from typing import Any

from apispec.ext.marshmallow import MarshmallowPlugin
from flask import Flask, Response, current_app, g, render_template, request
from flask_smorest import Api
from marshmallow import Schema
from werkzeug.exceptions import HTTPException

from connector.web import errors
from connector.web.api import deliveries, handoffs, me, processes, quarantine, tickets, tools
from connector.web.api.common import takes_any_body
from connector.web.api.described_suppliers import describe as describe_suppliers
from connector.web.api.shapes import ProblemSchema
from connector.web.errors import Problem
from connector.web.rights import Door, Right, door

PREFIX = "/api/v1"
ROUTE = re.compile(r"<(?:[^:<>]+:)?([^<>]+)>")


class ConnectorApi(Api):  # type: ignore[misc]
    """flask-smorest with our shape of errors."""

    ERROR_SCHEMA = ProblemSchema

    def handle_http_exception(self, error: HTTPException) -> Response:
        return errors.on_http(error)


def schema_name(schema: type[Schema] | Schema) -> str:
    kind = schema if isinstance(schema, type) else type(schema)
    return kind.__name__.removesuffix("Schema")


def install(app: Flask) -> None:
    app.config.update(API_SPEC_OPTIONS=_about(app))
    api = ConnectorApi(app, spec_kwargs={"marshmallow_plugin": MarshmallowPlugin(schema_name_resolver=schema_name)})
    for resource in (tickets, handoffs, processes, tools, deliveries, quarantine, me):
        app.extensions["connector_csrf"].exempt(resource.api)
        api.register_blueprint(resource.api, url_prefix=PREFIX)
    app.before_request(_json_only)
    app.after_request(_rate_headers)
    spec = _described(app, api.spec.to_dict())
    describe_suppliers(spec)

    @app.get(f"{PREFIX}/openapi.json", endpoint="openapi")
    @door(Door.PUBLIC)
    def openapi() -> dict[str, Any]:
        return spec

    @app.get(f"{PREFIX}/docs", endpoint="api_docs")
    @door(Door.PUBLIC)
    def docs() -> str:
        return render_template("swagger.html")


def _json_only() -> None:
    ours = request.blueprint is not None and request.blueprint.startswith("api-")
    view = current_app.view_functions.get(request.endpoint or "")
    if not ours or takes_any_body(view, request.method):
        return
    if request.content_length and request.mimetype != "application/json":
        raise Problem(415, "Send application/json.")


def _rate_headers(response: Response) -> Response:
    """As in the IETF draft "RateLimit header fields for HTTP" (draft-ietf-httpapi-ratelimit-headers)."""
    burst, left = getattr(g, "rate", (0, 0))
    if burst:
        response.headers["RateLimit-Policy"] = f'"token";q={burst};w=60'
        response.headers["RateLimit"] = f'"token";r={left}'
    return response


def _about(app: Flask) -> dict[str, Any]:
    return {
        "info": {
            "description": (
                "Tickets of all connected tools in one vocabulary, with their history. Errors are RFC 9457 problem "
                "details. Lists are paged: follow `next` (also in the Link header). Changes are accepted with 202 and "
                "delivered to the tool afterwards, in order and once."
            ),
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "/"}],
        "components": {"securitySchemes": {"token": {"type": "http", "scheme": "bearer"}}},
        "security": [{"token": []}],
    }


def _described(app: Flask, spec: dict[str, Any]) -> dict[str, Any]:
    """Adds to each operation what the doors know: the right it needs, and the errors every route can answer."""
    spec["tags"] = [{**tag, "name": tag["name"].removeprefix("api-")} for tag in spec["tags"]]
    for rule in app.url_map.iter_rules():
        path = spec["paths"].get(ROUTE.sub(r"{\1}", rule.rule))
        if path is None:
            continue
        view = app.view_functions[rule.endpoint]
        for method, operation in path.items():
            if method in ("get", "post", "patch", "put", "delete"):
                _describe(method, operation, getattr(getattr(view, "view_class", view), method, view))
    return spec


_WITH_BODY = {
    "400": "The body is not JSON",
    "413": "The body is too large",
    "415": "The body is not application/json",
}
_ERRORS = {
    "401": "No token, or not a valid one",
    "403": "The token lacks the right",
    "429": "Too many requests with this token",
    "503": "The store or the tool cannot answer now; see Retry-After",
}


def _describe(method: str, operation: dict[str, Any], view: Any) -> None:
    guard = getattr(view, "__door__", None)
    if isinstance(guard, Right):
        operation["description"] = f"{operation.get('description', '')}\n\nNeeds the right `{guard}`.".strip()
        operation["x-right"] = guard.value
    content = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    operation["tags"] = [tag.removeprefix("api-") for tag in operation["tags"]]
    answers = operation["responses"]
    answers.pop("default", None)
    for status, text in {**_ERRORS, **(_WITH_BODY if method != "get" else {})}.items():
        answers.setdefault(status, {"description": text, "content": content})
    for status, answer in answers.items():
        if isinstance(answer, dict) and (status >= "4" or "$ref" in answer):
            if "$ref" in answer and status < "4":
                continue
            answers[status] = {
                "description": answer.get("description") or http.client.responses[int(status)],
                "content": content,
            }
