"""The jitter buffer on networks that chance makes up, and beside a plain twin."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from softswitch.media import jitter
from softswitch.media.jitter import EMPTY, FRAME, LOST, RESTARTED, STORED
from tests.media.network import FRAME_NS, MS, PCMU, Receiver, Sent, chunk, talk

# The first example compiles the receiver's loop. Long streams do not shrink in any useful time.
many = settings(
    deadline=None,
    max_examples=25,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)

seeds = st.integers(0, 2**32 - 1)
silences = st.lists(st.tuples(st.integers(10, 900), st.integers(1, 120)), max_size=4)


def through(packets, seed, *, jitter_ms=0.0, shape="uniform", loss=0.0, copies=0.0, keeps_order=False):
    """Carry packets over a network; what arrives, by time."""
    rng = np.random.default_rng(seed)
    n = len(packets)
    if shape == "uniform":
        late = rng.uniform(0, jitter_ms, n)
    elif shape == "exponential":
        late = np.minimum(rng.exponential(jitter_ms / 4, n), jitter_ms)
    else:  # now and then one packet is held up
        late = np.where(rng.random(n) < 0.02, jitter_ms, 0.0)
    arrives = np.array([p.arrives for p in packets]) + (late * MS).astype(np.int64)
    if keeps_order:
        arrives = np.maximum.accumulate(arrives)
    arrived = []
    for p, at, kept, copied in zip(packets, arrives, rng.random(n) >= loss, rng.random(n) < copies, strict=True):
        if kept:
            arrived.append(replace(p, arrives=int(at)))
            if copied:
                arrived.append(replace(p, arrives=int(at) + int(rng.integers(0, 60 * MS))))
    return sorted(arrived)


def stored_chunks(receiver, packets):
    taken = [p for p, status in zip(packets, receiver.statuses, strict=False) if status in (STORED, RESTARTED)]
    return sum(len(p.payload) for p in taken) // 80


@many
@given(
    seeds,
    st.sampled_from([1, 2, 3, 4, 6]),
    st.floats(0, 150),
    st.sampled_from(["uniform", "exponential", "spikes"]),
    st.floats(0, 0.4),
    st.floats(0, 0.3),
    st.floats(-500, 500),
    silences,
    st.booleans(),
)
def test_audio_comes_out_in_order_never_twice_and_none_that_came_in_time_is_missing(
    seed, chunks, jitter_ms, shape, loss, copies, skew, silences, loud
):
    packets = talk(2000 // chunks, chunks=chunks, skew_ppm=skew, silences=silences, loud=loud)
    arrived = through(packets, seed, jitter_ms=jitter_ms, shape=shape, loss=loss, copies=copies)
    if not arrived:
        return
    receiver = Receiver(initial_ms=20).run(arrived)
    assert all(a < b for a, b in zip(receiver.chunks, receiver.chunks[1:], strict=False))
    unheard = receiver.skipped_ns + receiver.count("trimmed_ns") + receiver.count("held_ns")
    assert receiver.count("overflowed") == 0
    assert stored_chunks(receiver, arrived) == len(receiver.chunks) + unheard // (10 * MS)
    assert max(receiver.delays, default=0) <= 200 + 60
    assert receiver.count("restarts") <= 1 + len(silences)
    outcomes = ("late", "duplicates", "invalid")
    assert sum(receiver.count(name) for name in outcomes) + receiver.statuses.count(STORED) + receiver.statuses.count(
        RESTARTED
    ) == len(receiver.statuses)


@many
@given(seeds, st.floats(0, 180), st.sampled_from(["uniform", "exponential", "spikes"]), st.floats(-500, 500), silences)
def test_where_the_network_keeps_order_and_loses_nothing_nothing_is_late_or_lost(
    seed, jitter_ms, shape, skew, silences
):
    arrived = through(
        talk(1500, skew_ppm=skew, silences=silences), seed, jitter_ms=jitter_ms, shape=shape, keeps_order=True
    )
    receiver = Receiver().run(arrived)
    assert receiver.count("late") == receiver.count("lost") == receiver.count("invalid") == 0
    assert len(receiver.chunks) + receiver.skipped_ns // (10 * MS) == sum(len(p.payload) // 80 for p in arrived)


@many
@given(seeds, st.floats(0, 120), st.floats(0, 0.1))
def test_under_steady_jitter_the_delay_grows_until_few_packets_are_late(seed, jitter_ms, loss):
    """After two seconds to learn, a minute: no more than twice the share that the target allows."""
    arrived = through(talk(3000), seed, jitter_ms=jitter_ms, loss=loss)
    receiver = Receiver().run(arrived)
    late = [i for i, status in enumerate(receiver.statuses) if status == jitter.LATE and i > 200]
    assert len(late) <= 2 * 0.03 * len(arrived)
    assert np.mean(receiver.delays) <= jitter_ms + 60
    assert max(receiver.delays) <= 200


anything = st.builds(
    Sent,
    st.integers(0, 3000).map(lambda ms: ms * MS),
    st.integers(0, 65535) | st.integers(0, 50),
    st.integers(0, 2**32 - 1) | st.integers(0, 5000),
    st.integers(0, 700).map(lambda size: b"\x55" * size),
    st.integers(0, 1),
    st.sampled_from([7, 7, 7, 8, 2**32 - 1]),
    st.sampled_from([0, 1, 1, 1, 2, 3, 4, 5, 6]),
)


@many
@given(st.lists(anything, min_size=1, max_size=150))
def test_after_any_garbage_whatever_a_clean_stream_is_heard_whole_within_a_second(garbage):
    receiver = Receiver()
    for each in sorted(garbage):
        receiver.put(each)
    for i in range(3):
        assert jitter.get(receiver.buffer, 3000 * MS + i * FRAME_NS, receiver.out) in (0, 1, 2, 3)
    receiver.check()
    receiver.run([replace(p, arrives=p.arrives + 3060 * MS) for p in talk(200)], begin=3060 * MS, sure_from=50)
    heard = receiver.kinds[50:195]
    assert heard.count(FRAME) >= len(heard) - 1
    assert receiver.chunks == sorted(set(receiver.chunks))
    assert max(receiver.delays) <= 200


class Twin:
    """The fixed mode with frames of 20 ms, said in as few words as possible."""

    def __init__(self, prefetch):
        self.prefetch, self.held, self.seen = prefetch, {}, set()
        self.next, self.filling, self.waited = None, True, {}

    def put(self, number):
        if number in self.seen:
            return "duplicate"
        self.seen.add(number)
        if self.next is not None and number < self.next:
            return "late"
        self.held[number] = 0
        return "stored"

    def get(self):
        answer = None
        if not self.held:
            answer, self.filling = EMPTY, True
        elif self.filling:
            if len(self.held) < self.prefetch and self.held[min(self.held)] < self.prefetch:
                answer = EMPTY
            else:
                self.filling, self.next = False, min(self.held)
        if answer is None:
            if self.next in self.held:
                del self.held[self.next]
                answer = (FRAME, self.next)
            else:
                answer = LOST
            self.next += 1
        for number in self.held:
            self.held[number] += 1
        return answer


NAMES = {jitter.STORED: "stored", jitter.LATE: "late", jitter.DUPLICATE: "duplicate"}


@settings(deadline=None, max_examples=100, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.integers(1, 6),
    st.lists(st.sampled_from(["put", "put", "put", "get", "get", "get", "lose", "swap", "copy"]), max_size=80),
)
def test_in_fixed_mode_every_answer_is_that_of_the_twin(prefetch, events):
    receiver, twin = Receiver(), Twin(prefetch)
    jitter.configure(receiver.buffer, 1, prefetch, 0, 0, 64)
    number, now, pending = 100, 0, []
    for event in events:
        numbers = []
        if event == "get":
            kind = receiver.get(now)
            expected = twin.get()
            assert (kind, receiver.chunks[-1] // 2) == expected if kind == FRAME else kind == expected
            now += FRAME_NS
        elif event == "put":
            numbers = [number, *pending]
            pending = []
        elif event == "swap":
            pending.append(number)
            number += 1
        elif event == "copy" and number > 100:
            numbers = [number - 1]
            number -= 1
        if event == "lose" or numbers:
            number += 1
        for each in numbers:
            sent = Sent(now, each, each * 160, chunk(2 * each) + chunk(2 * each + 1))
            assert NAMES[receiver.put(sent)] == twin.put(each)


def test_ten_minutes_of_bad_network_keep_their_bounds():
    packets = through(talk(30000, skew_ppm=200), 5, jitter_ms=90, shape="exponential", loss=0.03, copies=0.02)
    receiver = Receiver().run(packets)
    assert max(receiver.delays) <= 200
    assert np.mean(receiver.delays) < 90
    assert receiver.count("skew_ppb") / 1000 == pytest.approx(200, abs=15)
    assert receiver.count("late") < 0.05 * 30000
    assert receiver.count("lost") < 0.08 * 30000
    assert receiver.count("frame_codec") == PCMU or receiver.kinds[-1] == EMPTY


def test_a_pull_ends_even_when_the_buffer_is_full_of_gaps():
    """Each piece held is longer than the limit allows together, and each lies apart from the next."""
    receiver = Receiver(initial_ms=0)
    for i in range(60):
        receiver.put(Sent(i * MS, 10 + 3 * i, 480 * i, chunk(2 * i) + chunk(2 * i + 1)))
    for i in range(40):
        receiver.get(60 * MS + i * FRAME_NS)
    assert receiver.count("held_ns") <= 200 * MS
    assert receiver.chunks == sorted(set(receiver.chunks))
