"""The detector on sounds made here: speech-like bursts, tones, noise and silence."""

import numpy as np
import numpy.typing as npt
import pytest

from softswitch.amd import model
from softswitch.amd.state import BALANCED, FEATURES, STATE, new_states, reset
from softswitch.amd.verdict import Cause, Verdict

Samples = npt.NDArray[np.int16]
RATE = 8000


def silence(ms: float) -> Samples:
    return np.zeros(int(ms * 8), np.int16)


def noise(ms: float, dbov: float, seed: int = 1) -> Samples:
    level = 32768.0 * 10 ** (dbov / 20)
    drawn = np.random.default_rng(seed).normal(0.0, level, int(ms * 8))
    return np.clip(drawn, -32768, 32767).astype(np.int16)


VOWELS_HZ = np.array([[700, 1150, 2500], [300, 2200, 2900], [500, 1700, 2500], [400, 800, 2300], [600, 1000, 2400]])


def speech(ms: float, dbov: float = -20.0, seed: int = 2) -> Samples:
    """A drifting pitch through formants that move from vowel to vowel, in syllables of 200 ms and phrases of 1.4 s."""
    time = np.arange(int(ms * 8)) / RATE
    pitch = 120.0 + 25.0 * np.sin(2 * np.pi * 0.6 * time + seed)
    phase = 2 * np.pi * np.cumsum(pitch) / RATE
    syllable, done = (time / 0.2).astype(int), (time / 0.2 % 1.0)[:, None]
    vowels = VOWELS_HZ[np.random.default_rng(seed).integers(0, len(VOWELS_HZ), syllable[-1] + 2)]
    formants = vowels[syllable] * (1.0 - done) + vowels[syllable + 1] * done
    voice = np.zeros(len(time))
    for harmonic in range(1, 28):
        hz = harmonic * pitch
        away = (hz[:, None] - formants) / np.array([60.0, 90.0, 120.0])
        voice += (
            np.cos(harmonic * phase + harmonic**2) * (hz < 3700.0) * np.sum([1.0, 0.5, 0.25] / (1.0 + away**2), axis=1)
        )
    voice *= np.where(time % 1.7 < 1.4, 0.15 + np.abs(np.sin(np.pi * time / 0.2)), 0.002)
    voice *= 32768.0 * 10 ** (dbov / 20) / np.sqrt(np.mean(voice**2))
    return np.clip(voice, -32768, 32767).astype(np.int16)


def tone(ms: float, *frequencies: float, dbov: float = -15.0) -> Samples:
    time = np.arange(int(ms * 8)) / RATE
    amplitude = 32768.0 * 10 ** (dbov / 20) * np.sqrt(2.0 / len(frequencies))
    wave = sum(amplitude * np.sin(2 * np.pi * frequency * time) for frequency in frequencies)
    return np.clip(np.asarray(wave), -32768, 32767).astype(np.int16)


def joined(*parts: Samples) -> Samples:
    return np.concatenate(parts)


def feed(states: npt.NDArray[np.void], index: int, pcm: Samples, frame_ms: int = 20) -> int:
    """All flags that came up while the samples were streamed."""
    flags = 0
    samples = frame_ms * 8
    for start in range(0, len(pcm) - samples + 1, samples):
        flags |= model.receive_frame(states, index, pcm[start : start + samples], 0.0)
    return flags


def judge(pcm: Samples, frame_ms: int = 20) -> tuple[Verdict, Cause, float]:
    states = new_states(1)
    feed(states, 0, pcm, frame_ms)
    return verdict_of(states, 0)


def verdict_of(states: npt.NDArray[np.void], index: int) -> tuple[Verdict, Cause, float]:
    state = states[index]
    return Verdict(int(state["verdict"])), Cause(int(state["cause"])), float(state["decided_ms"])


def test_a_short_greeting_and_silence_is_a_person_who_waits() -> None:
    verdict, cause, decided_ms = judge(joined(silence(400), speech(700), silence(3000)))
    assert (verdict, cause) == (Verdict.HUMAN, Cause.SHORT_GREETING)
    assert 1500 <= decided_ms <= 2500


