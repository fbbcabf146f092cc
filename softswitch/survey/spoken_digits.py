"""Digits however they are written: in any script and grouping, in words, doubled, or with letters for digits."""

import re
import unicodedata

from softswitch.survey.number_words import JOINS, NUMBERS

_WORDS = {
    **dict.fromkeys(("zero", "oh", "o", "nought", "naught", "nil", "null"), "0"),
    **{
        word: str(n)
        for n, word in enumerate(("one", "two", "three", "four", "five", "six", "seven", "eight", "nine"), 1)
    },
    "niner": "9",
    **{
        word: str(n)
        for n, word in enumerate(
            (
                "ten",
                "eleven",
                "twelve",
                "thirteen",
                "fourteen",
                "fifteen",
                "sixteen",
                "seventeen",
                "eighteen",
                "nineteen",
            ),
            10,
        )
    },
}
_TENS = {
    word: str(n)
    for n, word in enumerate(("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"), 2)
}
_TENS["fourty"] = "4"
_TIMES = {"double": 2, "triple": 3, "treble": 3, "quadruple": 4}
_ZEROS = {"hundred": "00", "thousand": "000"}
_BETWEEN = frozenset(
    (
        *(
            "and",
            "then",
            "dash",
            "hyphen",
            "minus",
            "dot",
            "point",
            "space",
            "slash",
            "stroke",
            "plus",
            "comma",
            "code",
        ),
        *("area", "ext", "extension", "er", "erm", "um", "uh", "is", "no", "number"),
    )
)
"""Words between the groups of one number."""
_LETTERS = str.maketrans("olisbz", "011582")
"""Letters that stand for digits in a word that has digits too, as in o77oo."""
_TOKEN = re.compile(r"[a-z]+|[0-9]+|[^a-z0-9\s]|\s+")
_SPOKEN = re.compile(rf"\b(?:{'|'.join(word for word in _WORDS if len(word) > 1)})\b")
_MIXED = re.compile(r"(?=[olisbz]*[0-9])[0-9olisbz]{3,}")
_GLUED = re.compile("|".join(sorted((*_WORDS, *_TENS, *_TIMES, *_ZEROS), key=len, reverse=True)))
_CHUNK = re.compile(r"[a-z0-9]*[0-9][a-z0-9]*")
_SAID = "|".join(sorted((word for word in (*_WORDS, *_TENS, *_TIMES) if len(word) > 2), key=len, reverse=True))
_SAID_IN_CHUNK = re.compile(rf"(?=.*(?:{_SAID}))(?:{_SAID}|[0-9olisbz])+")
_PIECE = re.compile(rf"{_SAID}|[0-9]+|[olisbz]")
_OR = "o"
"""In some languages, and no nought there."""
MOST_IN_CHUNK = 6
"""Digits of a word that has letters too, as names of goods and roads have; where there are more, the letters hide a
number."""
_OTHERS = {
    language: re.compile("|".join(sorted((*words, JOINS[language]), key=len, reverse=True)))
    for language, words in NUMBERS.items()
}


def plain(text: str) -> str:
    """The text in small letters, as compatible characters (NFKC), digits of all scripts as 0-9, nothing invisible."""
    shown = []
    for character in unicodedata.normalize("NFKC", text):
        if unicodedata.category(character) in ("Cf", "Mn", "Me"):
            continue
        value = unicodedata.numeric(character, None)
        shown.append(str(int(value)) if value is not None and value in range(10) else character)
    return "".join(shown).casefold()


def digits_of(text: str) -> tuple[str, str]:
    """All digits of a text in one row each: as they are written in any script, and as they are said."""
    shown = plain(text)
    return "".join(filter(str.isdigit, shown)), "".join(group for run in groups_of(shown) for group in run)


def in_digits(text: str) -> str:
    """The text with each word for a digit, or for a number to nineteen, as digits. text: as `plain` gives it."""
    return _SPOKEN.sub(lambda found: _WORDS[found[0]], text)


