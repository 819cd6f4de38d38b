"""The files people write: agreements, calendars, ladders, people, messages, procedures, read and checked."""
