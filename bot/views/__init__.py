"""What people see: pure functions from models to Block Kit, and back from a form."""
