"""The state knows accounts, sessions, tokens, and sign-ins that failed."""

from alembic import op

from holdfast.vault.accounts import TABLES

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Make the tables; they are there already where `0001` made a new database just now."""
    for table in TABLES:
        table.create(op.get_bind(), checkfirst=True)


def downgrade() -> None:
    """Drop them again."""
    for table in reversed(TABLES):
        table.drop(op.get_bind())
