"""One pure file per rule; RULES is their table."""
