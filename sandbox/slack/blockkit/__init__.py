"""Block Kit: schemas of its objects as tables, and the functions that read them."""