@pytest.mark.parametrize("dbov", [-36.0, -20.0, -9.0])
def test_a_person_is_a_person_at_every_level_on_silent_and_on_noisy_lines(dbov: float) -> None:
    call = joined(silence(400), speech(800, dbov), silence(3000))
    assert judge(call)[0] is Verdict.HUMAN
    hiss = noise(len(call) / 8, dbov - 25.0)
    assert judge(call // 2 + hiss // 2)[0] is Verdict.HUMAN


@pytest.mark.parametrize("dbov", [-36.0, -20.0, -9.0])
def test_speech_that_runs_on_is_a_machine_at_every_level(dbov: float) -> None:
    verdict, cause, decided_ms = judge(joined(silence(400), speech(7000, dbov)))
    assert (verdict, cause) == (Verdict.MACHINE, Cause.LONG_GREETING)
    assert decided_ms < 6000


def test_a_machine_that_starts_at_once_is_found() -> None:
    assert judge(speech(7000))[0] is Verdict.MACHINE


def test_a_noisy_room_does_not_make_a_machine_of_a_person() -> None:
    call = joined(silence(500), speech(900, -20.0), silence(7000))
    room = noise(len(call) / 8, -32.0)
    assert judge(call + room)[0] is not Verdict.MACHINE


@pytest.mark.parametrize("line", [silence(9000), noise(9000, -60.0), noise(9000, -48.0)])
def test_dead_air_and_comfort_noise_are_silence(line: Samples) -> None:
    assert judge(line)[:2] == (Verdict.SILENCE, Cause.INITIAL_SILENCE)


@pytest.mark.parametrize("frequency", [400.0, 850.0, 1000.0, 1400.0, 2000.0])
def test_a_beep_after_a_short_greeting_is_a_machine(frequency: float) -> None:
    call = joined(silence(300), speech(1500), silence(600), tone(250, frequency), silence(1000))
    assert judge(call)[:2] == (Verdict.MACHINE, Cause.BEEP)


def test_a_dual_tone_beep_is_heard_as_one() -> None:
    call = joined(silence(300), speech(1500), silence(500), tone(300, 850.0, 1110.0), silence(1000))
    assert judge(call)[:2] == (Verdict.MACHINE, Cause.BEEP)


def test_a_beep_corrects_a_verdict_of_human() -> None:
    states = new_states(1)
    assert feed(states, 0, joined(silence(300), speech(1200), silence(1500))) & model.VERDICT_REACHED
    assert verdict_of(states, 0)[0] is Verdict.HUMAN
    assert feed(states, 0, joined(tone(300, 1000.0), silence(400))) & model.VERDICT_REACHED
    assert verdict_of(states, 0)[:2] == (Verdict.MACHINE, Cause.BEEP)


@pytest.mark.parametrize("before", [silence(200), speech(300)])
def test_a_note_right_after_the_answer_is_no_beep(before: Samples) -> None:
    states = new_states(1)
    flags = feed(states, 0, joined(before, tone(150, 1000.0), silence(600)))
    assert not flags & model.BEEP_HEARD
    assert verdict_of(states, 0)[0] is not Verdict.MACHINE


def test_speech_resumed_at_once_and_at_length_corrects_a_verdict_of_human() -> None:
    call = joined(silence(300), speech(1500), silence(1300), speech(5000))
    assert judge(call)[:2] == (Verdict.MACHINE, Cause.RESUMED_SPEECH)


def test_a_person_who_talks_to_the_agent_stays_a_person() -> None:
    answer = joined(silence(300), speech(800), silence(3500), speech(6000), silence(2000), speech(4000))
    assert judge(answer)[0] is Verdict.HUMAN


def test_a_second_hello_leaves_a_person_a_person() -> None:
    assert judge(joined(silence(300), speech(700), silence(1400), speech(900), silence(3000)))[0] is Verdict.HUMAN


def test_ringback_is_neither_a_beep_nor_a_person() -> None:
    ring = joined(tone(2000, 440.0, 480.0), silence(4000))
    assert judge(joined(ring, ring))[:2] == (Verdict.TONE, Cause.RINGBACK)


def test_ringback_after_speech_is_no_beep() -> None:
    call = joined(silence(300), speech(900), silence(1500), tone(2000, 440.0, 480.0), silence(1000))
    assert judge(call)[0] is Verdict.HUMAN


def test_a_busy_tone_is_one() -> None:
    burst = joined(tone(500, 480.0, 620.0), silence(500))
    assert judge(joined(silence(300), *[burst] * 8))[:2] == (Verdict.TONE, Cause.BUSY)


def test_a_dial_tone_is_one() -> None:
    verdict, cause, _ = judge(joined(silence(300), tone(6000, 350.0, 440.0)))
    assert verdict is Verdict.TONE
    assert cause in (Cause.DIAL_TONE, Cause.TONE)


def test_a_key_that_the_callee_presses_is_no_beep() -> None:
    call = joined(silence(300), speech(900), silence(1500), tone(300, 770.0, 1336.0), silence(1000))
    assert judge(call)[0] is Verdict.HUMAN


def test_special_information_tones_are_the_carriers() -> None:
    tones = joined(tone(330, 950.0), tone(330, 1400.0), tone(330, 1800.0), silence(1000))
    assert judge(joined(silence(500), tones))[:2] == (Verdict.CARRIER, Cause.SIT)


@pytest.mark.parametrize("signal", [joined(tone(500, 1100.0), silence(3000)), tone(3000, 2100.0)], ids=["CNG", "CED"])
def test_a_fax_is_a_fax(signal: Samples) -> None:
    assert judge(joined(silence(500), signal))[0] is Verdict.FAX


@pytest.mark.parametrize("frequency", [2600.0, 3000.0, 3400.0])
def test_a_marker_tone_above_the_speech_band_changes_nothing(frequency: float) -> None:
    for call in (
        joined(silence(400), speech(700), silence(5000)),
        joined(silence(400), speech(5600)),
        silence(6000),
    ):
        marked = call.copy()
        marked[12000:] += tone((len(call) - 12000) / 8, frequency, dbov=-38.0)
        assert judge(marked)[:2] == judge(call)[:2]


@pytest.mark.parametrize("frame_ms", [10, 30, 40])
def test_the_packet_time_does_not_matter(frame_ms: int) -> None:
    for call in (
        joined(silence(400), speech(720), silence(3600)),
        joined(silence(400), speech(6080)),
    ):
        assert judge(call, frame_ms) == judge(call, 20)


def test_frames_of_odd_length_wait_for_the_rest_of_their_block() -> None:
    call = joined(silence(400), speech(700), silence(3000))
    states = new_states(1)
    for start in range(0, len(call), 117):
        model.receive_frame(states, 0, call[start : start + 117], 0.0)
    assert verdict_of(states, 0) == judge(call, 10)


def test_interleaved_calls_are_judged_as_if_each_were_alone() -> None:
    calls = [joined(silence(400), speech(700), silence(4000)), joined(silence(100), speech(7000, -30.0))]
    states = new_states(2)
    for start in range(0, 56800, 160):
        for index, call in enumerate(calls):
            model.receive_frame(states, index, call[start : start + 160], 0.0)
    for index, call in enumerate(calls):
        assert verdict_of(states, index) == judge(call)


def test_a_state_put_back_judges_the_next_call_as_a_new_one() -> None:
    states = new_states(1)
    feed(states, 0, joined(silence(100), speech(5000)))
    reset(states, 0, BALANCED)
    call = joined(silence(400), speech(700), silence(3000))
    feed(states, 0, call)
    assert verdict_of(states, 0) == judge(call)


def test_one_packet_in_fifty_lost_moves_the_verdict_by_little() -> None:
    call = joined(silence(400), speech(700), silence(3000))
    states = new_states(1)
    for number, start in enumerate(range(0, len(call) - 159, 160)):
        if number % 50 != 30:
            model.receive_frame(states, 0, call[start : start + 160], (start + 160) / 8.0)
    verdict, cause, decided_ms = verdict_of(states, 0)
    assert (verdict, cause) == judge(call)[:2]
    assert abs(decided_ms - judge(call)[2]) <= 100


def test_a_peer_that_sends_nothing_in_silence_is_heard_to_be_silent() -> None:
    call = joined(silence(400), speech(700))
    states = new_states(1)
    for start in range(0, len(call) - 159, 160):
        model.receive_frame(states, 0, call[start : start + 160], (start + 160) / 8.0)
    flags = model.receive_frame(states, 0, silence(0), 3000.0)
    assert flags & model.VERDICT_REACHED
    assert verdict_of(states, 0)[0] is Verdict.HUMAN


def test_the_start_of_speech_is_reported_once_and_where_it_was() -> None:
    states = new_states(1)
    call = joined(silence(600), speech(900), silence(500), speech(400))
    raised = [
        start / 8
        for start in range(0, len(call) - 159, 160)
        if model.receive_frame(states, 0, call[start : start + 160], 0.0) & model.SPEECH_STARTED
    ]
    assert len(raised) == 1
    assert 600 <= raised[0] <= 760
    assert abs(float(states[0]["speech_onset_ms"]) - 600) <= 80


def test_a_click_is_neither_speech_nor_a_tone() -> None:
    click = silence(6000)
    click[8000:8080] = 12000
    assert judge(click)[:2] == (Verdict.SILENCE, Cause.INITIAL_SILENCE)


def test_a_detection_that_is_given_up_is_not_sure_and_takes_nothing_back_that_is_known() -> None:
    states = new_states(4)
    states["verdict"][1:] = Verdict.MACHINE, Verdict.HUMAN, Verdict.TONE
    assert model.give_up(states, 0) == model.VERDICT_REACHED
    assert model.give_up(states, 1) == model.give_up(states, 2) == 0
    assert model.give_up(states, 3) == model.VERDICT_REACHED | model.VERDICT_CORRECTED
    assert states["verdict"].tolist() == [Verdict.NOTSURE, Verdict.MACHINE, Verdict.HUMAN, Verdict.NOTSURE]
    assert states["cause"][0] == Cause.OVERLOADED


def test_a_hang_up_before_the_verdict_is_one_and_after_it_changes_nothing() -> None:
    states = new_states(2)
    assert model.hang_up(states, 0) == model.VERDICT_REACHED
    assert verdict_of(states, 0)[:2] == (Verdict.HANGUP, Cause.HUNG_UP)
    feed(states, 1, joined(silence(300), speech(700), silence(2000)))
    assert model.hang_up(states, 1) == 0
    assert verdict_of(states, 1)[0] is Verdict.HUMAN


def test_after_a_fax_nothing_is_heard_any_more() -> None:
    states = new_states(1)
    feed(states, 0, joined(silence(500), tone(4000, 2100.0)))
    assert verdict_of(states, 0)[0] is Verdict.FAX
    assert not model.listening(states, 0)
    clock_ms = float(states[0]["clock_ms"])
    assert feed(states, 0, tone(500, 1000.0)) == 0
    assert float(states[0]["clock_ms"]) == clock_ms


def test_after_a_machines_verdict_its_beep_is_told_with_its_time() -> None:
    states = new_states(1)
    feed(states, 0, joined(silence(300), speech(6000), silence(500)))
    assert verdict_of(states, 0)[0] is Verdict.MACHINE
    assert model.listening(states, 0)
    flags = feed(states, 0, joined(tone(300, 1000.0), silence(900)))
    assert flags & model.BEEP_HEARD
    assert not flags & model.VERDICT_CORRECTED
    assert 7050 <= float(states[0]["beep_ms"]) <= 7500


def test_silence_after_a_machines_greeting_is_told_once() -> None:
    states = new_states(1)
    feed(states, 0, joined(silence(300), speech(6000)))
    told = []
    for start in range(0, 40000, 160):
        if model.receive_frame(states, 0, silence(20), 0.0) & model.GREETING_ENDED:
            told.append(start / 8)
    assert len(told) == 1
    assert 1200 <= told[0] <= 2000


def test_a_correction_is_flagged_as_one_and_a_first_verdict_is_not() -> None:
    states = new_states(1)
    assert not feed(states, 0, joined(silence(300), speech(1200), silence(1500))) & model.VERDICT_CORRECTED
    flags = feed(states, 0, joined(tone(300, 1000.0), silence(900)))
    assert flags & model.VERDICT_REACHED
    assert flags & model.VERDICT_CORRECTED
    assert flags & model.BEEP_HEARD


def test_a_verdict_comes_with_its_probability_and_its_features() -> None:
    states = new_states(1)
    feed(states, 0, joined(silence(400), speech(700), silence(3000)))
    state = states[0]
    told = dict(zip(FEATURES, state["features"].tolist(), strict=True))
    assert 0.5 < float(state["probability"]) <= 1.0
    assert told["onset_ms"] == pytest.approx(400, abs=100)
    assert told["speech_ms"] == pytest.approx(700, abs=200)
    assert told["phrases"] == 1.0
    assert 300 <= told["quiet_ms"] <= 1500


def test_a_states_record_stays_within_its_budget() -> None:
    assert STATE.itemsize <= 8192
