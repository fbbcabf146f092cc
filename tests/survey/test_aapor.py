"""AAPOR's final dispositions and outcome rates, against an example reckoned by hand."""

from dataclasses import asdict
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from softswitch.dialler.attempt import Disposition
from softswitch.survey.aapor import FORMULAS, SITE_WORDING, Final, Wording, eligible_share, fractions, rates

COUNT = {
    Final.I: 300, Final.P: 50, Final.R: 200, Final.NC: 100, Final.O: 50, Final.UH: 150, Final.UO: 50, Final.NE: 100,
}  # fmt: skip
# Eligible known: 300 + 50 + 200 + 100 + 50 = 700; with NE 800, so e = 700 / 800 = 0.875.
# Unknown: 150 + 50 = 200; all: 700 + 200 = 900; with e: 700 + 0.875 * 200 = 875.
BY_HAND = {
    "RR1": 300 / 900, "RR2": 350 / 900, "RR3": 300 / 875, "RR4": 350 / 875, "RR5": 300 / 700, "RR6": 350 / 700,
    "COOP1": 300 / 600, "COOP2": 350 / 600, "COOP3": 300 / 550, "COOP4": 350 / 550,
    "REF1": 200 / 900, "REF2": 200 / 875, "REF3": 200 / 700,
    "CON1": 600 / 900, "CON2": 600 / 875, "CON3": 600 / 700,
    "e": 0.875,
}  # fmt: skip


def by_the_standard(
    i: int, p: int, r: int, nc: int, o: int, uh: int, uo: int, ne: int, e: float | None
) -> dict[str, Fraction | None]:
    """Each formula as AAPOR prints it (Standard Definitions, "Calculating outcome rates"), in fractions."""
    eligible = (i + p) + (r + nc + o)
    share = Fraction(e) if e is not None else Fraction(eligible, eligible + ne) if eligible + ne else Fraction(1)
    unknown = share * (uh + uo)
    pairs = {
        "RR1": (i, (i + p) + (r + nc + o) + (uh + uo)),
        "RR2": (i + p, (i + p) + (r + nc + o) + (uh + uo)),
        "RR3": (i, (i + p) + (r + nc + o) + unknown),
        "RR4": (i + p, (i + p) + (r + nc + o) + unknown),
        "RR5": (i, (i + p) + (r + nc + o)),
        "RR6": (i + p, (i + p) + (r + nc + o)),
        "COOP1": (i, (i + p) + r + o),
        "COOP2": (i + p, (i + p) + r + o),
        "COOP3": (i, (i + p) + r),
        "COOP4": (i + p, (i + p) + r),
        "REF1": (r, (i + p) + (r + nc + o) + (uh + uo)),
        "REF2": (r, (i + p) + (r + nc + o) + unknown),
        "REF3": (r, (i + p) + (r + nc + o)),
        "CON1": ((i + p) + r + o, (i + p) + r + o + nc + (uh + uo)),
        "CON2": ((i + p) + r + o, (i + p) + r + o + nc + unknown),
        "CON3": ((i + p) + r + o, (i + p) + r + o + nc),
    }
    return {name: Fraction(part) / whole if whole else None for name, (part, whole) in pairs.items()} | {"e": share}


@pytest.mark.parametrize("name", BY_HAND)
def test_each_rate_is_what_the_formula_gives_by_hand(name: str) -> None:
    assert getattr(rates(COUNT), name) == pytest.approx(BY_HAND[name], abs=1e-12)


@given(st.lists(st.integers(0, 3) | st.integers(0, 10**7), min_size=8, max_size=8), st.none() | st.floats(0, 1))
def test_each_rate_is_that_of_the_standard_for_any_counts(counts: list[int], e: float | None) -> None:
    count = dict(zip(Final, counts, strict=True))
    found, twin = asdict(rates(count, e)), by_the_standard(*counts, e)
    assert found.keys() == twin.keys()
    for name, value in twin.items():
        assert found[name] == (None if value is None else pytest.approx(float(value), rel=1e-12, abs=0)), name
        assert value is None or 0 <= found[name] <= 1


def test_e_may_be_given_and_one_makes_the_estimates_the_lowest_rates() -> None:
    with_one = rates(COUNT, 1.0)
    assert (with_one.RR3, with_one.RR4, with_one.REF2, with_one.CON2) == (
        with_one.RR1, with_one.RR2, with_one.REF1, with_one.CON1,
    )  # fmt: skip
    with_none = rates(COUNT, 0.0)
    assert (with_none.RR3, with_none.RR4) == (with_none.RR5, with_none.RR6)


def test_without_cases_there_are_no_rates_and_nothing_fails() -> None:
    assert rates({}).RR1 is None
    assert rates({Final.UH: 5}).RR1 == 0.0
    assert rates({Final.UH: 5}).RR5 is None
    assert eligible_share({}) == 1.0
    assert rates({Final.NE: 5}).RR1 is None


def test_every_disposition_of_the_switch_has_a_final_one() -> None:
    own = {disposition.value for disposition in Disposition} - {
        Disposition.OVERFLOWED.value
    }  # of callers, not of cases
    assert own <= SITE_WORDING.keys()


def test_the_words_of_each_formula_come_to_what_is_reckoned() -> None:
    counts = {final.value: COUNT[final] for final in Final} | {"e": 0.875}
    for name, (part, whole) in fractions(COUNT, 0.875).items():
        python = FORMULAS[name].replace("e (", "e * (")
        assert eval(python, {"__builtins__": {}}, counts) == pytest.approx(part / whole), name
    assert FORMULAS.keys() == BY_HAND.keys() - {"e"}


def test_an_interview_says_more_than_a_refusal_and_a_refusal_more_than_no_answer() -> None:
    rank = Wording(SITE_WORDING).ranks
    said_least = sorted(
        ("no-answer", "connected", "callback", "not-eligible", "refusal", "partial", "completed"), key=rank.get
    )
    assert said_least == ["completed", "partial", "refusal", "not-eligible", "callback", "connected", "no-answer"]
    assert rank["busy"] == rank["no-answer"]


def test_a_site_may_read_its_dispositions_otherwise_and_what_nobody_knows_was_never_tried() -> None:
    wording = Wording.of_site({"connected": ("O", "2.34")})
    assert wording.final_of("connected") == (Final.O, "2.34")
    assert wording.ranks["connected"] < wording.ranks["callback"]
    assert wording.final_of("made-up") == wording.final_of("") == (Final.UH, "3.11")
