"""The tables: one schema for SQLite and PostgreSQL. All of them are known to `metadata` once this is imported."""

from softswitch.store.schema.base import ANY_TIME, UtcDateTime, metadata
from softswitch.store.schema.callees import callbacks, lead_numbers, leads, lists, vault, vault_keys, vault_root
from softswitch.store.schema.calls import amd_reviews, amd_verdicts, attempts, interviews, journal, survey_quotas
from softswitch.store.schema.objections import locks, never_dial, screenings, suppressions
from softswitch.store.schema.staff import accounts, campaign_orders, playbacks, pulse, requests, tokens

__all__ = [
    "ANY_TIME",
    "UtcDateTime",
    "accounts",
    "amd_reviews",
    "amd_verdicts",
    "attempts",
    "callbacks",
    "campaign_orders",
    "interviews",
    "journal",
    "lead_numbers",
    "leads",
    "lists",
    "locks",
    "metadata",
    "never_dial",
    "playbacks",
    "pulse",
    "requests",
    "screenings",
    "suppressions",
    "survey_quotas",
    "tokens",
    "vault",
    "vault_keys",
    "vault_root",
]
