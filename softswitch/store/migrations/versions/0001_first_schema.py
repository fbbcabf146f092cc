"""Numbers, lists, leads, dial attempts, suppressions, accounts of the web."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "accounts",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("password_hash", sa.String(length=255), nullable=False),
        sa.Column("role", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_accounts"),
    )
    op.create_table(
        "attempts",
        sa.Column("call_ref", sa.String(length=64), nullable=False),
        sa.Column("lead_ref", sa.String(length=64), nullable=False),
        sa.Column("campaign", sa.String(length=64), nullable=False),
        sa.Column("trunk", sa.String(length=64), nullable=False),
        sa.Column("committed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("invited_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ringing_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("speech_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("bridged_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("message_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("agent", sa.String(length=64), nullable=False),
        sa.Column("outcome", sa.String(length=32), nullable=False),
        sa.Column("disposition", sa.String(length=32), nullable=False),
        sa.Column("sip_status", sa.Integer(), nullable=False),
        sa.Column("amd_verdict", sa.String(length=16), nullable=False),
        sa.Column("amd_cause", sa.String(length=32), nullable=False),
        sa.Column("amd_audio_ms", sa.Integer(), nullable=False),
        sa.Column("abandoned", sa.Boolean(), nullable=False),
        sa.Column("silent", sa.Boolean(), nullable=False),
        sa.Column("answer_to_agent_ms", sa.Float(), nullable=True),
        sa.Column("recording", sa.Text(), nullable=False),
        sa.Column("packets_lost", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("call_ref", name="pk_attempts"),
    )
    op.create_index("ix_attempts_campaign_committed_at", "attempts", ["campaign", "committed_at"])
    op.create_index("ix_attempts_lead_ref", "attempts", ["lead_ref"])
    op.create_index(
        "ix_attempts_open",
        "attempts",
        ["campaign"],
        sqlite_where=sa.text("ended_at IS NULL"),
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_table(
        "lists",
        sa.Column("list_ref", sa.String(length=32), nullable=False),
        sa.Column("campaign", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("imported_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("list_ref", name="pk_lists"),
    )
    op.create_index("ix_lists_campaign", "lists", ["campaign"])
    op.create_table(
        "numbers",
        sa.Column("number_ref", sa.String(length=32), nullable=False),
        sa.Column("number", sa.String(length=16), nullable=False),
        sa.Column("locked_until", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("number_ref", name="pk_numbers"),
        sa.UniqueConstraint("number", name="uq_numbers_number"),
    )
    op.create_table(
        "pulse",
        sa.Column("name", sa.String(length=16), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_pulse"),
    )
    op.create_table(
        "leads",
        sa.Column("position", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("lead_ref", sa.String(length=32), nullable=False),
        sa.Column("campaign", sa.String(length=64), nullable=False),
        sa.Column("list_ref", sa.String(length=32), nullable=True),
        sa.Column("number_ref", sa.String(length=32), nullable=False),
        sa.Column("time_zone", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("not_before", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_outcome", sa.String(length=32), nullable=False),
        sa.Column("outcomes", sa.JSON(), nullable=False),
        sa.Column("fields", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["list_ref"], ["lists.list_ref"], name="fk_leads_list_ref"),
        sa.ForeignKeyConstraint(["number_ref"], ["numbers.number_ref"], name="fk_leads_number_ref"),
        sa.PrimaryKeyConstraint("position", name="pk_leads"),
        sa.UniqueConstraint("campaign", "number_ref", name="uq_leads_campaign_number_ref"),
        sa.UniqueConstraint("lead_ref", name="uq_leads_lead_ref"),
    )
    op.create_index("ix_leads_hopper", "leads", ["campaign", "state", sa.text("priority DESC"), "position"])
    op.create_index("ix_leads_number_ref", "leads", ["number_ref"])
    op.create_table(
        "suppressions",
        sa.Column("number_ref", sa.String(length=32), nullable=False),
        sa.Column("scope", sa.String(length=64), nullable=False),
        sa.Column("reason", sa.String(length=255), nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["number_ref"], ["numbers.number_ref"], name="fk_suppressions_number_ref"),
        sa.PrimaryKeyConstraint("number_ref", "scope", name="pk_suppressions"),
    )


def downgrade() -> None:
    op.drop_table("suppressions")
    op.drop_table("leads")
    op.drop_table("pulse")
    op.drop_table("numbers")
    op.drop_table("lists")
    op.drop_table("attempts")
    op.drop_table("accounts")
