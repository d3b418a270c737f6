"""One file per channel; CHANNELS is their table."""
