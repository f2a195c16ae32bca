"""What the bot remembers: one database, opened by two doors, and one module per table family."""
