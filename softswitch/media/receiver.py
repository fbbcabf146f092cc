"""What a buffered leg plays: the frames of its jitter buffer, and what is made up where there are none.

A good frame is only copied, to be remembered as codes. The concealer (G.711 Appendix I) hears the frames remembered
when it is needed: where something was lost, and for the frame after that, into which it blends.
"""

from typing import Any

import numpy as np

from softswitch.codecs import conceal, noise
from softswitch.codecs.g711 import ALAW_TO_LINEAR, ALAW_TO_ULAW, ULAW_TO_ALAW, ULAW_TO_LINEAR, alaw_code, ulaw_code
from softswitch.codecs.registry import CodecCode
from softswitch.media.jitter_record import JITTER, configure
from softswitch.media.kernels import i64, inner
from softswitch.media.libc import copy_octets
from softswitch.media.records import PAGE, whole_lines

PCMA = int(CodecCode.PCMA)

FRAME_SAMPLES = 160
RATE_HZ = 8000
KEPT = 3
"""Frames remembered: 60 ms, more than the three and a quarter longest periods that a concealer looks back."""
FADED = 480
"""Samples after which the concealer has faded to silence."""
SEAM = 40
"""5 ms over which a frame is blended into what would have come before it, where audio was left out between."""

WAITING, AT_ONCE = 1, 2
"""How a leg with a buffer plays: each frame after a delay, or as it comes."""
INITIAL, LEAST, MOST = 1, 1, 10
"""Delays of the buffer, in frames of 20 ms: at first, at least and at most."""
CAPACITY = 24
"""Pieces of at most 20 ms that it holds: twice the longest delay, so that a burst after a stall finds room."""

_EVERY_FRAME: list[Any] = [
    ("sequence", "i8"),  # of what it has given to a bridge
    ("time", "i8"),  # of the last frame, on the timeline of what it gives to a bridge
    ("pulled", "i8"),  # the clock pulls it
    ("place", "i8"),  # among the clocks of `scratch`
    ("talking", "i8"),  # it gave something at the last pull
    # what was played, as codes
    ("kept", "i8"),
    ("newest", "i8"),
    ("concealing", "i8"),  # the last frame was made up, or its end
    # telephone events passed on
    ("key_sequence", "i8"),  # as received; -1: none
    ("key_timestamp", "i8"),  # as received
    ("key_at", "i8"),  # on our timeline
    ("noise_seed", "i8"),  # of comfort noise that has not begun yet; 0: it has
    ("frames", "u1", (KEPT, FRAME_SAMPLES)),
    ("jitter", JITTER),
]

RECEIVER = np.dtype(
    whole_lines(
        [*whole_lines(_EVERY_FRAME, PAGE), ("noise", noise.COMFORT_NOISE), ("concealer", conceal.CONCEALER)], PAGE
    ),
    align=True,
)
"""Of a leg. 53 kB, of which a good path touches the first page alone: all but the fourth piece of audio that waits.
What is made up touches the last one."""


@inner
def reset_receiver(receiver: Any, seed: int) -> None:
    """Forget one stream, and every count, for another.  seed: of comfort noise."""
    configure(receiver.jitter, 0, INITIAL, LEAST, MOST, CAPACITY)
    receiver.noise_seed = seed + 1
    receiver.talking = 0
    receiver.key_sequence = -1
    receiver.kept = 0
    receiver.concealing = 0


@inner
def resume_receiver(receiver: Any, seed: int) -> None:
    """Let the stream begin anew and the counts go on: what was held may be half written, and is too old."""
    jitter = receiver.jitter
    played, concealed, late = i64(jitter.played), i64(jitter.concealed), i64(jitter.late)
    delay_sum_ns, delay_most_ns, skew_ppb = i64(jitter.delay_sum_ns), i64(jitter.delay_most_ns), i64(jitter.skew_ppb)
    reset_receiver(receiver, seed)
    jitter.played = played
    jitter.concealed = concealed
    jitter.late = late
    jitter.delay_sum_ns = delay_sum_ns
    jitter.delay_most_ns = delay_most_ns
    jitter.skew_ppb = skew_ppb


@inner
def expand(codes: Any, start: int, end: int, codec: int, linear: Any) -> None:
    """Decode codes[start:end] to linear[:end - start]."""
    if codec == PCMA:
        for i in range(start, end):
            linear[i - start] = ALAW_TO_LINEAR[codes[i]]
    else:
        for i in range(start, end):
            linear[i - start] = ULAW_TO_LINEAR[codes[i]]


