"""From findings to people: incidents, their lifecycle, channels."""
