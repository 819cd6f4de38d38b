"""Rows of exports read as tickets and histories."""
