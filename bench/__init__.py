"""Speed: the pipeline under real load, measured by CPU per reading."""
