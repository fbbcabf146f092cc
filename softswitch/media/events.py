"""What the media plane reports. Times are CLOCK_MONOTONIC seconds, comparable across processes of one machine."""

from dataclasses import dataclass
from pathlib import Path

from softswitch.amd.verdict import Cause, Verdict


@dataclass(frozen=True, slots=True)
class MediaFormat:
    """What one leg sends and accepts, as negotiated in SDP."""

    codec: str
    """"PCMU" or "PCMA"."""
    payload_type: int
    dtmf_payload_type: int | None = None
    """RFC 4733 telephone-event at 8000 Hz, where negotiated: the number to send with, which is the peer's."""
    dtmf_receive_type: int | None = None
    """The number that the peer sends with, which is ours (RFC 3264 §5.1); None: the same."""
    maxptime_ms: int = 0
    """The longest packet that the other end takes (RFC 8866 §6.5), 10 to 255; 0: it has not said."""
    rtcp_mux: bool = False
    """RTCP shares the RTP port (RFC 5761)."""


@dataclass(frozen=True, slots=True)
class MediaEvent:
    leg: int
    at: float


@dataclass(frozen=True, slots=True)
class FirstPacketReceived(MediaEvent):
    """The leg's peer was heard for the first time."""


@dataclass(frozen=True, slots=True)
class FirstPacketBridged(MediaEvent):
    """The first packet that came in on this leg since `bridge` was sent out on the other leg."""


@dataclass(frozen=True, slots=True)
class FirstPacketPlayed(MediaEvent):
    """The first packet of a clip left on this leg."""

    clip: str


@dataclass(frozen=True, slots=True)
class PlayingEnded(MediaEvent):
    clip: str


@dataclass(frozen=True, slots=True)
class DigitPressed(MediaEvent):
    digit: str
    duration_ms: int


@dataclass(frozen=True, slots=True)
class SpeechStarted(MediaEvent):
    """First speech on a leg under AMD; starts the stricter of the two-second clocks."""


@dataclass(frozen=True, slots=True)
class VerdictReached(MediaEvent):
    """The detector has judged whoever speaks on the leg, for the first time or anew."""

    verdict: Verdict
    cause: Cause
    audio_ms: int
    """Audio heard on the leg when the verdict fell."""
    probability: float = 0.0
    """Of the verdict, 0-1."""
    corrects: bool = False
    """Another verdict stood before."""
    features: tuple[float | None, ...] = ()
    """What the verdict was founded on, named by `amd.state.FEATURES`; None where there was nothing to measure."""


@dataclass(frozen=True, slots=True)
class BeepHeard(MediaEvent):
    """A beep has ended on a leg under AMD; `at` is its end. What is said from here on is recorded by the machine."""


@dataclass(frozen=True, slots=True)
class GreetingEnded(MediaEvent):
    """A machine's greeting has ended in silence, without a beep so far."""


@dataclass(frozen=True, slots=True)
class RecordingClosed(MediaEvent):
    """The file is whole, on disk, and bound to its folder's ledger."""

    path: Path
    """Of the part that was written."""
    duration_s: float
    """From start to end, pauses included."""
    frames_lost: int
    part: int = 1
    """2 and more: the call went on after the media process had died."""
    stored_s: float = 0.0
    """Of the duration, what was not paused."""
    call_ref: str = ""


@dataclass(frozen=True, slots=True)
class RecordingFailed(MediaEvent):
    """What was written until then can be heard; `path` is the part, or what was asked for where none was begun."""

    path: Path
    reason: str
    call_ref: str = ""


@dataclass(frozen=True, slots=True)
class LegFailed(MediaEvent):
    """The leg's port could not be opened or its socket broke."""

    reason: str


@dataclass(frozen=True, slots=True)
class PlaneDied(MediaEvent):
    """The media process is gone and cannot be kept alive; leg is -1 and every leg with it."""

    reason: str


@dataclass(frozen=True, slots=True)
class PlaneRecovered(MediaEvent):
    """The media process died, and another has taken its place: leg is -1, and every leg goes on, on its port."""

    legs: int
    """That are open."""
    gap_s: float
    """In which nothing was relayed or recorded; less where only the guardian had died."""
    reason: str


@dataclass(frozen=True, slots=True)
class LegStatistics:
    """Counts and measures of one leg, from its opening to now."""

    packets_received: int
    packets_sent: int
    packets_lost: int
    """By sequence numbers received."""
    packets_dropped: int
    """Malformed, from a wrong source, of an unknown payload type, or not authentic."""
    packets_unauthentic: int = 0
    """On a leg with SRTP: RTP and RTCP that whoever holds the key did not send."""
    delay_ms_mean: float = 0.0
    """How long audio waits in the leg's jitter buffer; 0 where it has none, as the next four."""
    delay_ms_max: float = 0.0
    frames_concealed: int = 0
    """20 ms each: made up for what was lost or came too late."""
    packets_late: int = 0
    skew_ppm: float = 0.0
    """By how much the sender's clock is faster than ours; known after some seconds."""
    jitter_ms: float = 0.0
    """Interarrival jitter of what was received (RFC 3550 A.8)."""
    round_trip_ms: float | None = None
    """By the other end's RTCP; None where it sends none."""
    far_jitter_ms: float | None = None
    """Of what we sent, by the other end's RTCP."""
    far_packets_lost: int | None = None
    mos: float = 0.0
    """How the leg's other end sounded to us, 1 to 4.5: E-model (ITU-T G.107) from loss, jitter and half the round trip;
    0 where nothing was heard."""


@dataclass(frozen=True, slots=True)
class Overload:
    """What the media process has had no time for since the start: figures that only grow."""

    relay_behind_s: float
    """So long packets waited for the relay, one after the other."""
    worker_behind_s: float
    """The same of recordings and detection."""
    packets_shed: int
    """Not relayed: they had waited for too long."""
    frames_missed: int
    """Of 20 ms, that recordings lack for it; each recording also counts its own."""
    verdicts_shed: int
    """Detections given up before they were done."""
