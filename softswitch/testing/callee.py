"""Callees: what answers when the lab trunk is called, how, and what it says.

Pure: the trunk gives them time and sockets.
"""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from softswitch.errors import UsageError
from softswitch.testing.clips import clips, read_clip
from softswitch.testing.marker import MARKER_DBOV, RATE_HZ
from softswitch.testing.speaker import Speaker, Utterance, beep


class Kind(StrEnum):
    PERSON = "person"
    MACHINE = "machine"
    SCREENING = "screening"
    """An assistant that asks who calls, taken for a person by poor detectors."""
    DEAD_AIR = "dead-air"
    """Answers and says nothing, as some networks do."""
    BUSY = "busy"
    NO_ANSWER = "no-answer"
    """Rings until the caller gives up."""
    REFUSED = "refused"
    FAILURE = "failure"
    INVALID = "invalid"


REFUSALS = {Kind.BUSY: 486, Kind.REFUSED: 603, Kind.FAILURE: 503, Kind.INVALID: 404}  # RFC 3261 §21.4-21.6
ANSWERING = frozenset({Kind.PERSON, Kind.MACHINE, Kind.SCREENING, Kind.DEAD_AIR})

MARKER_AFTER_S = 1.5
"""The first words are left clean for the detector of answering machines."""
MACHINE_RECORDS_S = 20.0
"""A machine hangs up when its message is full."""


@dataclass(frozen=True, slots=True)
class CalleePlan:
    """What one number does when it is called; plain values, so that a plan can be a JSON file."""

    kind: Kind
    ring_s: float = 1.0
    """From the INVITE's arrival to the answer or refusal."""
    clip: str = ""
    """What is said first; empty picks one by the seed."""
    talk_s: float = 8.0
    """A person hangs up so long after the answer; 0 waits for the other side to hang up."""
    marker_hz: int = 0
    """0: no marker."""
    marker_dbov: float = MARKER_DBOV
    status: int = 0
    """A refusal's SIP status, where it is not the kind's own."""
    seed: int = 0

    @property
    def answers(self) -> bool:
        return self.kind in ANSWERING

    @property
    def refusal(self) -> int | None:
        """The SIP status of the refusal; None where it answers or rings on."""
        return None if self.answers or self.kind is Kind.NO_ANSWER else self.status or REFUSALS[self.kind]

    @property
    def truth(self) -> str:
        """What a detector of answering machines ought to say, by the verdict's name; empty where nobody answers."""
        if not self.answers:
            return ""
        return "HUMAN" if self.kind is Kind.PERSON else "MACHINE"


class Callee:
    """One call's far end: what it says frame by frame, and when it hangs up.

    Same plan, same sound: every choice is drawn from the plan's seed.
    """

    def __init__(self, plan: CalleePlan) -> None:
        if not plan.answers:
            raise UsageError(f"a {plan.kind} callee says nothing; answer only where plan.answers")
        self.plan = plan
        rng = np.random.default_rng(plan.seed)
        self.hangs_up_after_s: float | None = plan.talk_s or None
        """Seconds from the answer, None where it waits for the other side."""
        said: list[Utterance] = []
        if plan.kind is Kind.PERSON:
            said = _person(plan, rng)
        elif plan.kind is Kind.MACHINE:
            said = _machine(plan, rng)
            self.hangs_up_after_s = _end_of(said) + MACHINE_RECORDS_S
        elif plan.kind is Kind.SCREENING:
            said = _screening(plan)
        self.greeting_s = said[0].at_s if said else None
        """When it starts to speak, from the answer."""
        self.speaker = Speaker(
            said,
            marker_hz=plan.marker_hz,
            marker_dbov=plan.marker_dbov,
            marker_after_s=MARKER_AFTER_S,
            seed=plan.seed,
        )


def _end_of(said: list[Utterance]) -> float:
    return said[-1].at_s + len(said[-1].sound) / RATE_HZ


def _pick(rng: np.random.Generator, kind: str, *prefixes: str) -> str:
    names = [clip.name for clip in clips(kind) if clip.name.startswith(prefixes)]
    return names[int(rng.integers(len(names)))]


def _person(plan: CalleePlan, rng: np.random.Generator) -> list[Utterance]:
    """Greets at once, waits, then answers shortly now and then for as long as the call lasts."""
    at_s = float(rng.uniform(0.3, 0.8))
    greeting = plan.clip or _pick(rng, "human", "human-hello-", "human-business-")
    said = [Utterance(at_s, read_clip(greeting))]
    lasts_s = plan.talk_s or 60.0
    at_s = _end_of(said) + float(rng.uniform(2.0, 3.5))
    while at_s < lasts_s:
        said.append(Utterance(at_s, read_clip(_pick(rng, "human", "human-answer-"))))
        at_s = _end_of(said) + float(rng.uniform(1.5, 3.0))
    return said


def _machine(plan: CalleePlan, rng: np.random.Generator) -> list[Utterance]:
    """Greeting, a short pause, the beep, then it records in silence."""
    said = [Utterance(float(rng.uniform(0.6, 1.4)), read_clip(plan.clip or _pick(rng, "machine", "machine-greeting-")))]
    said.append(Utterance(_end_of(said) + float(rng.uniform(0.3, 0.7)), beep()))
    return said


def _screening(plan: CalleePlan) -> list[Utterance]:
    """Asks who is calling, waits, asks again."""
    question = read_clip(plan.clip or "machine-screening-1")
    return [Utterance(at_s, question) for at_s in (0.5, 0.5 + len(question) / RATE_HZ + 5.0)]
