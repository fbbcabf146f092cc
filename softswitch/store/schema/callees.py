"""Whom the site calls: people in the vault, their leads and numbers in lists, and callbacks promised to them.

Who a lead is stands in `vault` and nowhere else, encrypted (`softswitch.store.vault`); where two numbers must be told
to be the same, their keyed hashes are compared.
"""

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    UniqueConstraint,
    desc,
)

from softswitch.store.schema.base import UtcDateTime, metadata

vault_root = Table(
    "vault_root",
    metadata,
    # One row: the keys that the master key guards.
    Column("name", String(16), primary_key=True),
    Column("wrapped", LargeBinary, nullable=False),
    # Which master key opens it, for the person who looks for that key.
    Column("key_id", String(16), nullable=False),
    Column("founded_at", UtcDateTime, nullable=False),
    Column("rotated_at", UtcDateTime),
    # Something that was destroyed may still stand in the log or in free pages.
    Column("to_be_scrubbed", Boolean, nullable=False),
)

# A lead's data key, wrapped; zeros where it was destroyed. Rows are only ever added at the end and overwritten in place
# by as many bytes: so no copy of a key is left behind in a page that was split (SQLite's secure_delete knows of none).
vault_keys = Table(
    "vault_keys",
    metadata,
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("wrapped", LargeBinary, nullable=False),
)

# The one table with telephone numbers, names and addresses, each row under its own data key.
vault = Table(
    "vault",
    metadata,
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("sealed", LargeBinary, nullable=False),
)

lists = Table(
    "lists",
    metadata,
    Column("list_ref", String(32), primary_key=True),
    Column("campaign", String(64), nullable=False, index=True),
    Column("name", String(255), nullable=False),
    Column("imported_at", UtcDateTime, nullable=False),
    # Before it is complete nothing of a list is dialled.
    Column("completed_at", UtcDateTime),
    # Keyed hash of the file: an import that was broken off goes on in its own list.
    Column("fingerprint", String(32), nullable=False),
    # Lists of a higher priority first; those of one priority in proportion to their shares.
    Column("priority", Integer, nullable=False),
    Column("share", Integer, nullable=False),
    Column("active", Boolean, nullable=False),
)

leads = Table(
    "leads",
    metadata,
    # Also the lead's place in `vault` and `vault_keys`.
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("lead_ref", String(32), nullable=False, unique=True),
    Column("campaign", String(64), nullable=False),
    Column("list_ref", ForeignKey("lists.list_ref"), nullable=False),
    # Keyed hash of the number; random bytes once the lead is erased.
    Column("number_digest", LargeBinary(16), nullable=False),
    Column("time_zone", String(64), nullable=False),
    Column("state", String(16), nullable=False),
    Column("priority", Integer, nullable=False),
    Column("attempts", Integer, nullable=False),
    # `ANY_TIME` where nothing keeps the lead from being tried.
    Column("not_before", UtcDateTime, nullable=False),
    Column("last_outcome", String(32), nullable=False),
    Column("outcomes", JSON, nullable=False),
    # Whose callback it is in state CALLBACK; empty: anybody's.
    Column("callback_agent", String(64), nullable=False, server_default=""),
    # Of a lead with several numbers, `lead_numbers.rank` of the one whose turn it is; `number_digest` is the first's.
    Column("turn", Integer),
    UniqueConstraint("number_digest", "campaign"),
    # In the hopper's order, and within a priority by due time, so that filling it from a million leads, most of them
    # waiting for another day, reads no more than it takes.
    Index("ix_leads_hopper", "list_ref", "state", desc("priority"), "not_before", "position"),
)

lead_numbers = Table(
    "lead_numbers",
    metadata,
    # Of leads with several numbers, one row for each, the first with them; what they are stands in the lead's `vault`.
    Column("lead_ref", String(32), primary_key=True),
    Column("rank", Integer, primary_key=True, autoincrement=False),
    Column("campaign", String(64), nullable=False),
    Column("number_digest", LargeBinary(16), nullable=False),
    Column("time_zone", String(64), nullable=False),
    Column("state", String(16), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("not_before", UtcDateTime, nullable=False),
    Column("last_outcome", String(32), nullable=False),
    Column("outcomes", JSON, nullable=False),
    UniqueConstraint("number_digest", "campaign"),
)

callbacks = Table(
    "callbacks",
    metadata,
    # One row for each callback that was promised; at most one of a lead is open.
    Column("position", Integer, primary_key=True),
    Column("lead_ref", String(32), nullable=False),
    Column("campaign", String(64), nullable=False),
    Column("due_at", UtcDateTime, nullable=False),
    # Empty: anybody's.
    Column("agent", String(64), nullable=False),
    Column("made_by", String(64), nullable=False),
    Column("made_at", UtcDateTime, nullable=False),
    # "called", "missed", "replaced", "cancelled"; empty while it is open.
    Column("came_to", String(16), nullable=False),
    Column("closed_at", UtcDateTime),
    # Of the call that kept it.
    Column("call_ref", String(64), nullable=False),
    Index("ix_callbacks_campaign_due_at", "campaign", "due_at"),
)
Index(
    "ix_callbacks_open",
    callbacks.c.lead_ref,
    unique=True,
    sqlite_where=callbacks.c.came_to == "",
    postgresql_where=callbacks.c.came_to == "",
)
