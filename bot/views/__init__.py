"""Views: pure functions from models to Block Kit, and from a submitted form back to models."""
