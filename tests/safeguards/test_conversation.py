"""Who speaks in a call, told by levels on a clock of the test's own."""

import pytest

from softswitch.safeguards.conversation import Conversation

SPEECH, NOISE = -26.0, -60.0


def heard(*parts: tuple[float, float, float], step_s: float = 0.2) -> tuple[Conversation, float]:
    """parts: (seconds, agent's level, callee's)."""
    now = 100.0
    conversation = Conversation("c-1", now)
    for seconds, agent, callee in parts:
        for _ in range(round(seconds / step_s)):
            now += step_s
            conversation.receive_levels(agent, callee, now)
    return conversation, now


def test_nobody_has_spoken_since_the_last_word_of_either() -> None:
    conversation, now = heard((2.0, SPEECH, NOISE), (2.0, NOISE, SPEECH), (12.0, NOISE, NOISE))
    assert conversation.silence_s(now) == pytest.approx(11.6, abs=0.3)  # words have an end only after a pause
    assert not conversation.agent_speaks
    conversation.receive_levels(NOISE, SPEECH, now + 0.2)
    assert conversation.silence_s(now + 0.2) == 0.0
    assert conversation.callee_speaks


def test_a_call_in_which_nobody_says_anything_is_silent_from_its_beginning() -> None:
    conversation, now = heard((5.0, NOISE, NOISE))
    assert conversation.silence_s(now) == pytest.approx(5.0)
    assert conversation.agent_talk_s == conversation.callee_talk_s == 0.0


def test_both_at_once_is_told_as_long_as_it_lasts_and_added_up() -> None:
    conversation, now = heard((3.0, SPEECH, NOISE), (4.0, SPEECH, SPEECH))
    assert conversation.overlap_s(now) == pytest.approx(4.0, abs=0.3)
    conversation, now = heard((3.0, SPEECH, SPEECH), (2.0, SPEECH, NOISE), (1.0, SPEECH, SPEECH))
    assert conversation.overlap_s(now) == pytest.approx(1.0, abs=0.3)
    assert conversation.overlaps_s == pytest.approx(4.6, abs=0.5)


def test_a_pause_between_words_is_no_silence_and_a_word_put_in_no_long_overlap() -> None:
    words = [(0.4, SPEECH, NOISE), (0.4, NOISE, NOISE)] * 10
    conversation, now = heard(*words)
    assert conversation.silence_s(now) == 0.0
    assert conversation.agent_talk_s == pytest.approx(8.0, abs=0.5)
    conversation, now = heard((2.0, SPEECH, NOISE), (0.4, SPEECH, SPEECH), (2.0, SPEECH, NOISE))
    assert conversation.overlap_s(now) == 0.0


def test_a_loop_that_stood_still_has_heard_nothing_meanwhile() -> None:
    conversation, now = heard((2.0, SPEECH, NOISE))
    before = conversation.agent_talk_s
    conversation.receive_levels(SPEECH, NOISE, now + 60.0)
    assert conversation.agent_talk_s == pytest.approx(before + 1.0)
