"""State of examinations on other machines: who has which item, and how often that went wrong."""

from alembic import op

from holdfast.vault import tables

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Make the table, where 0001 did not do it: that makes what the code of its day knows."""
    tables.leases.create(op.get_bind(), checkfirst=True)


def downgrade() -> None:
    """Drop it again."""
    tables.leases.drop(op.get_bind(), checkfirst=True)
