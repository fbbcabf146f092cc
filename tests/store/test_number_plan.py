"""The quick way to read an ordinary number knows nothing better than `phonenumbers`, in any country."""

import random

import phonenumbers
import pytest

from softswitch.store.number_plan import plan_of
from softswitch.store.telephone import Telephone, WrongNumber, _read_with_care, read_number

COUNTRIES = ("GB", "US", "DE", "FR", "IT", "BR", "AU", "ES", "IE", "RU", "MX", "IN", "NL", "PL", "SE", "HU", "JP", "CI")
KINDS = (
    "fixed_line", "mobile", "premium_rate", "toll_free", "shared_cost", "voip", "personal_number", "pager", "uan",
)  # fmt: skip


def near(country: str, rng: random.Random) -> str:
    """A number that begins like a real one of some kind, written in one of the ways that people use."""
    metadata = phonenumbers.PhoneMetadata.metadata_for_region(country)
    kinds = [getattr(metadata, kind) for kind in KINDS]
    example = rng.choice([kind.example_number for kind in kinds if kind is not None and kind.example_number])
    kept = rng.randint(0, len(example))
    digits = example[:kept] + "".join(
        rng.choices("0123456789", k=len(example) - kept + rng.choice((0, 0, 0, 0, 1, -1)))
    )
    code, prefix = metadata.country_code, metadata.national_prefix or ""
    return rng.choice(
        (digits, prefix + digits, f"+{code}{digits}", f"+{code} (0){digits}", f"{code}{digits}", f"00{digits}",
         f"+{code} {digits[:3]} {digits[3:6]}-{digits[6:]}", f"({prefix}{digits[:3]}) {digits[3:]}")
    )  # fmt: skip


@pytest.mark.parametrize("country", COUNTRIES)
def test_what_the_plan_reads_phonenumbers_reads_the_same(country: str) -> None:
    rng, read = random.Random(country), 0
    for _ in range(300):
        text = near(country, rng)
        found = plan_of(country).read(text)
        if found is not None:
            read += 1
            assert Telephone(*found) == _read_with_care(text, country, country, any_kind=False), text
    assert read >= 5  # Italians keep their zero, which is left to phonenumbers


@pytest.mark.parametrize(
    "text", ["07400123456", "+447400123456", "020 7946 0001", "(020) 7946-0001", "+44 7400 123456"]
)
def test_ordinary_british_numbers_are_read_the_quick_way(text: str) -> None:
    assert plan_of("GB").read(text) is not None


@pytest.mark.parametrize(
    "text", ["09098790123", "08001111", "999", "0207946000", "+33612345678", "447400123456", "", "+"]
)
def test_what_is_not_certain_is_left_to_phonenumbers(text: str) -> None:
    assert plan_of("GB").read(text) is None


def test_a_country_that_shares_its_code_with_a_greater_one_has_no_plan_and_is_read_all_the_same() -> None:
    assert not plan_of("JE").is_usable and not plan_of("XX").is_usable
    assert read_number("01534 712345", "JE").number == "+441534712345"
    with pytest.raises(WrongNumber):
        read_number("09098790123", "GB")
