"""Front-end files that come from installed packages, served from here: no other host is ever asked."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Final

from flask import Blueprint, Response, send_from_directory

from connector.web.rights import Door, door

BOOTSTRAP: Final = ("css/bootstrap.min.css",)
SWAGGER: Final = ("swagger-ui.css", "swagger-ui-bundle.js", "favicon-32x32.png")
WEEK: Final = 7 * 24 * 3600


def folder(package: str, *parts: str) -> Path:
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise RuntimeError(f"the package {package} is not installed")
    return Path(spec.submodule_search_locations[0]).joinpath(*parts)


def blueprint() -> Blueprint:
    assets = Blueprint("assets", __name__, url_prefix="/assets")
    folders = {
        "bootstrap": (folder("flask_bootstrap", "static", "bootstrap5"), BOOTSTRAP),
        "swagger": (folder("flask_swagger_ui", "dist"), SWAGGER),
    }

    def serve(package: str, name: str) -> Response:
        place, known = folders[package]
        return send_from_directory(place, name if name in known else "", max_age=WEEK)

    @assets.get("/bootstrap/<path:name>")
    @door(Door.PUBLIC)
    def bootstrap(name: str) -> Response:
        return serve("bootstrap", name)

    @assets.get("/swagger/<path:name>")
    @door(Door.PUBLIC)
    def swagger(name: str) -> Response:
        return serve("swagger", name)

    return assets
