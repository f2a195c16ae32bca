"""Who wrote an alert, whether it is about certificates, and whose allowance an offer used."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

ID = sa.String(32)


def upgrade() -> None:
    """Add the columns. An alert of before has no author, so that it gets no offer."""
    op.add_column("alerts", sa.Column("bot_id", ID))
    op.add_column("alerts", sa.Column("user_id", ID))
    op.add_column("alerts", sa.Column("about_certificates", sa.Boolean()))
    op.add_column("offers", sa.Column("author", sa.String(64)))
