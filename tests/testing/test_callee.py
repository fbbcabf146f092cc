import numpy as np
import pytest

from softswitch.errors import UsageError
from softswitch.testing.callee import MACHINE_RECORDS_S, MARKER_AFTER_S, Callee, CalleePlan, Kind
from softswitch.testing.companding import Pcm


def spoken(callee: Callee, seconds: float) -> Pcm:
    return np.concatenate([callee.speaker.next_frame() for _ in range(int(seconds * 50))])


def loud_ms(pcm: Pcm) -> "np.ndarray[tuple[int], np.dtype[np.int64]]":
    """The 20 ms frames over -40 dBov, as times in ms."""
    power = (pcm.reshape(-1, 160).astype(float) ** 2).mean(axis=1)
    return np.flatnonzero(10 * np.log10(power / 32768.0**2 + 1e-12) > -40) * 20


@pytest.mark.parametrize("seed", range(10))
def test_a_person_greets_within_a_second_then_waits_for_at_least_a_second_and_a_half(seed: int) -> None:
    loud = loud_ms(spoken(Callee(CalleePlan(Kind.PERSON, seed=seed)), 8.0))
    assert 280 <= loud[0] <= 1000
    assert np.diff(loud).max() >= 1500


def test_a_person_speaks_again_later_and_hangs_up_in_the_end() -> None:
    callee = Callee(CalleePlan(Kind.PERSON, talk_s=9.0, seed=3))
    assert callee.hangs_up_after_s == 9.0
    assert loud_ms(spoken(callee, 9.0))[-1] > 4000


def test_a_patient_person_leaves_the_hanging_up_to_the_other_side() -> None:
    assert Callee(CalleePlan(Kind.PERSON, talk_s=0)).hangs_up_after_s is None


@pytest.mark.parametrize("seed", range(5))
def test_a_machine_greets_beeps_and_records_in_silence_until_it_is_full(seed: int) -> None:
    callee = Callee(CalleePlan(Kind.MACHINE, seed=seed))
    assert callee.hangs_up_after_s is not None
    loud = loud_ms(spoken(callee, callee.hangs_up_after_s))
    beep_end_s = callee.hangs_up_after_s - MACHINE_RECORDS_S
    assert abs(loud[-1] / 1000 - beep_end_s) < 0.1


def test_dead_air_says_nothing_at_all() -> None:
    callee = Callee(CalleePlan(Kind.DEAD_AIR))
    assert callee.greeting_s is None
    assert len(loud_ms(spoken(callee, 5.0))) == 0


def test_screening_asks_twice() -> None:
    loud = loud_ms(spoken(Callee(CalleePlan(Kind.SCREENING)), 16.0))
    assert (np.diff(loud) > 4500).sum() == 1


def test_the_same_plan_sounds_the_same() -> None:
    plan = CalleePlan(Kind.PERSON, seed=7, marker_hz=2600)
    assert np.array_equal(spoken(Callee(plan), 6.0), spoken(Callee(plan), 6.0))


def test_the_marker_leaves_the_first_words_clean() -> None:
    with_marker = spoken(Callee(CalleePlan(Kind.PERSON, seed=7, marker_hz=2600)), 3.0)
    without = spoken(Callee(CalleePlan(Kind.PERSON, seed=7)), 3.0)
    differs = np.flatnonzero(with_marker != without)
    assert MARKER_AFTER_S * 8000 - 160 <= differs[0] <= MARKER_AFTER_S * 8000 + 160


@pytest.mark.parametrize(
    ("kind", "status"), [(Kind.BUSY, 486), (Kind.REFUSED, 603), (Kind.FAILURE, 503), (Kind.INVALID, 404)]
)
def test_a_refusing_callee_has_the_status_of_its_kind(kind: Kind, status: int) -> None:
    assert CalleePlan(kind).refusal == status


def test_a_plan_may_name_another_status() -> None:
    assert CalleePlan(Kind.REFUSED, status=608).refusal == 608


def test_only_callees_that_answer_can_speak() -> None:
    with pytest.raises(UsageError):
        Callee(CalleePlan(Kind.NO_ANSWER))
