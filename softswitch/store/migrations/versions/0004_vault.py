"""A vault for what says who a lead is; keyed hashes where numbers are compared; lists with priorities and shares."""

import json
import secrets
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from alembic import context, op

from softswitch.errors import UsageError
from softswitch.safeguards.redaction import redact
from softswitch.store.vault import Person, Vault
from softswitch.store.vault_root import root_keys

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

ROWS = 5000
ANY_TIME = datetime(1970, 1, 1)
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    connection = op.get_bind()
    for index, table in (
        ("ix_leads_hopper", "leads"),
        ("ix_leads_number_ref", "leads"),
        ("ix_lists_campaign", "lists"),
    ):
        op.drop_index(index, table)
    for table in ("leads", "lists", "suppressions"):
        _put_aside(connection, table)
    _create()
    if connection.execute(sa.text("SELECT EXISTS (SELECT 1 FROM numbers)")).scalar():
        _move(connection)
    for table in ("old_suppressions", "old_leads", "old_lists", "numbers"):
        op.drop_table(table)


def _put_aside(connection: sa.Connection, table: str) -> None:
    """Rename a table, and on PostgreSQL its constraints: their indexes share one space of names."""
    old = f"old_{table}"
    op.rename_table(table, old)
    if connection.dialect.name == "postgresql":
        names = sa.text("SELECT conname FROM pg_constraint WHERE conrelid = to_regclass(:old)")
        for name in connection.execute(names, {"old": old}).scalars().all():
            op.execute(sa.text(f'ALTER TABLE {old} RENAME CONSTRAINT "{name}" TO "old_{name}"'))


