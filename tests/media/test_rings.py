"""The rings in the shared block, and the block as another process sees it."""

import os
import threading

import numpy as np
import pytest
from numba import njit

from softswitch.errors import UsageError
from softswitch.media.layout import FRAMES, MESSAGE, RELAY_COMMANDS, RING, WORKER_COMMANDS, attach_block, create_block
from softswitch.media.rings import pop, push, push_received, push_sent


@pytest.fixture
def descriptor():
    one = create_block(slots=2, clips=1, clip_samples=160)
    yield one
    os.close(one)


def put(shared, number, ring=RELAY_COMMANDS):
    return push(shared, ring, 7, 1, number, 0, number, -number, 0, 0, 0)


def test_messages_come_out_in_order_whole_and_only_once(descriptor):
    writer, reader = attach_block(descriptor).shared, attach_block(descriptor).shared
    out = np.zeros(1, MESSAGE)
    for number in range(3 * RING):
        assert put(writer, number)
        assert pop(reader, RELAY_COMMANDS, out)
        assert (out[0]["kind"], out[0]["a"], out[0]["b"]) == (7, number, -number)
    assert not pop(reader, RELAY_COMMANDS, out)


def test_a_full_ring_refuses_and_keeps_what_it_has(descriptor):
    shared = attach_block(descriptor).shared
    assert all(put(shared, number) for number in range(RING))
    assert not put(shared, 9999)
    out = np.zeros(1, MESSAGE)
    assert not pop(shared, WORKER_COMMANDS, out)
    assert pop(shared, RELAY_COMMANDS, out)
    assert out[0]["a"] == 0
    assert put(shared, RING)


def test_a_producer_and_a_consumer_at_once_lose_and_tear_nothing(descriptor):
    shared = attach_block(descriptor).shared
    total = 50_000

    def produce():
        number = 0
        while number < total:
            number += bool(put(shared, number))

    producer = threading.Thread(target=produce)
    producer.start()
    out, expected = np.zeros(1, MESSAGE), 0
    while expected < total:
        if pop(shared, RELAY_COMMANDS, out):
            assert (out[0]["a"], out[0]["b"], out[0]["generation"]) == (expected, -expected, expected)
            expected += 1
    producer.join()


def test_a_block_of_another_version_is_refused(descriptor):
    attach_block(descriptor).shared.header["version"] += 1
    with pytest.raises(UsageError, match="another version"):
        attach_block(descriptor)


@njit
def hand_over(shared, packet, samples):
    push_received(shared, 0, 0, 0, 1, 7, packet, 0, samples)
    push_sent(shared, 0, 0, 0, 1, 7, packet, 0, samples)


def test_frames_for_which_a_ring_has_no_room_are_counted(descriptor):
    shared = attach_block(descriptor).shared
    leg, packet = shared.legs[0], np.zeros(480, np.uint8)
    for _ in range(FRAMES - 1):
        hand_over(shared, packet, 160)
    assert leg["received_missed"] == leg["sent_missed"] == 0
    hand_over(shared, packet, 480)
    assert leg["received_missed"] == leg["sent_missed"] == 2, "of three frames one found room"
    leg["received_read"] += 1
    hand_over(shared, packet, 80)
    assert (leg["received_missed"], leg["sent_missed"]) == (2, 3)
    assert shared.header["frames_missed"] == 5
