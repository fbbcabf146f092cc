"""A day of calls over a bad wire: a switch, its carrier and a house full of phones, all on one virtual clock.

Chance decides, by a seed, what each call comes to: who calls whom, whether it is rejected, rings for ever, is answered
soon or late, cancelled, hung up by either end or by both, and who proposes other media meanwhile, maybe both at once.
Calls from phones are challenged for their password.
"""

import random
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from softswitch.calls.events import CallAnswered, CallEnded, CallEvent, CallFailed, CallOffered, MediaReoffered
from softswitch.errors import UsageError
from softswitch.sip.hop import Hop
from softswitch.testing.clock import Clock
from softswitch.testing.wire import Wire
from softswitch.ua.accounts import CarrierAccount, PhoneAccount
from softswitch.ua.pool import UserAgentPool

SWITCH = Hop("192.0.2.1", 5060)
CARRIER = Hop("192.0.2.2", 5060)
PHONES = Hop("192.0.2.3", 5062)
SDP = b"v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n"
MANY = 100_000


@dataclass(slots=True)
class End:
    """What one end of a call has lived through, and when."""

    leg_id: str
    events: list[tuple[float, CallEvent]] = field(default_factory=list)
    picked_up_at: float | None = None
    """When a callee said that it answers, if the call was still there."""

    rejected_with: int | None = None

    @property
    def answered(self) -> bool:
        return any(isinstance(event, CallAnswered) for _, event in self.events)

    @property
    def ends(self) -> list[tuple[float, CallEnded | CallFailed]]:
        return [(at, event) for at, event in self.events if isinstance(event, CallEnded | CallFailed)]


@dataclass(slots=True)
class Call:
    """Both ends of one call. The callee's stays None where no INVITE came through."""

    caller: End
    callee: End | None = None


class LossyDay:
    """So many calls, begun within `spread_s` of each other; `run` plays them to the very last timer."""

    def __init__(self, calls: int, seed: int, *, spread_s: float = 60.0) -> None:
        self.rng = random.Random(seed)
        self.clock = Clock()
        self.wire = Wire(
            self.clock,
            loss=self.rng.uniform(0.0, 0.25),
            duplicate=self.rng.uniform(0.0, 0.2),
            reorder=self.rng.uniform(0.0, 0.3),
            delay=self.rng.uniform(0.005, 0.12),
            seed=seed,
        )
        carrier = CarrierAccount("carrier", CARRIER.host, caller_id="+441632960000", channels=MANY, calls_per_second=0)
        to_switch = CarrierAccount("switch", SWITCH.host, channels=MANY, calls_per_second=0)
        desk_phone = CarrierAccount(
            "switch", SWITCH.host, username="phone", password="secret", channels=MANY, calls_per_second=0
        )
        self.switch = self._pool(SWITCH, [carrier], [PhoneAccount("agent", "phone", "secret")])
        self.carrier = self._pool(CARRIER, [to_switch])
        self.phones = self._pool(PHONES, [desk_phone])
        self.pools = (self.switch, self.carrier, self.phones)
        self.calls = {name: Call(End(name)) for name in (f"{seed}-{number}" for number in range(calls))}
        self._end_of: dict[tuple[int, str], End] = {}
        for hop, pool in ((SWITCH, self.switch), (CARRIER, self.carrier), (PHONES, self.phones)):
            self.wire.attach(hop, pool, self._listen(pool))
        for name in self.calls:
            self._later(self.rng.uniform(0, spread_s), lambda name=name: self._place(name))

    def run(self) -> None:
        """Play every call, then close all three houses and let the last timer pass."""
        self.clock.run(until=150.0)
        for pool in self.pools:
            pool.stop(self.clock.now)
        self.wire.settle()
        self.clock.run(until=600.0)

    def _pool(
        self, hop: Hop, accounts: list[CarrierAccount], phones: list[PhoneAccount] | None = None
    ) -> UserAgentPool:
        return UserAgentPool(
            listens=[hop],
            realm="switch.example",
            accounts=accounts,
            phones=phones or [],
            gate=lambda number: None,
            new_token=lambda: f"{self.rng.getrandbits(64):016x}",
        )

    def _later(self, pause: float, act: Callable[[], object]) -> None:
        self.clock.call_at(self.clock.now + pause, lambda: (act(), self.wire.settle()))

    def _chance(self, share: float) -> bool:
        return self.rng.random() < share

    def _pause(self, most: float) -> float:
        return self.rng.uniform(0, most)

    # The caller's side

    def _place(self, name: str) -> None:
        from_phone = self._chance(0.3)
        pool, account = (self.phones, "switch") if from_phone else (self.switch, "carrier")
        self._end_of[id(pool), name] = self.calls[name].caller
        pool.place_call(name, account, name, SDP, self.clock.now)
        if self._chance(0.8):
            self._later(self._pause(40.0), lambda: pool.hang_up(name, self.clock.now))
        if self._chance(0.3):
            both = self._pause(20.0)
            self._later(both, lambda: self._reoffer(pool, name, self.calls[name].caller.answered))
            self._later(both, lambda: self._reoffer_from_callee(pool, name))

    def _reoffer_from_callee(self, caller: UserAgentPool, name: str) -> None:
        callee = self.switch if caller is self.phones else self.carrier
        end = self.calls[name].callee
        if end is not None:
            self._reoffer(callee, end.leg_id, end.picked_up_at is not None)

    def _reoffer(self, pool: UserAgentPool, leg_id: str, talking: bool) -> None:
        if not talking:
            return
        with suppress(UsageError):  # the call has ended meanwhile
            pool.reoffer(leg_id, SDP, self.clock.now)

    # The callee's side

    def _listen(self, pool: UserAgentPool) -> Callable[[object], None]:
        def hear(event: object) -> None:
            if not isinstance(event, CallEvent):
                return
            if isinstance(event, CallOffered):
                call = self.calls[event.called]
                assert call.callee is None, "one call was offered twice"
                call.callee = self._end_of[id(pool), event.leg_id] = End(event.leg_id)
                self._serve(pool, event.leg_id, call.callee)
            self._end_of[id(pool), event.leg_id].events.append((self.clock.now, event))
            if isinstance(event, MediaReoffered):
                answer = SDP if self._chance(0.8) else None
                self._later(self._pause(1.0), lambda: pool.answer_reoffer(event.leg_id, answer, self.clock.now))

        return hear

    def _serve(self, pool: UserAgentPool, leg_id: str, end: End) -> None:
        if self._chance(0.8):
            pool.ring(leg_id, self.clock.now)
        match self.rng.randrange(10):
            case 0 | 1:
                status = self.rng.choice([404, 480, 486, 503, 600, 603])
                self._later(self._pause(5.0), lambda: self._reject(pool, leg_id, end, status))
            case 2:
                pass  # rings until somebody gives up
            case 3:
                self._later(self._pause(60.0), lambda: self._pick_up(pool, leg_id, end))
            case _:
                self._later(self._pause(4.0), lambda: self._pick_up(pool, leg_id, end))

    def _reject(self, pool: UserAgentPool, leg_id: str, end: End, status: int) -> None:
        end.rejected_with = status
        pool.reject(leg_id, status, self.clock.now)

    def _pick_up(self, pool: UserAgentPool, leg_id: str, end: End) -> None:
        if not end.ends:
            end.picked_up_at = self.clock.now
        pool.answer(leg_id, SDP, self.clock.now)
        if self._chance(0.5):
            self._later(self._pause(40.0), lambda: pool.hang_up(leg_id, self.clock.now))
