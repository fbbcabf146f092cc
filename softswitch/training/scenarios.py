"""Callees to practise with: what each one says at each node, and what a call with them ought to come to. Pure.

Everything is drawn from the seed, so a practice call can be had again just as it was.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256

from softswitch.survey.questionnaire import Answer, Ending, Node, NodeKind, Questionnaire

OUTCOMES: Mapping[Ending, str] = {
    Ending.COMPLETE: "completed",
    Ending.SCREENED_OUT: "not-eligible",
    Ending.OVER_QUOTA: "over-quota",
    Ending.REFUSED: "refusal",
    Ending.BROKEN_OFF: "break-off",
    Ending.APPOINTMENT: "callback",
    Ending.OPTED_OUT: "opt-out",
}
"""What an ending is called among the dispositions, where the agent says nothing else."""
PHRASES = ("It is too slow.", "Because of the children.", "It costs too much.", "I have always done it that way.")
TEMPTATION = "You can ring me about it: oh seven seven double oh, nine hundred, one two three."
"""Must not be written down. The number is one that Ofcom keeps free for drama (07700 900000 to 900999)."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """One kind of callee."""

    name: str
    title: str
    outcome: str
    """What the call ought to come to, as the dispositions are called."""
    turns_at: float | None = None
    """Share of the questions after which the callee has enough of it: 0 at the first words, None never."""
    says: str = ""
    """When it turns."""
    clip: str = ""
    """The voice of that."""
    tempts: bool = False
    """Tells a telephone number with a text answer."""


SCENARIOS = (
    Scenario("willing", "answers everything", "completed"),
    Scenario("talkative", "answers everything, and tells a telephone number unasked", "completed", tempts=True),
    Scenario(
        "uninterested",
        "does not wish to take part",
        "refusal",
        0.0,
        "No, thank you. I am not interested.",
    ),
    Scenario(
        "never-again",
        "wishes never to be called again",
        "opt-out",
        0.0,
        "No, thank you. I am not interested. Please do not call again. Goodbye.",
        "human-refusal-1",
    ),
    Scenario("busy", "wishes to be called tomorrow", "callback", 0.0, "Not now. Call me tomorrow at six, please."),
    Scenario("leaves", "has enough after half of it", "break-off", 0.5, "I have to go. I do not want to go on."),
    Scenario("wrong-number", "is somebody else", "wrong-number", 0.0, "You have the wrong number, I am afraid."),
    Scenario(
        "machine",
        "is an answering machine",
        "machine",
        0.0,
        "Hey, it's Mark. You know what to do.",
        "machine-greeting-3",
    ),
)
GREETINGS = (("Hello?", "human-hello-1"), ("Yes, hello?", "human-hello-3"), ("Hello? Who is this?", "human-hello-4"))
AGREES = ("Yes, all right. Go ahead.", "human-answer-1")


def scenario_named(name: str) -> Scenario:
    """Raises KeyError for a name that no scenario has."""
    return {each.name: each for each in SCENARIOS}[name]


def number_of(seed: int, *about: str) -> int:
    """A number from 0 up that looks like chance and is the same each time."""
    return int.from_bytes(sha256("\0".join((str(seed), *about)).encode()).digest()[:6], "big")


def answer_of(script: Questionnaire, node: Node, answers: Mapping[str, Answer], seed: int) -> Answer | None:
    """What the callee answers to a node: something with which the interview can come to its end; None to a statement.

    answers: to the nodes before it.
    """
    if not node.is_question:
        return None
    candidates = list(_candidates(node, seed))
    for answer in candidates:
        if node.lead_to({**answers, node.id: answer}) in script.fewest_left:
            return answer
    return candidates[0]


def words_of(node: Node, answer: Answer | None) -> str:
    """How the callee says it."""
    if answer is None:
        return ""
    if isinstance(answer, tuple):
        return ", ".join(choice.text for choice in node.choices if choice.id in answer) + "."
    choice = node.choice(answer) if isinstance(answer, str) else None
    if choice is not None:
        return f"{choice.text}."
    return f"{answer} {node.unit}".strip() if node.kind is NodeKind.NUMBER else str(answer)


def _candidates(node: Node, seed: int) -> Iterator[Answer]:
    first = number_of(seed, node.id)
    if node.kind is NodeKind.NUMBER:
        # By tenths of the range from a place of chance on: some of them screen out, others do not.
        span = min(node.at_most, node.at_least + 120) - node.at_least
        for step in range(10):
            number = node.at_least + span * ((first + 3 * step) % 10 + 0.5) / 10
            yield round(number, node.decimals) if node.decimals else int(number)
    elif node.kind is NodeKind.TEXT:
        yield PHRASES[first % len(PHRASES)][: node.longest]
    else:
        ids = [choice.id for choice in node.choices]
        turned = [ids[(first + n) % len(ids)] for n in range(len(ids))]
        consenting = [choice.id for choice in node.choices if choice.consents]
        if node.kind is NodeKind.SINGLE:
            yield from dict.fromkeys([*consenting, *turned])
        else:
            some = [id_ for id_ in turned if not node.choices[ids.index(id_)].alone]
            fewest = max(1, int(node.at_least))
            for n in range(len(some)):
                chosen = {*some[n : n + fewest], *some[: max(0, n + fewest - len(some))]}
                yield tuple(id_ for id_ in ids if id_ in chosen)
            yield from ((id_,) for id_ in turned)
