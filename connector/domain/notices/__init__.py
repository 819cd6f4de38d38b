"""People, who is on duty, templates, and how somebody is told something."""
