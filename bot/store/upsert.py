"""INSERT … ON CONFLICT, in the dialect of a connection."""

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection


def upsert(
    connection: AsyncConnection,
    table: sa.Table,
    values: Mapping[str, Any],
) -> sqlite.Insert | postgresql.Insert:
    """Return a statement that inserts a row, or replaces the one with the same primary key."""
    insert = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    statement = insert(table).values(values)
    keys = [column.name for column in table.primary_key]
    fresh = {name: statement.excluded[name] for name in values if name not in keys}
    return statement.on_conflict_do_update(index_elements=keys, set_=fresh)


def insert_new(
    connection: AsyncConnection, table: sa.Table, rows: Sequence[Mapping[str, Any]]
) -> sqlite.Insert | postgresql.Insert:
    """Return a statement that inserts rows, except those whose primary key exists."""
    insert = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    return insert(table).values(list(rows)).on_conflict_do_nothing()
