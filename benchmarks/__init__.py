"""What is measured, never asserted: `make bench` prints it for this machine, in one run."""
