"""The daily sweep: destroys recordings, answers and leads' data whose time is over, and keeps signed certificates."""

import asyncio
import fcntl
import os
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import structlog

from softswitch.config import Settings, recordings_directory
from softswitch.errors import SoftswitchError, UsageError
from softswitch.exchange.audit.file import AuditFile
from softswitch.exchange.audit.keys import AuditKey
from softswitch.recordings.destruction import destroy, standing
from softswitch.recordings.ledger import Entry
from softswitch.recordings.names import read_name
from softswitch.safeguards import four_eyes
from softswitch.safeguards.audit import SWITCH
from softswitch.safeguards.retention import INTERVIEWS, LEADS, RECORDINGS, Certificate, KeptRecording, Rules, due
from softswitch.store.database import Store

log = structlog.get_logger(__name__)

CERTIFICATES = "recordings.certificates"
"""In the recordings folder: one signed JSON object a line."""
LOOK_S = 60.0
"""How often it is looked at whether a day is over."""
GRACE = timedelta(days=2)
"""What is due for longer was forgotten: a sweep comes each day."""
AT_ONCE = 500
"""Leads or interviews that one certificate names."""


@dataclass(slots=True)
class Swept:
    """What a sweep did, or would do."""

    recordings: dict[str, list[str]] = field(default_factory=dict)
    """Names of files, by the rule that they fall under."""
    interviews: dict[str, list[str]] = field(default_factory=dict)
    """Calls whose answers go, by rule."""
    leads: dict[str, list[str]] = field(default_factory=dict)
    held: int = 0
    """Calls under a legal hold."""


def rules_of(settings: Settings) -> Rules:
    own = {campaign.name: campaign.keep_days for campaign in settings.campaigns if campaign.keep_days is not None}
    return Rules(settings.recordings.keep_days, own)


class CertificateBook:
    """A folder's certificates, appended under a lock. Methods block; they raise UsageError where a file cannot be read
    or written."""

    def __init__(self, folder: Path, key: AuditKey) -> None:
        self.path = folder / CERTIFICATES
        self._key = key

    def append(self, what: str, things: Mapping[str, str], *, rule: str, by: str, at: datetime) -> Certificate:
        """Sign one more and have it on disk."""
        try:
            book = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(book, fcntl.LOCK_EX)
                content = os.pread(book, os.fstat(book).st_size, 0)
                lines = content.decode("ascii").splitlines()
                last = Certificate.from_line(lines[-1]) if lines else None
                made = Certificate.signed(
                    what, things, at=at.astimezone(UTC).isoformat(), rule=rule, by=by, after=last,
                    key=self._key.public, sign=self._key.sign,
                )  # fmt: skip
                line = made.to_line().encode("ascii") + b"\n"
                if os.write(book, line) < len(line):
                    os.ftruncate(book, len(content))
                    raise UsageError(f"{self.path} cannot be written: the disk is full")
                os.fsync(book)
            finally:
                os.close(book)
        except OSError as error:
            raise UsageError(f"{self.path} cannot be written: {error.strerror}") from error
        except ValueError:
            raise UsageError(f"{self.path} is damaged: see `softswitch recordings certificates`") from None
        return made

    def certified(self) -> set[str]:
        """Chain hashes of the tombstones that have a certificate."""
        return {chain for each in self.certificates() for chain in each.things.values() if chain}

    def named(self, what: str) -> set[str]:
        """Everything of a kind that has a certificate, by name."""
        return {name for each in self.certificates() if each.what == what for name in each.things}

    def lines(self) -> list[str]:
        """Every certificate as it stands there."""
        try:
            return self.path.read_text("ascii").splitlines()
        except FileNotFoundError:
            return []
        except (OSError, ValueError):
            raise UsageError(f"{self.path} cannot be read") from None

    def certificates(self) -> list[Certificate]:
        return [Certificate.from_line(line) for line in self.lines()]


