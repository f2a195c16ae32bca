"""The append-only, hash-chained ledger: its rows, its history, its search keys and its retention."""
