"""The web: pages for people, a REST API for programs, a door for the tools' webhooks, and what operators watch."""

from connector.web.app import create_app
from connector.web.services import Services

__all__ = ["Services", "create_app"]
