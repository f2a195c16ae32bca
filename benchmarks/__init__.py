"""Measurements without assertions: `make bench` prints them for this machine, in one run."""
