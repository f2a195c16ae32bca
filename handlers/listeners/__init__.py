"""The Bolt listeners: one module for each feature."""
