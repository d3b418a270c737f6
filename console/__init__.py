"""The web: HTTP API that mounts each stage's routes, sign-in, live stream, the page."""
