"""Fault drills: kill, freeze, cut, with a checker apart from the system."""
