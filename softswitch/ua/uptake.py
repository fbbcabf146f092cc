"""What another process of this boot takes up when this one is gone: legs, phones and where the carriers are."""

from collections.abc import Callable
from typing import Any

from softswitch.calls.snapshots import snapshot_of
from softswitch.errors import PeerError, UsageError
from softswitch.sip.hop import Hop
from softswitch.sip.locating import Server
from softswitch.sip.snapshots import Snapshot, hop_from, hop_snapshot
from softswitch.ua.accounts import Carrier, PhoneAccount
from softswitch.ua.dispatch import Dispatch
from softswitch.ua.legs import LegBook
from softswitch.ua.lines import TrunkLine
from softswitch.ua.making import LegMaker
from softswitch.ua.phones import PhoneDesk


class Uptake:
    """The part of `UserAgentPool` that gives snapshots and takes them up."""

    _legs: LegBook
    _maker: LegMaker
    _dispatch: Dispatch
    _carriers: dict[str, Carrier]
    _phones: PhoneDesk

    def watch(self, on_leg: Callable[[str], None], on_phone: Callable[[str], None]) -> None:
        """Have `on_leg` told of every leg that may have changed, and `on_phone` of every agent whose phone has."""
        self._legs.on_settled = on_leg
        self._phones.watch(on_phone)

    def leg_snapshot(self, leg_id: str) -> dict[str, Any] | None:
        """What restores a leg; None where it is over, or cannot be restored. Holds no password."""
        leg = self._legs.get(leg_id)
        line = None if leg is None else self._legs.line_of(leg)
        if leg is None or line is None:
            return None
        snapshot = snapshot_of(leg)
        if snapshot is None:
            return None
        about = {"hop": hop_snapshot(line.hop), "leg": snapshot}
        if isinstance(line, TrunkLine):
            carrier = self._carriers.get(line.whose)
            return None if carrier is None else {"trunk": line.whose, "realm": carrier.realm, **about}
        return {"phone": line.whose, **about}

    def take_up_leg(self, snapshot: Snapshot, now: float) -> str:
        """Go on with a leg of another process; its id. Raises UsageError where the snapshot cannot be used, or names
        an account or an agent who is not ours any more."""
        try:
            hop, inner = hop_from(snapshot["hop"]), snapshot["leg"]
            if self._legs.get(inner["id"]) is not None:
                raise UsageError("a leg of this id is there already")
            whose: Carrier | PhoneAccount
            if "trunk" in snapshot:
                whose = self._carriers[snapshot["trunk"]]
                whose.know_realm(snapshot["realm"])
            else:
                whose = self._phones.account_of(snapshot["phone"])
            leg = self._maker.restore(inner, whose, hop, now)
        except (KeyError, TypeError, ValueError, PeerError) as error:
            raise UsageError(f"the snapshot of a leg cannot be used ({type(error).__name__})") from error
        self._legs.settle(leg)
        self._dispatch.pump(now)
        return leg.leg_id

    def phone_snapshot(self, agent: str) -> list[dict[str, Any]]:
        """Where an agent's phone has registered; empty where it has not."""
        return self._phones.snapshot(agent)

    def take_up_phone(self, agent: str, snapshot: list[Snapshot], now: float) -> None:
        """Go on with the registrations of another process. Raises UsageError where the snapshot cannot be used."""
        try:
            self._phones.restore(agent, snapshot, now)
        except (KeyError, TypeError, ValueError, PeerError) as error:
            raise UsageError(f"the snapshot of a phone cannot be used ({type(error).__name__})") from error

    def hops_of(self, account: str) -> tuple[Hop, ...]:
        """Where DNS or the settings say that a carrier is."""
        return self._carriers[account].targets.hops

    def take_up_hops(self, account: str, hops: list[list[Any]]) -> None:
        """Where another process has found a carrier, until DNS says it anew."""
        carrier = self._carriers.get(account)
        if carrier is not None and not carrier.targets.hops:
            carrier.targets.replace([Server((hop_from(hop),)) for hop in hops])
