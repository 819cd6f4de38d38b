"""Stand-in tools that speak the vendors' APIs over HTTP, for the demo and end-to-end tests."""
