"""Handoffs on pages of the service desk: board, handoff, receivers, reviews, proof."""
