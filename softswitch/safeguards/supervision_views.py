"""What supervisors see of the calls that they watch and listen to: who speaks, how far the script is, never what was
said or answered."""

from dataclasses import dataclass

from softswitch.safeguards.alerts import Raised
from softswitch.safeguards.conversation import Conversation
from softswitch.survey.interview import Interview


@dataclass(frozen=True, slots=True)
class SupervisionView:
    """What one supervisor does with an agent; agents never see it."""

    supervisor: str
    agent: str
    mode: str
    """"listen", "whisper", "barge"."""
    state: str
    """"ringing" (the supervisor's line is not up yet), "on", "ended"."""
    call_ref: str
    """The agent's call; empty between calls."""
    since_s: float
    """Seconds in this mode."""
    reason: str = ""
    """Why it ended, where that was not the supervisor's wish."""


@dataclass(frozen=True, slots=True)
class ConversationView:
    """An agent's call as it goes on: how far the script is, who speaks; never what was said or answered."""

    agent: str
    call_ref: str
    node: str
    """Of the script; empty where there is none, or it has ended."""
    at_node_s: float
    answers: int
    """Given so far."""
    ending: str
    """What the interview came to; empty while it goes on."""
    agent_dbov: float
    """Level of the last fifth of a second, as the callee hears it: 0 to -127, which is silence."""
    callee_dbov: float
    agent_speaks: bool
    callee_speaks: bool
    agent_talk_s: float
    """Of the whole call."""
    callee_talk_s: float
    overlaps_s: float
    """Both at once, all together."""
    silence_s: float
    """So long neither has spoken."""
    overlap_s: float
    """So long both have been talking at once."""
    taken_by: str = ""
    """The supervisor who talks to the callee in the agent's stead."""


@dataclass(frozen=True, slots=True)
class AlertView:
    """Why a supervisor should look at a call."""

    number: int
    kind: str
    """As `AlertKind`, in plain words."""
    agent: str
    call_ref: str
    node: str
    told: str
    """What was seen."""
    ago_s: float
    seen_by: str
    """Empty: nobody has looked yet."""


@dataclass(frozen=True, slots=True)
class SupervisorAudioView:
    """With what a supervisor listens and speaks."""

    has_phone: bool
    is_line_up: bool
    """Headset or phone, just now."""
    is_tested: bool
    """The tone was heard, and so was the supervisor, since the wallboard was opened."""
    can_listen: bool
    """It was, and the line is up or the phone is registered: so the supervisor_ratio interlock counts it."""
    voice_dbov: float | None = None
    """While phone or headset is under test: how loud the supervisor was in the last fifth of a second, 0 to -127,
    silence."""
    is_heard: bool = False
    """Under test: a voice was loud enough, and the test can be passed."""


def conversation_view(
    agent: str, conversation: Conversation, interview: Interview | None, taken_by: str, now: float
) -> ConversationView:
    """interview: of the agent just now; one of another call is left out."""
    if interview is not None and interview.call_ref != conversation.call_ref:
        interview = None
    ending = None if interview is None else interview.ending
    goes_on = interview is not None and ending is None
    return ConversationView(
        agent=agent,
        call_ref=conversation.call_ref,
        node=interview.node.id if interview is not None and goes_on else "",
        at_node_s=interview.at_node_s(now) if interview is not None and goes_on else 0.0,
        answers=0 if interview is None else len(interview.answers),
        ending="" if ending is None else ending.value,
        agent_dbov=round(conversation.agent_dbov, 1),
        callee_dbov=round(conversation.callee_dbov, 1),
        agent_speaks=conversation.agent_speaks,
        callee_speaks=conversation.callee_speaks,
        agent_talk_s=conversation.agent_talk_s,
        callee_talk_s=conversation.callee_talk_s,
        overlaps_s=conversation.overlaps_s,
        silence_s=conversation.silence_s(now),
        overlap_s=conversation.overlap_s(now),
        taken_by=taken_by,
    )


def alert_view(raised: Raised, now: float) -> AlertView:
    return AlertView(
        number=raised.number,
        kind=raised.kind.value,
        agent=raised.agent,
        call_ref=raised.call_ref,
        node=raised.node,
        told=raised.told,
        ago_s=now - raised.at,
        seen_by=raised.seen_by,
    )
