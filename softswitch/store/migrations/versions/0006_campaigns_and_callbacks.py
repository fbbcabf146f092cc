"""What each campaign was told last, and callbacks with a time and an agent."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "campaign_orders",
        sa.Column("campaign", sa.String(64), nullable=False),
        sa.Column("wanted", sa.String(16), nullable=False),
        sa.Column("ordered_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("campaign", name="pk_campaign_orders"),
    )
    op.add_column("leads", sa.Column("callback_agent", sa.String(64), nullable=False, server_default=""))
    op.create_table(
        "callbacks",
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("lead_ref", sa.String(32), nullable=False),
        sa.Column("campaign", sa.String(64), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("agent", sa.String(64), nullable=False),
        sa.Column("made_by", sa.String(64), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("came_to", sa.String(16), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True)),
        sa.Column("call_ref", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("position", name="pk_callbacks"),
    )
    op.create_index("ix_callbacks_campaign_due_at", "callbacks", ["campaign", "due_at"])
    op.create_index(
        "ix_callbacks_open",
        "callbacks",
        ["lead_ref"],
        unique=True,
        sqlite_where=sa.text("came_to = ''"),
        postgresql_where=sa.text("came_to = ''"),
    )


def downgrade() -> None:
    op.drop_table("callbacks")
    op.drop_column("leads", "callback_agent")
    op.drop_table("campaign_orders")