def _create() -> None:
    op.create_table(
        "vault_root",
        sa.Column("name", sa.String(length=16), nullable=False),
        sa.Column("wrapped", sa.LargeBinary(), nullable=False),
        sa.Column("key_id", sa.String(length=16), nullable=False),
        sa.Column("founded_at", MOMENT, nullable=False),
        sa.Column("rotated_at", MOMENT, nullable=True),
        sa.Column("to_be_scrubbed", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_vault_root"),
    )
    for table, column in (("vault_keys", "wrapped"), ("vault", "sealed")):
        op.create_table(
            table,
            sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
            sa.Column(column, sa.LargeBinary(), nullable=False),
            sa.PrimaryKeyConstraint("position", name=f"pk_{table}"),
        )
    op.create_table(
        "lists",
        sa.Column("list_ref", sa.String(length=32), nullable=False),
        sa.Column("campaign", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("imported_at", MOMENT, nullable=False),
        sa.Column("completed_at", MOMENT, nullable=True),
        sa.Column("fingerprint", sa.String(length=32), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("share", sa.Integer(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("list_ref", name="pk_lists"),
    )
    op.create_index("ix_lists_campaign", "lists", ["campaign"])
    op.create_table(
        "leads",
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("lead_ref", sa.String(length=32), nullable=False),
        sa.Column("campaign", sa.String(length=64), nullable=False),
        sa.Column("list_ref", sa.String(length=32), nullable=False),
        sa.Column("number_digest", sa.LargeBinary(length=16), nullable=False),
        sa.Column("time_zone", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("not_before", MOMENT, nullable=False),
        sa.Column("last_outcome", sa.String(length=32), nullable=False),
        sa.Column("outcomes", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["list_ref"], ["lists.list_ref"], name="fk_leads_list_ref"),
        sa.PrimaryKeyConstraint("position", name="pk_leads"),
        sa.UniqueConstraint("number_digest", "campaign", name="uq_leads_number_digest_campaign"),
        sa.UniqueConstraint("lead_ref", name="uq_leads_lead_ref"),
    )
    hopper: list[str | sa.TextClause] = ["list_ref", "state", sa.text("priority DESC"), "not_before", "position"]
    op.create_index("ix_leads_hopper", "leads", hopper)
    op.create_table(
        "locks",
        sa.Column("number_digest", sa.LargeBinary(length=16), nullable=False),
        sa.Column("locked_until", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("number_digest", name="pk_locks"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_locks_locked_until", "locks", ["locked_until"])
    op.create_table(
        "suppressions",
        sa.Column("number_digest", sa.LargeBinary(length=16), nullable=False),
        sa.Column("scope", sa.String(length=64), nullable=False),
        sa.Column("reason", sa.String(length=255), nullable=False),
        sa.Column("added_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("number_digest", "scope", name="pk_suppressions"),
        sqlite_with_rowid=False,
    )
    one_by_one = sa.text("scope != '*TPS'")
    op.create_index(
        "ix_suppressions_added_at", "suppressions", ["added_at"],
        sqlite_where=one_by_one, postgresql_where=one_by_one,
    )  # fmt: skip
    op.create_table(
        "screenings",
        sa.Column("name", sa.String(length=16), nullable=False),
        sa.Column("taken_at", MOMENT, nullable=False),
        sa.Column("entries", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_screenings"),
    )


def _move(connection: sa.Connection) -> None:
    """Encrypt what stands in the clear. The pages that held it are overwritten as the old tables are dropped."""
    place = context.config.attributes.get("vault_key")
    if place is None:
        raise UsageError("the store's numbers stand in the clear and are to be encrypted: open it with the vault's key")
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("PRAGMA secure_delete = ON")
        connection.exec_driver_sql("PRAGMA user_version = 1")  # see `softswitch.store.erasure.finish_scrubbing`
    vault = root_keys(connection, place).vault()
    connection.execute(sa.text("UPDATE vault_root SET to_be_scrubbed = :yes"), {"yes": True})
    strays = _move_lists(connection)
    for rows in _pages(connection):
        _move_leads(connection, vault, strays, rows)
    old = connection.execute(
        sa.text(
            "SELECT n.number, s.scope, s.reason, s.added_at FROM old_suppressions s JOIN numbers n USING (number_ref)"
        )
    ).mappings()
    _insert(
        connection,
        "INSERT INTO suppressions VALUES (:number_digest, :scope, :reason, :added_at)",
        [
            {
                "number_digest": vault.digest(row["number"]),
                "scope": row["scope"],
                "reason": redact(row["reason"]),
                "added_at": row["added_at"],
            }
            for row in old
        ],
    )
    old = connection.execute(
        sa.text("SELECT number, locked_until FROM numbers WHERE locked_until IS NOT NULL")
    ).mappings()
    _insert(
        connection,
        "INSERT INTO locks VALUES (:number_digest, :locked_until)",
        [{"number_digest": vault.digest(row["number"]), "locked_until": row["locked_until"]} for row in old],
    )


def _move_lists(connection: sa.Connection) -> dict[str, str]:
    """Lists with their names; by campaign a list for leads that have none."""
    copied = (
        "INSERT INTO lists (list_ref, campaign, name, imported_at, completed_at, fingerprint, priority, share, active) "
        "VALUES (:list_ref, :campaign, :name, :imported_at, :imported_at, '', 0, 1, :active)"
    )
    old = connection.execute(sa.text("SELECT list_ref, campaign, name, imported_at FROM old_lists")).mappings()
    _insert(connection, copied, [dict(row) | {"name": redact(row["name"]), "active": True} for row in old])
    without = connection.execute(sa.text("SELECT DISTINCT campaign FROM old_leads WHERE list_ref IS NULL")).scalars()
    now = datetime.now(UTC).replace(tzinfo=None) if connection.dialect.name == "sqlite" else datetime.now(UTC)
    strays = {
        campaign: {"list_ref": secrets.token_hex(8), "campaign": campaign, "name": "without a list", "active": True}
        for campaign in without
    }
    moment = str(now) if connection.dialect.name == "sqlite" else now
    _insert(connection, copied, [row | {"imported_at": moment} for row in strays.values()])
    return {campaign: str(row["list_ref"]) for campaign, row in strays.items()}


def _pages(connection: sa.Connection) -> Iterator[Sequence[sa.RowMapping]]:
    last = 0
    query = sa.text(
        "SELECT l.*, n.number FROM old_leads l JOIN numbers n USING (number_ref) "
        "WHERE l.position > :last ORDER BY l.position LIMIT :rows"
    )
    while rows := connection.execute(query, {"last": last, "rows": ROWS}).mappings().all():
        yield rows
        last = rows[-1]["position"]


def _move_leads(
    connection: sa.Connection, vault: Vault, strays: Mapping[str, str], rows: Sequence[sa.RowMapping]
) -> None:
    any_time = "1970-01-01 00:00:00.000000" if connection.dialect.name == "sqlite" else ANY_TIME.replace(tzinfo=UTC)
    moved, keys, sealed = [], [], []
    for row in rows:
        fields = row["fields"] if isinstance(row["fields"], dict) else json.loads(row["fields"])
        person = vault.seal(row["lead_ref"], Person(row["number"], fields))
        keys.append({"position": row["position"], "wrapped": person.wrapped})
        sealed.append({"position": row["position"], "sealed": person.sealed})
        moved.append(
            {name: row[name] for name in ("position", "lead_ref", "campaign", "time_zone", "state", "priority")}
            | {name: row[name] for name in ("attempts", "last_outcome")}
            | {
                "list_ref": row["list_ref"] or strays[row["campaign"]],
                "number_digest": person.digest,
                "not_before": row["not_before"] or any_time,
                "outcomes": row["outcomes"] if isinstance(row["outcomes"], str) else json.dumps(row["outcomes"]),
            }
        )
    _insert(
        connection,
        "INSERT INTO leads (position, lead_ref, campaign, list_ref, number_digest, time_zone, state, priority, "
        "attempts, not_before, last_outcome, outcomes) VALUES (:position, :lead_ref, :campaign, :list_ref, "
        ":number_digest, :time_zone, :state, :priority, :attempts, :not_before, :last_outcome, :outcomes)",
        moved,
    )
    _insert(connection, "INSERT INTO vault_keys VALUES (:position, :wrapped)", keys)
    _insert(connection, "INSERT INTO vault VALUES (:position, :sealed)", sealed)


def _insert(connection: sa.Connection, statement: str, rows: list[dict[str, Any]]) -> None:
    if rows:
        connection.execute(sa.text(statement), rows)


def downgrade() -> None:
    raise UsageError("what the vault has encrypted is not put into the clear again: use a copy of the store")