@inner
def compress(linear: Any, codes: Any, start: int, end: int, codec: int) -> None:
    """Encode linear[:end - start] to codes[start:end]."""
    for i in range(start, end):
        sample = i64(linear[i - start])
        codes[i] = alaw_code(sample) if codec == PCMA else ulaw_code(sample)


@inner
def convert(codes: Any, count: int, codec: int) -> None:
    """Change codes[:count] of the other law into those of `codec`."""
    if codec == PCMA:
        for i in range(count):
            codes[i] = ULAW_TO_ALAW[codes[i]]
    else:
        for i in range(count):
            codes[i] = ALAW_TO_ULAW[codes[i]]


@inner
def keep(receiver: Any, codes: Any) -> None:
    """Remember the frame codes[:160], which is being played."""
    newest = i64(receiver.newest) + 1
    if newest >= KEPT:
        newest = i64(0)
    copy_octets(receiver.frames[newest], 0, codes, 0, FRAME_SAMPLES)
    receiver.newest = newest
    receiver.kept = min(i64(receiver.kept) + 1, KEPT)


@inner
def recall(receiver: Any, codec: int, linear: Any) -> None:
    """Have the concealer hear what was played last."""
    conceal.reset(receiver.concealer, RATE_HZ)
    for back in range(i64(receiver.kept) - 1, -1, -1):
        frame = receiver.frames[(i64(receiver.newest) + KEPT - back) % KEPT]
        expand(frame, 0, FRAME_SAMPLES, codec, linear)
        conceal.receive(receiver.concealer, linear[:FRAME_SAMPLES])


@inner
def soften_seam(receiver: Any, codes: Any, count: int, codec: int, linear: Any) -> None:
    """Blend the beginning of codes[:count] into what would have gone before it: audio was left out between."""
    recall(receiver, codec, linear)
    length = min(SEAM, count)
    conceal.conceal(receiver.concealer, linear[:length])
    for i in range(length):
        share = (i + 1) / (length + 1)
        sample = i64(ALAW_TO_LINEAR[codes[i]]) if codec == PCMA else i64(ULAW_TO_LINEAR[codes[i]])
        linear[i] = i64(round(share * sample + (1.0 - share) * linear[i]))
    compress(linear, codes, 0, length, codec)


@inner
def play_frame(receiver: Any, codes: Any, count: int, codec: int, linear: Any) -> bool:
    """Play codes[:count], and make up the rest of codes[:160]; whether nothing was made up.

    linear: int16, at least 160, for working.
    """
    if count > 0 and receiver.jitter.frame_skipped_ns > 0 and not receiver.concealing and receiver.kept > 0:
        soften_seam(receiver, codes, count, codec, linear)
    if count == FRAME_SAMPLES and not receiver.concealing:
        keep(receiver, codes)
        return True
    if not receiver.concealing:
        recall(receiver, codec, linear)
    if count > 0:
        expand(codes, 0, count, codec, linear)
        conceal.receive(receiver.concealer, linear[:count])
        compress(linear, codes, 0, count, codec)
    receiver.concealing = 0
    if count < FRAME_SAMPLES:
        conceal.conceal(receiver.concealer, linear[: FRAME_SAMPLES - count])
        compress(linear, codes, count, FRAME_SAMPLES, codec)
        receiver.concealing = 1
    keep(receiver, codes)
    return False


@inner
def play_starved(receiver: Any, codes: Any, codec: int, linear: Any) -> bool:
    """Make up codes[:160] where nothing has come; False once what was heard has faded."""
    if not receiver.jitter.playing or receiver.kept == 0:
        return False
    if receiver.concealing and receiver.concealer.lost >= FADED:
        return False
    play_frame(receiver, codes, 0, codec, linear)
    return True


@inner
def play_noise(receiver: Any, codes: Any, codec: int, linear: Any) -> bool:
    """Make noise of what the sender says it is like (RFC 3389); False when it says nothing."""
    length = i64(receiver.jitter.frame_length)
    if length == 0:
        receiver.concealing = 0
        receiver.kept = 0
        return False
    if receiver.noise_seed:
        noise.reset(receiver.noise, i64(receiver.noise_seed))
        receiver.noise_seed = 0
    noise.receive(receiver.noise, codes[:length])
    noise.generate(receiver.noise, linear[:FRAME_SAMPLES])
    if receiver.concealing:
        conceal.receive(receiver.concealer, linear[:FRAME_SAMPLES])
        receiver.concealing = 0
    compress(linear, codes, 0, FRAME_SAMPLES, codec)
    keep(receiver, codes)
    return True
