"""The end of domain validations: digests for channels, warnings, and the list for one user."""
