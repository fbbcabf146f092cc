"""What decisions amount to: each figure on a handful of clips whose answers are known."""

import json
import math
from itertools import pairwise

import numpy as np
import pytest

from softswitch.amd import figures, model
from softswitch.amd.evaluate import Clip, Decision, Event
from softswitch.amd.verdict import Cause, OperatingPoint, Verdict


def decision(
    label: str,
    *verdicts: tuple[float, Verdict],
    beeps: tuple[float, ...] = (),
    beep: tuple[float, float] | None = None,
    end_ms: float | None = 1000.0,
    shares: tuple[float, ...] = (0.0,),
    **traits: str,
) -> Decision:
    """A clip of ten seconds that spoke from 400 ms on, and what was said of it."""
    clip = Clip("a.wav", label, np.zeros(80000, np.int16), 400.0, end_ms, beep, traits)
    said = [Event(ms, model.VERDICT_REACHED, verdict, Cause.CLASSIFIER, 0.9) for ms, verdict in verdicts]
    said += [Event(ms, model.BEEP_HEARD, Verdict.MACHINE, Cause.BEEP, 0.9) for ms in beeps]
    heard = np.array(shares, np.float32)
    return Decision(clip, OperatingPoint.BALANCED, tuple(sorted(said, key=lambda event: event.ms)), 420.0, heard)


def test_wilson_intervals_are_those_of_the_textbook() -> None:
    assert figures.wilson_interval(5, 330) == pytest.approx((0.0065, 0.0350), abs=1e-4)
    assert figures.wilson_interval(0, 10) == pytest.approx((0.0, 0.2775), abs=1e-4)
    assert figures.wilson_interval(10, 10) == pytest.approx((0.7225, 1.0), abs=1e-4)
    assert figures.wilson_interval(0, 0) == (0.0, 1.0)


@pytest.mark.parametrize("verdict", [Verdict.MACHINE, Verdict.FAX, Verdict.TONE, Verdict.SCREENING, Verdict.CARRIER])
def test_a_person_once_called_a_machine_is_lost_though_it_was_taken_back(verdict: Verdict) -> None:
    lost = decision("HUMAN", (2000.0, verdict), (3000.0, Verdict.HUMAN))
    later = decision("HUMAN_BUSINESS", (1500.0, Verdict.HUMAN), (8000.0, verdict))
    kept = decision("HUMAN", (1500.0, Verdict.HUMAN))
    found = figures.summarise([lost, later, kept])
    assert found["counts"]["human_as_machine"] == [2, 3]
    assert found["human_as_machine"] == pytest.approx(2 / 3, abs=1e-6)
    assert found["human_business_as_machine"] == 1.0
    assert found["counts"]["human_as_human"] == [1, 3]
    assert found["intervals"]["human_as_machine"] == pytest.approx(figures.wilson_interval(2, 3), abs=1e-6)


@pytest.mark.parametrize("verdict", [Verdict.NOTSURE, Verdict.SILENCE, Verdict.NONE])
def test_a_person_of_whom_nothing_is_known_is_neither_lost_nor_found(verdict: Verdict) -> None:
    verdicts = () if verdict is Verdict.NONE else ((5000.0, verdict),)
    counts = figures.summarise([decision("HUMAN", *verdicts)])["counts"]
    assert counts["human_as_machine"] == [0, 1]
    assert counts["human_as_human"] == [0, 1]


def test_machines_are_counted_by_their_first_verdict_and_by_their_last() -> None:
    decisions = [
        decision("MACHINE", (1500.0, Verdict.HUMAN), (6000.0, Verdict.MACHINE)),
        decision("IVR", (4000.0, Verdict.SCREENING)),
        decision("CARRIER", (4000.0, Verdict.CARRIER), (7000.0, Verdict.HUMAN)),
        decision("MACHINE", (2000.0, Verdict.MACHINE)),
        decision("FAX", (2000.0, Verdict.FAX)),
    ]
    found = figures.summarise(decisions)
    assert found["counts"]["machine_recall_first"] == [3, 4]
    assert found["counts"]["machine_recall_final"] == [3, 4]
    assert found["counts"]["machine_recall_within_5s"] == [3, 4]
    assert found["counts"]["voicemail_recall_first"] == [1, 2]
    assert found["counts"]["voicemail_recall_final"] == [2, 2]
    assert found["machine_decision_after_onset_ms_p50"] == 3600.0  # of 5600, 3600, 3600, 1600


def test_times_are_counted_from_the_greeting_s_end_and_may_be_negative() -> None:
    found = figures.summarise([
        decision("HUMAN", (800.0, Verdict.HUMAN)),
        decision("HUMAN", (1700.0, Verdict.HUMAN)),
        decision("HUMAN_BUSINESS", (1900.0, Verdict.NOTSURE), (2100.0, Verdict.HUMAN)),
        decision("HUMAN", (3200.0, Verdict.HUMAN)),
        decision("HUMAN", (900.0, Verdict.HUMAN), end_ms=None),
    ])  # fmt: skip
    assert found["human_decision_after_greeting_ms_p50"] == 900.0  # of -200, 700, 1100, 2200
    assert found["human_decision_after_greeting_ms_p95"] == pytest.approx(2035.0)
    assert found["counts"]["human_handed_over_within_2s"] == [3, 4]


