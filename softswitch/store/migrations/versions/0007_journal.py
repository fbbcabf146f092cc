"""The journal, which is only ever added to, and what a report on the rules must know of each attempt."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_SQLITE = [
    f"CREATE TRIGGER journal_no_{what} BEFORE {what.upper()} ON journal "
    "BEGIN SELECT RAISE(ABORT, 'the journal is only ever added to'); END"
    for what in ("update", "delete")
]
_POSTGRESQL = [
    "CREATE FUNCTION journal_refuses() RETURNS trigger AS "
    "$$ BEGIN RAISE EXCEPTION 'the journal is only ever added to'; END $$ LANGUAGE plpgsql",
    "CREATE TRIGGER journal_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON journal "
    "FOR EACH STATEMENT EXECUTE FUNCTION journal_refuses()",
]


def upgrade() -> None:
    op.add_column("attempts", sa.Column("caller_id", sa.String(32), nullable=False, server_default=""))
    op.add_column("attempts", sa.Column("time_zone", sa.String(64), nullable=False, server_default=""))
    op.add_column("attempts", sa.Column("guaranteed", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.create_table(
        "journal",
        sa.Column("position", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("campaign", sa.String(64), nullable=False),
        sa.Column("call_ref", sa.String(64), nullable=False),
        sa.Column("lead_ref", sa.String(64), nullable=False),
        sa.Column("agent", sa.String(64), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("position", name="pk_journal"),
    )
    op.create_index("ix_journal_at", "journal", ["at"])
    for statement in _SQLITE if op.get_bind().dialect.name == "sqlite" else _POSTGRESQL:
        op.execute(sa.text(statement))


def downgrade() -> None:
    op.drop_table("journal")
    if op.get_bind().dialect.name != "sqlite":
        op.execute(sa.text("DROP FUNCTION journal_refuses()"))
    for name in ("guaranteed", "time_zone", "caller_id"):
        op.drop_column("attempts", name)
