"""What the web asks of the switch; `exchange.desks.desk.Desk` fulfils it, and tests bring a small one."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Protocol

from softswitch.dialler.attempt import DialAttempt, Disposition
from softswitch.dialler.detection import Truth
from softswitch.dialler.lead import Lead
from softswitch.safeguards.agent_page import AgentPageView, InterviewFigures, InterviewView
from softswitch.safeguards.campaign_views import CallbackView, ShiftView
from softswitch.safeguards.four_eyes import Request, What
from softswitch.safeguards.overrides import OverrideView
from softswitch.safeguards.supervision_views import SupervisionView, SupervisorAudioView
from softswitch.safeguards.trace_view import TraceView
from softswitch.safeguards.visibility import AgentCallView
from softswitch.safeguards.wallboard import WallboardView
from softswitch.store.requests import Playback
from softswitch.store.reviews import Review
from softswitch.survey.answers import Given
from softswitch.survey.questionnaire import Ending
from softswitch.survey.quotas import CellFigures
from softswitch.web.audit_control import AuditControl


class SwitchControl(Protocol):
    """Commands raise `UsageError` with a text for the person who asked, and `KeyError` for an unknown name."""

    @property
    def auditing(self) -> AuditControl:
        """What auditors ask."""

    def wallboard(self) -> WallboardView: ...
    def shift(self) -> ShiftView:
        """The day until now, for charts."""

    def agent_call(self, agent: str) -> AgentCallView | None: ...
    async def calls_of(self, campaign: str, limit: int, offset: int) -> list[DialAttempt]: ...
    async def leads_of(self, campaign: str) -> AsyncIterator[Lead]:
        """Every lead, without number and fields."""

    async def start_campaign(self, name: str) -> None: ...
    async def pause_campaign(self, name: str) -> None: ...
    async def stop_campaign(self, name: str) -> None: ...
    async def log_in_agent(self, agent: str) -> None:
        """Ring the agent's registered phone and keep the leg for the shift."""

    async def log_out_agent(self, agent: str) -> None: ...
    async def ready_agent(self, agent: str) -> None: ...
    async def pause_agent(self, agent: str, code: str) -> None: ...
    async def dispose(self, agent: str, call_ref: str, disposition: Disposition) -> None: ...
    async def accept_preview(self, agent: str, call_ref: str) -> None: ...
    async def skip_preview(self, agent: str, call_ref: str, reason: str) -> None: ...
    async def dial_reference(self, agent: str, campaign: str, lead_ref: str) -> str:
        """Call a lead for the agent who asks for it by its reference; the `call_ref`."""

    async def call_back(self, agent: str, call_ref: str, when: datetime, *, mine: bool) -> datetime:
        """An agent promises the callee of a call another one; `when` without a zone is the callee's clock."""

    async def promise_callback(self, campaign: str, lead_ref: str, when: datetime, agent: str, by: str) -> datetime:
        """The same for a lead that is in no call, for an agent or (empty) anybody."""

    async def cancel_callback(self, campaign: str, lead_ref: str) -> None: ...
    async def callbacks(self, campaign: str, came_to: str, limit: int) -> list[CallbackView]:
        """Promises that are "open", "missed" and so on, the earliest first."""

    async def hang_up(self, call_ref: str) -> None: ...
    async def kill_switch(self, by: str) -> None: ...
    async def ask_override(self, interlock: str, by: str, reason: str, for_s: float) -> None:
        """The first of the two administrators who override an interlock."""

    async def agree_override(self, interlock: str, by: str) -> None:
        """The second, who is another person."""

    async def end_override(self, interlock: str, by: str) -> None: ...
    def overrides(self) -> tuple[OverrideView, ...]: ...
    async def trace(self, call: str, *, by: str, whole: bool, reason: str) -> TraceView:
        """A call's messages; with `whole` the reason is noted first, and nothing is masked."""

    async def capture(self, call: str, *, by: str, whole: bool, reason: str) -> bytes:
        """The same as a pcap file."""

    async def seat_agent_headset(self, agent: str, offer: bytes) -> bytes:
        """Answer a browser's offer: it is the agent's headset for the shift. `PeerError` where the offer cannot be."""

    async def end_agent_headset(self, agent: str) -> None: ...
    async def seat_supervisor_headset(self, name: str, offer: bytes) -> bytes:
        """The same for a supervisor, who has it to listen and speak with."""

    async def end_supervisor_headset(self, name: str) -> None: ...
    def supervisor_audio(self, name: str) -> SupervisorAudioView: ...
    async def play_supervisor_tone(self, name: str) -> None:
        """For the test of the supervisor's headset or phone, which is rung for it."""

    async def pass_supervisor_test(self, name: str) -> None:
        """The supervisor has heard the tone."""

    def supervision(self) -> tuple[SupervisionView, ...]:
        """Who is with which agent, and how it ended for those who are with nobody."""

    async def supervise(self, agent: str, mode: str, by: str, reason: str = "") -> None:
        """Let a supervisor "listen", "whisper", "barge" or "take_over", by headset or phone; again to change agent or
        mode. UsageError without a reason where the site asks for one."""

    async def end_supervision(self, by: str) -> None: ...
    async def see_alert(self, number: int, by: str) -> None:
        """A supervisor has looked at an alert."""

    async def report_recognised(self, agent: str, by: str) -> None:
        """The callee of the agent's call knows the agent."""

    async def mute_agent(self, agent: str, muted: bool, by: str) -> None:
        """What the agent says is heard by nobody in the call, at once, until it is over or undone."""

    async def reviews(self, campaign: str, limit: int) -> list[Review]:
        """Calls that a verdict ended and that were drawn for review, of a campaign or (empty) of all."""

    async def review(self, call_ref: str, truth: Truth, by: str) -> None:
        """Keep what a reviewer heard in such a call's recording; noted in the audit log first."""

    async def ask_request(self, what: What, call_refs: Sequence[str], by: str, reason: str, for_s: float) -> Request:
        """The first of the two people whom an export of recordings, a legal hold or its end takes."""

    async def approve_request(self, request_ref: str, by: str) -> Request:
        """The second, who is another person."""

    async def requests(self) -> list[Request]: ...
    async def begin_playback(self, call_ref: str, by: str, reason: str) -> tuple[Playback, int]:
        """The reason is noted first; the play-back, and how many parts the recording has."""

    async def playback_part(self, playback_ref: str, part: int, by: str) -> Path:
        """Where the encrypted container lies, for who has asked for the play-back."""

    async def note_listened(self, playback_ref: str, listened_s: float, by: str) -> None: ...
    async def playbacks(self) -> list[Playback]: ...
    def agent_page(self, agent: str) -> AgentPageView:
        """What the agent's own page shows."""

    def interview(self, agent: str) -> InterviewView | None:
        """Of the call that the agent is in or wraps up; None where it has no script."""

    async def answer(self, agent: str, node: str, given: Given) -> None:
        """Durable when it returns."""

    async def go_back(self, agent: str) -> None: ...
    async def end_interview(self, agent: str, ending: Ending) -> None:
        """Refusal or break-off."""

    async def opt_out(self, agent: str) -> None: ...
    async def end_call(self, agent: str) -> None: ...
    async def send_digit(self, agent: str, key: str) -> None: ...
    def agent_page_opened(self, agent: str) -> None: ...
    def agent_page_closed(self, agent: str) -> None: ...
    async def play_test_tone(self, agent: str) -> None: ...
    async def pass_headset_test(self, agent: str) -> None: ...
    def interviews(self) -> tuple[InterviewFigures, ...]: ...
    def quotas(self, campaign: str) -> tuple[CellFigures, ...]: ...
    def supervisor_arrived(self, name: str) -> None: ...
    def supervisor_left(self, name: str) -> None: ...