class Retention:
    """Sweeps a site. What cannot be noted in the audit log before is not destroyed."""

    def __init__(
        self,
        settings: Settings,
        store: Store,
        audit: AuditFile,
        key: AuditKey,
        wall: Callable[[], datetime] = lambda: datetime.now(UTC),
        *,
        clock_trouble: Callable[[], str] = lambda: "",
    ) -> None:
        """clock_trouble: what speaks against the wall clock; one that runs ahead would destroy what is to be kept."""
        self._settings = settings
        self._key = key
        self._folder = recordings_directory(settings)
        self._rules = rules_of(settings)
        self._zone = ZoneInfo(settings.site.time_zone)
        self._store = store
        self._audit = audit
        self._book = CertificateBook(self._folder, key)
        self._wall = wall
        self._clock_trouble = clock_trouble
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Sweep now and after each midnight of the site's, until `stop`."""
        self._task = asyncio.get_running_loop().create_task(self._work(), name="retention")

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def sweep(self, by: str = SWITCH, *, dry_run: bool = False) -> Swept:
        """Destroy what is due. Raises SoftswitchError where store, audit log, ledger or folder do not allow it."""
        now, found = self._wall(), Swept()
        if not self._folder.is_dir():
            return found
        held = four_eyes.held(await self._store.hold_requests(), now)
        found.held = len(held)
        there = await asyncio.to_thread(standing, self._folder)
        calls = {name: named[0] for name in (*there.kept, *there.tombstones) if (named := read_name(Path(name)))}
        campaigns = await self._store.campaigns_by_call(sorted(set(calls.values())))
        kept = [
            KeptRecording(name, calls[name], campaigns.get(calls[name], ""), _moment(entry.closed_ns))
            for name, entry in there.kept.items()
            if name in calls
        ]
        for each in due(kept, self._rules, held, now):
            found.recordings.setdefault(self._rules.words(each.campaign), []).append(each.name)
        # Those that are in no certificate: so one that a crash kept from being written is written now.
        certified = await asyncio.to_thread(self._book.named, INTERVIEWS)
        for campaign in await self._store.interview_campaigns():
            ended = await self._store.interviews_ended_before(campaign, self._rules.before(campaign, now))
            if theirs := [call_ref for call_ref in ended if call_ref not in held and call_ref not in certified]:
                found.interviews[self._rules.words(campaign)] = theirs
        held_leads = await self._store.leads_of_calls(sorted(held))
        for campaign in await self._store.lead_campaigns():
            old = await self._store.leads_untouched_since(campaign, self._rules.before(campaign, now))
            if theirs := [lead for lead in old if lead not in held_leads]:
                found.leads[self._rules.words(campaign)] = theirs
        if not dry_run:
            await self._destroy_recordings(found.recordings, calls, campaigns, by, now)
            await self._destroy_rows(INTERVIEWS, found.interviews, self._store.blank_interviews, by, now)
            await self._destroy_rows(LEADS, found.leads, self._store.erase_leads, by, now)
        return found

    async def overdue(self) -> str:
        """What should have been destroyed and was not, in plain words; empty where the sweeps are done."""
        then = Retention(self._settings, self._store, self._audit, self._key, lambda: self._wall() - GRACE)
        found = await then.sweep(dry_run=True)
        late = {RECORDINGS: found.recordings, INTERVIEWS: found.interviews, LEADS: found.leads}
        counts = {what: sum(map(len, rules.values())) for what, rules in late.items()}
        told = ", ".join(f"{count} {what}" for what, count in counts.items() if count)
        return f"overdue for destruction: {told}; the daily sweep fails, and the log says why" if told else ""

    async def _destroy_recordings(
        self, wanted: Mapping[str, list[str]], calls: Mapping[str, str], campaigns: Mapping[str, str], by: str,
        now: datetime,
    ) -> None:  # fmt: skip
        for rule, names in wanted.items():
            await self._audit.note(by, "destroy recordings", subject=f"{len(names)} recordings", reason=rule)
        names = [name for part in wanted.values() for name in part]
        try:
            await asyncio.to_thread(destroy, self._folder, names, int(now.timestamp() * 1e9))
        except OSError as error:
            raise UsageError(f"recordings in {self._folder} cannot be destroyed: {error.strerror}") from error
        # Certificates by what the ledger says, so that one which a crash kept from being written is written now.
        there = await asyncio.to_thread(standing, self._folder)
        known = await asyncio.to_thread(self._book.certified)
        bare: dict[str, dict[str, str]] = defaultdict(dict)
        for name, tomb in there.tombstones.items():
            if tomb.chain.hex() not in known:
                bare[self._rules.words(campaigns.get(calls.get(name, ""), ""))][name] = tomb.chain.hex()
        for rule, things in bare.items():
            await self._certify(RECORDINGS, things, rule, by, now)

    async def _destroy_rows(
        self, what: str, wanted: Mapping[str, list[str]], destroy: Callable[[list[str]], Awaitable[object]], by: str,
        now: datetime,
    ) -> None:  # fmt: skip
        """What the store holds, by reference."""
        for rule, refs in wanted.items():
            await self._audit.note(by, f"destroy {what}", subject=f"{len(refs)} {what}", reason=rule)
            for start in range(0, len(refs), AT_ONCE):
                part = refs[start : start + AT_ONCE]
                await destroy(part)
                await self._certify(what, dict.fromkeys(part, ""), rule, by, now)
        if wanted:
            await self._store.scrub()

    async def _certify(self, what: str, things: Mapping[str, str], rule: str, by: str, now: datetime) -> None:
        made = await asyncio.to_thread(self._book.append, what, things, rule=rule, by=by, at=now)
        log.info("destroyed", what=what, count=len(things), rule=rule, certificate=made.number)

    async def _work(self) -> None:
        done = None
        while True:
            today = self._wall().astimezone(self._zone).date()
            if today != done:
                try:
                    if trouble := self._clock_trouble():
                        raise UsageError(f"nothing is destroyed by a clock in doubt: {trouble}")
                    await self.sweep()
                    done = today
                except SoftswitchError as error:  # tried again in a minute
                    log.error("retention sweep failed", reason=str(error))
                except Exception:  # a fault of ours; later sweeps must not end with this one
                    log.exception("retention sweep failed")
            await asyncio.sleep(LOOK_S)


def _moment(at_ns: int) -> datetime:
    return datetime.fromtimestamp(at_ns / 1e9, UTC)


def tombstones_of(entries: Mapping[str, Entry]) -> dict[str, str]:
    """Chain hash by name, as `safeguards.retention.inspect` wants them."""
    return {name: entry.chain.hex() for name, entry in entries.items()}
