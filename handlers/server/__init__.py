"""The running process: start, background work, health, HTTP server and stop."""
