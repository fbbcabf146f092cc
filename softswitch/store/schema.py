"""The tables: one schema for SQLite and PostgreSQL.

Who a lead is stands in `vault` and nowhere else, encrypted (`softswitch.store.vault`); where two numbers must be told
to be the same, their keyed hashes are compared. CDRs (`attempts`) refer to leads by name without a foreign key: they
outlive the leads' deletion.
"""

from datetime import UTC, datetime

from sqlalchemy import (
    DDL,
    JSON,
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Dialect,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    desc,
    event,
    false,
)

ANY_TIME = datetime(1970, 1, 1, tzinfo=UTC)
"""`leads.not_before` of a lead that waits for no moment; a value like any other, so that an index can order by it."""

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

locks = Table(
    "locks",
    metadata,
    # A lock binds every campaign that holds the number: the callee does not care which one abandoned the call.
    Column("number_digest", LargeBinary(16), primary_key=True),
    Column("locked_until", UtcDateTime, nullable=False, index=True),
    sqlite_with_rowid=False,
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
    Column("caller_id", String(32), nullable=False, server_default=""),
    Column("time_zone", String(64), nullable=False, server_default=""),
    Column("guaranteed", Boolean, nullable=False, server_default=false()),
    # Which of the lead's numbers.
    Column("number_rank", Integer, nullable=False, server_default="0"),
    Column("greeting_end_at", UtcDateTime),
    Index("ix_attempts_campaign_committed_at", "campaign", "committed_at"),
)
# Small whatever the table's size: only the attempts of this moment are open.
Index(
    "ix_attempts_open",
    attempts.c.campaign,
    sqlite_where=attempts.c.ended_at.is_(None),
    postgresql_where=attempts.c.ended_at.is_(None),
)

# Everything that happened, see `softswitch.store.journal`. Rows are only ever added.
journal = Table(
    "journal",
    metadata,
    Column("position", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("at", UtcDateTime, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("campaign", String(64), nullable=False),
    Column("call_ref", String(64), nullable=False),
    Column("lead_ref", String(64), nullable=False),
    Column("agent", String(64), nullable=False),
    Column("content", Text, nullable=False),
    Index("ix_journal_at", "at"),
)
# The database itself refuses anything else; migration 0007 says the same to PostgreSQL.
for _what in ("update", "delete"):
    _refuses = DDL(  # type: ignore[no-untyped-call]
        f"CREATE TRIGGER journal_no_{_what} BEFORE {_what.upper()} ON journal "
        "BEGIN SELECT RAISE(ABORT, 'the journal is only ever added to'); END"
    )
    event.listen(journal, "after_create", _refuses.execute_if(dialect="sqlite"))

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

interviews = Table(
    "interviews",
    metadata,
    # What was answered, by call reference: no number and no field of a lead.
    Column("call_ref", String(64), primary_key=True),
    Column("campaign", String(64), nullable=False),
    Column("script", String(64), nullable=False),
    Column("agent", String(64), nullable=False),
    Column("node", String(64), nullable=False),
    Column("begun_at", UtcDateTime, nullable=False),
    Column("changed_at", UtcDateTime, nullable=False),
    Column("ended_at", UtcDateTime),
    # Empty while it goes on.
    Column("ending", String(16), nullable=False),
    Column("is_partial", Boolean, nullable=False),
    Column("answers", JSON, nullable=False),
    Column("seconds", JSON, nullable=False),
    Column("state", JSON, nullable=False),
    # Rises with every change: an older state never replaces a newer one.
    Column("revision", Integer, nullable=False),
    Column("cells", JSON, nullable=False),
    Index("ix_interviews_campaign_call_ref", "campaign", "call_ref"),
)
# As many as there are agents, whatever the table's size.
Index(
    "ix_interviews_going_on",
    interviews.c.call_ref,
    sqlite_where=interviews.c.ended_at.is_(None),
    postgresql_where=interviews.c.ended_at.is_(None),
)

survey_quotas = Table(
    "survey_quotas",
    metadata,
    # Complete interviews of each cell.
    Column("campaign", String(64), primary_key=True),
    Column("script", String(64), primary_key=True),
    Column("cell", String(64), primary_key=True),
    Column("filled", Integer, nullable=False),
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

accounts = Table(
    "accounts",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("password_hash", String(255), nullable=False),
    # One, or several with blanks between.
    Column("role", String(32), nullable=False),
    # Of the second factor: its encrypted secret, empty where there is none, and the newest step that was used.
    Column("totp", String(255), nullable=False, server_default=""),
    Column("totp_step", BigInteger, nullable=False, server_default="0"),
    Column("disabled", Boolean, nullable=False, server_default=false()),
)

campaign_orders = Table(
    "campaign_orders",
    metadata,
    # What people told a campaign last: "running", "paused", "stopped". It outlives the process.
    Column("campaign", String(64), primary_key=True),
    Column("wanted", String(16), nullable=False),
    Column("ordered_at", UtcDateTime, nullable=False),
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

pulse = Table(
    "pulse",
    metadata,
    # One row, rewritten to find out whether the store can write, and when it last could.
    Column("name", String(16), primary_key=True),
    Column("at", UtcDateTime, nullable=False),
)

requests = Table(
    "requests",
    metadata,
    # What one person asks for and another approves: `safeguards.four_eyes`. A legal hold is one of them.
    Column("request_ref", String(32), primary_key=True),
    Column("what", String(16), nullable=False),
    Column("call_refs", JSON, nullable=False),
    Column("reason", String(255), nullable=False),
    Column("asked_by", String(64), nullable=False),
    Column("asked_at", UtcDateTime, nullable=False, index=True),
    Column("for_s", Float, nullable=False),
    Column("approved_by", String(64), nullable=False, server_default=""),
    Column("approved_at", UtcDateTime),
    Column("used_by", String(64), nullable=False, server_default=""),
    Column("used_at", UtcDateTime),
)

playbacks = Table(
    "playbacks",
    metadata,
    # Who listened to which call, why, and for how long; empty until the listener's program has said so.
    Column("playback_ref", String(32), primary_key=True),
    Column("call_ref", String(120), nullable=False),
    Column("reason", String(255), nullable=False),
    Column("asked_by", String(64), nullable=False),
    Column("asked_at", UtcDateTime, nullable=False, index=True),
    Column("listened_s", Float),
)

tokens = Table(
    "tokens",
    metadata,
    # Of machines that read figures; SHA-256 of 256 random bits, which nobody can search through.
    Column("name", String(64), primary_key=True),
    Column("digest", LargeBinary(32), nullable=False, unique=True),
    Column("made_at", UtcDateTime, nullable=False),
)

never_dial = Table(
    "never_dial",
    metadata,
    # Hashes under the vault's index key, of another kind than `leads.number_digest`: no join tells who is on it. When
    # the list was imported stands in `screenings`.
    Column("number_digest", LargeBinary(16), primary_key=True),
    sqlite_with_rowid=False,
)
