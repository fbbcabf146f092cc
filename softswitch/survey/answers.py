"""Whether something may be the answer to a node, and as what it is kept."""

import math
import re
import unicodedata

from softswitch.errors import UsageError
from softswitch.survey.private_details import found_in
from softswitch.survey.questionnaire import Answer, NoAnswer, Node, NodeKind

Given = object
"""What a page or a program says: text, a number, or a list of choices; None to a statement."""
_THOUSANDS = re.compile(r"[+-]?\d{1,3}(?:[ ,'’]\d{3})+(?:\.\d+)?")


def checked(node: Node, given: Given) -> Answer | None:
    """The answer as it is kept; None to a statement or an end. Raises UsageError with a text for the agent."""
    if node.kind in (NodeKind.STATEMENT, NodeKind.END):
        if given not in (None, ""):
            raise UsageError("there is nothing to answer here: read it out and go on")
        return None
    if isinstance(given, str) and given in node.no_answer:
        return NoAnswer(given)
    match node.kind:
        case NodeKind.SINGLE:
            if not isinstance(given, str) or node.choice(given) is None:
                raise UsageError("choose one of the answers")
            return given
        case NodeKind.MULTIPLE:
            return _several(node, given)
        case NodeKind.NUMBER:
            return _number(node, given)
    return _text(node, given)


def _several(node: Node, given: Given) -> tuple[str, ...]:
    if not isinstance(given, list | tuple) or not all(isinstance(each, str) and node.choice(each) for each in given):
        raise UsageError("choose among the answers")
    chosen = tuple(choice for choice in node.choices if choice.id in given)
    alone = next((choice for choice in chosen if choice.alone), None)
    if alone is not None:
        if len(chosen) > 1:
            raise UsageError(f'"{alone.text}" goes with no other answer')
        return (alone.id,)
    if not node.at_least <= len(chosen) <= node.at_most:
        low, high = int(node.at_least), int(node.at_most)
        raise UsageError(f"choose {low if low == high else f'from {low} to {high}'} of the answers")
    return tuple(choice.id for choice in chosen)


def _number(node: Node, given: Given) -> int | float:
    number: int | float
    if isinstance(given, str):
        plain = _plain_number(node, unicodedata.normalize("NFKC", given).strip())
        try:
            number = int(plain) if len(plain) < 20 and "." not in plain and "e" not in plain.lower() else float(plain)
        except ValueError:
            raise UsageError("type a number") from None
    elif isinstance(given, int | float) and not isinstance(given, bool):
        number = given
    else:
        raise UsageError("type a number")
    if not math.isfinite(number) or not node.at_least <= number <= node.at_most:
        raise UsageError(f"type a number from {_shown(node.at_least)} to {_shown(node.at_most)}")
    if round(number, node.decimals) != number:
        raise UsageError("type a whole number" if not node.decimals else f"type at most {node.decimals} decimals")
    return int(number) if not node.decimals else float(number)


def _plain_number(node: Node, text: str) -> str:
    """Without what stands between thousands, and with a point before decimals: 12,000 is twelve thousand."""
    if _THOUSANDS.fullmatch(text):
        if node.decimals and text.count(",") == 1 and "." not in text:
            raise UsageError("type it without a comma between the thousands, and with a point before decimals")
        return re.sub(r"[ ,'’]", "", text)
    if not node.decimals and re.search(r"\d[.,]\d", text):
        raise UsageError("type a whole number")
    return text.replace(",", ".")


def _text(node: Node, given: Given) -> str:
    if not isinstance(given, str):
        raise UsageError("type an answer")
    text = " ".join("".join(" " if unicodedata.category(c)[0] == "C" else c for c in given).split())
    if not text:
        raise UsageError("type an answer")
    if len(text) > node.longest:
        raise UsageError(f"{len(text)} characters are too many: {node.longest} are the most")
    refuse_private(text)
    return text


def refuse_private(text: str) -> None:
    """Raises UsageError for a text that may not be kept."""
    found = found_in(text)
    if found is not None:
        text = "which must not be written down: leave it out, or say it in other words"
        raise UsageError(f"this looks like {found.value}, {text}")


def _shown(number: float) -> str:
    return f"{number:,.0f}" if number == int(number) else f"{number:g}"
