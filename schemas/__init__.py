"""Every shape that outlives a process: readings, findings, incidents, topics, settings, tables. No I/O."""
