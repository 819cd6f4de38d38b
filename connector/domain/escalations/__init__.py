"""Ladders: rules, what is due and what is coming, and what is done about it."""
