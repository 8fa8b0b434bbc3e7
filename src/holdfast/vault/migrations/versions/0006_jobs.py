"""The state remembers the long acts that programs asked for."""

from alembic import op

from holdfast.vault.jobs import jobs

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Make the table; it is there already where `0001` made a new database just now."""
    jobs.create(op.get_bind(), checkfirst=True)


def downgrade() -> None:
    """Drop it again."""
    jobs.drop(op.get_bind())
