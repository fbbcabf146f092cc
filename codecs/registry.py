"""Payload formats by name: the static numbers of RFC 3551 §6 and the small codes that kernels use."""

from dataclasses import dataclass
from enum import IntEnum

from softswitch.errors import UsageError


class CodecCode(IntEnum):
    """How shared arrays name a codec; 0 means none."""

    NONE = 0
    PCMU = 1
    PCMA = 2


@dataclass(frozen=True, slots=True)
class PayloadFormat:
    name: str
    """The encoding name of `a=rtpmap`, in capitals where RFC 3551 writes capitals."""
    clock_hz: int
    static_payload_type: int | None = None
    code: CodecCode = CodecCode.NONE


PCMU = PayloadFormat("PCMU", 8000, 0, CodecCode.PCMU)
PCMA = PayloadFormat("PCMA", 8000, 8, CodecCode.PCMA)
COMFORT_NOISE = PayloadFormat("CN", 8000, 13)  # RFC 3389
TELEPHONE_EVENT = PayloadFormat("telephone-event", 8000)  # RFC 4733; its number is negotiated

FORMATS = {entry.name.lower(): entry for entry in (PCMU, PCMA, COMFORT_NOISE, TELEPHONE_EVENT)}
STATIC_FORMATS = {
    entry.static_payload_type: entry for entry in FORMATS.values() if entry.static_payload_type is not None
}


def format_named(name: str) -> PayloadFormat:
    """Look an encoding name up, whatever its case (RFC 8866 §6.6); UsageError when this switch does not know it."""
    try:
        return FORMATS[name.lower()]
    except KeyError:
        raise UsageError(f"payload format {name!r} is unknown; known are {', '.join(sorted(FORMATS))}") from None


def audio_code(name: str) -> CodecCode:
    """The kernel code of a codec that carries audio; UsageError for any other format."""
    code = format_named(name).code
    if code is CodecCode.NONE:
        raise UsageError(f"{name} carries no audio; use PCMU or PCMA")
    return code
