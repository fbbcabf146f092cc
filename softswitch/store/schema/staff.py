"""Who works at the site and what they asked for: accounts, tokens, requests, playbacks, orders to campaigns; and the
store's own pulse."""

from sqlalchemy import JSON, BigInteger, Boolean, Column, Float, LargeBinary, String, Table, false

from softswitch.store.schema.base import UtcDateTime, metadata

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

tokens = Table(
    "tokens",
    metadata,
    # Of machines that read figures; SHA-256 of 256 random bits, which nobody can search through.
    Column("name", String(64), primary_key=True),
    Column("digest", LargeBinary(32), nullable=False, unique=True),
    Column("made_at", UtcDateTime, nullable=False),
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

campaign_orders = Table(
    "campaign_orders",
    metadata,
    # What people told a campaign last: "running", "paused", "stopped". It outlives the process.
    Column("campaign", String(64), primary_key=True),
    Column("wanted", String(16), nullable=False),
    Column("ordered_at", UtcDateTime, nullable=False),
)

pulse = Table(
    "pulse",
    metadata,
    # One row, rewritten to find out whether the store can write, and when it last could.
    Column("name", String(16), primary_key=True),
    Column("at", UtcDateTime, nullable=False),
)
