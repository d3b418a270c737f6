"""One file per camera check; CHECKS is their table. Imported by the frames worker alone."""
