"""Payload formats by name: the static numbers of RFC 3551 §6 and the small codes that kernels use."""

from dataclasses import dataclass
from enum import IntEnum

from softswitch.errors import UsageError


class CodecCode(IntEnum):
    """How shared arrays name a codec; 0 means none."""

    NONE = 0
    PCMU = 1
    PCMA = 2
    G722 = 3
    L16 = 4
    L16_WIDE = 5


@dataclass(frozen=True, slots=True)
class PayloadFormat:
    name: str
    """The encoding name of `a=rtpmap`, in capitals where RFC 3551 writes capitals."""
    clock_hz: int
    """The clock of the RTP timestamp; for G722 not the rate of its samples (RFC 3551 §4.5.2)."""
    static_payload_type: int | None = None
    code: CodecCode = CodecCode.NONE
    sample_rate_hz: int = 8000
    """How many samples a second its decoder gives."""
    frame_bytes: int = 0
    """The payload of 20 ms; 0 where a format is no audio stream."""


PCMU = PayloadFormat("PCMU", 8000, 0, CodecCode.PCMU, 8000, 160)
PCMA = PayloadFormat("PCMA", 8000, 8, CodecCode.PCMA, 8000, 160)
G722 = PayloadFormat("G722", 8000, 9, CodecCode.G722, 16000, 160)  # RFC 3551 §4.5.2: the clock is wrong and stays so
# RFC 3551 §4.5.11. Its static numbers 10 and 11 are 44.1 kHz; at these rates the number is negotiated.
L16 = PayloadFormat("L16", 8000, None, CodecCode.L16, 8000, 320)
L16_WIDE = PayloadFormat("L16", 16000, None, CodecCode.L16_WIDE, 16000, 640)
COMFORT_NOISE = PayloadFormat("CN", 8000, 13)  # RFC 3389
TELEPHONE_EVENT = PayloadFormat("telephone-event", 8000)  # RFC 4733; its number is negotiated

_ALL = (PCMU, PCMA, G722, L16, L16_WIDE, COMFORT_NOISE, TELEPHONE_EVENT)
FORMATS = {(entry.name.lower(), entry.clock_hz): entry for entry in _ALL}
"""By lower-case encoding name and RTP clock, the two that `a=rtpmap` gives."""
AUDIO_FORMATS = {entry.code: entry for entry in _ALL if entry.code is not CodecCode.NONE}


def format_named(name: str, clock_hz: int = 8000) -> PayloadFormat:
    """Look an encoding name up, whatever its case (RFC 8866 §6.6); UsageError when this switch does not know it.

    clock_hz: what follows the name in `a=rtpmap`; only L16 is known at more than one.
    """
    try:
        return FORMATS[name.lower(), clock_hz]
    except KeyError:
        known = ", ".join(f"{entry.name}/{entry.clock_hz}" for entry in _ALL)
        raise UsageError(f"payload format {name!r} at {clock_hz} Hz is unknown; known are {known}") from None


def audio_code(name: str, clock_hz: int = 8000) -> CodecCode:
    """The kernel code of a codec that carries audio; UsageError for any other format."""
    code = format_named(name, clock_hz).code
    if code is CodecCode.NONE:
        audio = ", ".join(dict.fromkeys(entry.name for entry in AUDIO_FORMATS.values()))
        raise UsageError(f"{name} carries no audio; use one of {audio}")
    return code
