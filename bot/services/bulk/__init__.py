"""Plans: many emails with one decision."""
