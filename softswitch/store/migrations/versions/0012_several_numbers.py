"""Leads with several numbers, each with its own state; which of them an attempt was made at."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("leads", sa.Column("turn", sa.Integer(), nullable=True))
    op.add_column("attempts", sa.Column("number_rank", sa.Integer(), nullable=False, server_default="0"))
    op.create_table(
        "lead_numbers",
        sa.Column("lead_ref", sa.String(32), nullable=False),
        sa.Column("rank", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("campaign", sa.String(64), nullable=False),
        sa.Column("number_digest", sa.LargeBinary(16), nullable=False),
        sa.Column("time_zone", sa.String(64), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("not_before", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_outcome", sa.String(32), nullable=False),
        sa.Column("outcomes", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("lead_ref", "rank", name="pk_lead_numbers"),
        sa.UniqueConstraint("number_digest", "campaign", name="uq_lead_numbers_number_digest_campaign"),
    )


def downgrade() -> None:
    op.drop_table("lead_numbers")
    op.drop_column("attempts", "number_rank")
    op.drop_column("leads", "turn")
