"""Opening a site: what is read, resolved and bound before the first call, each with its own plain error."""

import asyncio
import secrets
from collections.abc import Callable, Sequence
from datetime import datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import numpy as np
import structlog

import softswitch.pacing
from softswitch.config import (
    CampaignSettings,
    Settings,
    campaign_of,
    carrier_account,
    phone_account,
    read_secret,
    recording_key,
    recordings_directory,
)
from softswitch.dialler.callbacks import MISSED
from softswitch.dialler.campaign import Campaign, Purpose
from softswitch.dialler.dialling import Dialler
from softswitch.dialler.locks import NumberLocks
from softswitch.dialler.rules import rules_of
from softswitch.errors import UsageError
from softswitch.exchange.running.premises import Site, wall
from softswitch.exchange.running.uptake import Left
from softswitch.exchange.telephony.ports import open_ports
from softswitch.exchange.telephony.signing import with_identity
from softswitch.exchange.telephony.tracing import Tracing
from softswitch.media.kernels import cache_folders, discard_stale_kernels
from softswitch.pacing.controller import step
from softswitch.recordings.ledger import Ledger, LedgerBroken
from softswitch.safeguards.gate import Gate
from softswitch.safeguards.message_masking import without_secrets
from softswitch.safeguards.never_dial import NeverDialList
from softswitch.sip.hep import CaptureAgent
from softswitch.sip.hop import Hop, OwnHops
from softswitch.store.database import Store
from softswitch.transports.driver import Driver
from softswitch.transports.hep import CaptureSender, open_capture_sender
from softswitch.transports.stack import TransportStack
from softswitch.transports.tokens import Tokens
from softswitch.ua.pool import UserAgentPool

log = structlog.get_logger(__name__)

MOST_MISSED = 100_000
"""Callbacks of one day."""


def new_ref() -> str:
    """An opaque name for a call or a leg."""
    return secrets.token_hex(8)


def make_folders(settings: Settings) -> None:
    """The data and recordings folders, for this user alone."""
    for folder in (settings.site.data_directory, recordings_directory(settings)):
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise UsageError(f"the folder {folder} cannot be made: {error.strerror}") from error


async def take_up_recordings(settings: Settings) -> None:
    """Take into the ledger what a crash cut off. Raises UsageError without the auditor's key or a ledger that is whole:
    no recording, no call."""
    recording_key(settings)
    folder = recordings_directory(settings)
    try:
        adopted = await asyncio.to_thread(Ledger(folder).adopt)
    except LedgerBroken as error:
        raise UsageError(f"the recordings' ledger is broken, see `softswitch recordings verify`: {error}") from error
    except OSError as error:
        raise UsageError(f"the recordings' ledger in {folder} cannot be written: {error.strerror}") from error
    for entry in adopted:
        log.warning("a recording was cut off", file=entry.name, bytes=entry.size)


def campaigns_of(settings: Settings) -> list[Campaign]:
    """As the dialler, and whoever puts its books right, knows them."""
    return [campaign_of(each, settings) for each in settings.campaigns]


async def take_up_store(store: Store, left: Left, campaigns: Sequence[Campaign]) -> None:
    """Close what a crash left open and nobody goes on with, by the rules of its campaign."""
    for attempt in left.attempts():
        try:
            await store.save_attempt(attempt)  # the last of what it was told may have been lost
        except UsageError:
            log.error("a call is unknown to the store", call=attempt.call_ref)
    recovery = await store.release_leads(going_on=left.call_refs(), campaigns=campaigns)
    if recovery.attempts_closed:
        log.warning("calls were cut off", calls=recovery.attempts_closed, abandoned=recovery.abandoned)


async def import_lists(store: Store, settings: Settings, never_dial: NeverDialList | None) -> None:
    """Import the lists that the configuration names, before anything is dialled from them."""
    for campaign in settings.campaigns:
        if campaign.leads is None:
            continue
        report = await store.import_leads(
            campaign.leads,
            campaign.name,
            country=settings.site.country,
            time_zone=settings.site.time_zone,
            never_dial=None if never_dial is None else never_dial.contains,
            marketing=campaign.purpose is Purpose.MARKETING,
        )
        log.info("leads imported", campaign=campaign.name, rows=report.rows, accepted=report.accepted)


