"""AAPOR's final dispositions and outcome rates, against an example reckoned by hand."""

import pytest

from softswitch.dialler.attempt import Disposition
from softswitch.survey.aapor import SITE_WORDING, Final, Wording, eligible_share, rates

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


@pytest.mark.parametrize("name", BY_HAND)
def test_each_rate_is_what_the_formula_gives_by_hand(name: str) -> None:
    assert getattr(rates(COUNT), name) == pytest.approx(BY_HAND[name], abs=1e-12)


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


@pytest.mark.parametrize(
    ("attempts", "final"),
    [
        ([], Final.UH),
        (["no-answer", "busy"], Final.UH),
        (["no-answer", "completed"], Final.I),
        (["completed", "no-answer"], Final.I),
        (["partial", "refusal"], Final.P),
        (["callback", "refusal", "no-answer"], Final.R),
        (["refusal", "not-eligible"], Final.R),
        (["machine", "abandoned"], Final.UO),
        (["callback", "machine", "no-answer"], Final.NC),
        (["no-answer", "invalid-number"], Final.NE),
        (["callback", "wrong-number"], Final.NE),
        (["made-up"], Final.UH),
    ],
)
def test_a_case_counts_by_the_attempt_that_says_most(attempts: list[str], final: Final) -> None:
    assert Wording(SITE_WORDING).of_attempts([(each, "", False) for each in attempts])[0] is final


def test_a_site_may_read_its_dispositions_otherwise() -> None:
    wording = Wording.of_site({"connected": ("O", "2.34")})
    assert wording.of_attempts([("connected", "", False), ("no-answer", "", False)]) == (Final.O, "2.34")


def test_a_complete_interview_stays_one_though_the_callee_opted_out_after_it() -> None:
    wording = Wording.of_site({})
    assert wording.of_attempts([("opt-out", "complete", False)]) == (Final.I, "1.1")
    assert wording.of_attempts([("break-off", "broken_off", True)]) == (Final.P, "1.2")
    assert wording.of_attempts([("opt-out", "opted_out", False)]) == (Final.R, "2.11")


def test_of_attempts_that_say_as_much_the_last_one_gives_the_code() -> None:
    assert Wording(SITE_WORDING).of_attempts([("busy", "", False), ("no-answer", "", False)]) == (Final.UH, "3.13")
