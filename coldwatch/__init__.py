"""The front door: command line, wiring, local stack, simulated city."""
