"""JSON Schemas of the files people write and of the messages that pass."""
