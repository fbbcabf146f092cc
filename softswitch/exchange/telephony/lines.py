"""Lines: a SIP leg of the UA pool joined to a media leg of the plane, under one name."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import structlog

from softswitch.calls.events import (
    CallAnswered,
    CallEnded,
    CallEvent,
    CallFailed,
    CallOffered,
    CallRinging,
    MediaReoffered,
    Origin,
    ReofferAnswered,
    TransferAsked,
)
from softswitch.calls.outcome import Outcome
from softswitch.errors import PeerError, SoftswitchError, UsageError
from softswitch.exchange.telephony.line import KEPT, Line, LineOwner
from softswitch.exchange.telephony.line_media import answer_to, describe, offer_anew, settle, sound_of
from softswitch.exchange.telephony.notes import Notes
from softswitch.exchange.telephony.srtp_rules import LineSecurity, SrtpRules
from softswitch.media.control import MediaPlane
from softswitch.media.events import LegFailed, MediaEvent, RecordingClosed, RecordingFailed
from softswitch.sdp.crypto import OwnKeys
from softswitch.sdp.negotiate import MediaAgreement, read_answer
from softswitch.sip.message_ring import CallNames
from softswitch.ua.pool import UserAgentPool
from softswitch.ua.tries import CallRerouted

if TYPE_CHECKING:
    from softswitch.exchange.telephony.headsets import Headsets

log = structlog.get_logger(__name__)

RINGING = 180  # RFC 3261 section 21.1.2
NO_TRANSFERS = 603  # whoever may ask: nobody but the house decides whom an agent or a callee talks to


class Lines:
    """Every line of the switch; the one place where media legs are opened and closed."""

    def __init__(
        self,
        pool: UserAgentPool,
        plane: MediaPlane,
        media_address: str,
        clock: Callable[[], float],
        on_recording: Callable[[RecordingClosed | RecordingFailed], None],
        srtp: SrtpRules | None = None,
    ) -> None:
        self._pool = pool
        self.plane = plane
        self._address = media_address
        self._clock = clock
        self._on_recording = on_recording
        self.srtp = srtp or SrtpRules()
        self.names: CallNames | None = None
        """Where calls are traced: which legs belong to one call."""
        self._by_leg: dict[str, Line] = {}
        self._by_media: dict[int, Line] = {}
        self.headsets: Headsets | None = None
        """Where lines to browsers are looked after."""
        self.notes: Notes | None = None
        """Where lines are noted for the process after this one."""

    def __len__(self) -> int:
        return len(self._by_leg)

    @property
    def now(self) -> float:
        """The driver's clock, for those who hear of media only."""
        return self._clock()

    def dial(
        self, leg_id: str, accounts: Sequence[str], number: str, caller_id: str, owner: LineOwner, now: float
    ) -> Line:
        """Place a call on the first of these trunks that can carry it. Raises UsageError without a free media port."""
        security = self.srtp.for_trunk(accounts[0])
        line = self._open(leg_id, owner, security)
        line.described = line.offer
        line.account, *others = accounts
        others = self.srtp.alike(others, security)
        try:
            self._pool.place_call(leg_id, line.account, number, line.offer, now, caller_id=caller_id, otherwise=others)
        except SoftswitchError:
            self._close(line)
            raise
        self._note_now(line)
        return line

    def reaches(self, agent: str, now: float) -> bool:
        """Whether the phone is registered, so that it can be rung."""
        return self._pool.is_registered(agent, now)

    def ring_phone(self, leg_id: str, agent: str, call_ref: str, owner: LineOwner, now: float) -> Line:
        """Ring an agent's phone. Raises UsageError where the phone is not registered."""
        security = self.srtp.for_phone(lambda: self._pool.reaches_by_tls(agent, now))
        line = self._open(leg_id, owner, security)
        line.described, line.is_phone = line.offer, True
        try:
            self._pool.ring_phone(leg_id, agent, line.offer, now, call_ref=call_ref)
        except SoftswitchError:
            self._close(line)
            raise
        self._note_now(line)
        return line

    def accept(self, event: CallOffered, owner: LineOwner, now: float) -> Line | None:
        """Answer an incoming call; None where its offer does not fit, which the caller has then been told."""
        try:
            line = self._open(event.leg_id, owner, self.srtp.for_caller(event))
        except SoftswitchError:
            self._pool.reject(event.leg_id, 503, now)
            return None
        line.is_phone = event.origin is Origin.PHONE
        try:
            answer = self._answer(line, event.offer) if event.offer else self._offer(line)
        except PeerError as error:
            self._close(line)
            self._pool.reject(event.leg_id, error.status, now)
            return None
        line.answered = True
        self._pool.answer(event.leg_id, answer, now)
        return line

    def join(self, call_ref: str, leg_id: str, agent: str, now: float) -> None:
        """A leg takes part in a call from now on; `agent` is empty for the caller's."""
        if self.names is not None:
            self.names.receive_joined(call_ref, leg_id, agent, now)

    def part(self, call_ref: str, leg_id: str, now: float) -> None:
        """A leg goes on without the call."""
        if self.names is not None:
            self.names.receive_parted(call_ref, leg_id, now)

    # What the process after this one takes up

    def changed(self, line: Line) -> None:
        """Its owner knows something new of it."""
        if self.notes is not None:
            self.notes.line_changed(line.leg_id)

    def note_of(self, leg_id: str) -> tuple[int, dict[str, Any]] | None:
        """Media leg and note of a line, for `Notes`."""
        line = self._by_leg.get(leg_id)
        if line is None:
            return None
        far_end, owner = self._far_end_of(line), line.owner.line_note(line)
        if not far_end or owner is None:
            return None
        return line.media, {"line": line.snapshot(), **far_end, "owner": owner}

    def _far_end_of(self, line: Line) -> dict[str, Any]:
        """What the next process knows the far end by; empty where it cannot be taken up."""
        if line.headset is not None:
            browser = line.headset.snapshot()
            return {"browser": browser} if browser else {}
        sip = self._pool.leg_snapshot(line.leg_id)
        return {} if sip is None else {"sip": sip}

    def take_up(self, media: int, note: Mapping[str, Any], owner: LineOwner, now: float) -> Line:
        """Go on with a line of another process; its media are left as they are. Raises UsageError where its note cannot
        be used; then there is no leg of it either."""
        try:
            noted = note["line"]
            line = Line(owner=owner, media=media, **{name: noted[name] for name in KEPT})
            if "keys" in noted:
                line.keys = OwnKeys(self.srtp.random_bytes, noted["keys"], noted["in_use"])
                line.secure = noted["secure"]
            if "browser" in note and self.headsets is not None:
                self.headsets.take_up(line, note["browser"])
            elif (leg_id := self._pool.take_up_leg(note["sip"], now)) != line.leg_id:
                self._pool.hang_up(leg_id, now)
                raise UsageError("the note of a line is of two legs")
        except (KeyError, TypeError) as error:
            raise UsageError("the note of a line cannot be used") from error
        self.add(line)
        self.changed(line)
        return line

    def leg_ids(self) -> list[str]:
        return list(self._by_leg)

    def media_legs(self) -> set[int]:
        return set(self._by_media)

    def _note_now(self, line: Line) -> None:
        """Before its INVITE leaves: whatever happens then, somebody knows how to end it."""
        if self.notes is not None and not line.closed:
            self.notes.write_line(line.leg_id)

    def hang_up(self, line: Line, now: float) -> None:
        if line.headset is not None and self.headsets is not None:
            self.headsets.hang_up(line)
        else:
            self._pool.hang_up(line.leg_id, now)

    def hang_up_all(self, now: float) -> None:
        for line in list(self._by_leg.values()):
            self.hang_up(line, now)

    def receive_call_event(self, event: CallEvent, now: float) -> None:
        """What the pool reports of a line; events of calls that nobody owns any more are dropped."""
        line = self._by_leg.get(event.leg_id)
        if line is None:
            return
        match event:
            case CallRerouted():
                line.account = event.account
            case CallRinging():
                line.early_sdp = event.sdp or line.early_sdp
                line.alerted = line.alerted or event.status == RINGING
                line.owner.line_ringing(line, now)
            case CallAnswered():
                self._receive_answer(line, event, now)
            case MediaReoffered():
                self._receive_reoffer(line, event, now)
            case ReofferAnswered():
                self._receive_late_answer(line, event.sdp, now)
            case TransferAsked():
                log.warning("a transfer is refused", leg=line.leg_id)
                self._pool.answer_transfer(line.leg_id, NO_TRANSFERS, now)
            case CallFailed():
                line.blocked = event.reason if event.outcome is Outcome.BLOCKED else ""
                self._close(line)
                line.owner.line_failed(line, event.outcome, event.status, now)
            case CallEnded():
                self.end(line, event.by_peer, now)

    def end(self, line: Line, by_peer: bool, now: float) -> None:
        """Its far end is gone."""
        self._close(line)
        line.owner.line_ended(line, by_peer, now)

    def receive_media_event(self, event: MediaEvent) -> None:
        if isinstance(event, RecordingClosed | RecordingFailed):
            self._on_recording(event)  # it may outlive its line
            return
        line = self._by_media.get(event.leg)
        if line is None:
            return
        line.owner.line_media(line, event)
        if isinstance(event, LegFailed):
            log.warning("media leg failed", leg=line.leg_id, reason=event.reason)
            self.hang_up(line, self._clock())

    def _open(self, leg_id: str, owner: LineOwner, security: LineSecurity) -> Line:
        media = self.plane.open_leg()
        line = Line(leg_id, owner, media, b"", keys=security.keys, secure=security.secure)
        line.offer = describe(self.plane, self._address, line)
        self.add(line)
        return line

    def add(self, line: Line) -> None:
        """A line that is open from now on."""
        self._by_leg[line.leg_id] = line
        self._by_media[line.media] = line

    def _close(self, line: Line) -> None:
        self._by_leg.pop(line.leg_id, None)
        self._by_media.pop(line.media, None)
        line.closed = True
        line.sound = sound_of(self.plane.statistics(line.media))
        self.plane.close_leg(line.media)

    def _receive_answer(self, line: Line, event: CallAnswered, now: float) -> None:
        if line.answered and not event.sdp:
            return
        try:
            if event.sdp or not line.agreed:  # without: the media were agreed, and perhaps changed, before the answer
                self._connect(line, read_answer(line.offer, event.sdp or line.early_sdp))
        except PeerError as error:
            log.warning("answer does not fit our offer", leg=line.leg_id, reason=str(error))
            self._pool.hang_up(line.leg_id, now)
            return
        if not line.answered:
            line.answered = True
            line.owner.line_answered(line, now)

    def _receive_late_answer(self, line: Line, sdp: bytes, now: float) -> None:
        """The answer to an offer that went out as a refresh, in our 2xx, or in early media of ours.

        A 2xx to a refresh that forgets its answer (RFC 3264 §4) leaves the media as they were agreed.
        """
        if not sdp and line.agreed:
            return
        try:
            self._connect(line, read_answer(line.described, sdp))
        except PeerError as error:
            log.warning("answer does not fit our offer", leg=line.leg_id, reason=str(error))
            self._pool.hang_up(line.leg_id, now)

    def _receive_reoffer(self, line: Line, event: MediaReoffered, now: float) -> None:
        try:
            answer = self._answer(line, event.offer) if event.offer else self._offer(line)
        except PeerError:
            self._pool.answer_reoffer(line.leg_id, None, now)
            return
        self._pool.answer_reoffer(line.leg_id, answer, now)

    def _answer(self, line: Line, offer: bytes) -> bytes:
        answer, agreement = answer_to(offer, self.plane, self._address, line)
        self._connect(line, agreement)
        return answer

    def _offer(self, line: Line) -> bytes:
        return offer_anew(self.plane, self._address, line)

    def _connect(self, line: Line, agreement: MediaAgreement) -> None:
        settle(self.plane, line, agreement, self._pool.signals_from(line.leg_id) if line.is_phone else "")
