"""A stand-in for osTicket: the stock API as recorded from 1.18, and the plugin's API as its contract says."""

from connector.sandbox.osticket.side import OsTicket

__all__ = ["OsTicket"]
