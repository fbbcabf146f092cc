"""Keys on their way out: those of a bridge, passed on where the policy says so, and those that the switch presses.

Both are telephone events (RFC 4733 §2.5.1) where the other end takes them. The switch's own are sounded in the voice
band where it does not; those of a bridge are then not passed on: its audio has sounded them already.
"""

from typing import Any

from softswitch.codecs import dtmf
from softswitch.codecs.g711 import alaw_code, ulaw_code
from softswitch.media import vocabulary as v
from softswitch.media.kernels import i64, inner
from softswitch.media.outgoing import PCMA, PRESENT_NS, count_sent, follow, is_open, position_at, send_packet, transmit
from softswitch.media.rtp import HEADER_BYTES, write_header

EVENT_BYTES = 4
PACKET_SAMPLES = 160
LONGEST_EVENT = 0xFFFF
END_BIT = 0x80
VOLUME = 10
"""-10 dBm0 (RFC 4733 §2.3.3)."""
LEVEL_DBOV = -13.0
"""Of each of the two tones."""
LAST_COPIES = 3  # RFC 4733 §2.5.1.4


@inner
def pass_key(
    shared: Any, scratch: Any, slot: int, source: int, now: int, ssrc: int, sequence: int, timestamp: int, start: int
) -> bool:
    """Send the telephone event in scratch.packet[start:], received on leg `source`, out on leg `slot`; whether it
    left."""
    leg = shared.legs[slot]
    if leg.dtmf_payload_type < 0 or leg.key_code >= 0 or not is_open(leg):
        return False
    # All packets of one event bear the time of its beginning.
    fresh = follow(leg, source, ssrc, sequence, timestamp, now, LONGEST_EVENT)
    marker = fresh or scratch.packet[1] & 0x80 != 0
    for i in range(EVENT_BYTES):
        scratch.out[HEADER_BYTES + i] = scratch.packet[start + i]
    scratch.out[HEADER_BYTES + 1] = i64(scratch.packet[start + 1]) & (END_BIT | 0x3F)  # the reserved bit is ours
    number = leg.source_out_sequence
    leg.relayed_until_ns = now + PRESENT_NS
    write_header(
        scratch.out, marker, leg.dtmf_payload_type, number, leg.out_timestamp_base + leg.source_position, leg.out_ssrc
    )
    sent = send_packet(shared, scratch, slot, HEADER_BYTES + EVENT_BYTES)
    count_sent(leg, number, leg.source_position)
    return sent


@inner
def begin_key(shared: Any, slot: int, code: int, samples: int, now: int) -> None:
    """Press a key on a leg, unless one is down: what is bridged to it is not heard until the key is up."""
    leg = shared.legs[slot]
    if leg.key_code >= 0:
        return
    leg.key_code = code
    leg.key_samples = min(max(samples, PACKET_SAMPLES), LONGEST_EVENT)
    leg.key_sent = 0
    leg.key_position = max(position_at(leg, now), leg.out_end)
    leg.out_source = v.NOBODY
    leg.relayed_until_ns = 0
    leg.play_at_ns = now


@inner
def send_key_packet(shared: Any, scratch: Any, slot: int, now: int) -> None:
    """Send the next 20 ms of the key that is down; with the last of it, the key is up."""
    leg = shared.legs[slot]
    first = leg.key_sent == 0
    leg.key_sent = min(leg.key_sent + PACKET_SAMPLES, leg.key_samples)
    over = leg.key_sent == leg.key_samples
    if leg.dtmf_payload_type < 0:
        sound_key(shared, scratch, slot, now, first)
    else:
        scratch.out[HEADER_BYTES] = leg.key_code
        scratch.out[HEADER_BYTES + 1] = (END_BIT if over else 0) | VOLUME
        scratch.out[HEADER_BYTES + 2] = leg.key_sent >> 8
        scratch.out[HEADER_BYTES + 3] = leg.key_sent & 0xFF
        for _ in range(LAST_COPIES if over else 1):
            number = (leg.out_sequence + 1) & 0xFFFF
            timestamp = leg.out_timestamp_base + leg.key_position
            write_header(scratch.out, first, leg.dtmf_payload_type, number, timestamp, leg.out_ssrc)
            send_packet(shared, scratch, slot, HEADER_BYTES + EVENT_BYTES)
            count_sent(leg, number, leg.key_position + leg.key_sent)
    if over:
        leg.key_code = -1


@inner
def sound_key(shared: Any, scratch: Any, slot: int, now: int, first: bool) -> None:
    """The packet of a key as its two tones."""
    leg = shared.legs[slot]
    done = leg.out_end - leg.key_position if not first else 0
    samples = leg.key_sent - done
    dtmf.press(scratch.narrow[:samples], leg.key_code, done, LEVEL_DBOV)
    for i in range(samples):
        sample = i64(scratch.narrow[i])
        scratch.out[HEADER_BYTES + i] = alaw_code(sample) if leg.codec == PCMA else ulaw_code(sample)
    transmit(shared, scratch, slot, now, first, leg.out_sequence + 1, leg.key_position + done, samples, v.PLAYER)
