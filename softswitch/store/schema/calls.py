"""What came of calls: attempts (the CDRs), verdicts and their reviews, interviews, and a journal of everything.

They refer to leads by name without a foreign key: they outlive the leads' deletion.
"""

from sqlalchemy import DDL, JSON, BigInteger, Boolean, Column, Float, Index, Integer, String, Table, Text, event, false

from softswitch.store.schema.base import UtcDateTime, metadata

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
