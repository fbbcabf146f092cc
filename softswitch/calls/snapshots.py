"""Legs in plain values, so that the next process of this boot goes on with them where a crash left them.

Kept are the legs that talk, and those of ours that ring: enough to end them in order or to hear that they were
answered. A call that was offered to us and is not answered is not kept; nor is what ends by itself: a probe, a
transfer that is refused, copies of our answers to requests other than INVITE. This module looks into the legs, and
nobody else does.
"""

from collections.abc import Iterable
from typing import Any, Final, NamedTuple

from softswitch.calls.incoming import IncomingLeg
from softswitch.calls.leg import Leg
from softswitch.calls.line import LegSettings, LegTimer, Line, Phase
from softswitch.calls.offers import Answer
from softswitch.calls.outcome import Outcome
from softswitch.calls.outgoing import OutgoingLeg
from softswitch.calls.session_timer import SessionInterval
from softswitch.errors import UsageError
from softswitch.sip.dialog import Dialog
from softswitch.sip.digest import ClientDigest
from softswitch.sip.hop import Hop
from softswitch.sip.layer import Transaction
from softswitch.sip.message import Request
from softswitch.sip.snapshots import (
    Snapshot,
    bytes_of,
    request_from,
    response_from,
    text_of,
    transaction_from,
    transaction_snapshot,
)
from softswitch.sip.transaction import Input, State
from softswitch.sip.transaction_tables import rows_for
from softswitch.sip.uri import Uri
from softswitch.sip.values import NameAddr

MOST_DIALOGS: Final = 4
"""Early dialogs of a forked call that are kept."""


class Restored(NamedTuple):
    """A leg as its snapshot says, and its transactions, which the layer is to adopt and the pool to enter as its."""

    leg: Leg
    transactions: tuple[Transaction, ...]


def snapshot_of(leg: Leg) -> dict[str, Any] | None:
    """What restores it, or None for a leg that is over, or that nobody has answered yet who called us."""
    ours = isinstance(leg, OutgoingLeg)
    if leg.phase is Phase.OVER or (leg.phase is Phase.SETUP and not ours):
        return None
    transactions = _kept_transactions(leg)
    numbers = {transaction: number for number, transaction in enumerate(transactions)}
    answer, session = leg._unacknowledged, leg._session
    snapshot: dict[str, Any] = {
        "id": leg.leg_id,
        "ours": ours,
        "call_id": leg.call_id,
        "tag": leg.local_tag,
        "talking": leg.phase is Phase.TALKING,
        "dialog": None if leg.dialog is None else leg.dialog.snapshot(),
        "timers": {timer.name: at for timer, at in leg._deadlines.items()},
        "sdp": text_of(leg._local_sdp),
        "session": None if session is None else [session.seconds, session.refresher],
        "session_s": [leg._session_s, leg._shortest_s],
        "transactions": [transaction_snapshot(each) for each in transactions],
        "our_offer": numbers.get(leg._our_offer) if leg._our_offer is not None else None,
        "waiting": None if leg._waiting_offer is None else text_of(leg._waiting_offer),
        "renegotiated": leg._renegotiated,
        "answer": None,
        "invite": None,
    }
    if answer is not None and answer.invite in numbers:
        response = text_of(bytes(answer.response))
        snapshot["answer"] = [numbers[answer.invite], response, answer.interval, answer.offer_sent, leg._bye_after_ack]
    invite = leg._invite if isinstance(leg, OutgoingLeg | IncomingLeg) else None
    if invite is not None:
        snapshot["invite"] = numbers.get(invite)
    if isinstance(leg, OutgoingLeg):
        snapshot["acks"] = _kept_acks(leg, transactions)
        if leg.phase is Phase.SETUP:
            snapshot["early"] = _early_snapshot(leg)
    return snapshot


def restore(snapshot: Snapshot, line: Line, settings: LegSettings, digest: ClientDigest | None, now: float) -> Restored:
    """The leg of which this is the snapshot; its way to the wire, its settings and its credentials are made anew.

    What its other end may have said while nobody listened is waited for a while longer. Raises UsageError, PeerError,
    KeyError, ValueError or TypeError where the snapshot is not one of ours.
    """
    transactions = tuple(transaction_from(each, settings.timers) for each in snapshot["transactions"])
    by_number = dict(enumerate(transactions))
    invite = by_number.get(snapshot["invite"])
    leg: OutgoingLeg | IncomingLeg
    if snapshot["ours"]:
        leg = _outgoing(snapshot, invite, line, settings, digest)
        leg._invite = invite
    else:
        leg = IncomingLeg.answered(
            snapshot["id"], line, settings, invite or _past_invite(settings),
            call_id=snapshot["call_id"], local_tag=snapshot["tag"],
        )  # fmt: skip
    leg.phase = Phase.TALKING if snapshot["talking"] else Phase.SETUP
    leg.dialog = None if snapshot["dialog"] is None else Dialog.restored(snapshot["dialog"])
    leg._deadlines = {LegTimer[name]: at for name, at in snapshot["timers"].items()}
    leg._local_sdp = bytes_of(snapshot["sdp"])
    if snapshot["session"] is not None:
        leg._session = SessionInterval(*snapshot["session"])
    leg._session_s, leg._shortest_s = snapshot["session_s"]
    leg._our_offer = by_number.get(snapshot["our_offer"])
    leg._waiting_offer = None if snapshot["waiting"] is None else bytes_of(snapshot["waiting"])
    leg._renegotiated = snapshot["renegotiated"]
    if snapshot["answer"] is not None:
        number, response, interval, offer_sent, bye_after_ack = snapshot["answer"]
        leg._unacknowledged = Answer(by_number[number], response_from(bytes_of(response)), interval, offer_sent)
        leg._bye_after_ack = bye_after_ack
    leg._peer.take_up(each for each in transactions if not each.is_server)
    if isinstance(leg, OutgoingLeg):
        for ack, next_hop in snapshot["acks"]:
            leg._peer.take_up_ack(request_from(bytes_of(ack)), Uri.parse(next_hop))
        if leg.phase is Phase.SETUP:
            _take_up_early(leg, snapshot["early"])
    if LegTimer.EXPIRY in leg._deadlines:
        # The refresh that we wait for may have come while nobody was there to take it: its copies go on for 64*T1.
        leg._deadlines[LegTimer.EXPIRY] = max(leg._deadlines[LegTimer.EXPIRY], now + settings.timers.patience)
    return Restored(leg, transactions)


