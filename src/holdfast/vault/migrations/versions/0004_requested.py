"""The state remembers for a day which requests of the workbench were done."""

from alembic import op

from holdfast.vault.requested import requested

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Make the table; it is there already where `0001` made a new database just now."""
    requested.create(op.get_bind(), checkfirst=True)


def downgrade() -> None:
    """Drop it again."""
    requested.drop(op.get_bind())
