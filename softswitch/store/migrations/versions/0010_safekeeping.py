"""Requests for four eyes, play-backs, tokens of machines, and the never-dial list as keyed hashes."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
TABLES = ("never_dial", "tokens", "playbacks", "requests")


def upgrade() -> None:
    op.create_table(
        "requests",
        sa.Column("request_ref", sa.String(32), nullable=False),
        sa.Column("what", sa.String(16), nullable=False),
        sa.Column("call_refs", sa.JSON(), nullable=False),
        sa.Column("reason", sa.String(255), nullable=False),
        sa.Column("asked_by", sa.String(64), nullable=False),
        sa.Column("asked_at", MOMENT, nullable=False),
        sa.Column("for_s", sa.Float(), nullable=False),
        sa.Column("approved_by", sa.String(64), nullable=False, server_default=""),
        sa.Column("approved_at", MOMENT, nullable=True),
        sa.Column("used_by", sa.String(64), nullable=False, server_default=""),
        sa.Column("used_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("request_ref", name="pk_requests"),
    )
    op.create_index("ix_requests_asked_at", "requests", ["asked_at"])
    op.create_table(
        "playbacks",
        sa.Column("playback_ref", sa.String(32), nullable=False),
        sa.Column("call_ref", sa.String(120), nullable=False),
        sa.Column("reason", sa.String(255), nullable=False),
        sa.Column("asked_by", sa.String(64), nullable=False),
        sa.Column("asked_at", MOMENT, nullable=False),
        sa.Column("listened_s", sa.Float(), nullable=True),
        sa.PrimaryKeyConstraint("playback_ref", name="pk_playbacks"),
    )
    op.create_index("ix_playbacks_asked_at", "playbacks", ["asked_at"])
    op.create_table(
        "tokens",
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("digest", sa.LargeBinary(32), nullable=False),
        sa.Column("made_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_tokens"),
        sa.UniqueConstraint("digest", name="uq_tokens_digest"),
    )
    op.create_table(
        "never_dial",
        sa.Column("number_digest", sa.LargeBinary(16), nullable=False),
        sa.PrimaryKeyConstraint("number_digest", name="pk_never_dial"),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    for table in TABLES:
        op.drop_table(table)
