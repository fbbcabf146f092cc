"""Ordinary numbers in what people say: amounts with their units, ranges, dates, years, times of day.

They are taken out of a text before it is searched for numbers by which somebody could be reached, so that "between
20,000 and 25,000 pounds" may be written down. What counts as ordinary is narrow. None begins with a zero, as telephone
numbers and codes do (but a time or a day may); a range rises; and what has further digits beside it is part of
something longer and stays.
"""

import re

LONGEST = 9  # digits of one amount; a national number without its zero has 9 or more (ITU-T E.164)

_UNITS = "one|two|three|four|five|six|seven|eight|nine"
_TEENS = "ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen|eighteen|nineteen"
_TENS = "twenty|thirty|fou?rty|fifty|sixty|seventy|eighty|ninety"
_BELOW_100 = rf"(?:(?:{_TENS})(?:[ -](?:{_UNITS}))?|{_TEENS}|{_UNITS})"
_LARGE = "hundred|thousand|million"
_IN_WORDS = rf"(?:(?:a|{_BELOW_100}) (?:{_LARGE})(?: (?:and )?{_BELOW_100})?(?: thousand| million)?|{_BELOW_100})"
_IN_DIGITS = r"(?:[1-9]\d{0,2}(?:,\d{3}){1,2}|[1-9]\d{0,2}(?: 000){1,2}|[1-9]\d{0,5})(?:\.\d{1,2})?(?:\s?[km])?"
_AMOUNT = rf"(?:(?:{_IN_DIGITS})|(?:{_IN_WORDS}))"
_MONEY = r"[£$€]\s?"
_BETWEEN = r"\s*(?:,|-|–|\bto\b|\band\b|\bor\b)\s*(?:about |maybe |perhaps )?"
_RANGE = rf"{_AMOUNT}(?:{_BETWEEN}(?:{_MONEY})?{_AMOUNT}){{0,3}}"
_MEASURE = (
    r"(?:%|(?:thousand|million|grand|per ?cent|pounds?|quid|pence|euros?|dollars?|miles?|kilomet(?:re|er)s?|km|"
    r"met(?:re|er)s?|square|"
    r"feet|foot|kilos?|kg|years?|months?|weeks?|days?|hours?|minutes?|people|persons?|children|employees|calls|times|texts|"
    r"customers|households|houses|cars|cigarettes|steps|calories|litres?|gallons?|tonnes?|a (?:day|week|month|year)|"
    r"per (?:day|week|month|year|annum))\b)"
)
_LISTED = r"[1-9]\d?(?:[ ,]+[1-9]\d?){1,2}"
"""Six digits at the most: a number to ring has more."""
_QUANTITIES = (
    re.compile(rf"(?<!\w){_LISTED}\s?{_MEASURE}"),
    re.compile(rf"{_MONEY}{_RANGE}"),
    re.compile(rf"(?<!\w){_RANGE}\s?{_MEASURE}"),
    re.compile(r"(?<!\w)[1-9]\d{0,2}(?:,\d{3}){1,2}(?!\w)"),
)
_MONTH = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|"
    r"nov(?:ember)?|dec(?:ember)?)"
)
_DATES = (
    re.compile(r"(?:0?[1-9]|[12]\d|3[01])\s*[-./]\s*(?:0?[1-9]|1[0-2])\s*[-./]\s*(?:(?:19|20)\d\d|\d\d)"),
    re.compile(r"(?:19|20)\d\d-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])"),
    re.compile(r"(?<!\d)(?:0?[1-9]|1[0-2])\s?[-./]\s?(?:19|20)\d\d(?!\d)"),
    re.compile(r"(?<!\d)(?:19|20)\d\d\s?[-–/]\s?\d\d(?!\d)"),
    re.compile(rf"(?:(?:0?[1-9]|[12]\d|3[01])(?:st|nd|rd|th)?\s+(?:of\s+)?)?\b{_MONTH}\s+(?:19|20)\d\d"),
    re.compile(
        r"\b(?:in|since|until|till|before|after|during|from)\s+(?:19|20)\d\d(?:\s*(?:-|–|to|and)\s*(?:19|20)\d\d)?"
    ),
    re.compile(r"(?<!\d)(?:19|20)\d0s(?!\w)"),
)
_CLOCK = r"(?:[01]?\d|2[0-3]):[0-5]\d"
_TIMES = (re.compile(rf"(?<![\w:]){_CLOCK}(?:\s*(?:-|–|to|and)\s*{_CLOCK})?(?![\w:])"),)
_NUMBERS = re.compile(r"\d[\d,]*(?: 000)*")
_MORE_BEFORE = re.compile(r"(?:\d|\+)[^\w\s]*\s?$")
_MORE_AFTER = re.compile(r"\s?[^\w\s]*\s?(?:\d|(?:oh|zero|nought|double|treble|triple)\b)")
_SAID_BEFORE = re.compile(
    rf"\b(?:oh|o|zero|nought|double|treble|triple|{_UNITS}|{_TEENS}|{_TENS}|{_LARGE})(?:[\s,-]+(?:and[\s,-]+)?)$"
)


def without_quantities(text: str) -> str:
    """The text with an ordinary number's place taken by a word. text: as `spoken_digits.plain` gives it."""
    for pattern in (*_DATES, *_TIMES):
        text = pattern.sub(lambda found: " date " if _stands_alone(found) else found[0], text)
    for pattern in _QUANTITIES:
        text = pattern.sub(lambda found: " amount " if _stands_alone(found) and _rises(found[0]) else found[0], text)
    return text


def _stands_alone(found: re.Match[str]) -> bool:
    """Whether no further digits belong to it."""
    before, after = found.string[max(0, found.start() - 24) : found.start()], found.string[found.end() :]
    if found[0][:1] in "£$€":
        return not _MORE_AFTER.match(after)
    return not (_MORE_BEFORE.search(before) or _SAID_BEFORE.search(before) or _MORE_AFTER.match(after))


def _rises(amounts: str) -> bool:
    """Whether its numbers in digits become no smaller, as those of a range do; and none is too long."""
    numbers = [re.sub(r"\D", "", each[0]) for each in _NUMBERS.finditer(re.sub(r"\.\d{1,2}(?!\d)", "", amounts))]
    return all(len(each) <= LONGEST for each in numbers) and sorted(numbers, key=int) == numbers
