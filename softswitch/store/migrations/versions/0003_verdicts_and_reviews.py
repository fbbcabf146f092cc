"""What the detector of answering machines found in each call, and what reviewers say of it."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

COLUMNS = ("amd_probability", "amd_point", "amd_acted", "amd_freed", "amd_corrections", "voicemail_at")


def upgrade() -> None:
    op.add_column("attempts", sa.Column("amd_probability", sa.Float(), nullable=True))
    op.add_column("attempts", sa.Column("amd_point", sa.String(length=16), nullable=False, server_default=""))
    op.add_column("attempts", sa.Column("amd_acted", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("attempts", sa.Column("amd_freed", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("attempts", sa.Column("amd_corrections", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("attempts", sa.Column("voicemail_at", sa.DateTime(timezone=True), nullable=True))
    # Until now a machine was written down only where the verdict had ended the call.
    op.execute(sa.text("UPDATE attempts SET amd_acted = true WHERE amd_verdict = 'MACHINE'"))
    op.create_table(
        "amd_verdicts",
        sa.Column("call_ref", sa.String(length=64), nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("campaign", sa.String(length=64), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("verdict", sa.String(length=16), nullable=False),
        sa.Column("cause", sa.String(length=32), nullable=False),
        sa.Column("probability", sa.Float(), nullable=True),
        sa.Column("audio_ms", sa.Integer(), nullable=False),
        sa.Column("point", sa.String(length=16), nullable=False),
        sa.Column("acted", sa.Boolean(), nullable=False),
        sa.Column("features", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("call_ref", "position", name="pk_amd_verdicts"),
    )
    op.create_index("ix_amd_verdicts_campaign_at", "amd_verdicts", ["campaign", "at"])
    op.create_table(
        "amd_reviews",
        sa.Column("call_ref", sa.String(length=64), nullable=False),
        sa.Column("campaign", sa.String(length=64), nullable=False),
        sa.Column("day", sa.String(length=10), nullable=False),
        sa.Column("rank", sa.Float(), nullable=False),
        sa.Column("verdict", sa.String(length=16), nullable=False),
        sa.Column("cause", sa.String(length=32), nullable=False),
        sa.Column("probability", sa.Float(), nullable=True),
        sa.Column("audio_ms", sa.Integer(), nullable=False),
        sa.Column("point", sa.String(length=16), nullable=False),
        sa.Column("recording", sa.Text(), nullable=False),
        sa.Column("truth", sa.String(length=16), nullable=False),
        sa.Column("reviewer", sa.String(length=64), nullable=False),
        sa.Column("reviewed_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("call_ref", name="pk_amd_reviews"),
    )
    op.create_index("ix_amd_reviews_campaign_day_rank", "amd_reviews", ["campaign", "day", "rank"])


def downgrade() -> None:
    op.drop_table("amd_reviews")
    op.drop_table("amd_verdicts")
    for name in reversed(COLUMNS):
        op.drop_column("attempts", name)
