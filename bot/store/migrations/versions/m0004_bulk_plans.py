"""Plans with their items, and whom a slot of the rate limit is for."""

import sqlalchemy as sa
from alembic import op

revision = "bulk_plans"
down_revision = "approval_asks"


def upgrade() -> None:
    """Create the tables of plans, and add the kind of a slot."""
    op.create_table(
        "bulk_plans",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("at", sa.String(27), nullable=False),
        sa.Column("user_id", sa.String(32), nullable=False),
        sa.Column("person_id", sa.String(32), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("targets", sa.Integer, nullable=False),
        sa.Column("started_at", sa.String(27)),
        sa.Column("started_seq", sa.Integer),
        sa.Column("body", sa.Text, nullable=False),
    )
    op.create_index("bulk_plans_state", "bulk_plans", ["state"])
    op.create_index("bulk_plans_user", "bulk_plans", ["user_id", "started_seq"])
    op.create_table(
        "bulk_items",
        sa.Column("plan_id", sa.String(32), primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("request_id", sa.String(32), nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("outcome", sa.String(16)),
        sa.Column("words", sa.Text, nullable=False),
        sa.Column("ended_at", sa.String(27)),
    )
    op.create_index("bulk_items_request", "bulk_items", ["request_id"])
    with op.batch_alter_table("rate_limit_slots") as slots:
        slots.add_column(sa.Column("kind", sa.String(16), nullable=False, server_default=""))
