"""The dialler: one campaign's machine, from the hopper to the disposition.

Here are its orders, and all that happens to its agents and calls. Of its leads it is told in `supplied`, of what was
before it in `continuing`.
"""

from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import datetime

from softswitch.amd.verdict import Cause, Verdict
from softswitch.calls.outcome import Outcome
from softswitch.dialler.agents import AgentState, CallEnd
from softswitch.dialler.attempt import AGENT_DISPOSITIONS, CallSound, Disposition
from softswitch.dialler.call import BEFORE_ANSWER, LIVE, RECALLABLE, UNANSWERED, WITH_MACHINE, Call, CallState
from softswitch.dialler.continuing import ContinuedCampaign
from softswitch.dialler.detection import Finding
from softswitch.dialler.rules import faults
from softswitch.errors import UsageError


class Dialler(ContinuedCampaign):
    """One campaign. After any mutation drain `next_event`, then re-arm by `next_timer`.

    Several diallers may share a board, a suppression list and number locks; after a mutation of one, drain and re-arm
    all that share the board: `next_timer` then says 0.0 where a change on the board concerns this campaign.

    Every input may come twice, late, or out of order: what names a call that is over, or tells of what is past, is
    ignored.
    """

    # the campaign

    def start(self, now: float, besides: Sequence[str] = ()) -> None:
        """Dial from now on. Raises UsageError with every reason why this campaign may not.

        besides: reasons of the site's own, which the campaign does not know.
        """
        today = self._shift.ledger.day_of(self._shift.wall(now))
        found = [*faults(self.campaign, self._rules, self._screening_age_s(now), today), *besides]
        if found:
            raise UsageError(f"campaign {self.campaign.name} cannot start: {'; '.join(found)}")
        self._wanted, self._killed = "running", False
        self._supply.ask_anew()
        self._settle(now)

    def pause(self, now: float) -> None:
        """No new calls; those that ring or talk go on, and the hopper keeps its leads."""
        if self._wanted == "running":
            self._wanted = "paused"
            self._settle(now)

    def stop(self, now: float) -> None:
        """No new calls, and the hopper's leads go back to where they came from."""
        self._wanted = "stopped"
        self._supply.give_all_back(now)
        self._settle(now)

    def kill(self, now: float, clip: str = "") -> None:
        """The kill switch: agents muted, the closing message (or else the information message) played, calls ended.

        What rings is not cut off before the minimum ring, for this too would be a nuisance to whoever runs to the
        telephone; a call answered in that time hears the message from its first sample, and counts as abandoned.
        """
        self._killed, self._closing_clip = True, clip or self.campaign.information_message
        for call in list(self._shift.calls.values()):
            if call.state is CallState.PREVIEW:
                self._placed.unwanted(call, now)
            elif call.state in UNANSWERED:
                call.guaranteed = False
                self._books.part_from_agent(call, now, wrap_up=False)
                self._placed.unwanted(call, now)
            else:
                self._answered.kill(call, self._closing_clip, now)
        self.stop(now)

    def ring_out(self, now: float) -> None:
        """The process is about to end: no new calls. What rings is cut off once the minimum ring is over, and whoever
        answers before that is served; what has not rung is cut off at once."""
        self.stop(now)
        for call in list(self._shift.calls.values()):
            if call.state is CallState.PLACED:
                self._placed.take_up(call, now)
            elif call.state in RECALLABLE:
                self._placed.unwanted(call, now)
        self._settle(now)

    def receive_interlocks(self, closed: bool, now: float) -> None:
        """Whether every interlock is closed; until told so, nothing is dialled."""
        self._interlocks_closed = closed
        self._settle(now)

    def receive_channels(self, free: int, now: float) -> None:
        """Channels free on the trunk just now, calls whose INVITE has been told of counted as taken."""
        self._pace.receive_channels(free)
        self._settle(now)

    # agents

    def receive_agent(self, agent: str, state: AgentState, now: float, code: str = "") -> None:
        """READY, PAUSED or OFFLINE; see `AgentBoard.receive_state`."""
        self.board.receive_state(agent, state, now, code)
        self._settle(now)

    def receive_wrapped_up(
        self, agent: str, disposition: Disposition | None, now: float, callback_at: datetime | None = None
    ) -> None:
        """The agent is done with the last call; `disposition` if one is chosen with it."""
        call = self._books.wrapping.get(agent)
        if call is not None and disposition is not None:
            self.receive_disposition(call.attempt.call_ref, disposition, now, callback_at)
        self.board.receive_wrapped_up(agent, now)
        self._settle(now)

    def receive_disposition(
        self, call_ref: str, disposition: Disposition, now: float, callback_at: datetime | None = None
    ) -> None:
        """An agent's word on a call of theirs, in it, in the wrap-up or later. UsageError for what no agent may say."""
        if disposition not in AGENT_DISPOSITIONS:
            raise UsageError(f"an agent cannot choose {disposition.value!r}: it is what the system tells")
        call = self._shift.calls.get(call_ref) or self._books.recent.get(call_ref)
        if call is not None:
            self._books.dispose(call, disposition, now, callback_at)
            if disposition is Disposition.OPT_OUT:
                for number in call.lead.every_number:
                    self.receive_suppressed(number, now)
        self._settle(now)

    # one attempt, before its answer

    def receive_attempt_committed(self, call_ref: str, now: float) -> None:
        call = self._call(call_ref, CallState.COMMITTING)
        if call is not None:
            self._placed.committed(call, now, may_dial=self._may_place(now))
            self._settle(now)

    def receive_commit_failed(self, call_ref: str, now: float) -> None:
        """The store did not take the attempt: no call, and the lead is as it was."""
        call = self._call(call_ref, CallState.COMMITTING)
        if call is not None:
            self._pace.hold(now + self._margins.commit_retry_s)
            self._supply.put_back(self._books.withdraw(call, now, committed=False), now)
            self._settle(now)

    def receive_turn(self, call_ref: str, now: float) -> bool:
        """The carrier takes the call now, for which it may have waited long; whether it may leave. If not, it is over,
        and its lead as it was."""
        call = self._call(call_ref, CallState.PLACED)
        if call is not None and self._placed.may_leave(call, now, may_dial=self._may_place(now)):
            return True
        self.receive_not_placed(call_ref, now)
        return False

    def receive_not_placed(self, call_ref: str, now: float) -> None:
        """It waited for its turn on the carrier, and does so no longer."""
        call = self._call(call_ref, *BEFORE_ANSWER)
        if call is not None and call.attempt.invited_at is None:
            self._placed.take_back(call, now)
            self._settle(now)

    def receive_invited(self, call_ref: str, now: float) -> None:
        call = self._call(call_ref, *BEFORE_ANSWER)
        if call is not None:
            self._placed.invited(call, now)
            self._settle(now)

    def receive_trunk(self, call_ref: str, trunk: str, now: float) -> None:
        """The trunk that carries the call, or carries it now: another try at another trunk is the same attempt."""
        call = self._call(call_ref, *BEFORE_ANSWER)
        if call is not None and trunk != call.attempt.trunk:
            self._books.note(call, silently=True, trunk=trunk)

    def receive_ringing(self, call_ref: str, now: float, *, alerted: bool = True) -> None:
        """180 (`alerted`) or another 18x. The ring clock runs from the first of them, and anew from the first 180: a
        183 may come before any telephone rings, and without a 180 it is all that can be known."""
        call = self._call(call_ref, CallState.PLACED, CallState.RINGING)
        if call is not None and (call.state is CallState.PLACED or (alerted and not call.alerted)):
            self._placed.ringing(call, now, alerted=alerted)
            self._settle(now)

    def receive_failed(self, call_ref: str, outcome: Outcome, status: int, now: float) -> None:
        """The call ended unanswered; or, with a 200, as the callee lifted the receiver of a call that we cancelled."""
        call = self._call(call_ref, *BEFORE_ANSWER)
        if call is not None and status == 200:
            self._placed.invited(call, now)
            self._answered.lifted_in_vain(call, now)
            self._settle(now)
        elif call is not None:
            self._placed.failed(call, outcome, status, now)
            self._settle(now)
        else:  # told for an answered call, it is an end all the same
            self.receive_ended(call_ref, by_callee=False, now=now)

    def receive_answered(self, call_ref: str, now: float) -> None:
        """200 OK, also one that our CANCEL crossed: whoever has lifted the receiver is served."""
        call = self._call(call_ref, *BEFORE_ANSWER)
        if call is not None:
            self._placed.invited(call, now)
            self._answered.answered(call, now)
            if self._killed:
                self._answered.kill(call, self._closing_clip, now)
            self._settle(now)

    # and after it

    def receive_ended(self, call_ref: str, by_callee: bool, now: float) -> None:
        call = self._call(call_ref, *BEFORE_ANSWER, *LIVE, CallState.ENDING)
        if call is not None:
            self._books.close(call, Outcome.FAILED, 0, now, by_callee=by_callee and call.state is not CallState.ENDING)
            self._settle(now)

    def receive_speech_started(self, call_ref: str, at: float, now: float) -> None:
        call = self._call(call_ref, *LIVE)
        if call is not None:
            self._answered.speech_started(call, at, now)
            self._judged.speech_started(call, at, now)
            if self._killed:
                self._answered.kill(call, self._closing_clip, now)
            self._settle(now)

    def receive_verdict(
        self,
        call_ref: str,
        verdict: Verdict,
        cause: Cause,
        audio_ms: int,
        now: float,
        *,
        probability: float | None = None,
        greeting_s: float | None = None,
    ) -> bool:
        """The detector's first verdict on a call, or a correction; whether it takes the call for nobody's.

        greeting_s: from the first voice to the end of a greeting that is complete.
        """
        call = self._call(call_ref, *LIVE, CallState.ENDING)
        if call is None:
            return False
        acted = self._judged.verdict(call, Finding(verdict, cause, audio_ms, probability, greeting_s), now)
        if self._killed:
            self._answered.kill(call, self._closing_clip, now)
        self._settle(now)
        return acted

    def receive_beep(self, call_ref: str, now: float) -> None:
        """A voicemail beep has ended on the callee's side."""
        call = self._call(call_ref, *WITH_MACHINE)
        if call is not None:
            self._judged.beep_heard(call, now)
            self._settle(now)

    def receive_greeting_ended(self, call_ref: str, now: float) -> None:
        """Silence after a machine's greeting, so long that a message may be left without a beep."""
        call = self._call(call_ref, CallState.LISTENING)
        if call is not None:
            self._judged.greeting_ended(call, now)
            self._settle(now)

    def receive_agent_heard(self, call_ref: str, at: float, now: float, agent: str = "") -> None:
        """The agent's first packet to the callee, at the media plane's time; `agent` guards against late news."""
        call = self._call(call_ref, CallState.CONNECTING)
        if call is not None:
            self._answered.agent_heard(call, at, now, agent)
            self._settle(now)

    def receive_callee_heard(self, call_ref: str, at: float) -> None:
        """The callee's first packet to an agent, at the media plane's time."""
        call = self._call(call_ref, CallState.CONNECTING, CallState.IN_CALL)
        if call is not None:
            self._answered.callee_heard(call, at)

    def receive_message_started(self, call_ref: str, at: float, now: float, clip: str = "") -> None:
        """clip: what has started; the end of another one, which the message cut short, is no news of the message."""
        call = self._call(call_ref, CallState.MESSAGE, CallState.VOICEMAIL)
        if call is not None and clip in ("", call.clip):
            self._judged.message_started(call, at)
            self._settle(now)

    def receive_message_ended(self, call_ref: str, now: float, clip: str = "") -> None:
        call = self._call(call_ref, CallState.MESSAGE, CallState.VOICEMAIL)
        if call is not None and clip in ("", call.clip):
            self._judged.message_ended(call, now)
            self._settle(now)

    def receive_media_failed(self, call_ref: str, now: float) -> None:
        call = self._call(call_ref, *LIVE)
        if call is not None:
            self._answered.media_failed(call, now)
            self._settle(now)

    def receive_recording(self, call_ref: str, file_name: str, now: float) -> None:
        self._note(call_ref, now, recording=file_name)

    def receive_sound(self, call_ref: str, sound: CallSound, now: float) -> None:
        self._note(call_ref, now, **asdict(sound))

    def hang_up(self, call_ref: str, now: float, because: CallEnd | None = None) -> None:
        """An agent or a supervisor ends the call; one that rings is cancelled when the minimum ring is over.

        because: what an agent is told who did not end it.
        """
        call = self._shift.calls.get(call_ref)
        if call is None:
            return
        if call.state in RECALLABLE:
            self._placed.unwanted(call, now)
        elif call.state in LIVE:
            self._answered.hang_up(call, "asked", now, wrap_up=True, because=because)
        self._settle(now)

    def _call(self, call_ref: str, *states: CallState) -> Call | None:
        call = self._shift.calls.get(call_ref)
        return call if call is not None and call.state in states else None

    def _note(self, call_ref: str, now: float, **changes: str | int) -> None:
        """Into the record of a call, also of one that is over; told again only if it was told before."""
        call = self._shift.calls.get(call_ref) or self._books.recent.get(call_ref)
        if call is None or replace(call.attempt, **changes) == call.attempt:  # type: ignore[arg-type]
            return
        self._books.note(call, silently=call.state is not CallState.ENDED, **changes)
        self._settle(now)
