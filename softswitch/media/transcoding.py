"""Legs that speak something else than G.711: decoded as they are received, coded as they are sent.

Inside the plane all audio is G.711: bridges, clips, feeds, recordings and detection. A leg of G.722 or L16 is µ-law
to all of these, and is converted at the socket. Where both legs of a bridge speak the same and nothing is laid over
it, the bytes pass as they came.
"""

from typing import Any

import numpy as np

from softswitch.codecs import g722, resample
from softswitch.codecs.g711 import ULAW_TO_LINEAR, ulaw_code
from softswitch.codecs.registry import CodecCode
from softswitch.media.kernels import i64, inner
from softswitch.media.rtp import HEADER_BYTES

PCMU = int(CodecCode.PCMU)
PCMA = int(CodecCode.PCMA)
G722 = int(CodecCode.G722)
L16 = int(CodecCode.L16)
FULL_RATE = 1  # 64 kbit/s, the one mode that RTP carries (RFC 3551 §4.5.2)

TRANSCODER = np.dtype(
    [
        ("decoder", g722.CODER),
        ("encoder", g722.CODER),
        ("halver", resample.RESAMPLER),
        ("doubler", resample.RESAMPLER),
        ("passed_on", "i8"),  # what left last was not coded here but came so
    ],
    align=True,
)
"""What a leg's conversion remembers from packet to packet."""


@inner
def inside(codec: int) -> int:
    """The law of G.711 that stands for a codec inside the plane."""
    return codec if codec == PCMA else PCMU


@inner
def begin_transcoding(shared: Any, slot: int) -> None:
    """Forget what was said in another stream."""
    transcoder = shared.transcoders[slot]
    g722.reset_decoder(transcoder.decoder)
    g722.reset_encoder(transcoder.encoder)
    resample.reset(transcoder.halver)
    resample.reset(transcoder.doubler)
    transcoder.passed_on = 0


@inner
def unwrap(shared: Any, scratch: Any, slot: int, codec: int, start: int, end: int) -> int:
    """Convert the payload scratch.packet[start:end] to µ-law in its place; where it ends then.

    The bytes as they came are kept in `scratch.raw`, for a bridge to a leg that speaks the same.
    """
    packet = scratch.packet
    for i in range(start, end):
        scratch.raw[i - start] = packet[i]
    scratch.raw_bytes = end - start
    if codec == L16:
        count = (end - start) // 2
        for i in range(count):
            sample = i64(packet[start + 2 * i]) << 8 | i64(packet[start + 2 * i + 1])
            packet[start + i] = ulaw_code(sample - 0x10000 if sample >= 0x8000 else sample)
        return start + count
    transcoder = shared.transcoders[slot]
    wide = g722.decode(transcoder.decoder, packet[start:end], scratch.wide, FULL_RATE)
    resample.halve(transcoder.halver, scratch.wide[:wide], scratch.narrow)
    for i in range(end - start):
        packet[start + i] = ulaw_code(scratch.narrow[i])
    return end


@inner
def wrap(shared: Any, scratch: Any, slot: int, codec: int, samples: int) -> int:
    """Convert the µ-law behind the header in `scratch.out` to what the leg speaks; how many bytes it takes."""
    out = scratch.out
    for i in range(samples):
        scratch.narrow[i] = ULAW_TO_LINEAR[out[HEADER_BYTES + i]]
    if codec == L16:
        for i in range(samples):
            out[HEADER_BYTES + 2 * i] = (scratch.narrow[i] >> 8) & 0xFF
            out[HEADER_BYTES + 2 * i + 1] = scratch.narrow[i] & 0xFF
        return 2 * samples
    transcoder = shared.transcoders[slot]
    transcoder.passed_on = 0
    wide = resample.double(transcoder.doubler, scratch.narrow[:samples], scratch.wide)
    return g722.encode(transcoder.encoder, scratch.wide[:wide], out[HEADER_BYTES:])


@inner
def pass_on(shared: Any, scratch: Any, slot: int) -> int:
    """Put the bytes as they came behind the header in `scratch.out`; how many."""
    shared.transcoders[slot].passed_on = 1
    for i in range(scratch.raw_bytes):
        scratch.out[HEADER_BYTES + i] = scratch.raw[i]
    return i64(scratch.raw_bytes)


@inner
def catch_up(shared: Any, scratch: Any, source: int, slot: int, codes: Any) -> None:
    """Before a frame is coded for a leg where others passed on as they came: stand where its far end's decoder stands.

    source: the leg that they came from.  codes: (160,) uint8, the last of them as µ-law.
    """
    transcoder = shared.transcoders[slot]
    if not transcoder.passed_on or shared.legs[slot].wire_codec != G722:
        return
    for i in range(codes.size):
        scratch.narrow[i] = ULAW_TO_LINEAR[codes[i]]
    wide = resample.double(transcoder.doubler, scratch.narrow[: codes.size], scratch.wide)
    g722.encode(transcoder.encoder, scratch.wide[:wide], scratch.out)
    g722.follow(transcoder.encoder, shared.transcoders[source].decoder)
    transcoder.passed_on = 0
