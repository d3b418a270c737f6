"""What an operator does with an installation: migrate, topics, enrol, replay, count the books."""
