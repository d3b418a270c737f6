"""The shared half of every worker: its batch loop, its partitions, its place in the database."""