def _kept_transactions(leg: Leg) -> list[Transaction]:
    """INVITEs whose 2xx may yet come (again), an UPDATE of ours, and the INVITE that our 2xx answers."""
    awaited = [each for each in leg._peer.awaited if each.request.method == "INVITE" or each is leg._our_offer]
    kept = [each for each in awaited if each.state is not State.TERMINATED]
    theirs = [leg._unacknowledged.invite] if leg._unacknowledged is not None else []
    if isinstance(leg, IncomingLeg) and leg._invite not in theirs:
        theirs.append(leg._invite)
    return kept + [each for each in theirs if each.state is not State.TERMINATED]


def _kept_acks(leg: OutgoingLeg, transactions: Iterable[Transaction]) -> list[list[str]]:
    """Our ACKs for which a copy of the 2xx may ask again."""
    live = {each.request.cseq.number for each in transactions if each.state is State.ACCEPTED}
    return [[text_of(bytes(ack)), str(next_hop)] for ack, next_hop in leg._peer.acks_of(live)]


def _early_snapshot(leg: OutgoingLeg) -> dict[str, Any]:
    given_up = leg._given_up
    return {
        "cseq": leg._cseq,
        "given_up": None if given_up is None else [given_up[0].value, *given_up[1:]],
        "rung": None if leg._rung is None else [leg._rung[0], text_of(leg._rung[1])],
        "last_sdp": text_of(leg._last_sdp),
        "dialogs": [each.snapshot() for each in list(leg._early.values())[:MOST_DIALOGS]],
    }


def _take_up_early(leg: OutgoingLeg, early: Snapshot) -> None:
    invite = leg._invite
    if invite is None:
        raise UsageError("a snapshot of a call that rings lacks its INVITE")
    invite.deadlines.pop(Input.TIMER_A, None)  # nobody is rung anew only because we fell
    leg._cseq = early["cseq"]
    if early["given_up"] is not None:
        outcome, status, reason = early["given_up"]
        leg._given_up = (Outcome(outcome), status, reason)
        leg._deadlines.pop(LegTimer.CANCEL_WAIT, None)  # said again, under the same branch
    if early["rung"] is not None:
        leg._rung = (early["rung"][0], bytes_of(early["rung"][1]))
    leg._last_sdp = bytes_of(early["last_sdp"])
    dialogs = [Dialog.restored(each) for each in early["dialogs"]]
    leg._early = {dialog.remote_tag: dialog for dialog in dialogs}


def _outgoing(
    snapshot: Snapshot, invite: Transaction | None, line: Line, settings: LegSettings, digest: ClientDigest | None
) -> OutgoingLeg:
    """What an INVITE would say again stands in the one that was sent; an answered call sends none like it."""
    if invite is None:
        leg = OutgoingLeg(
            snapshot["id"], line, settings, target=Uri.parse(snapshot["dialog"]["target"]),
            local=NameAddr.parse(snapshot["dialog"]["local"]), offer=bytes_of(snapshot["sdp"]), digest=digest,
            own=(snapshot["call_id"], snapshot["tag"]),
        )  # fmt: skip
    else:
        request = invite.request
        leg = OutgoingLeg(
            snapshot["id"], line, settings, target=request.uri,
            local=request.from_.with_tag(None), offer=request.body, digest=digest,
            routes=request.headers.lines("Route"), hops_left=request.max_forwards or 0,
            own=(snapshot["call_id"], snapshot["tag"]),
        )  # fmt: skip
    return leg


def _past_invite(settings: LegSettings) -> Transaction:
    """What stands for an INVITE of which no copy can come any more."""
    request = Request("INVITE", Uri("sip", "", "invalid"))
    nowhere = Hop("", 0)
    rows = rows_for("INVITE", is_server=True)
    return Transaction(rows, State.TERMINATED, request, (), nowhere, timers=settings.timers, is_server=True)
