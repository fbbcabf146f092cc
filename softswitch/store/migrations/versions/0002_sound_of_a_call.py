"""How a call sounded: what the media plane and the other end's reports say of it."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

MEASURES = ("mos", "jitter_ms", "round_trip_ms", "buffer_ms")


def upgrade() -> None:
    for name in MEASURES:
        op.add_column("attempts", sa.Column(name, sa.Float(), nullable=True))
    op.add_column("attempts", sa.Column("frames_concealed", sa.Integer(), nullable=True))


def downgrade() -> None:
    for name in (*MEASURES, "frames_concealed"):
        op.drop_column("attempts", name)
