"""What no answer may hold: ways to reach or find somebody, and to pay with somebody's money. Fails closed.

An answer that holds such a thing is refused and not kept; the callee's number would otherwise come into the agent's
notes by the callee's own mouth. What is refused by mistake can be said in other words.
"""

import re
from enum import StrEnum

from softswitch.survey.quantities import without_quantities
from softswitch.survey.spoken_digits import groups_of, in_digits, other_groups_of, plain


class Detail(StrEnum):
    """What was found; the text for the agent."""

    TELEPHONE = "a telephone number"
    EMAIL = "an e-mail address or the like"
    POSTCODE = "a postcode"
    ADDRESS = "an address"
    CARD = "a card number"
    ACCOUNT = "an account number"


FEWEST_DIGITS = 7  # local numbers without an area code have no fewer in most plans (ITU-T E.164 supplement)
FEWEST_AFTER_PLUS = 6
FEWEST_WITH_ZERO = 5  # nothing but codes and numbers is said with a zero before it: "oh seven seven double four"
SHORTEST_CARD, LONGEST_CARD = 12, 19  # ISO/IEC 7812-1
SHORTEST_IBAN, LONGEST_IBAN = 15, 34  # ISO 13616-1
MOST_YEARS = 8

_YEAR = re.compile(r"(?:19|20)\d\d")
_MAIL = r"(?:gmail|googlemail|hotmail|outlook|yahoo|icloud|btinternet|aol|protonmail)"
_EMAIL = re.compile(
    r"\S\s*@\s*\S|@\w|\bat\s+[\w.-]+(?:\s*\bdot\s+|\.)[a-z]{2,}"
    r"|[(\[]\s*at\s*[)\]]\s*[\w-]+\s*(?:\.|\bdot\b|[(\[]\s*dot\s*[)\]])\s*\w"
    rf"|\bat\s+{_MAIL}\b|\b{_MAIL}\s*(?:\.|\bdot\b)?\s*com?\b|\bwww\b|https?:"
    r"|\b[\w-]+\s*(?:\.|\bdot\b)\s*(?:com|org|net|info|co|uk|ie|de|fr|eu|io|me)\b"
)
_POSTCODES = (
    # United Kingdom (Royal Mail PAF: outward and inward code), with a blank at any place between the two.
    re.compile(
        r"\b(?:gir\s*0aa|[a-pr-uwyz](?:[0-9]{1,2}|[a-hk-y][0-9]{1,2}|[a-hk-y]?[0-9][a-z])\s*[0-9][abd-hjlnp-uw-z]{2})\b"
    ),
    re.compile(r"\b[ac-fhknprtv-y]\d[0-9w]\s?[0-9ac-fhknprtv-y]{4}\b"),  # Ireland (Eircode)
    re.compile(r"\b[abceghj-nprstvxy]\d[abceghj-nprstv-z]\s?\d[abceghj-nprstv-z]\d\b"),  # Canada
    re.compile(
        r"\b[1-9]\d{3}\s?(?!am|pm|gb|mb|km|kg|cm|mm|ml|to|in|at|or|on|by|of|so|if|is|it|we|my|as|do|no|up)[a-z]{2}\b(?<!sa)(?<!sd)(?<!ss)"
    ),  # the Netherlands
    re.compile(r"\b(?:post\s?code|zip(?:\s?code)?|plz)\b\W*(?:is\W*)?\w*\d"),
)
_AREAS = (
    "ab|al|ba|bb|bd|bh|bl|bn|br|bs|bt|b|ca|cb|cf|ch|cm|co|cr|ct|cv|cw|da|dd|de|dg|dh|dl|dn|dt|dy|ec|eh|en|ex|e|fk|fy|"
    "gl|gu|gy|g|ha|hd|hg|hp|hr|hs|hu|hx|ig|im|ip|iv|je|ka|kt|kw|ky|la|ld|le|ll|ln|ls|lu|l|me|mk|ml|m|ne|ng|nn|np|nr|nw|"
    "n|ol|ox|pa|pe|ph|pl|po|pr|rg|rh|rm|sa|se|sg|sk|sl|sm|sn|so|sp|sr|ss|st|sw|sy|s|ta|td|tf|tn|tq|tr|ts|tw|ub|wa|wc|"
    "wd|wf|wn|wr|ws|wv|w|yo|ze"
)  # Royal Mail
_APART = r"[\s.,/_-]*"
_SPELT_POSTCODE = re.compile(
    rf"\b(?:{'|'.join(_APART.join(area) for area in _AREAS.split('|'))}){_APART}\d{_APART}(?:[0-9a-z]{_APART})?"
    rf"(?!1st|2nd|3rd|\dth|\d[gmt]b)\d{_APART}[abd-hjlnp-uw-z]{_APART}[abd-hjlnp-uw-z]\b"
)
"""With any sign between its parts, or letter by letter as people spell it: s w 1 a 1 a a."""
_STREET = (
    r"(?:street|str|st|road|rd|avenue|ave|lane|ln|crescent|cres|gardens|gdns|grove|square|sq|terrace|mews|boulevard|blvd|"
    r"embankment|quay|wharf|court|ct)"
)
_VERB_TOO = r"(?:drive|dr|close|place|row|walk|hill|rise|parade|park|way|view)"
_NOT_A_NAME = (
    r"(?:people|persons?|adults?|children|kids|men|women|of|us|them|friends|drivers|cars?|hours?|minutes|miles|km|times|"
    r"minute|mile|hour|days?|weeks?|months?|years?|star|nice|good|bad|big|quick|easy|more|other|who|that|can|may|and|or|to|the|a|an|by|steps|dogs?)"
)
_LANES = r"(?:lanes?|ways?|minutes?|miles?|hours?)"
_BESIDE = r"(?!\s+(?:shops?|stores?|banks?|brands?|names?|chains?|junctions?|works|safety|tax|users?)\b)"
"""What is on any street of that kind, and so tells of none."""
_NO_FLAT = r"(?!\s*(?:%|of\b|per ?cent|pounds))"
_NUMBER_WORD = (
    r"(?:\d{1,4}[a-z]?|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|"
    r"seventeen|eighteen|nineteen|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety)"
)
_ADDRESSES = (
    re.compile(
        rf"\b{_NUMBER_WORD}\b[\s,/-]+(?!{_LANES}\b)(?:(?!(?:and|or|a)\b)[a-z'’.-]+\s+){{1,3}}{_STREET}\b{_BESIDE}"
    ),
    re.compile(
        rf"\b(?:cottage|farm|lodge|villa|house|hall|rectory|vicarage|manor)\s*,\s*(?:[a-z'’.-]+\s+){{1,3}}{_STREET}\b"
    ),
    re.compile(r"\baddress\s+(?:is|was)\s+(?:\w+\s+){0,2}\d"),
    re.compile(rf"\b{_NUMBER_WORD}\b[\s,/-]+(?!{_NOT_A_NAME}\b)[a-z'’.-]{{3,}}\s+{_VERB_TOO}\b"),
    re.compile(
        rf"\b(?:flat|apartment|apt|suite|house|unit)\s+(?:no\.?\s*|number\s*|nr\.?\s*)?{_NUMBER_WORD}\b{_NO_FLAT}"
    ),
    re.compile(r"\bp\.?\s?o\.?\s?box\b"),
    re.compile(
        rf"\b(?:live|lives|living|lived|reside|resides|address|home)\b(?:\s+\S+){{0,4}}?\s+(?!(?:the|this|that|same|main|high|your|our|another|every)\b)[a-z'’-]{{3,}}\s+{_STREET}\b"
    ),
    re.compile(r"\b\d{1,4}\s?(?:bis\s|ter\s)?,?\s*(?:rue|avenue|boulevard|chemin|impasse|allée|place|quai)\s+\w"),
    re.compile(r"\b[a-zäöüß-]+(?:straße|strasse|str\.|weg|gasse|platz|allee|damm|ufer)\s*\d"),
    re.compile(r"\b(?:calle|avenida|plaza|via|viale|piazza|rua|travessa)\s+[\w\s]{2,30}?,?\s*\d{1,4}\b"),
)
_SORT_CODE = re.compile(r"(?<!\d)\d\d(?:\s*[-–‐‑./ ]\s*\d\d){2}(?!\d)")
_ACCOUNT = re.compile(r"\b(?:sort\s?code|account|acct|iban|bic|swift)\b\D{0,25}\d{4,}")
_INSURANCE = re.compile(r"\b[a-ceghj-prs-tw-z]\s?[a-z]\s?(?:\d\s?){6}[a-d]\b")


