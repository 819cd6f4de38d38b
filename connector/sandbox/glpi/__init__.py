"""A stand-in for GLPI: apirest.php as recorded from 10.0.12."""

from connector.sandbox.glpi.side import Glpi

__all__ = ["Glpi"]
