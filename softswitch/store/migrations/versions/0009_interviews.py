"""Interviews, their answers, and how full the cells of their quotas are."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "interviews",
        sa.Column("call_ref", sa.String(64), nullable=False),
        sa.Column("campaign", sa.String(64), nullable=False),
        sa.Column("script", sa.String(64), nullable=False),
        sa.Column("agent", sa.String(64), nullable=False),
        sa.Column("node", sa.String(64), nullable=False),
        sa.Column("begun_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True)),
        sa.Column("ending", sa.String(16), nullable=False),
        sa.Column("is_partial", sa.Boolean(), nullable=False),
        sa.Column("answers", sa.JSON(), nullable=False),
        sa.Column("seconds", sa.JSON(), nullable=False),
        sa.Column("state", sa.JSON(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("cells", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("call_ref", name="pk_interviews"),
    )
    op.create_index("ix_interviews_campaign_call_ref", "interviews", ["campaign", "call_ref"])
    going_on = sa.text("ended_at IS NULL")
    op.create_index(
        "ix_interviews_going_on", "interviews", ["call_ref"], sqlite_where=going_on, postgresql_where=going_on
    )
    op.create_table(
        "survey_quotas",
        sa.Column("campaign", sa.String(64), nullable=False),
        sa.Column("script", sa.String(64), nullable=False),
        sa.Column("cell", sa.String(64), nullable=False),
        sa.Column("filled", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("campaign", "script", "cell", name="pk_survey_quotas"),
    )


def downgrade() -> None:
    op.drop_table("survey_quotas")
    op.drop_table("interviews")
