"""The request from whose card a request was made."""

import sqlalchemy as sa
from alembic import op

revision = "request_follows"
down_revision = "digests"


def upgrade() -> None:
    """Add the column, empty for the requests so far."""
    op.add_column("requests", sa.Column("follows", sa.String(32)))
    op.create_index("requests_follows", "requests", ["follows"])
