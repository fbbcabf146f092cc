"""What an agent sees: the own state, the call by its reference, the present node; and for supervisors how far it is."""

from dataclasses import dataclass

from softswitch.safeguards.visibility import AgentCallView
from softswitch.survey.interview import Interview
from softswitch.survey.questionnaire import Answer, Ending, NodeKind


@dataclass(frozen=True, slots=True)
class AgentPageView:
    """An agent's own state; nothing of anybody else."""

    agent: str
    state: str
    """As `AgentView.state`."""
    code: str
    """Of a pause."""
    since_s: float
    """Seconds in this state."""
    wrap_up_left_s: float
    pause_wanted: bool
    """Asked for in a call; granted after it."""
    calls: int
    """Connected this shift."""
    is_line_up: bool
    """Phone or headset."""
    has_phone: bool
    """A phone is registered for this agent; else there is the browser's headset alone."""
    headset_test_due: bool
    pause_codes: tuple[str, ...]
    call_ref: str
    call: AgentCallView | None
    has_script: bool
    """The call's campaign has one."""
    disposition: str
    """What the call came to so far; in the wrap-up."""
    voice_dbov: float | None = None
    """How loud the own voice is on the line, while the headset must be tested; None where that is not measured."""
    is_away: bool = False
    """The page was loaded anew in a call: the callee waits for its headset."""
    ended: str = ""
    """Why the last call left the agent without the agent's doing, as `CallEnd`, until the next one."""
    unheard: str = ""
    """In a call: "muted" by a supervisor, or "taken over" by one, who talks to the callee instead."""


@dataclass(frozen=True, slots=True)
class ChoiceView:
    id: str
    text: str
    alone: bool


@dataclass(frozen=True, slots=True)
class InterviewView:
    """The present node, in full; nothing of any other."""

    call_ref: str
    script: str
    node: str
    """What an answer must name; empty once the interview is over."""
    kind: str
    """"statement", "single", "multiple", "number", "text", "end"."""
    words: str
    """To be read out, exactly."""
    note: str
    """For the agent alone."""
    choices: tuple[ChoiceView, ...]
    no_answer: tuple[str, ...]
    """"dont_know", "refused": what may be said instead of an answer."""
    at_least: float
    at_most: float
    decimals: int
    unit: str
    longest: int
    answer: Answer | None
    """Given here before, where the agent has come back."""
    is_mandatory: bool
    may_send_digits: bool
    may_go_back: bool
    read_for_s: float
    """So much longer it must be read before it can be answered."""
    progress: float
    """0-1."""
    ending: str
    """What it came to; empty while it goes on."""


@dataclass(frozen=True, slots=True)
class InterviewFigures:
    """For supervisors: where an agent is, and not what was answered."""

    agent: str
    call_ref: str
    script: str
    node: str
    at_node_s: float
    answers: int
    alerts: tuple[str, ...]
    """Of this interview, as "age: answered faster than it can be read"."""


def interview_view(interview: Interview, now: float) -> InterviewView:
    node, ending = interview.node, interview.ending
    over = ending is not None
    return InterviewView(
        call_ref=interview.call_ref,
        script=interview.script.title,
        node="" if over else node.id,
        kind=(NodeKind.END if over else node.kind).value,
        words=interview.words,
        note="" if over else node.note,
        choices=() if over else tuple(ChoiceView(each.id, each.text, each.alone) for each in node.choices),
        no_answer=() if over else tuple(each.value for each in node.no_answer),
        at_least=node.at_least,
        at_most=node.at_most,
        decimals=node.decimals,
        unit=node.unit,
        longest=node.longest,
        answer=None if over else interview.previous_answer,
        is_mandatory=node.is_mandatory,
        may_send_digits=node.dtmf and not over,
        may_go_back=interview.may_go_back,
        read_for_s=interview.left_s(now) if node.is_mandatory and not over else 0.0,
        progress=1.0 if ending is Ending.COMPLETE else interview.progress,
        ending="" if ending is None else ending.value,
    )


def interview_figures(interview: Interview, alerts: tuple[str, ...], now: float) -> InterviewFigures:
    return InterviewFigures(
        agent=interview.agent,
        call_ref=interview.call_ref,
        script=interview.script.title,
        node=interview.node.id,
        at_node_s=interview.at_node_s(now),
        answers=len(interview.answers),
        alerts=alerts,
    )
