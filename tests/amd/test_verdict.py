"""What dialplans are told of a verdict."""

import pytest

from softswitch.amd.verdict import Cause, OperatingPoint, Verdict, amd_cause, amd_status


@pytest.mark.parametrize("verdict", list(Verdict))
def test_every_verdict_has_one_of_the_names_that_dialplans_know(verdict: Verdict) -> None:
    status = amd_status(verdict)
    assert status == "" if verdict is Verdict.NONE else status in {"HUMAN", "MACHINE", "NOTSURE", "HANGUP"}


def test_only_a_person_is_called_human_and_dead_air_is_not_called_a_machine() -> None:
    assert [verdict for verdict in Verdict if amd_status(verdict) == "HUMAN"] == [Verdict.HUMAN]
    assert amd_status(Verdict.SILENCE) == "NOTSURE"


def test_causes_are_written_as_dialplans_know_them_with_the_audio_time() -> None:
    assert amd_cause(Cause.LONG_GREETING, 2400) == "LONGGREETING-2400"
    assert amd_cause(Cause.END_OF_GREETING, 1860) == "HUMAN-1860"
    assert amd_cause(Cause.FAX_TONE, 900) == "FAXTONE-900"
    assert amd_cause(Cause.NONE, 0) == ""


@pytest.mark.parametrize("cause", [cause for cause in Cause if cause is not Cause.NONE])
def test_every_cause_is_one_word_and_a_number(cause: Cause) -> None:
    word, number = amd_cause(cause, 1234).split("-")
    assert word.isalpha()
    assert word.isupper()
    assert number == "1234"


def test_operating_points_are_numbered_from_the_most_careful() -> None:
    assert [point.name.lower() for point in sorted(OperatingPoint)] == ["careful", "balanced", "fast"]
