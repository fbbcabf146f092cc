"""Answered calls: the two-second rule, one agent for each call, the message. What verdicts do is in `judging`.

Once a call is answered it can come to an agent, to the information message, or to an end; which of them is decided by
two clocks, of which the stricter counts (`Call.deadline`). A little before that deadline the message is asked for, so
that its first sample is heard in time: from then on the call counts as abandoned, message or not.
"""

from softswitch.amd.verdict import Verdict
from softswitch.calls.outcome import Outcome
from softswitch.dialler.agents import CallEnd
from softswitch.dialler.books import Books
from softswitch.dialler.call import LIVE, UNANSWERED, WITH_MACHINE, Call, CallState
from softswitch.dialler.campaign import AmdMode
from softswitch.dialler.events import ConnectAgent, HangUp, Listen, MuteAgent, PlayMessage
from softswitch.dialler.shift import Shift


class AnsweredCalls:
    """What one campaign does with its answered calls. Every method ignores a call that is past what it tells of."""

    def __init__(self, shift: Shift, books: Books) -> None:
        self._shift = shift
        self._books = books
        self._campaign = shift.campaign
        self._margins = shift.margins

    # what the call and its media report

    def answered(self, call: Call, now: float) -> None:
        """200 OK: the first clock starts. The agent reserved for the call, if any, is connected at once."""
        call.state, call.answered_at = CallState.ANSWERED, now
        call.answered_wall = self._shift.wall(now)
        judged_at = "" if self._campaign.amd is AmdMode.OFF else self._campaign.point.value
        self._books.note(call, answered_at=call.answered_wall, amd_point=judged_at)
        if call.agent and self._campaign.amd is not AmdMode.BEFORE_AGENT:
            self._connect(call, now)
        else:
            self.arm(call, now)

    def lifted_in_vain(self, call: Call, now: float) -> None:
        """The answer and our CANCEL crossed, and the call is gone: a silent call of ours, and counted."""
        call.answered_at, call.answered_wall = now, self._shift.wall(now)
        self._books.note(call, answered_at=call.answered_wall)
        self._books.close(call, Outcome.ANSWERED, 200, now)

    def speech_started(self, call: Call, at: float, now: float) -> None:
        if call.state in LIVE and call.speech_at is None:
            call.speech_at = at
            self._books.note(call, speech_at=self._shift.wall(at))
            if call.state is CallState.ANSWERED:
                self.arm(call, now)

    def greeted(self, call: Call, greeting_s: float, now: float) -> None:
        """The callee's greeting is complete. It is written down, and where the rules count from there the call's clock
        is that one; the first end that was told stands.

        greeting_s: from the first voice to the greeting's end.
        """
        if call.speech_at is None or call.attempt.greeting_end_at is not None:
            return
        ended_at = min(call.speech_at + greeting_s, now)
        self._books.note(call, silently=True, greeting_end_at=self._shift.wall(ended_at))
        if self._shift.rules.counts_from_greeting_end:
            call.greeting_end_at = ended_at
            if call.state is CallState.ANSWERED:
                self.arm(call, now)

    def callee_heard(self, call: Call, at: float) -> None:
        """An agent hears the callee: for the record alone, for the rule asks what the callee hears."""
        if call.attempt.answer_to_agent_ms is None and call.connected_at is not None and at >= call.connected_at:
            assert call.answered_at is not None
            self._books.note(call, silently=True, answer_to_agent_ms=(at - call.answered_at) * 1000.0)

    def agent_heard(self, call: Call, at: float, now: float, agent: str = "") -> None:
        if call.state is not CallState.CONNECTING or (agent and agent != call.agent):
            return
        assert call.connected_at is not None
        if at < call.connected_at:
            return  # told of an agent who was taken out of the call since
        call.state, call.heard_at, call.timer = CallState.IN_CALL, at, None
        self._shift.board.receive_connected(call.agent, call.attempt.call_ref, now)
        if call.served:
            if call.person_at is not None and at > call.deadline(self._campaign.two_second_rule_s):
                self._books.record_abandoned(call, now)
            self._books.note(call, agent=call.agent)
            return
        call.served = True
        self._books.record_served(call, in_time=at <= call.deadline(self._campaign.two_second_rule_s), now=now)
        self._books.note(call, agent=call.agent, bridged_at=self._shift.wall(at))

    def notice_agents(self, now: float) -> None:
        """Look after calls whose agent has gone and wrap-ups that are over."""
        board = self._shift.board
        for call in list(self._shift.calls.values()):
            if call.agent and board.call_of(call.agent) != call.attempt.call_ref:
                self._agent_gone(call, now)
        for agent, call in list(self._books.wrapping.items()):
            if board.call_of(agent) != call.attempt.call_ref:
                del self._books.wrapping[agent]

    def _agent_gone(self, call: Call, now: float) -> None:
        """The call's agent is gone: the callee goes on to the next agent, else hears the message.

        One who has talked to an agent is past the two-second rule and waits for nobody.
        """
        was_connected = call.state in (CallState.CONNECTING, CallState.IN_CALL)
        self._books.part_from_agent(call, now, wrap_up=False)
        if not was_connected:
            return
        call.state = CallState.ANSWERED
        if self.connect_longest_waiting(call, now):
            return
        if call.served:
            self.play_message(call, self._campaign.information_message, now)
        else:
            self.arm(call, now)

    def message_started(self, call: Call, at: float) -> None:
        if not call.message_heard:
            call.message_heard = True
            self._books.note(call, message_at=self._shift.wall(at))

    def media_failed(self, call: Call, now: float) -> None:
        """Nobody can be heard any more; a call that had no agent yet becomes an abandoned one as it ends."""
        if call.state in LIVE:
            self.hang_up(call, "media", now, wrap_up=True, because=CallEnd.BROKE_OFF)

    def take_up(self, call: Call, now: float) -> None:
        """The process that had the call is gone, and with it what it may have asked for last: that is asked anew."""
        if call.state is CallState.CONNECTING:
            if self._shift.board.call_of(call.agent) == call.attempt.call_ref:
                self._connect(call, now)
        elif call.state is CallState.ENDING:
            self.hang_up(call, "asked", now, wrap_up=True)
        elif call.state is CallState.LISTENING:
            self._shift.emit(Listen(call.attempt.call_ref))
        elif (call.state is CallState.VOICEMAIL and call.attempt.voicemail_at is None) or (
            call.state is CallState.MESSAGE and not call.message_heard
        ):
            self._shift.emit(PlayMessage(call.attempt.call_ref, call.clip))

    # what the dialler decides

    def serve(self, now: float) -> None:
        """Give ready agents to the calls that wait for one, the most urgent first.

        A call with a guaranteed agent who has gone is promised another while it still rings.
        """
        rule_s = self._campaign.two_second_rule_s
        waiting = [one for one in self._shift.calls.values() if one.state is CallState.ANSWERED]
        for call in sorted(waiting, key=lambda each: each.deadline(rule_s)):
            if self._wants_agent(call, now):
                self.connect_longest_waiting(call, now)
        for call in self._shift.calls.values():
            if call.guaranteed and not call.agent and call.state in UNANSWERED:
                self._reserve(call, now)

    def handle_timer(self, call: Call, now: float) -> None:
        if call.state is CallState.ANSWERED:
            if now >= self._message_point(call):
                self.play_message(call, self._campaign.information_message, now)
            elif not self.connect_longest_waiting(call, now):  # the rule's end is near: doubt goes to an agent
                call.timer = self._message_point(call)
        elif call.state is CallState.CONNECTING:
            self._agent_unheard(call, now)
        elif call.state is CallState.MESSAGE:
            self.hang_up(call, "message-ended", now, wrap_up=False)

    def play_message(self, call: Call, clip: str, now: float, because: CallEnd | None = None) -> None:
        """Give up on agents for this call. It is abandoned from here on, unless one was heard before and stayed.

        because: what an agent who is in it is told.
        """
        self._books.part_from_agent(call, now, wrap_up=call.state is CallState.IN_CALL, because=because)
        call.state, call.timer, call.clip = CallState.MESSAGE, now + self._margins.message_limit_s, clip
        self._shift.emit(PlayMessage(call.attempt.call_ref, clip))
        if not call.served or call.person_at is not None:
            self._books.record_abandoned(call, now)

    def hang_up(self, call: Call, cause: str, now: float, *, wrap_up: bool, because: CallEnd | None = None) -> None:
        """because: what an agent who is in it is told."""
        self._books.part_from_agent(call, now, wrap_up=wrap_up, because=because)
        call.state, call.timer = CallState.ENDING, now + self._margins.ending_limit_s
        self._shift.emit(HangUp(call.attempt.call_ref, cause))

    def kill(self, call: Call, clip: str, now: float) -> None:
        """The kill switch: the agent is muted first, then the callee hears the closing message."""
        if call.state not in LIVE or call.state is CallState.MESSAGE:
            return
        if call.state in WITH_MACHINE:
            if call.verdict is not Verdict.TONE:  # what rings is not cut off early, as with calls unanswered
                self.hang_up(call, "killed", now, wrap_up=False)
            return
        if call.state in (CallState.CONNECTING, CallState.IN_CALL):
            self._shift.emit(MuteAgent(call.attempt.call_ref, call.agent))
        self.play_message(call, clip, now, CallEnd.STOPPED)

    def connect_longest_waiting(self, call: Call, now: float) -> bool:
        if not call.agent and not self._reserve(call, now):
            return False
        self._connect(call, now)
        return True

    def _reserve(self, call: Call, now: float) -> bool:
        name, among = self._campaign.name, self._campaign.agents
        call.agent = self._shift.board.reserve_longest_waiting(now, call.attempt.call_ref, name, among) or ""
        return bool(call.agent)

    def _connect(self, call: Call, now: float) -> None:
        call.state, call.connected_at, call.heard_at = CallState.CONNECTING, now, None
        within_s = self._shift.board.heard_within_s(call.agent, self._margins.agent_heard_within_s)
        call.timer = now + within_s
        if not call.served:
            latest = max(self._message_point(call), now + self._margins.connecting_grace_s)
            call.timer = min(call.timer, latest)
        self._shift.emit(ConnectAgent(call.attempt.call_ref, call.agent))

    def _agent_unheard(self, call: Call, now: float) -> None:
        assert call.connected_at is not None
        agent, call.agent = call.agent, ""
        within_s = self._shift.board.heard_within_s(agent, self._margins.agent_heard_within_s)
        if now >= call.connected_at + within_s:
            self._shift.board.receive_unheard(agent, call.attempt.call_ref, now)
        else:  # cut short by the rule's end, which is not the agent's fault
            self._shift.board.release(agent, call.attempt.call_ref, now)
        call.state = CallState.ANSWERED
        in_time = call.served or now < self._message_point(call)
        if in_time and self.connect_longest_waiting(call, now):
            return
        if in_time and not call.served:
            call.timer = self._message_point(call)
        else:
            self.play_message(call, self._campaign.information_message, now)

    def _wants_agent(self, call: Call, now: float) -> bool:
        if self._campaign.amd is not AmdMode.BEFORE_AGENT or call.verdict is not Verdict.NONE:
            return True
        return now >= self._doubt_point(call)

    def arm(self, call: Call, now: float) -> None:
        doubt = self._doubt_point(call)
        doubting = self._campaign.amd is AmdMode.BEFORE_AGENT and call.verdict is Verdict.NONE and now < doubt
        call.timer = doubt if doubting else self._message_point(call)

    def _message_point(self, call: Call) -> float:
        return call.deadline(self._campaign.two_second_rule_s) - self._margins.message_margin_s

    def _doubt_point(self, call: Call) -> float:
        """Last moment at which an agent, once connected, is sure to be heard in time; from here on doubt gives way."""
        return self._message_point(call) - self._margins.agent_heard_within_s
