"""What changed on either side, what becomes of it, and what is still to be written."""
