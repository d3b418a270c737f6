"""The judge: rules over readings, results and refusals, and where their verdicts are stored."""
