"""`make setup`: installs what the machine lacks. Needs the standard library alone, since it makes the environment."""
