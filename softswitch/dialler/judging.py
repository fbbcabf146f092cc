"""What verdicts do to calls: agents freed from machines, people brought back from them, messages left on them.

The detector goes on listening, so every verdict may be corrected. In `amd = "parallel"` the agent is on the call from
its answer and a verdict can only take the call away; in `before_agent` a verdict, or the end of the two-second rule,
connects. What takes a call away, and what brings it back, is the same in both. See `detection` for what each verdict
means, and `Call.deadline` for the clocks.
"""

from softswitch.amd.verdict import Cause, Verdict
from softswitch.dialler.answering import AnsweredCalls
from softswitch.dialler.attempt import Disposition
from softswitch.dialler.books import Books
from softswitch.dialler.call import LIVE, WITH_MACHINE, Call, CallState
from softswitch.dialler.campaign import AmdMode
from softswitch.dialler.detection import GREETED, NOBODY_THERE, SOMEBODY_THERE, Finding
from softswitch.dialler.events import Listen, PlayMessage
from softswitch.dialler.shift import Shift

NO_TELEPHONE_RINGS = frozenset({Cause.BUSY, Cause.DIAL_TONE})
"""Behind any other tone, some country's ringing among them, somebody may be on the way to the telephone."""


class JudgedCalls:
    """Every method ignores a call that is past what it tells of."""

    def __init__(self, shift: Shift, books: Books, answered: AnsweredCalls) -> None:
        self._shift = shift
        self._books = books
        self._answered = answered
        self._campaign = shift.campaign
        self._margins = shift.margins

    def verdict(self, call: Call, finding: Finding, now: float) -> bool:
        """A first verdict or a correction; whether it takes the call for nobody's.

        One that is not believed decides nothing, and does not stand in the call's record.
        """
        if self._campaign.amd is AmdMode.OFF or finding.verdict in (Verdict.NONE, Verdict.HANGUP):
            return False
        if call.findings:
            self._books.note(call, silently=True, amd_corrections=call.findings)
        call.findings += 1
        if not self._believes(call, finding, now):
            return False
        nobody = finding.verdict in NOBODY_THERE
        rang = call.verdict is Verdict.TONE
        call.verdict, call.cause = finding.verdict, finding.cause
        self._books.note(
            call,
            # Told where it ends the call: after a crash it must not be taken for an abandoned one.
            silently=not nobody,
            amd_verdict=finding.verdict.name,
            amd_cause=finding.cause.name,
            amd_audio_ms=finding.audio_ms,
            amd_probability=finding.probability,
            amd_acted=nobody,
            amd_freed=call.attempt.amd_freed or (nobody and call.state in (CallState.CONNECTING, CallState.IN_CALL)),
        )
        if finding.verdict in GREETED and finding.greeting_s is not None:
            self._answered.greeted(call, finding.greeting_s, now)
        if nobody:
            self._nobody_there(call, now)
        elif call.state in WITH_MACHINE:
            self._person_after_all(call, now, now, rang=rang)
        return nobody

    def speech_started(self, call: Call, at: float, now: float) -> None:
        """While ringing is heard out, a voice is somebody who has lifted the receiver: the rule's clock starts there.

        at: when the voice began, monotonic.
        """
        if call.state is CallState.LISTENING and call.verdict is Verdict.TONE:
            call.verdict, call.cause = Verdict.NONE, Cause.NONE
            self._person_after_all(call, at, now, rang=True)

    def beep_heard(self, call: Call, now: float) -> None:
        """A machine's beep has ended: it records from here on. A message that was begun before is begun anew."""
        if not call.beeped and call.state in WITH_MACHINE and self._may_leave_message(call):
            call.beeped = True
            self._listen(call, now, now + self._margins.after_beep_s)

    def greeting_ended(self, call: Call, now: float) -> None:
        """A machine's greeting has ended, and no beep has come for a while."""
        if call.state is CallState.LISTENING and not call.beeped and self._may_leave_message(call):
            self._leave_message(call, now)

    def message_started(self, call: Call, at: float) -> None:
        if call.state is CallState.VOICEMAIL:
            self._books.note(call, voicemail_at=self._shift.wall(at))
        elif call.state is CallState.MESSAGE:
            self._answered.message_started(call, at)

    def message_ended(self, call: Call, now: float) -> None:
        if call.state is CallState.VOICEMAIL:
            call.message_left = True
            self._answered.hang_up(call, "voicemail-left", now, wrap_up=False)
        elif call.state is CallState.MESSAGE:
            self._answered.hang_up(call, "message-ended", now, wrap_up=False)

    def handle_timer(self, call: Call, now: float) -> None:
        """The beep is over; or none came, nobody lifted the receiver, the message found no end."""
        if call.state is CallState.LISTENING and call.beeped and self._may_leave_message(call):
            self._leave_message(call, now)
        else:
            self._answered.hang_up(call, "machine", now, wrap_up=False)

    def _believes(self, call: Call, finding: Finding, now: float) -> bool:
        if call.state not in LIVE:
            return False  # it is being ended
        if finding.verdict not in NOBODY_THERE:
            if call.state in WITH_MACHINE:
                return finding.verdict in SOMEBODY_THERE
            return call.verdict is not Verdict.HUMAN or finding.verdict is Verdict.SCREENING
        if call.state is CallState.MESSAGE:
            return False  # the call is counted, and a machine may keep what it hears
        if call.state is not CallState.IN_CALL:
            return True  # nobody talks to the callee who could tell better
        assert call.answered_at is not None
        since_answer_s = now - call.answered_at
        if finding.cause is Cause.BEEP:
            return since_answer_s <= self._margins.beep_window_s
        if since_answer_s > self._margins.machine_window_s:
            return False
        if call.verdict is not Verdict.HUMAN:
            return True
        return finding.probability is not None and finding.probability >= self._margins.correction_probability

    def _nobody_there(self, call: Call, now: float) -> None:
        """The agent is free again; the call goes on only for a message, or for a receiver that may yet be lifted."""
        self._books.record_machine(call)
        assert call.answered_at is not None
        rung = call.answered_at + self._campaign.minimum_ring_s
        if call.verdict is Verdict.MACHINE and (call.beeped or call.state is CallState.VOICEMAIL):
            return
        if self._may_leave_message(call):
            self._listen(call, now, now + self._campaign.voicemail_wait_s)
        elif call.verdict is Verdict.TONE and call.cause not in NO_TELEPHONE_RINGS and now < rung:
            self._listen(call, now, rung)
        else:
            self._answered.hang_up(call, "machine", now, wrap_up=False)

    def _listen(self, call: Call, now: float, until: float) -> None:
        self._books.part_from_agent(call, now, wrap_up=False)
        if call.state is not CallState.LISTENING:
            self._shift.emit(Listen(call.attempt.call_ref))
        call.state, call.timer = CallState.LISTENING, until

    def _may_leave_message(self, call: Call) -> bool:
        if call.verdict is not Verdict.MACHINE or call.unwanted or not self._campaign.leaves_messages:
            return False
        return call.lead.outcomes.get(Disposition.VOICEMAIL.value, 0) < self._campaign.voicemail_most

    def _leave_message(self, call: Call, now: float) -> None:
        call.state, call.timer = CallState.VOICEMAIL, now + self._margins.message_limit_s
        call.clip = self._campaign.voicemail_message
        self._shift.emit(PlayMessage(call.attempt.call_ref, call.clip))

    def _person_after_all(self, call: Call, at: float, now: float, *, rang: bool) -> None:
        """Somebody is there whom a verdict had taken for nobody: an agent, else the message in time.

        at: when that became known, monotonic. rang: until then only ringing was heard, and nobody was kept waiting;
        else the rule's first clock goes on, and a call that is past it is an abandoned one, whoever is heard now.
        """
        self._books.record_person_after_all(call)
        call.beeped = False
        if rang or now > call.deadline(self._campaign.two_second_rule_s):
            if not rang and not call.served:
                self._books.record_abandoned(call, now)
            call.person_at = at
        call.state = CallState.ANSWERED
        self._answered.arm(call, now)  # and `serve` connects an agent, where the campaign's mode wants one by now