def make_tracing(settings: Settings, driver: Driver, own: Callable[[], OwnHops]) -> Tracing | None:
    """None where the site keeps no messages and tells no capture server."""
    trace = settings.trace
    if not trace.messages and not trace.homer:
        return None
    return Tracing(max(1, trace.messages), trace.megabytes * 1_000_000, own, lambda: driver.now)


async def open_homer(settings: Settings, tracing: Tracing) -> CaptureSender:
    """Begin to tell the capture server. Raises UsageError where it has no address."""
    trace = settings.trace
    sender = await open_capture_sender(
        trace.homer,
        CaptureAgent(trace.homer_id, read_secret(trace.homer_password, trace.homer_password_file)),
        own=tracing.own,
        epoch=tracing.epoch,
        show=without_secrets if trace.homer_numbers == "whole" else tracing.masked,
        correlation_of=tracing.correlation_of,
    )
    tracing.add(sender.note)
    return sender


async def open_sip(
    settings: Settings, driver: Driver, gate: Gate, tracing: Tracing | None = None
) -> tuple[TransportStack, UserAgentPool]:
    """Take the SIP ports. The pool is not driven yet, and nothing is served until `TransportStack.serve`."""
    sip = settings.sip

    def receive(data: bytes, source: Hop) -> None:
        driver.receive_datagram(pool, data, source)

    transports = await open_ports(sip, tracing.receiving(receive) if tracing else receive, driver, lambda: pool)
    try:
        pool = UserAgentPool(
            listens=transports.listens,
            realm=settings.site.name,
            accounts=[with_identity(carrier_account(trunk), trunk) for trunk in settings.trunks],
            phones=[
                *[phone_account(agent) for agent in settings.agents if agent.phone_username],
                *[phone_account(supervisor) for supervisor in settings.supervisors if supervisor.phone_username],
            ],
            gate=gate,
            new_token=Tokens(),
            phone_digests=sip.phone_digests,
            session_s=sip.session_s,
            rings_reliably=sip.rings_reliably,
            may_transfer=sip.may_transfer,
            limits=settings.defence.limits(),
        )
        if pool.defence is not None:
            pool.defence.trust(settings.defence.trusted)
        if tracing is not None:
            pool.name_calls_in(tracing.names)
    except BaseException:
        transports.close()
        raise
    return transports, pool


async def take_up_locks(locks: NumberLocks, store: Store, settings: Settings) -> None:
    """Numbers that are locked, and those that rest by the rules of some campaign."""
    now = wall()
    for number, until in (await store.locked_numbers(now)).items():
        locks.lock_hash(number, until)
    longest_s = max((max(each.abandoned_lock_s, each.machine_lock_s) for each in settings.campaigns), default=0.0)
    for call in await store.rested(now - timedelta(seconds=longest_s), now):
        locks.rest_hash(call.number, call.ended_at, abandoned=call.abandoned)


@cache
def discard_stale_pacing() -> None:
    """Before the kernels of pacing first run: what was compiled from other sources is not used."""
    discard_stale_kernels(*cache_folders(step), packages=(softswitch.pacing,))


async def make_dialler(site: Site, settings: CampaignSettings) -> Dialler:
    """A campaign's dialler as its earlier days left it: suppressed numbers, locks, today's ledger."""
    discard_stale_pacing()
    campaign, zone = campaign_of(settings, site.settings), site.settings.site.time_zone
    site.suppression.add_hashes(await site.store.suppressed(campaign.name), campaign.name)
    rules = rules_of(campaign, campaign.rules)
    dialler = Dialler(
        campaign,
        suppression=site.suppression,
        rng=np.random.default_rng(),
        new_ref=new_ref,
        board=site.board,
        locks=site.locks,
        rules=rules,
        time_zone=zone,
        blend=site.blend,
    )
    dialler.set_wall(wall(), site.driver.now)
    today = wall().astimezone(ZoneInfo(zone)).date()
    for back in range(rules.period_days):
        dialler.restore_day(await site.store.attempt_counts(campaign.name, today - timedelta(days=back), zone))
    midnight = datetime.combine(today, time.min, ZoneInfo(zone))
    missed = await site.store.callbacks(campaign.name, (MISSED,), MOST_MISSED, since=midnight)
    dialler.restore_callbacks_missed(len(missed), site.driver.now)
    reviews = await site.store.false_positives(campaign, today, dialler.false_positives.prior)
    dialler.receive_reviews(reviews.reviewed, reviews.people)
    return dialler
