"""A line's media: the one place where SDP is made, and where what is agreed by it takes effect in the plane."""

from functools import partial

from softswitch.dialler.attempt import CallSound
from softswitch.exchange.telephony.line import Line
from softswitch.media.control import MediaPlane
from softswitch.media.events import LegStatistics, MediaFormat
from softswitch.sdp.negotiate import MediaAgreement, make_answer, make_offer

HELD_ADDRESSES = ("0.0.0.0", "::")  # RFC 2543 B.5: how a call was held before RFC 3264


def describe(plane: MediaPlane, address: str, line: Line) -> bytes:
    """Our offer as it is now.  address: ours for RTP."""
    port, keys = plane.port_of(line.media), line.keys if line.secure else None
    return make_offer(address, port, session_id=line.media + 1, version=line.version, keys=keys, last=line.described)


def offer_anew(plane: MediaPlane, address: str, line: Line) -> bytes:
    """Our offer to somebody who asks for one; another version where it is another (RFC 3264 §8)."""
    offer = describe(plane, address, line)
    if line.described and offer != line.described:
        line.version += 1
        offer = describe(plane, address, line)
    line.described = line.offer = offer
    return offer


def answer_to(offer: bytes, plane: MediaPlane, address: str, line: Line) -> tuple[bytes, MediaAgreement]:
    """(our answer, what it settles). A line that is secure stays so, whatever the other end offers.

    Raises PeerError where the offer cannot be accepted.
    """
    make = partial(
        make_answer, offer, address, plane.port_of(line.media),
        session_id=line.media + 1, keys=line.keys, plain=not line.secure,
    )  # fmt: skip
    answer, agreement = make(version=line.version)
    if line.described and answer != line.described:
        line.version += 1
        answer, agreement = make(version=line.version)
    line.described = answer
    return answer, agreement


def settle(plane: MediaPlane, line: Line, agreement: MediaAgreement, signals_from: str) -> None:
    """Let what is agreed take effect.

    signals_from: the host that a phone signals from; empty for others.
    """
    form = MediaFormat(
        agreement.codec,
        agreement.payload_type,
        agreement.dtmf_payload_type,
        agreement.dtmf_receive_type,
        agreement.maxptime_ms or 0,
        agreement.rtcp_mux,
    )
    line.agreed = True
    if line.keys is not None and agreement.keys is not None:
        line.secure = True
        line.keys.use(agreement.keys.suite)
    if agreement.remote[0] not in HELD_ADDRESSES:
        # A phone that names another host for its media than it signals from is behind NAT.
        latch = signals_from not in ("", agreement.remote[0])
        plane.connect(
            line.media, agreement.remote, form, latch=latch, signals_from=signals_from, secure=agreement.keys,
            reports_to=agreement.reports_to,
        )  # fmt: skip
    # Held by its address or its direction, the other end is sent nothing, and keeps its place in the bridge.
    line.is_held = not agreement.sends or agreement.remote[0] in HELD_ADDRESSES
    plane.hold(line.media, not agreement.sends)


def sound_of(figures: LegStatistics) -> CallSound:
    """How the far end was heard, for the call's record."""
    if not figures.packets_received:
        return CallSound()
    return CallSound(
        packets_lost=figures.packets_lost,
        mos=round(figures.mos, 2),
        jitter_ms=round(figures.jitter_ms, 2),
        round_trip_ms=figures.round_trip_ms,
        buffer_ms=figures.delay_ms_mean or None,
        frames_concealed=figures.frames_concealed,
    )
