"""Which numbers are not to be called, for now or ever: locks, suppressions, public lists, the never-dial list.

Each as a keyed hash.
"""

from sqlalchemy import Column, Index, Integer, LargeBinary, String, Table

from softswitch.store.schema.base import UtcDateTime, metadata

locks = Table(
    "locks",
    metadata,
    # A lock binds every campaign that holds the number: the callee does not care which one abandoned the call.
    Column("number_digest", LargeBinary(16), primary_key=True),
    Column("locked_until", UtcDateTime, nullable=False, index=True),
    sqlite_with_rowid=False,
)

suppressions = Table(
    "suppressions",
    metadata,
    Column("number_digest", LargeBinary(16), primary_key=True),
    # A campaign's name, or empty for the whole site, or TPS: whom no marketing call may reach.
    Column("scope", String(64), primary_key=True),
    Column("reason", String(255), nullable=False),
    Column("added_at", UtcDateTime, nullable=False),
    sqlite_with_rowid=False,
)

# What a running switch looks for each second; the TPS list has millions, and they do not come one by one.
Index(
    "ix_suppressions_added_at",
    suppressions.c.added_at,
    sqlite_where=suppressions.c.scope != "*TPS",
    postgresql_where=suppressions.c.scope != "*TPS",
)

screenings = Table(
    "screenings",
    metadata,
    # When a public list of people who object to marketing, such as the TPS, was last taken over, and how many it named.
    Column("name", String(16), primary_key=True),
    Column("taken_at", UtcDateTime, nullable=False),
    Column("entries", Integer, nullable=False),
)

never_dial = Table(
    "never_dial",
    metadata,
    # Hashes under the vault's index key, of another kind than `leads.number_digest`: no join tells who is on it. When
    # the list was imported stands in `screenings`.
    Column("number_digest", LargeBinary(16), primary_key=True),
    sqlite_with_rowid=False,
)
