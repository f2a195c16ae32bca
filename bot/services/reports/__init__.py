"""Read-only answers: status and history."""
