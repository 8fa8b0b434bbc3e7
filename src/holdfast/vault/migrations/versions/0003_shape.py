"""The state remembers the projection's shape, so that a projection of another is folded anew.

No migration changes a table of the projection: `database.prepare` makes all of them anew where
their shape is not ours, and whoever opens the vault next folds the log into them.
"""

from alembic import op

from holdfast.vault import tables

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Make the table; it is there already where `0001` made a new database just now."""
    tables.shape.create(op.get_bind(), checkfirst=True)


def downgrade() -> None:
    """Drop it again."""
    tables.shape.drop(op.get_bind())
