"""Four eyes and play-back on a running site: each step is in the audit log before it is taken."""

import asyncio
import secrets
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from softswitch.errors import UsageError
from softswitch.exchange.audit.file import AuditFile
from softswitch.recordings.ledger import is_being_written
from softswitch.recordings.names import file_name, parts_of, read_name
from softswitch.safeguards import four_eyes
from softswitch.safeguards.four_eyes import Request, What, check_ask
from softswitch.store.database import Store
from softswitch.store.requests import Playback

PLAYBACK_GOOD = timedelta(hours=1)
"""So long the containers are given out after a play-back was asked for."""
LONGEST_LISTENED_S = 86_400.0


class Safekeeping:
    """KeyError for what there is not, UsageError with a text for the person who asked."""

    def __init__(self, store: Store, audit: AuditFile, recordings: Path, wall: Callable[[], datetime]) -> None:
        self._store = store
        self._audit = audit
        self._recordings = recordings
        self._wall = wall

    async def ask(self, what: What, call_refs: Sequence[str], by: str, reason: str, for_s: float) -> Request:
        """The first person's part. A hold counts from now on."""
        check_ask(what, call_refs, reason, for_s)
        for call_ref in call_refs:
            if not self._parts(call_ref) and await self._store.attempt(call_ref) is None:
                raise UsageError(f"there is no call {call_ref}")
        request = Request(secrets.token_hex(8), what, tuple(call_refs), reason, by, self._wall(), for_s)
        await self._audit.note(by, f"ask for {what}", subject=self._subject(request), reason=reason)
        await self._store.keep_request(request)
        return request

    async def approve(self, request_ref: str, by: str) -> Request:
        """The second person's part."""
        request, now = await self._request(request_ref), self._wall()
        four_eyes.check_approve(request, by, now)
        why = f"asked for by {request.asked_by}: {request.reason}"
        await self._audit.note(by, f"approve {request.what}", subject=self._subject(request), reason=why)
        if not await self._store.approve_request(request_ref, by, now):
            raise UsageError("somebody else has just approved it")
        return await self._request(request_ref)

    async def use(self, request_ref: str, call_refs: Sequence[str], by: str) -> Request:
        """Spend an approved export on these recordings. Nothing may be decrypted before it returns."""
        request = await self._store.request(request_ref)
        if request is None:
            raise UsageError(f"there is no request {request_ref}: `softswitch recordings requests` lists them")
        four_eyes.check_use(request, call_refs, self._wall())
        why = f"request {request_ref} of {request.asked_by}, approved by {request.approved_by}: {request.reason}"
        for call_ref in call_refs:
            await self._audit.note(by, "export recording", subject=call_ref, reason=why)
        if not await self._store.use_request(request_ref, by, self._wall()):
            raise UsageError("somebody else has just used it; each export is approved for itself")
        return request

    async def requests(self) -> list[Request]:
        return await self._store.requests()

    async def begin_playback(self, call_ref: str, by: str, reason: str) -> tuple[Playback, int]:
        """The play-back, and how many parts the recording has; noted with the reason first."""
        if sum(letter.isalpha() for letter in reason) < four_eyes.FEWEST_LETTERS:
            raise UsageError("say why; it is noted in the audit log")
        parts = self._parts(call_ref)
        if not parts:
            raise KeyError(call_ref)
        if any([await asyncio.to_thread(is_being_written, part) for part in parts]):
            raise UsageError("the call is still being recorded: wait for its end")
        playback = Playback(secrets.token_hex(8), call_ref, reason, by, self._wall())
        await self._audit.note(by, "play recording", subject=call_ref, reason=reason)
        await self._store.begin_playback(playback)
        return playback, len(parts)

    async def playback_part(self, playback_ref: str, part: int, by: str) -> Path:
        """The encrypted container, as it lies there, for who has asked for the play-back."""
        playback = await self._playback(playback_ref, by)
        if self._wall() >= playback.asked_at + PLAYBACK_GOOD:
            raise UsageError("it was asked for more than an hour ago: ask again")
        parts = self._parts(playback.call_ref)
        if not 1 <= part <= len(parts):
            raise KeyError(part)
        return parts[part - 1]

    async def note_listened(self, playback_ref: str, listened_s: float, by: str) -> None:
        """How long was listened; said once."""
        playback = await self._playback(playback_ref, by)
        if not 0 <= listened_s <= LONGEST_LISTENED_S:
            raise UsageError("that is no time of listening")
        await self._audit.note(by, "listened to recording", subject=playback.call_ref, reason=f"{listened_s:.0f} s")
        if not await self._store.note_listened(playback_ref, listened_s):
            raise UsageError("its time was noted before")

    async def playbacks(self) -> list[Playback]:
        return await self._store.playbacks()

    async def _request(self, request_ref: str) -> Request:
        request = await self._store.request(request_ref)
        if request is None:
            raise KeyError(request_ref)
        return request

    async def _playback(self, playback_ref: str, by: str) -> Playback:
        playback = await self._store.playback(playback_ref)
        if playback is None or playback.asked_by != by:
            raise KeyError(playback_ref)
        return playback

    def _parts(self, call_ref: str) -> list[Path]:
        named = read_name(Path(file_name(call_ref)))
        return parts_of(self._recordings, call_ref) if named == (call_ref, 1) else []

    def _subject(self, request: Request) -> str:
        return f"request {request.request_ref}: {' '.join(request.call_refs)}"
