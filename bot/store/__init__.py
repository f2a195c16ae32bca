"""Persistent state: one database, its transactions (`read` and `write`), and one module per family of tables."""