def found_in(text: str) -> Detail | None:
    """What a text tells that it may not; None: nothing."""
    simple = plain(text)
    rest = without_quantities(simple)
    spelt = in_digits(simple)
    if _EMAIL.search(simple):
        return Detail.EMAIL
    if _is_iban(spelt) or _ACCOUNT.search(rest) or _INSURANCE.search(spelt):
        return Detail.ACCOUNT
    if any(pattern.search(simple) for pattern in _POSTCODES) or _SPELT_POSTCODE.search(spelt):
        return Detail.POSTCODE
    runs = [run for run in (*groups_of(rest), *other_groups_of(rest)) if not _is_years(run)]
    if any(_is_card(run) for run in runs):
        return Detail.CARD
    if any(_is_telephone(run) for run in runs) or _has_plus(simple, runs):
        return Detail.TELEPHONE
    if _SORT_CODE.search(rest):
        return Detail.ACCOUNT
    if any(pattern.search(simple) for pattern in _ADDRESSES):
        return Detail.ADDRESS
    return None


def luhn(digits: str) -> bool:
    """Whether the last digit checks the others (ISO/IEC 7812-1 annex B)."""
    doubled = [int(digit) * (1 + n % 2) for n, digit in enumerate(reversed(digits))]
    return sum(value - 9 if value > 9 else value for value in doubled) % 10 == 0


