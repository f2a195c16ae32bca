"""Operations: health checks, diagnostics, audit and retention of the ledger, and recovery of workflows."""
