"""On a steady path what comes in its turn is played at once, and no more is made up than with the least delay."""

import numpy as np
import pytest
from numba import njit

from softswitch.media import buffered_legs, pulling
from softswitch.media.jitter import STORED
from softswitch.media.kernels import i64
from softswitch.media.layout import create_block, map_block
from softswitch.media.receiver import AT_ONCE, WAITING
from softswitch.media.scratch import new_scratch
from softswitch.media.transcoding import PCMU

MS = 1_000_000
FRAME = 20 * MS
TICK = 2 * MS
BEGUN = 1_000_000 * MS


@njit
def settle(shared, scratch):
    for slot in range(shared.legs.size):
        buffered_legs.settle_buffering(shared, scratch, slot, True)


@njit
def receive(shared, scratch, sequence, place, now):
    timestamp = i64(160) * place
    for slot in range(shared.legs.size):
        status = buffered_legs.take_in(shared, scratch, slot, PCMU, 0, 160, sequence, timestamp, 7, now)
        if status == STORED:
            buffered_legs.play_what_came(shared, scratch, slot, now)


@njit
def pull_due(shared, scratch, now):
    buffered_legs.pull_due(shared, scratch, now)


class Path:
    """A buffered leg without a bridge, or several alike, packets on their way to it, and the relay's tick."""

    def __init__(self, legs=1):
        self.shared = map_block(create_block(legs, 0, 0), legs, 0, 0).shared
        self.shared.header["jitter_buffer"] = buffered_legs.ALWAYS
        self.leg, self.receiver = self.shared.legs[0], self.shared.receivers[0]
        self.shared.legs["peer"] = -1
        self.shared.legs["codec"] = self.shared.legs["wire_codec"] = PCMU
        self.scratch = new_scratch(0)
        settle(self.shared, self.scratch)
        self.sent, self.frames = 0, 0

    def pass_on(self, packets, delay_ms=lambda index: 0.0):
        """Send packets, one each 20 ms, the i-th of them so much later, and go on until the last has come."""
        began = BEGUN + self.frames * FRAME
        due = sorted(
            (began + i * FRAME + int(delay_ms(i) * MS), self.sent + i, self.frames + i) for i in range(packets)
        )
        self.sent += packets
        for now in self.ticks(packets):
            self.scratch["emptied_at_ns"] = now
            while due and due[0][0] <= now:
                receive(self.shared, self.scratch, *due.pop(0)[1:], now)
            pull_due(self.shared, self.scratch, now)
        assert not due, "packets that come after their path has ended"
        return self

    def fall_silent(self, frames):
        for now in self.ticks(frames):
            self.scratch["emptied_at_ns"] = now
            pull_due(self.shared, self.scratch, now)
        return self

    def hold_up(self, packets):
        """Let the relay stand still while so many packets come, which it then reads at once."""
        now = BEGUN + (self.frames + packets) * FRAME
        for _ in range(packets):
            receive(self.shared, self.scratch, self.sent, self.frames, now)
            self.sent, self.frames = self.sent + 1, self.frames + 1
        self.scratch["emptied_at_ns"] = now
        pull_due(self.shared, self.scratch, now)
        return self

    def lose(self):
        self.sent += 1
        return self.fall_silent(1)

    def ticks(self, frames):
        began = BEGUN + self.frames * FRAME
        self.frames += frames
        return range(began, began + frames * FRAME, TICK)

    @property
    def counts(self):
        """Frames played, frames made up, and how long the last frame waited, in ms."""
        jitter = self.receiver["jitter"]
        return int(jitter["played"]), int(jitter["concealed"]), int(jitter["delay_ns"]) / MS


def steady():
    """A path that has been steady for two seconds."""
    return Path().pass_on(100)


def test_what_comes_on_a_steady_path_is_played_at_once():
    path = Path().pass_on(20)
    assert path.leg["buffered"] == WAITING, "after less than half a second nobody knows how steady it is"
    assert path.counts[2] >= 18.0
    path.pass_on(80)
    assert path.leg["buffered"] == AT_ONCE
    assert path.counts == (100, 0, 0.0)


