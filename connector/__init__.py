"""Servicedesk Connector: promises kept on top of ServiceNow, GLPI and osTicket."""

__version__ = "0.1.0"