def iban_checks(account: str) -> bool:
    """Whether the two check digits fit (ISO 13616-1, ISO/IEC 7064 MOD 97-10). account: capitals and digits."""
    turned = account[4:] + account[:4]
    return int("".join(str(int(character, 36)) for character in turned)) % 97 == 1


def _is_iban(text: str) -> bool:
    """Any start at two letters and two digits, with anything but letters and digits between."""
    whole = re.sub(r"[^a-z0-9]", "", text)
    for start in re.finditer(r"(?=[a-z]{2}\d\d)", whole):
        rest = whole[start.start() : start.start() + LONGEST_IBAN]
        for end in range(SHORTEST_IBAN, len(rest) + 1):
            account = rest[:end].upper()
            if sum(character.isdigit() for character in account) >= 9 and iban_checks(account):
                return True
    return False


def _is_card(run: list[str]) -> bool:
    digits = "".join(run)
    return any(
        luhn(digits[start : start + length])
        for length in range(SHORTEST_CARD, LONGEST_CARD + 1)
        for start in range(len(digits) - length + 1)
    )


def _is_telephone(run: list[str]) -> bool:
    digits = "".join(run)
    return len(digits) >= FEWEST_DIGITS or (digits[0] == "0" and len(digits) >= FEWEST_WITH_ZERO)


def _is_years(run: list[str]) -> bool:
    """No card begins like one, and of so many digits of a number no more than half could be told so. Said in pairs they
    are years too: nineteen eighty-four."""
    joined = re.sub(r"\b(19|20) (?=\d\d\b)", r"\1", " ".join(run)).split()
    return len(joined) <= MOST_YEARS and all(_YEAR.fullmatch(group) for group in joined)


def _has_plus(text: str, runs: list[list[str]]) -> bool:
    return "+" in text and any(len("".join(run)) >= FEWEST_AFTER_PLUS for run in runs)