def groups_of(text: str) -> list[list[str]]:
    """Runs of digits that belong together, each as its groups: "oh seven, 946 0000" is one run.

    text: as `plain` gives it. A run ends at a word that is no digit and not usual between groups.
    """
    runs: list[list[str]] = [[]]
    times = 1
    for token in _tokens(_CHUNK.sub(_taken_apart, text)):
        if token.isdigit():
            runs[-1].append(token[0] * (times - 1) + token)
        elif token in _WORDS:
            runs[-1].append(_WORDS[token] * times)
        elif token in _TENS:
            runs[-1].append(f"{_TENS[token]}0")
        elif token in _ZEROS and runs[-1]:
            runs[-1].append(_ZEROS[token])
        elif token in _TIMES:
            times = _TIMES[token]
            continue
        elif token.isalpha() and token not in _BETWEEN:
            if runs[-1]:
                runs.append([])
        else:
            continue  # signs and spaces are between groups as well
        times = 1
    return [_tens_joined(run) for run in runs if run]


def other_groups_of(text: str) -> list[list[str]]:
    """The same for numbers said in another language (`number_words`), or in English and that one: the runs that have
    two different words of the other one."""
    bare = "".join(each for each in unicodedata.normalize("NFKD", text) if not unicodedata.combining(each))
    tokens = _TOKEN.findall(bare)
    return [run for language in NUMBERS for run in _runs_in(language, tokens)]


def _runs_in(language: str, tokens: list[str]) -> list[list[str]]:
    numbers, joins = NUMBERS[language], JOINS[language]
    runs: list[tuple[list[str], set[str]]] = [([], set())]
    for token in tokens:
        groups, words = runs[-1]
        said = [token] if token in numbers else _glued(language, token)
        if token.isdigit():
            groups.append(token)
        elif token in _WORDS and token not in _OR and token not in numbers:
            groups.append(_WORDS[token])
        elif said:
            groups += [numbers[word] for word in said]
            words.update(said)
        elif token.isalpha() and token != joins and groups:
            runs.append(([], set()))
    return [_tens_joined(groups) for groups, words in runs if len(words) > 1]


def _glued(language: str, token: str) -> list[str]:
    """The words of a token that is glued of them; tens come first, as in dreiundzwanzig: zwanzig, drei."""
    parts = _OTHERS[language].findall(token) if token.isalpha() and len(token) > 4 else []
    if "".join(parts) != token:
        return []
    for n, part in enumerate(parts):
        if part == JOINS[language] and 0 < n < len(parts) - 1 and len(NUMBERS[language][parts[n + 1]]) == 2:
            parts[n - 1], parts[n + 1] = parts[n + 1], parts[n - 1]
    return [part for part in parts if part != JOINS[language]]


def _taken_apart(found: re.Match[str]) -> str:
    """A word that has digits, as its digits: "o7seven7" is 0 7 7 7, o77oo is 07700, and 0x7x7x0x0x9x0 no name."""
    chunk = found[0]
    if _SAID_IN_CHUNK.fullmatch(chunk):
        return " ".join(piece.translate(_LETTERS) if len(piece) == 1 else piece for piece in _PIECE.findall(chunk))
    digits = "".join(filter(str.isdigit, chunk))
    return digits if len(digits) > MOST_IN_CHUNK else _MIXED.sub(lambda found: found[0].translate(_LETTERS), chunk)


def _tokens(text: str) -> list[str]:
    """Words that are glued of digits ("sevenseven") taken apart."""
    found: list[str] = []
    for token in _TOKEN.findall(text):
        if token.isalpha() and token not in _WORDS and len(token) > 4:
            parts = _GLUED.findall(token)
            if "".join(parts) == token:
                found += parts
                continue
        found.append(token)
    return found


def _tens_joined(run: list[str]) -> list[str]:
    """ "seventy", "seven" is 77."""
    joined: list[str] = []
    for group in run:
        is_tens = bool(joined) and len(joined[-1]) == 2 and joined[-1][1] == "0" and joined[-1][0] > "1"
        if is_tens and len(group) == 1 and group != "0":
            joined[-1] = joined[-1][0] + group
            continue
        joined.append(group)
    return joined
