"""A stand-in for ServiceNow: the Table API as described in its documentation (research: servicenow.md)."""

from connector.sandbox.servicenow.side import ServiceNow

__all__ = ["ServiceNow"]
