"""What operators need: health, diagnostics, the ledger's audit and retention, recovery."""