def test_the_united_kingdom_s_two_seconds_begin_with_the_first_word() -> None:
    found = figures.summarise([
        decision("HUMAN", (2400.0, Verdict.NOTSURE), end_ms=1500.0),
        decision("HUMAN", (2401.0, Verdict.HUMAN), end_ms=1500.0),
        decision("HUMAN", (1500.0, Verdict.TONE), (2000.0, Verdict.HUMAN)),
        decision("MACHINE", (2400.0, Verdict.MACHINE), end_ms=5000.0),
        decision("CARRIER", (2500.0, Verdict.CARRIER), end_ms=5000.0),
    ])  # fmt: skip
    assert found["counts"]["human_handed_over_within_2s_of_onset"] == [1, 3]
    assert found["counts"]["human_handed_over_within_2s"] == [2, 3]
    assert found["counts"]["machine_recall_within_2s_of_onset"] == [1, 2]


def test_who_was_hung_up_on_first_was_not_handed_over() -> None:
    found = figures.summarise([decision("HUMAN", (1500.0, Verdict.MACHINE), (2000.0, Verdict.HUMAN))])
    assert found["counts"]["human_handed_over_within_2s"] == [0, 1]


def test_a_beep_is_heard_from_its_start_until_half_a_second_after_its_end() -> None:
    beep = (6000.0, 6300.0)
    decisions = [
        decision("MACHINE", beeps=(6350.0,), beep=beep, noise="none"),
        decision("MACHINE", beeps=(6800.0,), beep=beep, noise="babble"),
        decision("MACHINE", beeps=(6801.0,), beep=beep, noise="babble"),
        decision("MACHINE", beeps=(3000.0,), beep=beep, noise="none"),
        decision("MACHINE", beeps=(3000.0,), noise="none"),
        decision("HUMAN", (1500.0, Verdict.HUMAN), noise="none"),
    ]
    found = figures.summarise(decisions)
    assert found["counts"]["beep_recall"] == [2, 4]
    assert found["counts"]["beep_recall_no_noise"] == [1, 2]
    assert found["counts"]["beep_false"] == [1, 2]
    assert found["beeps_before_the_beep"] == 1


def test_signals_taken_for_people_are_counted_even_when_corrected() -> None:
    found = figures.summarise([
        decision("SILENCE", (5000.0, Verdict.SILENCE)),
        decision("FAX", (2000.0, Verdict.HUMAN), (3000.0, Verdict.FAX)),
        decision("RINGBACK", (2000.0, Verdict.NOTSURE)),
    ])  # fmt: skip
    assert found["counts"]["silence_fax_ringback_as_human"] == [1, 3]


def test_figures_without_clips_of_their_kind_are_null_in_json() -> None:
    found = json.loads(json.dumps(figures.summarise([decision("SILENCE", (5000.0, Verdict.SILENCE))]), allow_nan=False))
    for name in ("human_as_machine", "beep_recall", "human_decision_after_greeting_ms_p50"):
        assert found[name] is None
    assert found["confusion"] == {"SILENCE": {"SILENCE": 1}}


def test_breakdowns_hold_each_clip_once_and_leave_out_what_the_folder_does_not_tell() -> None:
    decisions = [
        decision("HUMAN", (1500.0, Verdict.HUMAN), snr_db="4.9", noise="babble"),
        decision("HUMAN", (1500.0, Verdict.MACHINE), snr_db="22", noise="street"),
        decision("MACHINE", (1500.0, Verdict.MACHINE), noise="none", end_ms=5000.0),
    ]
    table = figures.breakdowns(decisions)
    assert table["SNR"]["0-5 dB"]["human_as_machine"] == [0, 1]
    assert table["SNR"]["20-30 dB"]["human_as_machine"] == [1, 1]
    assert table["SNR"]["none"]["machine_recall_first"] == [1, 1]
    assert list(table["SNR"]) == ["none", "0-5 dB", "20-30 dB"]
    assert table["greeting"]["4-6 s"]["machine_recall_final"] == [1, 1]
    assert "codec" not in table
    for groups in table.values():
        assert sum(row["human_as_machine"][1] for row in groups.values() if "human_as_machine" in row) == 2


def test_the_curve_falls_with_the_threshold_and_knows_the_first_five_seconds() -> None:
    person = decision("HUMAN", shares=tuple(0.3 for _ in range(500)))
    machine = decision("MACHINE", shares=tuple(0.1 if packet < 300 else 0.92 for packet in range(500)))
    curve = figures.curve([person, machine])
    at = {row["threshold"]: row for row in curve}
    assert (at[0.3]["people"], at[0.4]["people"]) == (1.0, 0.0)
    assert (at[0.9]["machines"], at[0.95]["machines"]) == (1.0, 0.0)
    assert (at[0.1]["machines_within_5s"], at[0.2]["machines_within_5s"]) == (1.0, 0.0)
    for name in ("people", "machines", "machines_within_5s"):
        assert all(before[name] >= after[name] for before, after in pairwise(curve))


def test_an_unending_wait_is_infinite() -> None:
    assert decision("HUMAN").first_of(frozenset({Verdict.HUMAN})) == math.inf
