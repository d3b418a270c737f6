"""One pure file per device kind; KINDS is their table."""
