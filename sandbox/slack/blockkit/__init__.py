"""The shapes of Block Kit as tables, and the few functions that read them."""
