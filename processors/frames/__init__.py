"""The frames worker: camera images looked at and judged."""