def test_the_timeline_of_what_is_played_has_neither_hole_nor_overlap_when_waiting_ends():
    path = Path().pass_on(5)
    first, played = int(path.receiver["time"]), path.counts[0]
    path.pass_on(95)
    assert int(path.receiver["time"]) - first == 160 * (path.counts[0] - played)


def test_what_comes_less_than_20_ms_late_is_waited_for():
    path = steady().pass_on(10, lambda index: 18.0 if index == 4 else 0.0)
    assert path.leg["buffered"] == AT_ONCE
    assert path.counts == (110, 0, 0.0)


def test_what_is_overtaken_and_comes_later_still_is_made_up_for_once_and_delays_nothing():
    path = steady().pass_on(20, lambda index: 30.0 if index == 4 else 0.0)
    assert path.counts == (119, 1, 0.0)
    assert path.receiver["jitter"]["late"] == 1


def test_after_a_path_stood_still_frames_wait_until_it_has_been_steady_for_long_enough():
    path = steady().pass_on(20, lambda index: {4: 60.0, 5: 40.0, 6: 20.0}.get(index, 0.0))
    played, made_up, waited_ms = path.counts
    assert path.leg["buffered"] == WAITING
    assert played + made_up >= 119 and 2 <= made_up <= 3 and waited_ms >= 18.0
    path.pass_on(400)
    assert path.leg["buffered"] == AT_ONCE
    assert path.counts[1:] == (made_up, 0.0)


def test_a_lost_packet_is_made_up_for_once():
    path = steady().lose().pass_on(30)
    assert path.counts[1] == 1 and path.counts[0] >= 128


def test_packets_that_change_places_are_played_in_order():
    path = steady().pass_on(10, lambda index: 15.0 if index == 4 else -8.0 if index == 5 else 0.0)
    assert path.leg["buffered"] == AT_ONCE
    assert path.counts == (110, 0, 0.0)
    assert path.receiver["jitter"]["late"] == path.receiver["jitter"]["lost"] == 0


@pytest.mark.parametrize("jitter_ms", [15.0, 19.0])
def test_a_path_that_becomes_unsteady_has_its_delay_back_and_nothing_is_made_up(jitter_ms):
    random = np.random.default_rng(3)
    delays = random.uniform(0.0, jitter_ms, 150)
    path = steady().pass_on(150, lambda index: delays[index])
    assert path.leg["buffered"] == WAITING
    assert path.counts[1] == 0 and path.counts[0] >= 248


def test_a_sender_that_falls_silent_is_pulled_to_rest_and_begins_anew():
    path = steady().fall_silent(100)
    assert path.scratch["pulled_count"] == 0
    path.pass_on(100)
    assert path.scratch["pulled_count"] == 1
    assert path.leg["buffered"] == AT_ONCE
    assert path.counts[2] == 0.0 and path.counts[0] >= 198


def test_where_all_legs_are_starved_at_once_only_so_many_are_made_up_for():
    path = Path(legs=200).pass_on(100).fall_silent(3)
    concealing = path.shared.receivers["concealing"]
    assert concealing.sum() == pulling.MOST_MADE_UP
    assert (path.shared.receivers["talking"] == concealing).all(), "the others are silent"
    path.pass_on(200)
    assert not concealing.any() and path.shared.receivers["talking"].all()


def test_a_relay_that_was_held_up_does_not_take_its_own_delay_for_the_networks():
    path = steady()
    for _ in range(10):
        path.hold_up(4).pass_on(10)
    assert path.leg["buffered"] == AT_ONCE
    assert path.receiver["jitter"]["jitter_ns"] <= 5 * MS, "one bin of the histogram"
    assert path.counts[:2] == (240, 0)


def test_while_sockets_are_not_empty_nothing_is_made_up_for_what_may_lie_in_them():
    path = steady()
    path.scratch["emptied_at_ns"] -= pulling.HELD_UP_NS
    for now in path.ticks(5):
        pull_due(path.shared, path.scratch, now)
    assert not path.receiver["concealing"] and not path.receiver["talking"]
    path.pass_on(200)
    assert path.receiver["talking"] and path.leg["buffered"] == AT_ONCE
