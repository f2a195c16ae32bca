"""The ledger refuses to be changed, can be cut off at a checkpoint, and is found by what its rows are about."""

import json
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from alembic import op

from bot.store.ledger.search_keys import subjects

revision = "0004"
down_revision = "0003"

_BATCH = 1000
_REFUSAL = "the ledger is only appended to"
_CUT_OFF = "(SELECT coalesce(max(seq), 0) FROM ledger_checkpoints)"
_SQLITE = (
    f"""
    CREATE TRIGGER ledger_is_not_changed BEFORE UPDATE ON ledger
    BEGIN SELECT RAISE(ABORT, '{_REFUSAL}'); END
    """,
    # INSERT OR REPLACE removes a row without asking the trigger below.
    f"""
    CREATE TRIGGER ledger_is_not_replaced BEFORE INSERT ON ledger WHEN EXISTS (SELECT 1 FROM ledger WHERE seq = NEW.seq)
    BEGIN SELECT RAISE(ABORT, '{_REFUSAL}'); END
    """,  # noqa: S608 - words of ours
    f"""
    CREATE TRIGGER ledger_is_not_deleted BEFORE DELETE ON ledger WHEN OLD.seq > {_CUT_OFF}
    BEGIN SELECT RAISE(ABORT, '{_REFUSAL}'); END
    """,
    f"""
    CREATE TRIGGER ledger_checkpoints_are_not_changed BEFORE UPDATE ON ledger_checkpoints
    BEGIN SELECT RAISE(ABORT, '{_REFUSAL}'); END
    """,
    f"""
    CREATE TRIGGER ledger_checkpoints_are_not_deleted BEFORE DELETE ON ledger_checkpoints
    BEGIN SELECT RAISE(ABORT, '{_REFUSAL}'); END
    """,
)
_POSTGRESQL = (
    # An error that the bot takes for a bug of its own, and not for a database that is away.
    f"""
    CREATE FUNCTION ledger_refuses() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF TG_OP = 'DELETE' AND TG_TABLE_NAME = 'ledger' THEN
            IF OLD.seq <= {_CUT_OFF} THEN RETURN OLD; END IF;
        END IF;
        RAISE EXCEPTION '{_REFUSAL}' USING ERRCODE = 'integrity_constraint_violation';
    END $$
    """,
    """
    CREATE TRIGGER ledger_is_not_changed BEFORE UPDATE OR DELETE ON ledger
    FOR EACH ROW EXECUTE FUNCTION ledger_refuses()
    """,
    """
    CREATE TRIGGER ledger_is_not_emptied BEFORE TRUNCATE ON ledger
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuses()
    """,
    """
    CREATE TRIGGER ledger_checkpoints_are_not_changed BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_checkpoints
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuses()
    """,
)


def upgrade() -> None:
    """Add the checkpoints, the guards, and the keys of the rows that are there; these rows stay as they are."""
    op.create_table(
        "ledger_checkpoints",
        sa.Column("seq", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.Column("at", sa.String(27), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
    )
    for statement in _SQLITE if op.get_bind().dialect.name == "sqlite" else _POSTGRESQL:
        op.execute(statement)
    keys = op.create_table(
        "ledger_subjects",
        sa.Column("key", sa.String(300), primary_key=True),
        sa.Column("seq", sa.Integer(), primary_key=True, autoincrement=False),
    )
    for rows in _keys_of_all():
        op.bulk_insert(keys, rows)
    op.create_index("ledger_subjects_seq", "ledger_subjects", ["seq"])
    begins = sa.text("kind IN ('accepted', 'cooled_down', 'denied')")
    op.create_index("ledger_begins", "ledger", ["user_id", "seq"], sqlite_where=begins, postgresql_where=begins)


def _keys_of_all() -> Iterator[list[dict[str, Any]]]:
    ledger = sa.table("ledger", sa.column("seq"), sa.column("detail"))
    seq = 0
    while True:
        batch = sa.select(ledger).where(ledger.c.seq > seq).order_by(ledger.c.seq).limit(_BATCH)
        if not (rows := op.get_bind().execute(batch).all()):
            return
        seq = rows[-1].seq
        yield [{"key": key, "seq": row.seq} for row in rows for key in subjects(_detail(row.detail))]


def _detail(text: str) -> dict[str, Any]:
    """A detail; nothing where somebody changed it into what cannot be read, which is for `ledger verify` to tell."""
    try:
        detail = json.loads(text)
    except ValueError:
        return {}
    return detail if isinstance(detail, dict) else {}
