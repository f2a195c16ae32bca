"""Simulated users, and the modals that they fill in."""
