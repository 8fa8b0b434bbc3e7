"""The spine: projection of entries, operators, cases, items and exhibits; state of heads seen."""

from alembic import op

from holdfast.vault import tables

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make every table of both schemas."""
    connection = op.get_bind()
    tables.projection.create_all(connection)
    tables.state.create_all(connection)


def downgrade() -> None:
    """Drop them again."""
    connection = op.get_bind()
    tables.projection.drop_all(connection)
    tables.state.drop_all(connection)
