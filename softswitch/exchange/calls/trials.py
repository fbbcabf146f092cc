"""Test calls: an administrator has one number called over one trunk, hears a tone, and the call ends by itself.

Such a call is like any other to the wire: its attempt is in the store before its INVITE leaves, the gate is asked about
the number (never-dial list, interlocks, suppression, toll guard), it is recorded, and where it cannot be it is over.
Calling hours are the callee's protection; here the administrator answers for who is rung, by name, in the audit log.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager
from dataclasses import asdict, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import structlog

from softswitch.calls.outcome import Outcome
from softswitch.dialler.attempt import CallSound, DialAttempt, Disposition
from softswitch.errors import SoftswitchError, UsageError
from softswitch.exchange.calls.dialled_numbers import NOBODY_DIALS
from softswitch.exchange.telephony.line import Line
from softswitch.exchange.telephony.lines import Lines
from softswitch.media.events import MediaEvent, PlayingEnded
from softswitch.recordings.names import file_name
from softswitch.safeguards.site_setup import TestCall

log = structlog.get_logger(__name__)

CAMPAIGN = "test call"
"""What stands for a campaign in its record; no campaign can have this name."""
HEARD = "tone:beep"
BEEPS = 3
LONGEST_S = 60.0
"""From the INVITE to the end, whatever happens."""
_FAILED = {
    Outcome.BUSY: "the number is busy",
    Outcome.NO_ANSWER: "nobody answered",
    Outcome.INVALID_NUMBER: "the carrier knows no such number",
}


class Trials:
    """Owner of the line of a test call; there is one at a time."""

    def __init__(
        self,
        lines: Lines,
        commit: Callable[[DialAttempt], Awaitable[None]],
        save: Callable[[DialAttempt], None],
        recordings: Path,
        *,
        mutating: Callable[[], AbstractContextManager[float]],
        new_ref: Callable[[], str],
        wall: Callable[[], datetime],
    ) -> None:
        """mutating: within it a line may be placed or hung up; see `premises.Site.mutating`."""
        self._lines = lines
        self._commit = commit
        self._save = save
        self._recordings = recordings
        self._mutating = mutating
        self._new_ref = new_ref
        self._wall = wall
        self._number = ""
        self._line: Line | None = None
        self._record: DialAttempt | None = None
        self._beeps = 0
        self._last: TestCall | None = None
        self._limit: asyncio.TimerHandle | None = None

    async def place(self, trunk: str, number: str, caller_id: str) -> TestCall:
        """Call a number (E.164). Raises UsageError while another test call is up, or where there is no port for it."""
        if self._record is not None:
            raise UsageError("a test call is under way: wait until it is over")
        call_ref = self._new_ref()
        record = DialAttempt(call_ref, "", CAMPAIGN, trunk, self._wall(), caller_id=caller_id)
        self._record, self._number, self._beeps = record, number, 0
        self._last = TestCall(call_ref, trunk, "dialling")
        try:
            await self._commit(record)
            with self._mutating() as now:
                self._line = self._lines.dial(self._new_ref(), [trunk], number, caller_id, self, now)
                self._lines.join(call_ref, self._line.leg_id, "", now)
        except SoftswitchError as error:
            self._end("failed", Outcome.FAILED, 0, str(error))
            raise
        if self._record is not None:  # else the gate has refused it already
            self._limit = asyncio.get_running_loop().call_later(LONGEST_S, self.end)
        return self._last

    def end(self) -> None:
        """Hang up, if there is a call."""
        if self._line is not None:
            with self._mutating() as now:
                self._lines.hang_up(self._line, now)

    def last(self) -> TestCall | None:
        """The call of this moment, or the last one that was."""
        return self._last

    def may_ring(self, number: str) -> str | None:
        """For the gate: None where an administrator is just trying this number."""
        return None if self._record is not None and number == self._number else NOBODY_DIALS

    # What the line reports.

    def line_ringing(self, line: Line, now: float) -> None:
        if line is self._line and self._record is not None and self._record.ringing_at is None:
            self._record = replace(self._record, ringing_at=self._wall())
            self._tell("ringing")

    def line_answered(self, line: Line, now: float) -> None:
        if line is not self._line or self._record is None:
            self._lines.hang_up(line, now)
            return
        name = file_name(self._record.call_ref)
        try:
            self._lines.plane.start_recording(line.media, self._recordings / name)
            self._lines.plane.play(line.media, HEARD)
        except SoftswitchError as error:
            log.error("no recording, no call", call=self._record.call_ref, reason=str(error))
            self._lines.hang_up(line, now)
            return
        self._record = replace(self._record, answered_at=self._wall(), recording=name)
        self._tell("answered")

    def line_failed(self, line: Line, outcome: Outcome, status: int, now: float) -> None:
        if line is self._line:
            why = line.blocked or _FAILED.get(outcome) or f"the carrier answered {status or 'nothing'} ({outcome})"
            self._end("failed", outcome, status, why)

    def line_ended(self, line: Line, by_peer: bool, now: float) -> None:
        if line is self._line and self._record is not None:
            answered = self._record.answered_at is not None
            self._end("ended" if answered else "failed", Outcome.ANSWERED if answered else Outcome.FAILED, 200,
                      "" if answered else "the call could not be recorded", line.sound)  # fmt: skip

    def line_media(self, line: Line, event: MediaEvent) -> None:
        if not isinstance(event, PlayingEnded) or line is not self._line:
            return
        self._beeps += 1
        try:
            if self._beeps < BEEPS:
                self._lines.plane.play(line.media, HEARD)
                return
        except SoftswitchError as error:
            log.warning("the test tone cannot be played", reason=str(error))
        self._lines.hang_up(line, self._lines.now)

    def line_note(self, line: Line) -> dict[str, Any] | None:
        """Nobody takes a test call up: with this process it is over."""
        return None

    def _tell(self, state: str, reason: str = "") -> None:
        if self._last is not None:
            self._last = replace(self._last, state=state, reason=reason)

    def _end(self, state: str, outcome: Outcome, status: int, reason: str, sound: CallSound | None = None) -> None:
        record, self._record, self._line = self._record, None, None
        if self._limit is not None:
            self._limit.cancel()
            self._limit = None
        self._tell(state, reason)
        if record is None:
            return
        disposition = Disposition.CONNECTED if record.answered_at is not None else Disposition.FAILED
        if outcome is Outcome.BLOCKED:
            disposition = Disposition.BLOCKED
        self._save(
            replace(
                record, ended_at=self._wall(), outcome=str(outcome), disposition=str(disposition), sip_status=status,
                **asdict(sound or CallSound()),
            )
        )  # fmt: skip
