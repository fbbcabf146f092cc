"""The tables: one schema for SQLite and PostgreSQL.

Telephone numbers stand in `numbers` and nowhere else, so that one table can become a vault; every other table knows a
`number_ref`. CDRs (`attempts`) refer to leads by name without a foreign key: they outlive the leads' deletion.
"""

from datetime import UTC, datetime

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    DateTime,
    Dialect,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    desc,
    false,
)

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
    }
)


class UtcDateTime(TypeDecorator[datetime]):
    """Aware datetimes in, aware UTC datetimes out, also where the database knows no zones (SQLite)."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a datetime without a time zone says no moment")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


numbers = Table(
    "numbers",
    metadata,
    Column("number_ref", String(32), primary_key=True),
    Column("number", String(16), nullable=False, unique=True),
    # A lock binds every campaign that holds the number: the callee does not care which one abandoned the call.
    Column("locked_until", UtcDateTime),
)

lists = Table(
    "lists",
    metadata,
    Column("list_ref", String(32), primary_key=True),
    Column("campaign", String(64), nullable=False, index=True),
    Column("name", String(255), nullable=False),
    Column("imported_at", UtcDateTime, nullable=False),
)

leads = Table(
    "leads",
    metadata,
    Column("position", Integer, primary_key=True, autoincrement=True),
    Column("lead_ref", String(32), nullable=False, unique=True),
    Column("campaign", String(64), nullable=False),
    Column("list_ref", ForeignKey("lists.list_ref"), nullable=True),
    Column("number_ref", ForeignKey("numbers.number_ref"), nullable=False, index=True),
    Column("time_zone", String(64), nullable=False),
    Column("state", String(16), nullable=False),
    Column("priority", Integer, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("not_before", UtcDateTime),
    Column("last_outcome", String(32), nullable=False),
    Column("outcomes", JSON, nullable=False),
    Column("fields", JSON, nullable=False),
    UniqueConstraint("campaign", "number_ref"),
    # In the hopper's order, so that filling it from a million leads reads no more than it takes.
    Index("ix_leads_hopper", "campaign", "state", desc("priority"), "position"),
)

attempts = Table(
    "attempts",
    metadata,
    Column("call_ref", String(64), primary_key=True),
    Column("lead_ref", String(64), nullable=False, index=True),
    Column("campaign", String(64), nullable=False),
    Column("trunk", String(64), nullable=False),
    Column("committed_at", UtcDateTime, nullable=False),
    Column("invited_at", UtcDateTime),
    Column("ringing_at", UtcDateTime),
    Column("answered_at", UtcDateTime),
    Column("speech_at", UtcDateTime),
    Column("bridged_at", UtcDateTime),
    Column("message_at", UtcDateTime),
    Column("ended_at", UtcDateTime),
    Column("agent", String(64), nullable=False),
    Column("outcome", String(32), nullable=False),
    Column("disposition", String(32), nullable=False),
    Column("sip_status", Integer, nullable=False),
    Column("amd_verdict", String(16), nullable=False),
    Column("amd_cause", String(32), nullable=False),
    Column("amd_audio_ms", Integer, nullable=False),
    Column("abandoned", Boolean, nullable=False),
    Column("silent", Boolean, nullable=False),
    Column("answer_to_agent_ms", Float),
    Column("recording", Text, nullable=False),
    Column("packets_lost", Integer, nullable=False),
    Column("mos", Float),
    Column("jitter_ms", Float),
    Column("round_trip_ms", Float),
    Column("buffer_ms", Float),
    Column("frames_concealed", Integer),
    Column("amd_probability", Float),
    Column("amd_point", String(16), nullable=False, server_default=""),
    Column("amd_acted", Boolean, nullable=False, server_default=false()),
    Column("amd_freed", Boolean, nullable=False, server_default=false()),
    Column("amd_corrections", Integer, nullable=False, server_default="0"),
    Column("voicemail_at", UtcDateTime),
    Index("ix_attempts_campaign_committed_at", "campaign", "committed_at"),
)
# Small whatever the table's size: only the attempts of this moment are open.
Index(
    "ix_attempts_open",
    attempts.c.campaign,
    sqlite_where=attempts.c.ended_at.is_(None),
    postgresql_where=attempts.c.ended_at.is_(None),
)

amd_verdicts = Table(
    "amd_verdicts",
    metadata,
    # Every verdict of a call, the corrections with it, acted upon or not; `position` counts them from 0.
    Column("call_ref", String(64), primary_key=True),
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("campaign", String(64), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("verdict", String(16), nullable=False),
    Column("cause", String(32), nullable=False),
    Column("probability", Float),
    Column("audio_ms", Integer, nullable=False),
    Column("point", String(16), nullable=False),
    Column("acted", Boolean, nullable=False),
    # By name, as `amd` names them; no sound and nothing of what was said can be had from them.
    Column("features", JSON, nullable=False),
    Index("ix_amd_verdicts_campaign_at", "campaign", "at"),
)

amd_reviews = Table(
    "amd_reviews",
    metadata,
    # One row for each call that a verdict ended; `rank` is random, and says which of them are looked at.
    Column("call_ref", String(64), primary_key=True),
    Column("campaign", String(64), nullable=False),
    # Calendar day of the answer in the site's time zone, ISO 8601.
    Column("day", String(10), nullable=False),
    Column("rank", Float, nullable=False),
    Column("verdict", String(16), nullable=False),
    Column("cause", String(32), nullable=False),
    Column("probability", Float),
    Column("audio_ms", Integer, nullable=False),
    Column("point", String(16), nullable=False),
    Column("recording", Text, nullable=False),
    # "person", "machine", "cannot tell"; empty until somebody has listened.
    Column("truth", String(16), nullable=False),
    Column("reviewer", String(64), nullable=False),
    Column("reviewed_at", UtcDateTime),
    Index("ix_amd_reviews_campaign_day_rank", "campaign", "day", "rank"),
)

suppressions = Table(
    "suppressions",
    metadata,
    Column("number_ref", ForeignKey("numbers.number_ref"), primary_key=True),
    # A campaign's name, or empty for the whole site.
    Column("scope", String(64), primary_key=True),
    Column("reason", String(255), nullable=False),
    Column("added_at", UtcDateTime, nullable=False),
)

accounts = Table(
    "accounts",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("password_hash", String(255), nullable=False),
    Column("role", String(32), nullable=False),
)

pulse = Table(
    "pulse",
    metadata,
    # One row, rewritten to find out whether the store can write, and when it last could.
    Column("name", String(16), primary_key=True),
    Column("at", UtcDateTime, nullable=False),
)
