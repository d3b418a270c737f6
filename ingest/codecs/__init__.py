"""One pure file per payload convention; CODECS is their table."""
