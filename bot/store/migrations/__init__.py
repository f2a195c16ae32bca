"""Migrations: the steps that bring a database up to date."""

import sqlalchemy as sa

# The newest migration. A test compares it with the files in `versions`.
HEAD = "edit_slots"


def revision_of(connection: sa.Connection) -> str | None:
    """Return the newest migration that a database has, or None for a database without tables.

    Alembic would return the same, but takes long to import, and a start rarely needs it for anything else.
    """
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    revision: str | None = connection.scalar(sa.text("SELECT version_num FROM alembic_version"))
    return revision
