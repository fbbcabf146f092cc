"""Where a site may call: its own country's ordinary numbers, and prefixes as a TOML file gives them."""

import re
from collections.abc import Callable
from typing import Annotated, Final

from phonenumbers import COUNTRY_CODE_TO_REGION_CODE, PhoneMetadata
from pydantic import AfterValidator

from softswitch.errors import UsageError
from softswitch.safeguards.toll import prefix_problem

# Ofcom's numbers for drama: in nobody's numbering plan, so that nothing can come of them, and in every example here.
_FICTION: Final = {"GB": ("+441632960", "+447700900")}


def domestic(country: str) -> Callable[[str], bool]:
    """Whether a number is a landline or a mobile of this country, by libphonenumber's numbering plans.

    The pattern is compiled once: the question is asked in front of the wire, for every call.
    """
    plan = PhoneMetadata.metadata_for_region(country)
    if plan is None or plan.country_code is None:
        raise UsageError(f"{country} is no country: use two capital letters (ISO 3166-1) such as GB")
    kinds = [kind.national_number_pattern for kind in (plan.fixed_line, plan.mobile) if kind is not None]
    numbers = "|".join(f"(?:{kind})" for kind in kinds if kind and kind != "NA")
    # In a country code that several share, a range that belongs to another of them begins with that one's digits.
    others = [
        other.leading_digits
        for region in COUNTRY_CODE_TO_REGION_CODE[plan.country_code]
        if region != country and (other := PhoneMetadata.metadata_for_region(region)) and other.leading_digits
    ]
    not_others = f"(?!{'|'.join(f'(?:{digits})' for digits in others)})" if others else ""
    pattern = re.compile(rf"\+{plan.country_code}{not_others}(?:{numbers})")
    fiction = _FICTION.get(country, ())

    def is_domestic(number: str) -> bool:
        return pattern.fullmatch(number) is not None or (bool(fiction) and number.startswith(fiction))

    return is_domestic


def _destination(prefix: str) -> str:
    if problem := prefix_problem(prefix):
        raise ValueError(problem)
    return prefix


Destination = Annotated[str, AfterValidator(_destination)]
